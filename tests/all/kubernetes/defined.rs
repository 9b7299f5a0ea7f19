//! Kinds that the server does not serve yet though their definition is there: no absence, and what is in the way is
//! named.

use super::{Scene, until};
use reconciled::model::Action;
use serde_json::{Value as Json, json};

/// A definition of these versions, the first of which is kept.
fn gadgets(group: &str, versions: &[&str]) -> Json {
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let version = |name: &&str| {
        json!({ "name": name, "served": true, "storage": *name == versions[0],
            "schema": { "openAPIV3Schema": schema } })
    };
    let versions: Vec<Json> = versions.iter().map(version).collect();
    json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("gadgets.{group}") },
        "spec": { "group": group, "scope": "Namespaced",
            "names": { "plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList" },
            "versions": versions } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_version_that_comes_with_the_same_commit_makes_nothing_gone() {
    let mut scene = Scene::new("next-version");
    let group = format!("{}.example.com", scene.namespace);
    let at = |version: &str| {
        scene.object(
            &format!("{group}/{version}"),
            "Gadget",
            "g",
            json!({ "spec": { "size": 1 } }),
        )
    };
    let (old, new) = (at("v1"), at("v2"));
    scene.apply(&[gadgets(&group, &["v1"]), old]).await;
    let next = [gadgets(&group, &["v1", "v2"]), new.clone()];
    let plan = scene.plan(&next).await;
    assert_eq!(scene.step(&plan, &next[0]).action, Action::Update);
    let step = scene.step(&plan, &new);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    assert!(step.reason.unwrap().contains("serves it in v1"));
    scene.carry_out(&scene.step(&plan, &next[0])).await.unwrap();
    until("the next version is served", async || {
        let step = scene.step(&scene.plan(&next).await, &new);
        (step.action != Action::Wait).then(|| assert!(!step.is_drift(), "{step:#?}"))
    })
    .await;
}
