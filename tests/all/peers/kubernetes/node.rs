//! A node that is played: it takes every pod the scheduler gives it and sets the status a kubelet would.
//!
//! What a container's image is called decides how it fares: `…:missing` cannot be pulled, `…:crashing` ends again and
//! again, `…:hungry` is killed for its memory. A pod annotated `peers/status: mine` is left to the test.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use super::Cluster;
use crate::peers::process::{Guarded, installed, scripts};

const NAME: &str = "played";

/// What the container called `talker` said before it ended; other containers have no log.
const SAID: &str = "talker=starting\nusing the token canary-token\nno database at postgres://shop:canary@db/shop\n";

/// Starts what the API server asks for the logs of the node's containers.
pub(super) fn kubelet(folder: &Path, port: u16) -> Guarded {
    let files = ["apiserver.crt", "apiserver.key"].map(|name| folder.join(name));
    let [certificate, key] = files.map(|file| file.display().to_string());
    let script = scripts().join("python/kubelet.py").display().to_string();
    let arguments = [script, port.to_string(), certificate, key, SAID.to_owned()];
    let python = installed("python").join("bin/python");
    Guarded::start(&python, &arguments, folder, &[], false)
}

/// What the thread needs of the cluster; the thread ends when the API server does.
#[derive(Debug)]
struct Node {
    url: String,
    http: reqwest::blocking::Client,
}

/// Registers the node and plays it from a thread.
pub(super) fn start(cluster: &Cluster, kubelet: u16) {
    let room = json!({"cpu": "10000", "memory": "10000Gi", "pods": "100000", "ephemeral-storage": "10000Gi"});
    cluster.post(
        "/api/v1/nodes",
        &json!({"metadata": {"name": NAME, "labels": {"kubernetes.io/hostname": NAME}}, "status": {
            "capacity": room,
            "allocatable": room,
            "conditions": [{"type": "Ready", "status": "True", "reason": "Played"}],
            "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": kubelet}},
            "nodeInfo": {"architecture": "amd64", "bootID": "", "containerRuntimeVersion": "played://1", "kernelVersion": "",
                "kubeProxyVersion": "", "kubeletVersion": "", "machineID": "", "operatingSystem": "linux", "osImage": "", "systemUUID": ""},
        }}),
    );
    let http = cluster.http.clone();
    let node = Node {
        url: cluster.url.clone(),
        http,
    };
    thread::spawn(move || while node.watch().is_some() {});
}

impl Node {
    /// Follows the pods until the server ends the watch, as it does after minutes. Nothing when the server is gone.
    fn watch(&self) -> Option<()> {
        let path = format!("/api/v1/pods?watch=true&fieldSelector=spec.nodeName={NAME}");
        let request = self
            .http
            .get(format!("{}{path}", self.url))
            .timeout(Duration::from_hours(1));
        for line in BufReader::new(request.send().ok()?).lines() {
            let Ok(line) = line else { break };
            let Ok(event) = serde_json::from_str::<Value>(&line) else {
                break;
            };
            let pod = &event["object"];
            if event["type"] == "ERROR" {
                break;
            }
            if event["type"] != "DELETED"
                && pod["metadata"]["annotations"]["peers/status"] != "mine"
            {
                self.play(pod);
            }
        }
        Some(())
    }

    fn play(&self, pod: &Value) -> Option<()> {
        let (namespace, name) = (
            pod["metadata"]["namespace"].as_str()?,
            pod["metadata"]["name"].as_str()?,
        );
        let url = format!("{}/api/v1/namespaces/{namespace}/pods/{name}", self.url);
        if pod["metadata"]["deletionTimestamp"].is_string() {
            let now =
                json!({"gracePeriodSeconds": 0, "preconditions": {"uid": pod["metadata"]["uid"]}});
            self.http.delete(url).json(&now).send().ok()?;
        } else if pod["status"]["containerStatuses"].is_null() {
            let patch = json!({"metadata": {"uid": pod["metadata"]["uid"]}, "status": status(pod)});
            let request = self
                .http
                .patch(format!("{url}/status"))
                .body(patch.to_string());
            request
                .header("content-type", "application/strategic-merge-patch+json")
                .send()
                .ok()?;
        }
        Some(())
    }
}

/// The status a kubelet would report for a pod some moments after its start.
fn status(pod: &Value) -> Value {
    let containers: Vec<Value> = pod["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(container)
        .collect();
    let ready = if containers
        .iter()
        .all(|container| container["ready"] == true)
    {
        "True"
    } else {
        "False"
    };
    let condition = |kind: &str, status: &str| json!({"type": kind, "status": status});
    let started = pod["metadata"]["creationTimestamp"].clone();
    json!({
        "phase": if containers.iter().any(pulling) { "Pending" } else { "Running" },
        "hostIP": "127.0.0.1",
        "podIP": "127.0.0.1",
        "podIPs": [{"ip": "127.0.0.1"}],
        "startTime": started,
        "conditions": [condition("Initialized", "True"), condition("ContainersReady", ready), condition("Ready", ready)],
        "containerStatuses": containers,
    })
}

fn pulling(container: &Value) -> bool {
    container["state"]["waiting"]["reason"] == "ImagePullBackOff"
}

fn container(spec: &Value) -> Value {
    let image = spec["image"].as_str().unwrap_or_default();
    let waits =
        |reason: &str, message: &str| json!({"waiting": {"reason": reason, "message": message}});
    let ended =
        |reason: &str, code: u8| json!({"terminated": {"reason": reason, "exitCode": code}});
    let (state, last, restarts) = if image.ends_with(":missing") {
        let message = format!("Back-off pulling image \"{image}\"");
        (waits("ImagePullBackOff", &message), json!({}), 0)
    } else if image.ends_with(":crashing") {
        let message = "back-off 40s restarting failed container";
        (waits("CrashLoopBackOff", message), ended("Error", 1), 3)
    } else if image.ends_with(":hungry") {
        let message = "back-off 40s restarting failed container";
        (
            waits("CrashLoopBackOff", message),
            ended("OOMKilled", 137),
            3,
        )
    } else {
        (json!({"running": {}}), json!({}), 0)
    };
    let ready = state["running"].is_object();
    json!({
        "name": spec["name"], "image": image, "imageID": "", "ready": ready, "started": ready,
        "restartCount": restarts, "state": state, "lastState": last,
    })
}
