//! A definition without conversion that moves to a newer version, with an object that was written in the
//! older one.

use super::{Scene, paths};
use reconciled::model::Action;
use serde_json::{Value as Json, json};

/// What became of the fields of one definition from the older version to the newer one.
struct Gadgets {
    group: String,
    crd: String,
}

impl Gadgets {
    /// The newer version has lost a field, renamed another, and if so said has a default of its own.
    fn define(scene: &Scene, defaulted: bool) -> Self {
        let group = format!("{}.example.com", scene.namespace);
        let version = |name: &str, stored: bool, fields: Json| {
            let spec = json!({ "type": "object", "properties": fields });
            let status =
                json!({ "type": "object", "properties": { "seen": { "type": "integer" } } });
            json!({ "name": name, "served": true, "storage": stored, "subresources": { "status": {} },
                "schema": { "openAPIV3Schema": { "type": "object", "properties": { "spec": spec, "status": status } } } })
        };
        let (text, number) = (json!({ "type": "string" }), json!({ "type": "integer" }));
        let old = json!({ "size": number, "note": text, "legacy": text, "name": text });
        let mut new = json!({ "size": number, "note": text, "title": text });
        if defaulted {
            new["mode"] = json!({ "type": "string", "default": "quick" });
        }
        let definition = json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("gadgets.{group}") },
            "spec": { "group": group, "scope": "Namespaced", "names": { "kind": "Gadget", "plural": "gadgets" },
                "versions": [version("v1alpha1", false, old), version("v1", true, new)] } });
        scene
            .cluster
            .kubectl_apply(&scene.namespace, &definition.to_string());
        let crd = format!("crd/gadgets.{group}");
        scene
            .cluster
            .kubectl(["wait", "--for=condition=Established", &crd]);
        Self { group, crd }
    }

    fn gadget(&self, scene: &Scene, version: &str, spec: Json) -> Json {
        let version = format!("{}/{version}", self.group);
        scene.object(&version, "Gadget", "g", json!({ "spec": spec }))
    }

    /// Has somebody write to it in a version.
    fn written(&self, scene: &Scene, version: &str, manager: &str, patch: &Json, more: &[&str]) {
        let kind = format!("gadgets.{version}.{}", self.group);
        let manager = format!("--field-manager={manager}");
        let patch = patch.to_string();
        let namespace = scene.namespace.as_str();
        let mut args = vec!["-n", namespace, "patch", &kind, "g", "--type=merge"];
        args.extend([manager.as_str(), "--patch", &patch]);
        args.extend(more);
        let told = scene.cluster.try_kubectl(&args, &[]);
        assert!(told.status.success(), "{told:?}");
    }

    fn live(&self, scene: &Scene) -> Json {
        let path = format!("/apis/{}/v1/namespaces/NAMESPACE/gadgets/g", self.group);
        scene.live(&path)
    }

    /// Who else wrote it, each with all that is kept of that.
    fn others(&self, scene: &Scene) -> Vec<Json> {
        let live = self.live(scene);
        let entries = live["metadata"]["managedFields"].as_array().unwrap();
        let others = entries
            .iter()
            .filter(|entry| entry["manager"] != "reconciled");
        others.cloned().collect()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_version_with_other_fields_is_written_and_what_git_drops_goes() {
    for defaulted in [false, true] {
        let mut scene = Scene::new("bumped");
        let gadgets = Gadgets::define(&scene, defaulted);
        let old = json!({ "size": 2, "note": "x", "legacy": "x", "name": "n" });
        let old = gadgets.gadget(&scene, "v1alpha1", old);
        let next = gadgets.gadget(&scene, "v1", json!({ "size": 2, "title": "n" }));
        let last = gadgets.gadget(&scene, "v1", json!({ "size": 3 }));
        scene.apply(std::slice::from_ref(&old)).await;
        let is_shared = !defaulted;
        if is_shared {
            let mark = json!({ "metadata": { "labels": { "by": "operator" } } });
            gadgets.written(&scene, "v1", "operator", &mark, &[]);
        }
        let others = gadgets.others(&scene);
        assert_eq!(others.len(), usize::from(is_shared), "{others:#?}");
        let step = scene.only(&next).await;
        assert_eq!(step.action, Action::Update, "{step:#?}");
        assert!(!step.is_drift(), "{step:#?}");
        assert_eq!(paths(&step), ["spec.note", "spec.title"], "{step:#?}");
        scene.carry_out(&step).await.unwrap();
        assert_eq!(gadgets.others(&scene), others);
        scene.forget();
        scene.settled(std::slice::from_ref(&next)).await;
        let spec = &gadgets.live(&scene)["spec"];
        assert_eq!((&spec["title"], &spec["size"]), (&json!("n"), &json!(2)));
        // What it owned under the newer version goes from it like any field.
        scene.apply(std::slice::from_ref(&last)).await;
        scene.forget();
        scene.settled(std::slice::from_ref(&last)).await;
        let spec = gadgets.live(&scene)["spec"].clone();
        assert_eq!((&spec["size"], spec.get("title")), (&json!(3), None));
        if !is_shared {
            // And back, as a rollback would.
            scene.apply(std::slice::from_ref(&old)).await;
            scene.forget();
            scene.settled(std::slice::from_ref(&old)).await;
        }
        scene.cluster.kubectl(["delete", &gadgets.crd]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_wrote_in_the_older_version_is_named_and_not_touched() {
    let mut scene = Scene::new("bumped-beside");
    let gadgets = Gadgets::define(&scene, false);
    let old = gadgets.gadget(&scene, "v1alpha1", json!({ "size": 2 }));
    scene.apply(&[old]).await;
    let seen = json!({ "status": { "seen": 1 } });
    let status = ["--subresource=status"];
    gadgets.written(&scene, "v1alpha1", "operator", &seen, &status);
    let before = gadgets.live(&scene);
    let next = gadgets.gadget(&scene, "v1", json!({ "size": 2, "title": "n" }));
    let step = scene.only(&next).await;
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    let why = format!("{step:?}");
    let who = format!("by operator in {}/v1alpha1", gadgets.group);
    assert!(why.contains(&who), "{why}");
    assert_eq!(gadgets.live(&scene), before);
    scene.cluster.kubectl(["delete", &gadgets.crd]);
}
