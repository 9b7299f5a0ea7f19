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

/// A definition of two versions, which keeps the newer: what needs no conversion (the garbage collector, say) never
/// asks for one. A webhook that converts is nowhere.
fn converted(strategy: &Json) -> Json {
    let schema = json!({ "openAPIV3Schema": { "type": "object", "properties": { "spec": { "type": "object",
        "properties": { "size": { "type": "integer" } } } } } });
    json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "convertibles.converted.example.com" },
        "spec": { "group": "converted.example.com", "scope": "Namespaced", "conversion": strategy,
            "names": { "plural": "convertibles", "singular": "convertible", "kind": "Convertible", "listKind": "ConvertibleList" },
            "versions": [{ "name": "v1", "served": true, "storage": false, "schema": schema },
                { "name": "v2", "served": true, "storage": true, "schema": schema }] } })
}

#[test]
fn behind_a_dead_conversion_webhook_nothing_is_gone_and_nothing_is_made_again() {
    let scene = Scene::new("converted");
    let none = json!({ "strategy": "None" });
    cluster().kubectl_create("default", &converted(&none).to_string());
    let crd = "crd/convertibles.converted.example.com";
    cluster().kubectl(["wait", "--for=condition=Established", crd]);
    let thing = |name: &str| {
        scene.object(
            "converted.example.com/v1",
            "Convertible",
            name,
            json!({ "spec": { "size": 3 } }),
        )
    };
    let whole = [
        ("namespace", scene.namespace()),
        ("one", thing("one")),
        ("two", thing("two")),
        ("page", scene.config("page", "hello")),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &whole);
    daemon.looked_again(scene.name);
    let uids = || {
        let path = |name: &str| format!("converted.example.com/v2/convertibles/{name}");
        ["one", "two"].map(|name| scene.live(&path(name)).unwrap()["metadata"]["uid"].clone())
    };
    let before = uids();
    let convert = |conversion: &Json| {
        let patch = json!({ "spec": { "conversion": conversion } });
        let all = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
        let path = format!("{all}/convertibles.converted.example.com");
        assert!(cluster().merge_patch(&path, &patch));
    };
    let service = json!({ "namespace": "default", "name": "nowhere" });
    convert(
        &json!({ "strategy": "Webhook", "webhook": { "clientConfig": { "service": service },
        "conversionReviewVersions": ["v1"] } }),
    );
    for id in ["one", "two"] {
        daemon.episode("unknown", |unknown| {
            scene.is(unknown.address.as_ref(), id) && unknown.ended_at.is_none()
        });
    }
    let (status, code) = scene.told(&["status"]);
    assert!(
        code == Some(2) && status.contains("conversion webhook"),
        "{status}"
    );
    // Who reads why knows the definition and what converts it.
    for name in ["converted.example.com", "Convertible", "nowhere"] {
        assert!(status.contains(name), "{status}");
    }
    scene.kubectl(["edit", "configmap/page"]);
    daemon.until("the rest is kept", |_| {
        (scene.text("page")? == "hello").then_some(())
    });
    // Looks at what is unknown come ever later: a commit has the whole looked at now.
    let mut whole = whole;
    for text in ["two", "three"] {
        whole[3].1 = scene.config("page", text);
        let commit = scene.commit(json!({}), &whole);
        daemon.run_of(scene.name, &commit);
        assert_eq!(scene.text("page").as_deref(), Some(text));
    }
    assert_eq!(uids(), before);
    let is_gone =
        |one: &reconciled::ledger::Episode| one.condition == "drift" && one.details["gone"] == true;
    assert!(!scene.world.episodes().iter().any(is_gone));
    assert_eq!(scene.world.owned().len(), 4);

    convert(&json!({ "strategy": "None", "webhook": null }));
    whole[3].1 = scene.config("page", "four");
    let commit = scene.commit(json!({}), &whole);
    daemon.run_of(scene.name, &commit);
    daemon.until("all is well", |_| {
        (scene.told(&["status"]).1 == Some(0)).then_some(())
    });
    assert_eq!(uids(), before);
}
