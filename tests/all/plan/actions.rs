//! What is done about one resource, and why.

use super::scene::{Scene, touch};
use insta::assert_snapshot;
use reconciled::model::{FieldPath, Health, PathPattern, Prediction};
use serde_json::json;

fn database(desired: serde_json::Value, live: serde_json::Value) -> Scene {
    Scene::new()
        .wants("test/database", "db", desired)
        .ours("db", live.clone())
        .applied("test/database", "db", live)
}

#[test]
fn nothing_differs() {
    let scene = Scene::new().settled("test/plain", "api", json!({"size": "s"}));
    assert_snapshot!(scene.steps(), @"none prod/api");
    let plan = scene.plan();
    assert!(plan.is_empty() && plan.records.is_empty());
}

#[test]
fn what_is_not_there_is_created_with_all_it_declares() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"size": "s", "labels": {"a": "b", "c": null}, "args": ["x"], "rules": [{"host": "h", "ports": [1, 2]}]}))
        .absent("api");
    assert_snapshot!(scene.shown(), @r#"
    + api  create  (test/plain)
       + args = ["x"]
       + labels:
           + a: "b"
       + name = "api"
       + rules:
           + - host: "h"
           +   ports: [1, 2]
       + size = "s"
    "#);
}

#[test]
fn drift_is_told_with_who_and_when() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"size": "s", "replicas": 3}))
        .ours("api", json!({"size": "s", "replicas": 5}))
        .applied("test/plain", "api", json!({"size": "s", "replicas": 3}))
        .live("api", |live| {
            live.touched_by = vec![
                touch(Some("replicas"), "kubectl-edit", "2026-11-21T07:00:00Z"),
                touch(Some("size"), "somebody-else", "2026-11-20T07:00:00Z"),
            ];
        });
    assert_snapshot!(scene.shown(), @r"
    Changed outside of Git:

       ~ api  update  (test/plain)
          # by kubectl-edit at 2026-11-21 07:00 UTC
          ~ replicas = 5 -> 3
    ");
    assert_eq!(scene.plan().drift().count(), 1);
}

#[test]
fn what_git_and_somebody_changed_is_git_s() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"size": "l", "replicas": 3}))
        .ours("api", json!({"size": "m", "replicas": 5}))
        .applied("test/plain", "api", json!({"size": "s", "replicas": 3}));
    let plan = scene.plan();
    assert!(plan.steps[0].is_drift() && !plan.steps[0].is_only_drift());
}

#[test]
fn what_was_deleted_by_hand_is_drift_and_made_again() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"size": "s"}))
        .absent("api")
        .applied("test/plain", "api", json!({"size": "s"}));
    assert_snapshot!(scene.shown(), @r#"
    Changed outside of Git:

       + api  create  (test/plain)
          # it is gone from the live side, though it was applied
          + name = "api"
          + size = "s"
    "#);
    assert!(scene.plan().steps[0].is_only_drift());
}

#[test]
fn a_field_that_cannot_change_replaces_where_that_is_allowed() {
    let unprotected = database(
        json!({"engine": "pg", "size": "l"}),
        json!({"engine": "mysql", "size": "s"}),
    )
    .with(|wanted| wanted.lifecycle.protect = Some(false));
    assert_snapshot!(unprotected.shown(), @r#"
    -/+ db  replace  (test/database)
         # engine cannot change in place
         ~ engine = "mysql" -> "pg"  # cannot change in place
         ~ size   = "s" -> "l"
    "#);
    let by_default = database(json!({"engine": "pg"}), json!({"engine": "mysql"}));
    assert_snapshot!(by_default.steps(), @"wait prod/db: engine cannot change in place, and it is protected from being replaced");
}

#[test]
fn a_kind_that_refuses_replacement_says_what_would_allow_it() {
    let object = |replace| {
        Scene::new()
            .wants("test/object", "api", json!({"selector": {"app": "b"}}))
            .with(|wanted| wanted.lifecycle.replace = replace)
            .ours("api", json!({"selector": {"app": "a"}}))
            .applied("test/object", "api", json!({"selector": {"app": "a"}}))
    };
    assert_snapshot!(object(false).steps(), @"wait prod/api: selector.app cannot change in place; `lifecycle: { replace: true }` allows to delete it and make it again");
    assert_snapshot!(object(true).steps(), @"replace prod/api: selector.app cannot change in place");
}

#[test]
fn a_hole_in_a_field_that_cannot_change_waits() {
    let scene = Scene::new()
        .wants("test/plain", "net", json!({}))
        .absent("net")
        .wants("test/database", "db", json!({"region": {"$hole": "net"}}))
        .with(|wanted| wanted.lifecycle.protect = Some(false))
        .ours("db", json!({"region": "nyc3"}))
        .applied("test/database", "db", json!({"region": "nyc3"}));
    assert_snapshot!(scene.steps(), @r"
    wait prod/db: region cannot change in place, and its value is known only after net is applied
    create prod/net
    ");
}

#[test]
fn a_refused_write_waits_with_the_server_s_words() {
    let refused = |immutable: Vec<FieldPath>| Prediction::Refused {
        reason: "spec.size: too large".into(),
        immutable,
    };
    let create = Scene::new()
        .wants("test/plain", "api", json!({"size": "xxl"}))
        .predicts("api", refused(Vec::new()));
    assert_snapshot!(create.steps(), @"wait prod/api: the live side would refuse it: spec.size: too large");
    let update = Scene::new()
        .settled("test/plain", "api", json!({"size": "s"}))
        .predicts("api", refused(Vec::new()));
    assert_snapshot!(update.steps(), @"wait prod/api: the live side would refuse it: spec.size: too large");
    let replace = database(json!({"size": "xxl"}), json!({"size": "s"}))
        .with(|wanted| wanted.lifecycle.protect = Some(false))
        .predicts("db", refused(vec![FieldPath::default().key("size")]));
    assert_snapshot!(replace.steps(), @"replace prod/db: size cannot change in place");
}

#[test]
fn what_can_only_be_checked_later_says_so() {
    let later = Prediction::Deferred("its definition comes with this plan".into());
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"a": 1}))
        .predicts("api", later);
    assert_snapshot!(scene.steps(), @"create prod/api: it can be checked only when it is applied: its definition comes with this plan");
}

#[test]
fn fields_left_to_others_are_named() {
    let scene = Scene::new()
        .settled("test/plain", "api", json!({"replicas": 3}))
        .predicts(
            "api",
            Prediction::Becomes {
                value: super::scene::value(json!({"name": "api", "replicas": 3})).into(),
                yielded: vec![(
                    FieldPath::default().key("replicas"),
                    "horizontal-pod-autoscaler".into(),
                )],
                payload: None,
                kept: Vec::new(),
            },
        );
    assert_snapshot!(scene.shown(), @r"
    Left as it is:
         api
          # replicas is left to horizontal-pod-autoscaler
    ");
}

#[test]
fn what_is_as_declared_but_does_not_work_says_so() {
    let scene = Scene::new()
        .settled("test/plain", "api", json!({"a": 1}))
        .live("api", |live| {
            live.health = Health::Failed("CrashLoopBackOff\nLook at its log.".into());
        });
    assert_snapshot!(scene.shown(), @r"
    Left as it is:
         api
          # it is as declared, but does not work: CrashLoopBackOff
          # Look at its log.
    ");
    assert!(scene.plan().is_empty());
}

#[test]
fn a_value_taken_over_into_git_is_remembered() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"size": "l"}))
        .ours("api", json!({"size": "l"}))
        .applied("test/plain", "api", json!({"size": "s"}));
    let plan = scene.plan();
    assert!(plan.is_empty());
    assert_eq!(
        plan.records[0].applied.json(),
        json!({"size": "l", "name": "api"})
    );
}

#[test]
fn a_lost_ledger_is_rebuilt_from_the_mark() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"a": 1}))
        .ours("api", json!({"a": 1}));
    assert_eq!(scene.plan().records.len(), 1);
}

#[test]
fn what_has_done_its_work_and_went_by_itself_is_not_made_again() {
    let job = |image: &str, seconds: serde_json::Value, done: bool| {
        let mut scene = Scene::new()
            .wants(
                "test/job",
                "api",
                json!({"image": image, "ttl": seconds, "left": 2}),
            )
            .with(|wanted| wanted.lifecycle.ignore = vec![PathPattern::known("/left")])
            .absent("api")
            .applied(
                "test/job",
                "api",
                json!({"image": "a", "ttl": seconds, "left": 1}),
            );
        scene.owned[0].done = done;
        let drift = scene.plan().steps[0].is_drift();
        format!("{}{}", scene.steps(), if drift { ", drift" } else { "" })
    };
    assert_snapshot!(job("a", json!(60), true), @"none prod/api: it has done its work and is gone, as it says itself; it is made anew when Git changes it");
    assert_snapshot!(job("b", json!(60), true), @"create prod/api: it had done its work and was gone, and Git changes it");
    assert_snapshot!(job("a", json!(null), true), @"create prod/api: it is gone from the live side, though it was applied, drift");
    // It failed, or nobody knows.
    assert_snapshot!(job("a", json!(60), false), @"create prod/api: it is gone from the live side, though it was applied, drift");
}
