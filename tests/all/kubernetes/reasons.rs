//! Why a pod does not work, beyond its own status. No container ever runs here: what a kubelet would write (the
//! status of a pod, events about it) the test writes in a kubelet's words, and what a container said is told by
//! a kubelet that is played. Controllers and scheduler are real.

use super::health::{health_of, why};
use super::{Scene, until};
use crate::peers::wait::outside;
use reconciled::model::Health;
use serde_json::{Value as Json, json};

/// Writes an event about an object, as a kubelet would.
fn warn(scene: &Scene, about: &Json, reason: &str, message: &str) {
    let metadata = &about["metadata"];
    scene.cluster.post(
        &format!("/api/v1/namespaces/{}/events", scene.namespace),
        &json!({ "apiVersion": "v1", "kind": "Event", "metadata": { "generateName": "played-" },
            "involvedObject": { "apiVersion": "v1", "kind": about["kind"], "namespace": metadata["namespace"],
                "name": metadata["name"], "uid": metadata["uid"] },
            "type": "Warning", "reason": reason, "message": message, "lastTimestamp": "2026-01-01T00:00:00Z" }),
    );
}

/// Sets the status of a pod that the played node leaves to the test.
fn is_now(scene: &Scene, pod: &Json, status: Json) {
    let name = pod["metadata"]["name"].as_str().unwrap();
    let path = format!("/api/v1/namespaces/{}/pods/{name}/status", scene.namespace);
    assert!(
        scene
            .cluster
            .merge_patch(&path, &json!({ "status": status }))
    );
}

/// Waits for pods of a workload, those only that are not being deleted.
async fn pods(scene: &Scene, app: &str, count: usize) -> Vec<Json> {
    let path = format!(
        "/api/v1/namespaces/{}/pods?labelSelector=app%3D{app}",
        scene.namespace
    );
    until("the pods are there and have a node", async || {
        let list = scene.cluster.get(&path)?;
        let mut pods = list["items"].as_array()?.clone();
        pods.retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
        let all_placed = pods.iter().all(|pod| pod["spec"]["nodeName"].is_string());
        for pod in &mut pods {
            pod["kind"] = json!("Pod");
        }
        (pods.len() == count && all_placed).then_some(pods)
    })
    .await
}

/// A template whose pods the played node leaves to the test.
fn mine(mut workload: Json) -> Json {
    workload["spec"]["template"]["metadata"]["annotations"] = json!({ "peers/status": "mine" });
    workload
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn last_words_are_told_without_the_secrets_the_pod_was_given() {
    let mut scene = Scene::new("words");
    let secret = scene.object(
        "v1",
        "Secret",
        "token",
        json!({ "stringData": { "token": "canary-token" } }),
    );
    let mut api = scene.deployment("api", 1, "shop/api:crashing");
    let container = &mut api["spec"]["template"]["spec"]["containers"][0];
    container["name"] = json!("talker");
    container["envFrom"] = json!([{ "secretRef": { "name": "token" } }]);
    scene.apply(&[secret, api.clone()]).await;
    let health = why(&scene, &api, "it last said").await;
    let Health::Failing(why) = health else {
        panic!("{health:?}")
    };
    assert!(
        why.contains("it last said: starting | using the token (sensitive) | no database at postgres://(sensitive)@db/shop"),
        "{why}"
    );
    assert!(
        !why.contains("canary") && why.contains("Read its last words"),
        "{why}"
    );

    // Who may read the log and not the Secret could not tell one from the other.
    let read = |group: &str, resources: &[&str]| json!({ "apiGroups": [group], "resources": resources, "verbs": ["get", "list"] });
    let rules = [
        read("", &["pods", "pods/log"]),
        read("apps", &["deployments", "replicasets"]),
    ];
    let limited = scene
        .cluster
        .kubeconfig_limited_to(&scene.namespace, &rules);
    let few = Scene::through(scene.namespace.clone(), &limited);
    let told = format!("{:?}", health_of(&few, &api).await);
    assert!(
        told.contains("CrashLoopBackOff") && !told.contains("it last said"),
        "{told}"
    );

    // What the pod was given, nobody can read any more.
    scene
        .cluster
        .kubectl(["delete", "secret", "token", "-n", &scene.namespace]);
    let told = format!("{:?}", health_of(&scene, &api).await);
    assert!(
        told.contains("CrashLoopBackOff") && !told.contains("it last said"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_that_fails_and_a_volume_that_is_not_there_are_told_from_events() {
    let mut scene = Scene::new("probed");
    let api = mine(scene.deployment("api", 1, "shop/api:1"));
    scene.apply(std::slice::from_ref(&api)).await;
    let pod = pods(&scene, "api", 1).await.remove(0);
    warn(
        &scene,
        &pod,
        "FailedMount",
        "MountVolume.SetUp failed for volume \"conf\": configmap \"conf\" not found",
    );
    let told = why(&scene, &api, "FailedMount").await;
    assert!(
        matches!(&told, Health::Progressing(why) if why.contains("configmap \"conf\" not found")),
        "{told:?}"
    );

    let unready = json!({ "phase": "Running", "conditions": [
        { "type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "containers with unready status: [api]" }],
        "containerStatuses": [{ "name": "api", "image": "shop/api:1", "imageID": "", "ready": false, "restartCount": 0, "state": { "running": {} } }] });
    is_now(&scene, &pod, unready);
    let path = format!("/api/v1/namespaces/{}/events", scene.namespace);
    scene.cluster.post(&path, &json!({ "metadata": { "generateName": "played-" }, "type": "Warning", "reason": "Unhealthy",
        "involvedObject": { "kind": "Pod", "namespace": scene.namespace, "name": pod["metadata"]["name"], "uid": pod["metadata"]["uid"] },
        "message": "Readiness probe failed: HTTP probe failed with statuscode: 503", "lastTimestamp": "2026-01-01T00:01:00Z" }));
    let told = why(&scene, &api, "Unhealthy").await;
    let Health::Progressing(told) = told else {
        panic!("{told:?}")
    };
    assert!(
        told.contains("Readiness probe failed: HTTP probe failed with statuscode: 503"),
        "{told}"
    );
    assert!(told.contains("Check the readiness probe"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_job_whose_first_try_fails_is_not_given_up() {
    let mut scene = Scene::new("tried");
    let job = mine(scene.object("batch/v1", "Job", "migrate", json!({ "spec": { "backoffLimit": 2, "template": {
        "metadata": { "labels": { "app": "migrate" } },
        "spec": { "restartPolicy": "Never", "containers": [{ "name": "talker", "image": "shop/api:1" }] } } } })));
    scene.apply(std::slice::from_ref(&job)).await;
    let ended = |reason: &str, code: u8| {
        json!([{ "name": "talker", "image": "shop/api:1", "imageID": "", "ready": false, "restartCount": 0,
        "state": { "terminated": { "reason": reason, "exitCode": code } } }])
    };
    let first = pods(&scene, "migrate", 1).await.remove(0);
    is_now(
        &scene,
        &first,
        json!({ "phase": "Failed", "containerStatuses": ended("Error", 1) }),
    );
    let told = why(&scene, &job, "it last said").await;
    assert!(
        matches!(&told, Health::Progressing(why) if why.contains("Error (exit code 1)")),
        "{told:?}"
    );
    let second = until("another pod is tried", async || {
        let path = format!(
            "/api/v1/namespaces/{}/pods?labelSelector=app%3Dmigrate",
            scene.namespace
        );
        let list = scene.cluster.get(&path)?;
        let mut pods = list["items"].as_array()?.iter();
        pods.find(|pod| pod["metadata"]["uid"] != first["metadata"]["uid"])
            .cloned()
    })
    .await;
    is_now(
        &scene,
        &second,
        json!({ "phase": "Succeeded", "containerStatuses": ended("Completed", 0) }),
    );
    until("the job is done", async || {
        (health_of(&scene, &job).await == Health::Ready).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stateful_set_held_up_by_a_pod_of_the_revision_before_says_so() {
    let mut scene = Scene::new("held-up");
    let set = |image: &str| {
        scene.object("apps/v1", "StatefulSet", "db", json!({ "spec": { "replicas": 1, "serviceName": "db",
            "selector": { "matchLabels": { "app": "db" } }, "template": { "metadata": { "labels": { "app": "db" } },
                "spec": { "containers": [{ "name": "db", "image": image }] } } } }))
    };
    let (bad, good) = (set("shop/db:missing"), set("shop/db:1"));
    scene.apply(std::slice::from_ref(&bad)).await;
    let told = why(&scene, &bad, "pod db-0: container db: ImagePullBackOff").await;
    assert!(matches!(told, Health::Failing(_)), "{told:?}");
    scene.apply(std::slice::from_ref(&good)).await;
    let told = why(&scene, &good, "pod db-0 of the revision before").await;
    let Health::Progressing(told) = told else {
        panic!("{told:?}")
    };
    assert!(told.contains("Delete that pod"), "{told}");
    scene
        .cluster
        .kubectl(["-n", &scene.namespace, "delete", "pod", "db-0"]);
    until("it is rolled out", async || {
        (health_of(&scene, &good).await == Health::Ready).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_memory_a_container_used_is_told_where_it_is_measured() {
    let mut scene = Scene::new("measured");
    outside(|| scene.cluster.measures());
    let api = scene.deployment("api", 1, "shop/api:hungry");
    scene.apply(std::slice::from_ref(&api)).await;
    let pod = pods(&scene, "api", 1).await.remove(0);
    outside(|| scene.cluster.uses(&pod, "api", "63Mi"));
    let told = format!("{:?}", why(&scene, &api, "OOMKilled").await);
    assert!(
        told.contains("it used 63Mi when it was measured last") && told.contains("(it is 64Mi)"),
        "{told}"
    );
}
