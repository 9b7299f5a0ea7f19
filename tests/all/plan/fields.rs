//! Which fields differ, and how that reads.

use super::scene::Scene;
use insta::assert_snapshot;
use reconciled::model::{PathPattern, Prediction};
use serde_json::json;

fn plain(desired: serde_json::Value, live: serde_json::Value) -> Scene {
    let applied = desired.clone();
    Scene::new()
        .wants("test/plain", "api", desired)
        .ours("api", live)
        .applied("test/plain", "api", applied)
}

#[test]
fn what_git_leaves_out_is_the_provider_s() {
    let scene = plain(
        json!({"size": "s"}),
        json!({"size": "s", "status": "online", "tier": {"a": 1}}),
    );
    assert!(scene.plan().is_empty());
}

#[test]
fn order_of_fields_and_ways_to_write_a_number_mean_nothing() {
    let scene = plain(
        json!({"a": 1, "b": {"x": 2.0, "y": 3}}),
        json!({"b": {"y": 3, "x": 2}, "a": 1.0}),
    );
    assert!(scene.plan().is_empty());
}

#[test]
fn changed_added_and_cleared_fields_are_told_apart() {
    let desired = json!({"size": "l", "old": null, "labels": {"team": "web"}, "never": null});
    let scene = Scene::new()
        .wants("test/plain", "api", desired)
        .ours("api", json!({"size": "s", "old": "x"}))
        .applied("test/plain", "api", json!({"size": "s", "old": "x"}));
    assert_snapshot!(scene.shown(), @r#"
    ~ api  update  (test/plain)
       + labels:
           + team: "web"
       - old  = "x"
       ~ size = "s" -> "l"
    "#);
}

#[test]
fn a_cleared_field_may_leave_an_empty_one() {
    let scene = plain(
        json!({"a": null, "b": null, "c": null, "d": {}}),
        json!({"a": [], "b": {}, "c": ""}),
    );
    assert!(scene.plan().is_empty());
}

#[test]
fn a_type_that_differs_is_a_difference() {
    assert_snapshot!(plain(json!({"port": 80}), json!({"port": "80"})).shown(), @r#"
    Changed outside of Git:

       ~ api  update  (test/plain)
          ~ port = "80" -> 80
    "#);
}

#[test]
fn a_text_of_lines_is_compared_line_by_line() {
    let live = "server {\n  listen 80;\n  a;\n  b;\n  c;\n  d;\n  e;\n  root /srv;\n}\n";
    let desired = live.replace("80", "8080").replace("/srv", "/var/www");
    assert_snapshot!(plain(json!({"content": desired}), json!({"content": live})).shown(), @r"
    Changed outside of Git:

       ~ api  update  (test/plain)
          ~ content:
                server {
              -   listen 80;
              +   listen 8080;
                  a;
                  b;
                  c;
                  d;
                  e;
              -   root /srv;
              +   root /var/www;
                }
    ");
}

#[test]
fn an_ignored_field_is_neither_compared_nor_written() {
    let scene = Scene::new()
        .wants(
            "test/plain",
            "api",
            json!({"size": "l", "nodes": 2, "gone": 1}),
        )
        .with(|wanted| {
            wanted.lifecycle.ignore =
                vec![PathPattern::known("/nodes"), PathPattern::known("/gone")];
        })
        .ours("api", json!({"size": "s", "nodes": 5}))
        .applied("test/plain", "api", json!({"size": "s", "nodes": 2}));
    assert_snapshot!(scene.shown(), @r#"
    ~ api  update  (test/plain)
       ~ size = "s" -> "l"
    "#);
    let desired = scene.plan().steps[0].desired.clone().unwrap().masked_json();
    assert_eq!(desired, json!({"size": "l", "nodes": 5, "name": "api"}));
}

#[test]
fn an_ignored_field_is_set_where_nothing_is_there_yet() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"nodes": 2}))
        .with(|wanted| wanted.lifecycle.ignore = vec![PathPattern::known("/nodes")])
        .absent("api");
    assert_snapshot!(scene.shown(), @r#"
    + api  create  (test/plain)
       + name  = "api"
       + nodes = 2
    "#);
}

#[test]
fn a_prediction_is_the_whole_truth() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"size": "l", "quota": "1000m"}))
        .ours(
            "api",
            json!({"size": "s", "tier": "silver", "old": true, "quota": "1"}),
        )
        .applied("test/plain", "api", json!({"size": "s", "old": true}))
        .predicts(
            "api",
            Prediction::Becomes {
                value: super::scene::value(
                    json!({"quota": "1", "name": "api", "size": "l", "tier": "gold"}),
                )
                .into(),
                yielded: Vec::new(),
                payload: None,
                kept: Vec::new(),
            },
        );
    assert_snapshot!(scene.shown(), @r#"
    ~ api  update  (test/plain)
       - old  = true
       ~ size = "s" -> "l"
       ~ tier = "silver" -> "gold"
    "#);
}

#[test]
fn what_a_server_writes_elsewhere_follows_from_what_git_says() {
    let scene = |applied: &str| {
        Scene::new()
            .wants(
                "test/plain",
                "api",
                json!({"stringData": {"key": "new"}, "size": 1}),
            )
            .with(|wanted| wanted.lifecycle.ignore = vec![PathPattern::known("/size")])
            .ours("api", json!({"data": {"key": "b2xk"}, "size": 7}))
            .applied(
                "test/plain",
                "api",
                json!({"stringData": {"key": applied}, "size": 7}),
            )
            .predicts(
                "api",
                Prediction::Becomes {
                    value: super::scene::value(
                        json!({"name": "api", "data": {"key": "bmV3"}, "size": 7}),
                    )
                    .into(),
                    yielded: Vec::new(),
                    payload: None,
                    kept: Vec::new(),
                },
            )
    };
    assert!(!scene("old").plan().steps[0].is_drift());
    assert!(scene("new").plan().steps[0].is_only_drift());
}

#[test]
fn a_hole_shows_where_a_value_will_come() {
    let scene = Scene::new()
        .wants("test/plain", "db", json!({}))
        .absent("db")
        .wants(
            "test/plain",
            "api",
            json!({"url": {"$hole": "db"}, "uri": {"$hole": "db", "sensitive": true}}),
        )
        .after(&["db"])
        .ours(
            "api",
            json!({"url": "http://old", "uri": "postgres://canary"}),
        )
        .applied(
            "test/plain",
            "api",
            json!({"url": "http://old", "uri": {"$secret": "postgres://canary"}}),
        );
    assert_snapshot!(scene.shown(), @r#"
    ~ api  update  (test/plain)
       ~ uri = (sensitive) -> (sensitive) (known after apply)
       ~ url = "http://old" -> (known after apply)

    + db  create  (test/plain)
       + name = "db"
    "#);
}

#[test]
fn huge_values_are_cut() {
    let lines = |word: &str| {
        (0..500)
            .map(|nth| format!("{word} {nth}\n"))
            .collect::<String>()
    };
    let long = "x".repeat(5_000);
    let scene = plain(
        json!({"a": lines("new"), "b": long}),
        json!({"a": lines("old"), "b": "y"}),
    );
    let shown = scene.shown();
    assert!(shown.lines().count() < 80, "{}", shown.lines().count());
    assert!(shown.contains("more lines)") && shown.contains("more characters)"));
}

#[test]
fn what_is_empty_has_a_meaning_where_the_server_told_the_whole_object() {
    let told = |live: serde_json::Value, becomes: serde_json::Value| {
        let desired = json!({"name": "api"});
        let scene = plain(desired, live).predicts(
            "api",
            Prediction::Becomes {
                value: super::scene::value(becomes).into(),
                yielded: Vec::new(),
                payload: None,
                kept: Vec::new(),
            },
        );
        scene.shown()
    };
    // A selector that selects everything, added by hand and taken off again.
    let (narrow, wide) = (
        json!({"name": "api", "from": {"pods": "a"}, "labels": {}}),
        json!({"name": "api", "from": {"pods": "a", "namespaces": {}}, "labels": {"debug": ""}}),
    );
    assert_snapshot!(told(wide.clone(), narrow.clone()), @r#"
    Changed outside of Git:

       ~ api  update  (test/plain)
          - from.namespaces = {}
          - labels.debug    = ""
    "#);
    assert_snapshot!(told(narrow, wide), @r#"
    Changed outside of Git:

       ~ api  update  (test/plain)
          + from.namespaces = {}
          + labels.debug    = ""
    "#);
}
