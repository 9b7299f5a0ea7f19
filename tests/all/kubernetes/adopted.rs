//! Objects that others made: taken over from kubectl as they come, from other owners where Git says so.

use super::{Scene, paths};
use reconciled::model::Action;
use serde_json::json;

impl Scene {
    /// Applies an object as another tool, server-side.
    pub(super) fn applied_by(&self, manager: &str, object: &serde_json::Value) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), object.to_string()).unwrap();
        self.cluster.kubectl([
            "apply",
            "--server-side",
            &format!("--field-manager={manager}"),
            "--filename",
            file.path().to_str().unwrap(),
        ]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kubectl_applied_is_taken_over_with_what_git_leaves_out() {
    let mut scene = Scene::new("applied-before");
    let plain = scene.object(
        "v1",
        "Service",
        "web",
        json!({ "spec": { "selector": { "app": "web" }, "ports": [{ "port": 80 }] } }),
    );
    let mut more = plain.clone();
    more["metadata"]["labels"] = json!({ "old": "1" });
    more["spec"]["ports"] = json!([{ "port": 80, "name": "web" }, { "port": 81, "name": "old" }]);
    scene
        .cluster
        .kubectl_apply(&scene.namespace, &more.to_string());
    let step = scene.only(&plain).await;
    assert_eq!(step.action, Action::Adopt, "{step:#?}");
    assert_eq!(
        paths(&step),
        [
            "metadata.labels",
            "spec.ports[port=80,protocol=TCP].name",
            "spec.ports[port=81,protocol=TCP]"
        ],
        "{step:#?}"
    );
    scene.carry_out(&step).await.unwrap();
    scene.forget();
    scene.settled(&[plain]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_former_tool_left_behind_is_ours_to_change_where_git_says_so() {
    let mut scene = Scene::new("former");
    let api = scene.deployment("api", 0, "shop/api:2");
    let mut old = scene.deployment("api", 0, "shop/api:1");
    old["metadata"]["labels"] = json!({ "app.kubernetes.io/managed-by": "Helm" });
    scene.applied_by("helm", &old);
    let step = scene.only(&api).await;
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    scene.adopt = true;
    let step = scene.only(&api).await;
    assert_eq!((step.action, &step.yielded), (Action::Adopt, &Vec::new()));
    let image = "spec.template.spec.containers[name=api].image";
    assert_eq!(paths(&step), ["metadata.labels", image]);
    scene.carry_out(&step).await.unwrap();
    scene.forget();
    scene.settled(&[api]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_owner_keeps_is_refused_and_taken_over_with_its_marks_where_git_says_so() {
    let mut scene = Scene::new("kept-by-helm");
    let config = scene.config("web", "new");
    let mut old = scene.config("web", "old");
    old["metadata"]["annotations"] = json!({
        "meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop" });
    scene.applied_by("helm", &old);
    let step = scene.only(&config).await;
    let why = step.reason.clone().unwrap();
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    assert!(why.contains("Helm release shop/web"), "{why}");
    assert!(why.contains("lifecycle: { adopt: true }"), "{why}");
    scene.adopt = true;
    let step = scene.only(&config).await;
    let why = step.reason.clone().unwrap();
    assert_eq!(step.action, Action::Adopt, "{step:#?}");
    assert!(why.contains("Helm release shop/web"), "{why}");
    scene.carry_out(&step).await.unwrap();
    scene.forget();
    scene.settled(std::slice::from_ref(&config)).await;
    let path = format!("/api/v1/namespaces/{}/configmaps/web", scene.namespace);
    let live = scene.cluster.get(&path).unwrap();
    assert_eq!(live["data"]["text"], "new");
    let annotations = live["metadata"]["annotations"].as_object().unwrap();
    assert!(
        !annotations.keys().any(|key| key.contains("helm")),
        "{annotations:#?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_label_of_our_set_that_was_taken_off_is_put_back() {
    let mut scene = Scene::new("unlabelled");
    let object = scene.config("a", "x");
    scene.apply(std::slice::from_ref(&object)).await;
    let label = "applyset.kubernetes.io/part-of";
    let namespace = scene.namespace.clone();
    let off = format!("{label}-");
    scene
        .cluster
        .kubectl(["-n", &namespace, "label", "configmap/a", &off]);
    let step = scene.only(&object).await;
    assert_eq!(step.action, Action::Adopt, "{step:#?}");
    scene.carry_out(&step).await.unwrap();
    let api = format!("/api/v1/namespaces/{namespace}/configmaps/a");
    let live = scene.cluster.get(&api).unwrap();
    assert!(live["metadata"]["labels"][label].is_string(), "{live:#}");
    scene.settled(&[object]).await;
}
