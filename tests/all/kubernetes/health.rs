//! Objects that work and that do not, as the real controllers report them. No container ever runs here: the
//! status a kubelet would set on a pod is set by the node that is played.

use super::{Scene, until};
use reconciled::model::{Depth, Health, Observation};
use serde_json::{Value as Json, json};

pub(super) async fn health_of(scene: &Scene, object: &Json) -> Health {
    match scene.look_at(object, Depth::Read).await {
        Observation::Present(live) => live.health,
        other => panic!("{other:#?}"),
    }
}

/// Waits until an object is not ready for a reason that holds this text.
pub(super) async fn why(scene: &Scene, object: &Json, part: &str) -> Health {
    until(part, async || match health_of(scene, object).await {
        Health::Ready => None,
        health => format!("{health:?}").contains(part).then_some(health),
    })
    .await
}

async fn failure(image: &str) -> String {
    let mut scene = Scene::new("failing");
    let api = scene.deployment("api", 1, image);
    scene.apply(std::slice::from_ref(&api)).await;
    let why = until("the failure is seen", async || {
        match health_of(&scene, &api).await {
            Health::Failing(why) => Some(why),
            Health::Ready | Health::Progressing(_) => None,
            // A rollout that tries again is not over.
            Health::Paused(why) | Health::Failed(why) => panic!("{why}"),
        }
    })
    .await;
    assert!(why.contains("pod api-"), "{why}");
    why
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_becomes_ready_and_says_what_it_waits_for() {
    let mut scene = Scene::new("rollout");
    let api = scene.deployment("api", 2, "shop/api:1");
    let plan = scene.plan(std::slice::from_ref(&api)).await;
    let applied = scene.carry_out(&scene.step(&plan, &api)).await.unwrap();
    assert!(
        matches!(applied.health, Health::Progressing(_)),
        "{:?}",
        applied.health
    );
    until("the rollout is ready", async || {
        (health_of(&scene, &api).await == Health::Ready).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_is_not_there_is_named() {
    let why = failure("shop/api:missing").await;
    assert!(
        why.contains("ImagePullBackOff")
            && why.contains("Check that the image shop/api:missing exists"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_crashes_is_told_from_one_without_memory() {
    let why = failure("shop/api:crashing").await;
    assert!(
        why.contains("CrashLoopBackOff") && why.contains("--previous"),
        "{why}"
    );
    let why = failure("shop/api:hungry").await;
    assert!(
        why.contains("OOMKilled") && why.contains("it is 64Mi"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_no_node_takes_gives_the_scheduler_s_words() {
    let mut scene = Scene::new("pending");
    let mut api = scene.deployment("api", 1, "shop/api:1");
    api["spec"]["template"]["spec"]["nodeSelector"] = json!({ "disk": "none" });
    scene.apply(std::slice::from_ref(&api)).await;
    let why = until("the scheduler has spoken", async || {
        match health_of(&scene, &api).await {
            Health::Progressing(why) if why.contains("no node takes it") => Some(why),
            _ => None,
        }
    })
    .await;
    assert!(
        why.contains("node(s) didn't match Pod's node affinity/selector"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_make_no_pod_and_what_gets_no_volume_say_why() {
    let mut scene = Scene::new("refused");
    let set = scene.object("apps/v1", "DaemonSet", "agent", json!({ "spec": { "selector": { "matchLabels": { "app": "agent" } }, "template": {
        "metadata": { "labels": { "app": "agent" } }, "spec": { "serviceAccountName": "nobody", "containers": [{ "name": "agent", "image": "shop/agent:1" }] } } } }));
    let claim = |name: &str, class: &str| {
        scene.object("v1", "PersistentVolumeClaim", name, json!({ "spec": { "storageClassName": class,
            "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } }))
    };
    let later = format!("{}-later", scene.namespace);
    scene.cluster.post("/apis/storage.k8s.io/v1/storageclasses", &json!({ "metadata": { "name": later },
        "provisioner": "kubernetes.io/no-provisioner", "volumeBindingMode": "WaitForFirstConsumer" }));
    let (none, first) = (claim("none", "not-there"), claim("first", &later));
    scene
        .apply(&[set.clone(), none.clone(), first.clone()])
        .await;
    let told = why(&scene, &set, "FailedCreate").await;
    assert!(
        format!("{told:?}").contains("serviceaccount \\\"nobody\\\" not found"),
        "{told:?}"
    );
    let told = why(&scene, &none, "ProvisioningFailed").await;
    assert!(
        format!("{told:?}").contains("\\\"not-there\\\" not found"),
        "{told:?}"
    );
    // Its volume is made where its first pod will run: nobody waits for it.
    until("the claim rightly waits", async || {
        (health_of(&scene, &first).await == Health::Ready).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn autoscalers_budgets_and_api_services_are_told_as_their_controllers_see_them() {
    let mut scene = Scene::new("steered");
    let scaler = scene.object("autoscaling/v2", "HorizontalPodAutoscaler", "api", json!({ "spec": {
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "nobody" }, "minReplicas": 1, "maxReplicas": 3,
        "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } } }] } }));
    let budget = scene.object(
        "policy/v1",
        "PodDisruptionBudget",
        "api",
        json!({ "spec": { "minAvailable": 1, "selector": { "matchLabels": { "app": "api" } } } }),
    );
    scene.apply(&[scaler.clone(), budget.clone()]).await;
    let told = why(&scene, &scaler, "FailedGetScale").await;
    assert!(
        format!("{told:?}").contains("Check that scaleTargetRef names a workload"),
        "{told:?}"
    );
    until("the budget is counted", async || {
        (health_of(&scene, &budget).await == Health::Ready).then_some(())
    })
    .await;
    let api = json!({ "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": "v1.absent.example.com" },
        "spec": { "group": "absent.example.com", "version": "v1", "groupPriorityMinimum": 1, "versionPriority": 1,
            "service": { "namespace": scene.namespace, "name": "nobody" } } });
    scene.apply(std::slice::from_ref(&api)).await;
    let told = why(&scene, &api, "ServiceNotFound").await;
    scene
        .cluster
        .kubectl(["delete", "apiservice", "v1.absent.example.com"]);
    assert!(
        format!("{told:?}").contains("the server behind it does not answer"),
        "{told:?}"
    );
}
