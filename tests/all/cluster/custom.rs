//! Kinds that the cluster learns on the way, and kinds whose server is down.

use super::Scene;
use crate::peers::kubernetes::cluster;
use serde_json::{Value as Json, json};

pub(super) fn definition(group: &str) -> Json {
    let schema = json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": {
        "size": { "type": "integer" } } } } });
    json!({ "kind": "kubernetes/object", "spec": {
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": format!("gadgets.{group}") },
        "spec": { "group": group, "scope": "Namespaced", "names": { "plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }] } } })
}

#[test]
fn a_definition_and_an_object_of_it_are_applied_from_one_commit() {
    let scene = Scene::new("defined");
    let resources = [
        (
            "gadget",
            scene.object(
                "defined.example.com/v1",
                "Gadget",
                "one",
                json!({ "spec": { "size": 3 } }),
            ),
        ),
        ("definition", definition("defined.example.com")),
        ("namespace", scene.namespace()),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &resources);
    assert_eq!(scene.world.runs(scene.name).len(), 1);
    let size = || scene.live("defined.example.com/v1/gadgets/one").unwrap()["spec"]["size"].clone();
    assert_eq!(size(), 3);

    scene.kubectl([
        "patch",
        "gadget/one",
        "--type=merge",
        r#"--patch={"spec":{"size":9}}"#,
    ]);
    let drift = daemon.episode("drift", |drift| drift.ended_at.is_some());
    assert_eq!(drift.how.as_deref(), Some("corrected"));
    assert_eq!(super::drift::by(&drift), ["kubectl-patch"]);
    assert_eq!(size(), 3);
}

/// A group of the API whose server is nowhere, until this is dropped.
struct Broken(String);

impl Broken {
    fn group(scene: &Scene) -> Self {
        let group = format!("{}.example.com", scene.name);
        let name = format!("v1.{group}");
        let service = json!({ "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": name },
            "spec": { "group": group, "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 15, "insecureSkipTLSVerify": true,
                "service": { "namespace": "default", "name": "nowhere" } } });
        cluster().kubectl_apply("default", &service.to_string());
        Self(name)
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        let _gone_already = cluster().try_kubectl(&["delete", "apiservice", &self.0], &[]);
    }
}

#[test]
fn a_broken_group_costs_only_its_own_kinds() {
    let scene = Scene::new("half-down");
    let whole = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
        ("gone", scene.config("gone", "x")),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &whole);
    let broken = Broken::group(&scene);
    let gadget = scene.object("half-down.example.com/v1", "Gadget", "one", json!({}));
    scene.commit(
        json!({}),
        &[whole[0].clone(), whole[1].clone(), ("gadget", gadget)],
    );
    let unknown = daemon.episode("unknown", |unknown| {
        scene.is(unknown.address.as_ref(), "gadget")
            && unknown.details["code"] == "api-group-unavailable"
    });
    let (status, code) = scene.told(&["status"]);
    assert!(
        code == Some(2) && status.contains("unknown gadget"),
        "{unknown:?} {status}"
    );
    assert_eq!(scene.text("gone"), None);
    scene.kubectl(["edit", "configmap/page"]);
    daemon.until("the rest is kept", |_| {
        (scene.text("page")? == "hello").then_some(())
    });
    drop(broken);
}
