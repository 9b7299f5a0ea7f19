//! Fields that people added by hand, which a dry-run does not show: found, named, taken off.

use super::{Scene, paths};
use reconciled::model::{Action, Origin, PathPattern, Step};
use serde_json::{Value as Json, json};

impl Scene {
    /// Changes an object as somebody, who is called by a field manager.
    pub(super) fn patch(&self, kind: &str, name: &str, manager: &str, patch: &Json) {
        self.cluster.kubectl([
            "-n",
            &self.namespace,
            "patch",
            kind,
            name,
            &format!("--field-manager={manager}"),
            "--patch",
            &patch.to_string(),
        ]);
    }

    /// The same of a kind that the server does not know how to merge.
    pub(super) fn merged(&self, kind: &str, name: &str, manager: &str, patch: &Json) {
        self.cluster.kubectl([
            "-n",
            &self.namespace,
            "patch",
            kind,
            name,
            "--type=merge",
            &format!("--field-manager={manager}"),
            "--patch",
            &patch.to_string(),
        ]);
    }

    /// The same by operations (RFC 6902), of what is in no namespace.
    pub(super) fn json_patched(&self, kind: &str, name: &str, manager: &str, patch: &Json) {
        self.cluster.kubectl([
            "patch",
            kind,
            name,
            "--type=json",
            &format!("--field-manager={manager}"),
            "--patch",
            &patch.to_string(),
        ]);
    }

    pub(super) fn live(&self, path: &str) -> Json {
        let path = path.replace("NAMESPACE", &self.namespace);
        self.cluster.get(&path).unwrap()
    }

    pub(super) async fn only(&self, object: &Json) -> Step {
        self.step(&self.plan(std::slice::from_ref(object)).await, object)
    }
}

const API: &str = "/apis/apps/v1/namespaces/NAMESPACE/deployments/api";

/// What the pod template of `api` gets beside what is declared.
fn pod(spec: &Json) -> Json {
    json!({ "spec": { "template": { "spec": spec } } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_add_is_found_with_who_and_when_and_taken_off_at_once() {
    let mut scene = Scene::new("added");
    let mut api = scene.deployment("api", 0, "shop/api:1");
    api["metadata"]["labels"] = json!({ "own": "1" });
    scene.apply(std::slice::from_ref(&api)).await;
    let before = scene.live(API);
    scene.patch(
        "deployment",
        "api",
        "kubectl-edit",
        &json!({ "metadata": {
        "labels": { "debug": "1" }, "annotations": { "note.example.com/why": "looking" } } }),
    );
    scene.patch(
        "deployment",
        "api",
        "k9s",
        &pod(&json!({
        "tolerations": [{ "key": "spot", "operator": "Exists" }],
        "containers": [{ "name": "api", "env": [{ "name": "DEBUG", "value": "1" }], "tty": true },
            { "name": "shell", "image": "shop/shell:1" }] })),
    );
    let edited = scene.live(API);
    let step = scene.only(&api).await;
    let template = "spec.template.spec";
    assert_eq!(
        paths(&step),
        [
            r#"metadata.annotations["note.example.com/why"]"#.to_owned(),
            "metadata.labels.debug".to_owned(),
            format!("{template}.containers[name=api].env"),
            format!("{template}.containers[name=api].tty"),
            format!("{template}.containers[name=shell]"),
            format!("{template}.tolerations"),
        ],
        "{step:#?}"
    );
    assert_eq!(step.action, Action::Update);
    let goes = |change: &reconciled::model::Change| {
        change.after.is_none() && change.origin == Origin::Drift
    };
    assert!(step.changes.iter().all(goes), "{step:#?}");
    for (place, who) in [
        ("metadata.labels.debug", "kubectl-edit"),
        ("spec.template.spec.tolerations", "k9s"),
    ] {
        let touch = step.touched_by.iter().find(|touch| {
            touch
                .path
                .as_ref()
                .is_some_and(|path| path.to_string() == place)
        });
        let touch = touch.unwrap_or_else(|| panic!("{place}: {:#?}", step.touched_by));
        assert!(touch.by == who && touch.at.is_some(), "{touch:?}");
    }
    scene.carry_out(&step).await.unwrap();
    let after = scene.live(API);
    assert_eq!(after["spec"]["template"], before["spec"]["template"]);
    assert_eq!(after["metadata"]["labels"], before["metadata"]["labels"]);
    // All of it in one change, so that the pods are replaced once.
    let generation = |object: &Json| object["metadata"]["generation"].as_i64().unwrap();
    assert_eq!(generation(&after), generation(&edited) + 1);
    scene.settled(std::slice::from_ref(&api)).await;
    scene.forget();
    scene.settled(&[api]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_controllers_add_and_what_is_ordered_stays() {
    let mut scene = Scene::new("kept");
    let api = scene.deployment("api", 0, "shop/api:1");
    scene.apply(std::slice::from_ref(&api)).await;
    scene.patch(
        "deployment",
        "api",
        "mesh-operator",
        &json!({ "metadata": { "labels": { "mesh": "on" } } }),
    );
    scene.patch(
        "deployment",
        "api",
        "mesh-operator",
        &pod(&json!({ "containers": [{ "name": "proxy", "image": "mesh/proxy:1" }] })),
    );
    scene.cluster.kubectl([
        "-n",
        &scene.namespace,
        "rollout",
        "restart",
        "deployment/api",
    ]);
    scene.settled(std::slice::from_ref(&api)).await;
    // And where something else is written.
    let api = scene.deployment("api", 0, "shop/api:2");
    scene.apply(std::slice::from_ref(&api)).await;
    let live = scene.live(API);
    assert_eq!(live["metadata"]["labels"]["mesh"], "on");
    let template = &live["spec"]["template"];
    assert!(template["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].is_string());
    assert_eq!(template["spec"]["containers"].as_array().unwrap().len(), 2);
    scene.settled(&[api]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_ignored_is_neither_shown_nor_taken_off_nor_put_back() {
    let mut scene = Scene::new("ignored");
    let ignored = [
        "/metadata/labels/debug",
        "/spec/replicas",
        "/spec/template/spec/containers/*/env",
    ];
    scene.ignore = ignored
        .map(|pointer| PathPattern::parse(pointer).unwrap())
        .into();
    let api = scene.deployment("api", 1, "shop/api:1");
    scene.apply(std::slice::from_ref(&api)).await;
    scene.patch("deployment", "api", "kubectl-edit", &json!({ "metadata": { "labels": { "debug": "1", "other": "1" } }, "spec": { "replicas": 0 } }));
    scene.patch("deployment", "api", "kubectl-edit", &pod(&json!({ "containers": [{ "name": "api", "env": [{ "name": "DEBUG", "value": "1" }] }] })));
    let step = scene.only(&api).await;
    assert_eq!(paths(&step), ["metadata.labels.other"], "{step:#?}");
    scene.carry_out(&step).await.unwrap();
    let api = scene.deployment("api", 1, "shop/api:2");
    scene.apply(std::slice::from_ref(&api)).await;
    let live = scene.live(API);
    assert_eq!(live["metadata"]["labels"]["debug"], "1");
    assert_eq!(live["metadata"]["labels"].get("other"), None);
    assert_eq!(live["spec"]["replicas"], 0);
    let container = &live["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(
        (&container["image"], &container["env"][0]["name"]),
        (&json!("shop/api:2"), &json!("DEBUG"))
    );
    scene.settled(&[api]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_added_through_another_version_of_the_api_is_found_as_well() {
    let mut scene = Scene::new("added-through");
    let target = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "nowhere" });
    let load = scene.object(
        "autoscaling/v1",
        "HorizontalPodAutoscaler",
        "load",
        json!({ "metadata": { "name": "load", "namespace": scene.namespace, "labels": { "own": "1" } },
            "spec": { "maxReplicas": 4, "targetCPUUtilizationPercentage": 70, "scaleTargetRef": target } }),
    );
    scene.apply(std::slice::from_ref(&load)).await;
    // As kubectl does, which writes in the version that the server prefers.
    let patch = json!({ "metadata": { "labels": { "debug": "1" }, "annotations": { "note.example.com/why": "looking" } },
        "spec": { "behavior": { "scaleDown": { "stabilizationWindowSeconds": 60 } } } });
    scene.patch("hpa.v2.autoscaling", "load", "kubectl-edit", &patch);
    let step = scene.only(&load).await;
    let found = [
        r#"metadata.annotations["note.example.com/why"]"#,
        "metadata.labels.debug",
    ];
    assert_eq!(paths(&step), found, "{step:#?}");
    let mut touches = step.touched_by.iter();
    assert!(
        touches.any(|touch| touch.path.is_some() && touch.by == "kubectl-edit"),
        "{step:#?}"
    );
    scene.carry_out(&step).await.unwrap();
    let live =
        scene.live("/apis/autoscaling/v2/namespaces/NAMESPACE/horizontalpodautoscalers/load");
    assert_eq!(live["metadata"]["labels"]["own"], "1");
    assert_eq!(live["metadata"]["labels"].get("debug"), None);
    let window = "/spec/behavior/scaleDown/stabilizationWindowSeconds";
    assert_eq!(live.pointer(window), Some(&json!(60)));
    scene.forget();
    scene.settled(&[load]).await;
}
