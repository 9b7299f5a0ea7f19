//! A known secret that turns up where nobody declared one.

use super::scene::{Scene, address, value};
use super::secrets::everything;
use insta::assert_snapshot;
use reconciled::model::{Basis, Prediction, Value};
use serde_json::json;

const CANARY: &str = "canary-7-value";

fn plain(live: &str) -> Scene {
    Scene::new()
        .keeps(&[CANARY])
        .wants("test/plain", "api", json!({ "text": "hello" }))
        .ours("api", json!({ "text": live }))
        .applied("test/plain", "api", json!({ "text": "hello" }))
}

#[test]
fn it_is_shown_nowhere_and_what_stands_beside_it_is() {
    let scene = plain("a canary-7-value b");
    assert_snapshot!(scene.shown(), @r#"
    Changed outside of Git:

       ~ api  update  (test/plain)
          ~ text = "a (sensitive) b" -> "hello"
    "#);
    assert!(!everything(&scene).contains(CANARY));
    let whole = plain(CANARY);
    assert_snapshot!(whole.shown(), @r#"
    Changed outside of Git:

       ~ api  update  (test/plain)
          ~ text = (sensitive) -> "hello"
    "#);
    // What is planned against what is live differs as that does.
    assert_eq!(scene.plan().hash, whole.plan().hash);
    assert_eq!(scene.plan().steps[0].desired, whole.plan().steps[0].desired);
}

#[test]
fn the_hash_covers_what_is_written_as_it_is() {
    let of = |text: &str| {
        let scene = Scene::new().keeps(&[CANARY, "canary-8-value"]);
        let scene = scene.wants("test/plain", "api", json!({ "text": text }));
        scene.absent("api").plan().hash
    };
    assert_ne!(of("a canary-7-value"), of("a canary-8-value"));
}

#[test]
fn what_git_says_openly_at_that_place_is_no_secret_there() {
    let of = |text: &str| json!({ "at": text, "other": "b" });
    let scene = Scene::new()
        .keeps(&["db.example.com"])
        .wants("test/plain", "api", of("db.example.com:1"))
        .ours(
            "api",
            json!({ "at": "db.example.com:2", "other": "db.example.com" }),
        )
        .applied("test/plain", "api", of("db.example.com:1"));
    assert_snapshot!(scene.shown(), @r#"
    Changed outside of Git:

       ~ api  update  (test/plain)
          ~ at    = "db.example.com:2" -> "db.example.com:1"
          ~ other = (sensitive) -> "b"
    "#);
}

#[test]
fn a_branch_cannot_make_it_shown_by_a_guess_nor_see_whether_one_is_right() {
    let of = |text: &str| {
        let scene = plain("a canary-7-value b").with(|wanted| {
            let merged = Some(Value::clone(&wanted.desired));
            let said = value(json!({ "name": "api", "text": text }));
            wanted.desired = said.clone().into();
            wanted.basis = Basis::Branch {
                said,
                merged,
                strange: false,
            };
        });
        scene.shown()
    };
    assert_snapshot!(of("canary-7-value"), @r#"
    ~ api  update  (test/plain)
       ~ text = "a (sensitive) b" -> "canary-7-value"
    "#);
    assert_snapshot!(of("canary-9-value"), @r#"
    ~ api  update  (test/plain)
       ~ text = "a (sensitive) b" -> "canary-9-value"
    "#);
}

#[test]
fn it_is_in_no_reason_and_no_name_of_a_field() {
    let scene = plain("hello").unknown("api", "no such thing as canary-7-value");
    assert_snapshot!(scene.steps(), @"wait prod/api: its live state is unknown: no such thing as (sensitive)");
    assert!(!everything(&scene).contains(CANARY));
    let live = json!({ "text": "hello", "map": { "canary-7-value": 1 } });
    let scene = plain("hello").ours("api", live);
    let scene = scene.predicts(
        "api",
        Prediction::Becomes {
            value: value(json!({ "name": "api", "text": "hello", "map": {} })).into(),
            yielded: Vec::new(),
            payload: None,
            kept: Vec::new(),
        },
    );
    let shown = everything(&scene);
    assert!(shown.contains("map") && !shown.contains(CANARY), "{shown}");
    assert_eq!(scene.plan().step(&address("api")).unwrap().changes.len(), 1);
}
