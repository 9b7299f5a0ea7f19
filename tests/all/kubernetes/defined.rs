//! Kinds that the server does not serve yet though their definition is there: no absence, and what is in the way is
//! named.

use super::health::{health_of, why};
use super::{Scene, until};
use reconciled::model::{Action, Health};
use serde_json::{Value as Json, json};

/// A definition of these versions, the first of which is kept.
pub(super) fn gadgets(group: &str, versions: &[&str]) -> Json {
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_whose_names_are_taken_is_not_established_and_is_named_for_its_objects() {
    let mut scene = Scene::new("taken");
    let group = format!("{}.example.com", scene.namespace);
    let first = gadgets(&group, &["v1"]);
    scene.apply(std::slice::from_ref(&first)).await;
    until("the first definition has its names", async || {
        (health_of(&scene, &first).await == Health::Ready).then_some(())
    })
    .await;
    let mut second = gadgets(&group, &["v1"]);
    second["metadata"]["name"] = json!(format!("gizmos.{group}"));
    // The name of its list is the other's.
    second["spec"]["names"] = json!({ "plural": "gizmos", "singular": "gizmo", "kind": "Gizmo", "listKind": "GadgetList" });
    let gizmo = scene.object(
        &format!("{group}/v1"),
        "Gizmo",
        "g",
        json!({ "spec": { "size": 1 } }),
    );
    let all = [first.clone(), second.clone(), gizmo.clone()];
    scene.apply(&all[..2]).await;
    let told = why(&scene, &second, "its names are not accepted").await;
    let Health::Failed(told) = told else {
        panic!("{told:?}")
    };
    assert!(
        told.contains("Choose names that no other CRD has"),
        "{told}"
    );
    // Nobody knows whether it is there: no create, and who is in the way is named.
    let step = scene.step(&scene.plan(&all).await, &gizmo);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    let reason = step.reason.unwrap();
    let named = format!("its CRD gizmos.{group} is not established: its names are not accepted");
    assert!(reason.contains(&named), "{reason}");

    scene
        .cluster
        .kubectl(["delete", &format!("crd/gadgets.{group}")]);
    let rest = &all[1..];
    until("the names are free, and it is served", async || {
        let step = scene.step(&scene.plan(rest).await, &gizmo);
        (step.action == Action::Create).then_some(())
    })
    .await;
    scene.apply(rest).await;
    scene.settled(rest).await;
}
