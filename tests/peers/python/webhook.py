"""Changes what the API server is asked to admit: PORT CERTIFICATE KEY.

`/sidecar` gives pod templates a container, an annotation, and the object a label; `/env` gives every container a
variable, also one that another webhook put there. What has it already is left alone. `/firm` has deployments that
declare it ready after seven seconds, whatever they say; dry-runs are not told. `/pinned` tells those, too. `/bare` takes
off what the metadata says; dry-runs are not told.
"""

import base64
import http.server
import json
import ssl
import sys

port, certificate, key = sys.argv[1:4]


def sidecar(change, has):
    if not any(one["name"] == "proxy" for one in has["containers"]):
        change("/spec/template/spec/containers/-", {"name": "proxy", "image": "mesh/proxy:1"})
        change("/spec/template/metadata/annotations", {"mesh.example.com/injected": "yes"})
        change("/metadata/labels", {**has["labels"], "mesh.example.com/zone": "blue"})


def env(change, has):
    for nth, one in enumerate(has["containers"]):
        if not one.get("env"):
            change(f"/spec/template/spec/containers/{nth}/env", [{"name": "ZONE", "value": "blue"}])


def firm(change, has):
    if has["written"] and has["minReadySeconds"]:
        change("/spec/minReadySeconds", 7)


def pinned(change, has):
    if has["minReadySeconds"]:
        change("/spec/minReadySeconds", 7)


def bare(change, has):
    if has["written"]:
        change("/metadata/labels", {})
        change("/metadata/annotations", {})


PATHS = {"sidecar": sidecar, "env": env, "firm": firm, "pinned": pinned, "bare": bare}


class Webhook(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["request"]
        patch = []

        def change(path, value):
            patch.append({"op": "add", "path": path, "value": value})

        given = request["object"]
        has = {
            "containers": given["spec"]["template"]["spec"]["containers"],
            "labels": given["metadata"].get("labels", {}),
            "minReadySeconds": given["spec"].get("minReadySeconds"),
            "written": not request.get("dryRun"),
        }
        PATHS[self.path.split("?")[0].strip("/")](change, has)
        response = {"uid": request["uid"], "allowed": True}
        if patch:
            response["patchType"] = "JSONPatch"
            response["patch"] = base64.b64encode(json.dumps(patch).encode()).decode()
        body = json.dumps({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response})
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Webhook)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
