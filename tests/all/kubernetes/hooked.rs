//! What real webhooks make of an object on its way in, one after the other and again: nobody's drift, and nothing
//! that a write of ours takes away.

use super::{Scene, paths, until};
use crate::peers::kubernetes::webhook::Webhook;
use reconciled::model::{Action, Fault as _, PathPattern};
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

impl Scene {
    /// Deploys, ready after some seconds.
    fn ready_after(&self, seconds: u32, image: &str) -> Json {
        let mut object = self.deployment("api", 0, image);
        object["spec"]["minReadySeconds"] = json!(seconds);
        object
    }

    /// Has the server ask a webhook about writes; returns as soon as it does.
    async fn hook(&self, hook: &Webhook, path: &str, is_asked: impl Fn(&Json) -> bool) {
        let mut probe = self.deployment("probe", 0, "x");
        probe["spec"]["minReadySeconds"] = json!(3);
        probe["metadata"]["labels"] = json!({ "reconciled.dev/environment": "another" });
        self.cluster.post(&self.deployments(), &probe);
        let probe = format!("{}/probe", self.deployments());
        let configuration = hook.configuration(&self.namespace, path);
        self.cluster.post(CONFIGURATIONS, &configuration);
        let mut nth = 0;
        until("the webhook is asked", async || {
            nth += 1;
            let changed = json!({ "metadata": { "annotations": { "nth": nth.to_string() } } });
            self.cluster.merge_patch(&probe, &changed);
            is_asked(&self.cluster.get(&probe)?).then_some(())
        })
        .await;
    }
}

const SECONDS: &str = "spec.minReadySeconds";
const IMAGE: &str = "spec.template.spec.containers[name=api].image";

fn is_seven(live: &Json) -> bool {
    live["spec"]["minReadySeconds"] == 7
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_a_webhook_keeps_in_the_write_alone_is_never_as_declared() {
    let (mut scene, hook) = (Scene::new("firm"), Webhook::start());
    scene.hook(&hook, "firm", is_seven).await;
    let first = [scene.ready_after(3, "shop/api:1")];
    scene.apply(&first).await;
    // What the write itself told is no verdict that all is as declared.
    let step = scene.step(&scene.plan(&first).await, &first[0]);
    assert_eq!(paths(&step), [SECONDS], "{step:#?}");
    let error = scene.carry_out(&step).await.unwrap_err();
    assert_eq!(error.code(), "kept", "{error}");
    assert!(error.to_string().contains(SECONDS), "{error}");
    let hint = error.hint().unwrap();
    assert!(hint.contains("lifecycle.ignore"), "{hint}");

    // What else changes goes in, and what is kept is told.
    let second = [scene.ready_after(3, "shop/api:2")];
    let step = scene.step(&scene.plan(&second).await, &second[0]);
    assert_eq!(paths(&step), [SECONDS, IMAGE], "{step:#?}");
    let error = scene.carry_out(&step).await.unwrap_err().to_string();
    assert!(error.contains(SECONDS) && !error.contains(IMAGE), "{error}");
    let step = scene.step(&scene.plan(&second).await, &second[0]);
    assert_eq!(paths(&step), [SECONDS], "{step:#?}");

    // As the hint says.
    scene.ignore = vec![PathPattern::parse("/spec/minReadySeconds").unwrap()];
    let step = scene.step(&scene.plan(&second).await, &second[0]);
    assert_eq!(paths(&step), [""; 0], "{step:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_a_webhook_rewrites_in_the_write_alone_fails_at_once() {
    let (mut scene, hook) = (Scene::new("rewritten"), Webhook::start());
    let [first, second] = [3, 4].map(|seconds| [scene.ready_after(seconds, "shop/api:1")]);
    scene.apply(&first).await;
    scene.hook(&hook, "firm", is_seven).await;
    let step = scene.step(&scene.plan(&second).await, &second[0]);
    assert_eq!(paths(&step), [SECONDS], "{step:#?}");
    let error = scene.carry_out(&step).await.unwrap_err();
    assert_eq!(error.code(), "kept", "{error}");
    assert!(error.to_string().contains(SECONDS), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_a_webhook_keeps_as_git_had_it_is_told_by_the_plan_and_the_write() {
    let (mut scene, hook) = (Scene::new("pinned"), Webhook::start());
    let first = [scene.ready_after(7, "shop/api:1")];
    scene.apply(&first).await;
    scene.hook(&hook, "pinned", is_seven).await;
    scene.settled(&first).await;
    let second = [scene.ready_after(3, "shop/api:2")];
    let step = scene.step(&scene.plan(&second).await, &second[0]);
    assert_eq!(paths(&step), [SECONDS, IMAGE], "{step:#?}");
    let reason = step.reason.as_deref().unwrap_or_default();
    assert!(
        reason.contains(SECONDS) && !reason.contains(IMAGE),
        "{reason}"
    );
    assert!(reason.contains("at 7"), "{reason}");
    // What was foretold is no failure of the write, and no drift after it.
    scene.carry_out(&step).await.unwrap();
    scene.settled(&second).await;
    scene.forget();
    scene.settled(&second).await;
    // Nor is it where nothing else is to change.
    let third = [scene.ready_after(4, "shop/api:2")];
    let step = scene.step(&scene.plan(&third).await, &third[0]);
    assert_eq!(paths(&step), [""; 0], "{step:#?}");
    // Git says again what the webhook has.
    scene.settled(&[scene.ready_after(7, "shop/api:2")]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_a_webhook_takes_our_marks_off_fails() {
    let (mut scene, hook) = (Scene::new("unmarked"), Webhook::start());
    let first = [scene.ready_after(3, "shop/api:1")];
    scene.apply(&first).await;
    scene
        .hook(&hook, "bare", |live| live["metadata"]["labels"].is_null())
        .await;
    let second = [scene.ready_after(3, "shop/api:2")];
    // In the write, and in each after it that is to put them back.
    for action in [Action::Update, Action::Adopt] {
        let step = scene.step(&scene.plan(&second).await, &second[0]);
        assert_eq!(step.action, action, "{step:#?}");
        let error = scene.carry_out(&step).await.unwrap_err();
        assert_eq!(error.code(), "unmarked", "{error}");
        let text = error.to_string();
        assert!(text.contains("reconciled.dev/environment"), "{text}");
    }
    // What is made so is no success either.
    let mut other = scene.deployment("other", 0, "shop/api:1");
    other["spec"]["minReadySeconds"] = json!(3);
    let step = scene.step(&scene.plan(std::slice::from_ref(&other)).await, &other);
    assert_eq!(step.action, Action::Create, "{step:#?}");
    let error = scene.carry_out(&step).await.unwrap_err();
    assert_eq!(error.code(), "unmarked", "{error}");
}
