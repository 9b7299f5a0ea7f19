"""Answers for the logs of containers as a kubelet does, of pods that were never started.

What a container said is decided by its pod's image, as its status is: the API server asks by names alone, so
`PORT CERTIFICATE KEY` is followed by what is said, as `CONTAINER=TEXT`. Of other containers there is no log.
"""

import http.server
import ssl
import sys

port, certificate, key = sys.argv[1:4]
said = dict(argument.split("=", 1) for argument in sys.argv[4:])


class Kubelet(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        path = self.path.split("?")[0].split("/")
        text = said.get(path[-1]) if path[1] == "containerLogs" else None
        self.send_response(404 if text is None else 200)
        self.send_header("Content-Type", "text/plain")
        self.end_headers()
        self.wfile.write((text or "no such container").encode())


server = http.server.ThreadingHTTPServer(("127.0.0.1", int(port)), Kubelet)
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(certificate, key)
server.socket = context.wrap_socket(server.socket, server_side=True)
server.serve_forever()
