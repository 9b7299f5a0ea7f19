//! Whatever scales a workload has its fields, also before it has written any of them.

use super::noise::scalers_are_served;
use super::{Scene, paths};
use reconciled::model::{Action, Step};
use serde_json::{Value as Json, json};

/// The yielded fields of a step, and whose they are.
pub(super) fn yielded(step: &Step) -> Vec<String> {
    let yielded = step.yielded.iter();
    yielded.map(|(path, by)| format!("{path}: {by}")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_autoscaler_that_has_done_nothing_yet_has_the_replicas() {
    let mut scene = Scene::new("unscaled");
    let at = |replicas| deployment(replicas, "shop/api:1");
    let (three, four) = (at(3), at(4));
    let [three, four] =
        [three, four].map(|rest| scene.object("apps/v1", "Deployment", "api", rest));
    let scaler = scene.object("autoscaling/v2", "HorizontalPodAutoscaler", "load", json!({ "spec": {
        "minReplicas": 1, "maxReplicas": 9, "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "api" },
        "metrics": [{ "type": "External", "external": { "metric": { "name": "nobody-measures" }, "target": { "type": "Value", "value": "1" } } }] } }));
    // It starts with what is declared; from then on nothing is fought over, whoever changes it.
    scene.apply(&[three.clone(), scaler.clone()]).await;
    scene.settled(&[three.clone(), scaler.clone()]).await;
    let theirs = ["spec.replicas: HorizontalPodAutoscaler load"];
    let step = scene.step(&scene.plan(&[four.clone(), scaler.clone()]).await, &four);
    assert_eq!(
        (step.action, yielded(&step)),
        (Action::None, theirs.map(str::to_owned).to_vec()),
        "{step:#?}"
    );
    scene.cluster.kubectl([
        "-n",
        &scene.namespace,
        "scale",
        "deployment/api",
        "--replicas=6",
    ]);
    let step = scene.step(&scene.plan(&[four.clone(), scaler.clone()]).await, &four);
    assert_eq!(
        (step.action, yielded(&step)),
        (Action::None, theirs.map(str::to_owned).to_vec()),
        "{step:#?}"
    );
    // Another change leaves them, and the live autoscaler counts where Git does not declare it.
    let image = scene.object("apps/v1", "Deployment", "api", deployment(4, "shop/api:2"));
    let step = scene.step(&scene.plan(std::slice::from_ref(&image)).await, &image);
    assert_eq!(
        paths(&step),
        ["spec.template.spec.containers[name=api].image"]
    );
    scene.carry_out(&step).await.unwrap();
    let path = format!(
        "/apis/apps/v1/namespaces/{}/deployments/api",
        scene.namespace
    );
    assert_eq!(scene.cluster.get(&path).unwrap()["spec"]["replicas"], 6);
    // Once it is gone the replicas are Git's again.
    scene
        .cluster
        .kubectl(["-n", &scene.namespace, "delete", "hpa", "load"]);
    let step = scene.step(&scene.plan(std::slice::from_ref(&image)).await, &image);
    assert_eq!(paths(&step), ["spec.replicas"]);
}

/// A deployment of these replicas, whose pods run nowhere.
pub(super) fn deployment(replicas: u32, image: &str) -> Json {
    json!({ "spec": {
        "replicas": replicas, "selector": { "matchLabels": { "app": "api" } },
        "template": { "metadata": { "labels": { "app": "api" } }, "spec": { "nodeSelector": { "never": "here" }, "containers": [
            { "name": "api", "image": image, "resources": { "requests": { "cpu": "0.1" }, "limits": { "memory": "64Mi" } } }] } } } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn scalers_of_others_have_their_fields_as_well() {
    let mut scene = Scene::new("others-scale");
    scalers_are_served(&scene.namespace).await;
    let api = scene.object("apps/v1", "Deployment", "api", deployment(1, "shop/api:1"));
    let keda = scene.object(
        "keda.sh/v1alpha1",
        "ScaledObject",
        "queue",
        json!({ "spec": { "scaleTargetRef": { "name": "api" } } }),
    );
    let vertical = scene.object("autoscaling.k8s.io/v1", "VerticalPodAutoscaler", "size", json!({ "spec": {
        "targetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "api" },
        "resourcePolicy": { "containerPolicies": [{ "containerName": "*", "controlledValues": "RequestsOnly", "controlledResources": ["cpu"] }] } } }));
    let objects = [api.clone(), keda, vertical];
    scene.apply(&objects).await;
    scene.cluster.kubectl([
        "-n",
        &scene.namespace,
        "scale",
        "deployment/api",
        "--replicas=4",
    ]);
    scene.cluster.kubectl([
        "-n",
        &scene.namespace,
        "set",
        "resources",
        "deployment/api",
        "--requests=cpu=2,memory=32Mi",
        "--limits=memory=1Gi",
    ]);
    let step = scene.step(&scene.plan(&objects).await, &api);
    let container = "spec.template.spec.containers[name=api].resources";
    assert_eq!(
        yielded(&step),
        [
            "spec.replicas: ScaledObject queue".to_owned(),
            format!("{container}.requests.cpu: VerticalPodAutoscaler size")
        ],
        "{step:#?}"
    );
    // The limits are nobody else's, and of the requests the memory is not.
    let ours = ["limits", "requests"].map(|of| format!("{container}.{of}.memory"));
    assert_eq!(paths(&step), ours);
    scene.carry_out(&step).await.unwrap();
    scene.settled(&objects).await;
    let path = format!(
        "/apis/apps/v1/namespaces/{}/deployments/api",
        scene.namespace
    );
    let live = scene.cluster.get(&path).unwrap();
    let resources = &live["spec"]["template"]["spec"]["containers"][0]["resources"];
    assert_eq!(live["spec"]["replicas"], 4);
    assert_eq!(
        *resources,
        json!({ "requests": { "cpu": "2" }, "limits": { "memory": "64Mi" } })
    );
}
