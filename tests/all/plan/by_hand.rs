//! What somebody changed by hand where Git changed the same: it is written over, and never without a word.

use super::scene::{Scene, address, value};
use insta::assert_snapshot;
use reconciled::deliver::render::{Difference, Merging, Page, plan_json, plan_markdown};
use reconciled::deliver::{Authority, Decision, route};
use reconciled::model::{FieldPath, Prediction, Segment, Touch};
use serde_json::json;

fn scene() -> Scene {
    Scene::new()
        .wants("test/plain", "api", json!({ "size": 3, "text": "new" }))
        .ours("api", json!({ "size": 9, "text": "old" }))
        .applied("test/plain", "api", json!({ "size": 2, "text": "old" }))
        .live("api", |live| live.touched_by = vec![nina("size")])
}

fn nina(field: &str) -> Touch {
    Touch {
        path: Some(FieldPath(vec![Segment::Key(field.to_owned())])),
        by: "nina".to_owned(),
        at: None,
    }
}

#[test]
fn the_field_says_what_it_was_and_who_changed_it() {
    let scene = scene();
    assert_snapshot!(scene.shown(), @r#"
    ~ api  update  (test/plain)
       # by nina
       ~ size = 9 -> 3  # also changed by hand: 2 was applied last
       ~ text = "old" -> "new"
    "#);
    let plan = scene.plan();
    let json = plan_json(&plan);
    assert_eq!(json["steps"][0]["changes"][0]["was"], 2);
    assert_eq!(json["steps"][0]["changes"][1].get("was"), None);
    let page = Page {
        marker: "<!-- m -->",
        revision: &plan.revision,
        at: scene.now,
    };
    let comment = plan_markdown(std::slice::from_ref(&plan), &[], &Merging::default(), &page);
    let said =
        "**Changed by hand too, and overwritten by this**\n\n- `prod/api`: `size` – by nina\n";
    assert!(comment.contains(said), "{comment}");
    let [difference] = Difference::of(&plan.steps[0]).try_into().unwrap();
    let sides = (difference.declared, difference.live, difference.was);
    assert_eq!(sides, (json!(3), json!(9), json!(2)));
}

#[test]
fn it_is_written_like_what_was_merged_though_drift_is_only_reported() {
    let scene = scene();
    let plan = scene.plan();
    assert!(!plan.steps[0].is_only_drift() && plan.steps[0].is_drift());
    let decisions = route(&plan, &scene.reconcile, Authority::Environment).decisions;
    assert_eq!(decisions[&address("api")], Decision::CarryOut);
}

#[test]
fn what_the_server_made_of_it_is_nobodys_change() {
    // A server that keeps `2.0` where `2` was sent, and nobody who was at it.
    let predicted = |touch: &str| {
        let scene = scene().predicts(
            "api",
            Prediction::Becomes {
                value: value(json!({ "name": "api", "size": 3, "text": "new" })).into(),
                yielded: Vec::new(),
                payload: None,
                kept: Vec::new(),
            },
        );
        scene.live("api", |live| live.touched_by = vec![nina(touch)])
    };
    assert!(!predicted("text").plan().steps[0].is_drift());
    assert!(predicted("size").plan().steps[0].is_drift());
}

#[test]
fn what_was_a_secret_is_none_the_less_one() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({ "key": "open" }))
        .ours("api", json!({ "key": "canary-live" }))
        .applied(
            "test/plain",
            "api",
            json!({ "key": { "$secret": "canary-old" } }),
        )
        .live("api", |live| live.touched_by = vec![nina("key")]);
    assert_snapshot!(scene.shown(), @"
    ~ api  update  (test/plain)
       # by nina
       ~ key = (sensitive), changed  # also changed by hand: (sensitive) was applied last
    ");
}

#[test]
fn what_is_as_it_was_applied_is_not_changed_by_hand() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({ "text": "new", "more": 1 }))
        .ours("api", json!({ "text": "old", "more": 5 }))
        .applied("test/plain", "api", json!({ "text": "old" }))
        .live("api", |live| live.touched_by = vec![nina("text")]);
    assert!(!scene.plan().steps[0].is_drift());
}

#[test]
fn another_spelling_that_nobody_is_known_to_have_made_is_nobody_s_change() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({ "host": "b.example." }))
        .ours("api", json!({ "host": "a.example" }))
        .applied("test/plain", "api", json!({ "host": "a.example." }));
    assert!(!scene.plan().steps[0].is_drift());
}
