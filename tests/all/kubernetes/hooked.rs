//! What real webhooks make of an object on its way in, one after the other and again: nobody's drift, and nothing
//! that a write of ours takes away.

use super::{Scene, paths, until};
use crate::peers::kubernetes::webhook::Webhook;
use serde_json::{Value as Json, json};

const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

impl Scene {
    fn deployments(&self) -> String {
        format!("/apis/apps/v1/namespaces/{}/deployments", self.namespace)
    }
}

/// Tells whether each container has what one webhook adds, the other webhook's container too.
fn is_whole(live: &Json) -> bool {
    let containers = live["spec"]["template"]["spec"]["containers"].as_array();
    let containers = containers.map(Vec::as_slice).unwrap_or_default();
    let is_ours = |one: &Json| one["env"][0]["name"] == "ZONE";
    containers.len() == 2 && containers.iter().all(is_ours)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_webhooks_add_to_each_other_s_additions_is_no_drift() {
    let (mut scene, hook) = (Scene::new("hooked"), Webhook::start());
    // The first by name is asked again about the container that the second adds.
    for path in ["env", "sidecar"] {
        let configuration = hook.configuration(&scene.namespace, path);
        scene.cluster.post(CONFIGURATIONS, &configuration);
    }
    let probe = scene.deployment("probe", 0, "shop/api:1").to_string();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), probe).unwrap();
    let path = file.path().to_str().unwrap();
    let create = [
        "create",
        "--dry-run=server",
        "--output=json",
        "--filename",
        path,
    ];
    until("the webhooks are asked", async || {
        let said = scene.cluster.try_kubectl(&create, &[]).stdout;
        let made: Json = serde_json::from_slice(&said).ok()?;
        is_whole(&made).then_some(())
    })
    .await;

    let objects = [
        scene.deployment("api", 0, "shop/api:1"),
        scene.config("page", "x"),
    ];
    scene.apply(&objects).await;
    let api = format!("{}/api", scene.deployments());
    let live = scene.cluster.get(&api).unwrap();
    assert!(is_whole(&live), "{live:#}");
    let zone = &live["metadata"]["labels"]["mesh.example.com/zone"];
    let injected =
        &live["spec"]["template"]["metadata"]["annotations"]["mesh.example.com/injected"];
    assert_eq!([zone, injected], ["blue", "yes"]);
    scene.settled(&objects).await;
    scene.forget();
    scene.settled(&objects).await;

    // What is merged goes in, and what they added stays.
    let changed = [scene.deployment("api", 0, "shop/api:2"), objects[1].clone()];
    let step = scene.step(&scene.plan(&changed).await, &changed[0]);
    let image = "spec.template.spec.containers[name=api].image";
    assert_eq!(paths(&step), [image], "{step:#?}");
    scene.carry_out(&step).await.unwrap();
    let live = scene.cluster.get(&api).unwrap();
    assert!(is_whole(&live), "{live:#}");
    scene.settled(&changed).await;

    // What a person adds beside it is found.
    let by_hand = json!({ "spec": { "template": { "spec": { "containers": [
        { "name": "api", "env": [{ "name": "DEBUG", "value": "1" }] }] } } } });
    scene.patch("deployment", "api", "kubectl-edit", &by_hand);
    let step = scene.step(&scene.plan(&changed).await, &changed[0]);
    let added = "spec.template.spec.containers[name=api].env[name=DEBUG]";
    assert_eq!(paths(&step), [added], "{step:#?}");
}
