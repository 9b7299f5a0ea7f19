//! Lists: by place, as sets, under their keys.

use super::scene::Scene;
use insta::assert_snapshot;
use serde_json::{Value, json};

fn object(desired: Value, live: Value) -> Scene {
    let applied = desired.clone();
    Scene::new()
        .wants("test/object", "api", desired)
        .ours("api", live)
        .applied("test/object", "api", applied)
}

#[test]
fn a_plain_list_is_ordered_and_differs_as_a_whole() {
    assert!(
        object(json!({"args": ["a", "b"]}), json!({"args": ["a", "b"]}))
            .plan()
            .is_empty()
    );
    assert_snapshot!(object(json!({"args": ["a", "b"]}), json!({"args": ["b", "a"]})).shown(), @r#"
    Changed outside of Git:

       ~ api  update  (test/object)
          ~ args = ["b", "a"] -> ["a", "b"]
    "#);
}

#[test]
fn a_list_of_maps_differs_item_by_item() {
    let desired =
        json!({"rules": [{"host": "a", "port": 1}, {"host": "b", "port": 2}, {"host": "c"}]});
    let live = json!({"rules": [{"host": "a", "port": 1, "id": 9}, {"host": "b", "port": 3}]});
    assert_snapshot!(object(desired, live).shown(), @r#"
    Changed outside of Git:

       ~ api  update  (test/object)
          ~ rules[1].port = 3 -> 2
          + rules[2]:
              + host: "c"
    "#);
}

#[test]
fn a_set_knows_no_order() {
    let database = |desired: Value, live: Value| {
        let applied = desired.clone();
        Scene::new()
            .wants("test/database", "db", desired)
            .ours("db", live)
            .applied("test/database", "db", applied)
    };
    assert!(
        database(
            json!({"tags": ["a", "b", "b"]}),
            json!({"tags": ["b", "a", "b"]})
        )
        .plan()
        .is_empty()
    );
    let more = database(
        json!({"tags": ["a", "b", "c"]}),
        json!({"tags": ["old", "c", "a"]}),
    );
    assert_snapshot!(more.shown(), @r#"
    Changed outside of Git:

       ~ db  update  (test/database)
          ~ tags = ["a", "c", "old"] -> ["a", "b", "c"]
    "#);
    assert!(
        !database(json!({"tags": ["a"]}), json!({"tags": ["a", "a"]}))
            .plan()
            .is_empty()
    );
}

#[test]
fn keyed_items_are_matched_by_their_keys() {
    let desired = json!({"containers": [
        {"name": "api", "image": "api:2", "ports": [{"port": 80}]},
        {"name": "log", "image": "log:1"},
    ]});
    let live = json!({"containers": [
        {"name": "old", "image": "old:1"},
        {"name": "api", "image": "api:1", "ports": [{"port": 80, "protocol": "TCP", "x": 1}]},
    ]});
    assert_snapshot!(object(desired, live).shown(), @r#"
    Changed outside of Git:

       ~ api  update  (test/object)
          ~ containers[name=api].image = "api:1" -> "api:2"
          + containers[name=log]:
              + name: "log"
              + image: "log:1"
          - containers[name=old]:
              - name: "old"
              - image: "old:1"
    "#);
}

#[test]
fn keyed_items_in_another_order_are_the_same() {
    let desired = json!({"containers": [{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]});
    let live = json!({"containers": [{"name": "b", "image": "2"}, {"name": "a", "image": "1"}]});
    assert!(object(desired, live).plan().is_empty());
}

#[test]
fn keys_that_are_not_unique_are_compared_by_place() {
    let desired = json!({"containers": [{"name": "a", "image": "1"}, {"name": "a", "image": "2"}]});
    assert!(object(desired.clone(), desired.clone()).plan().is_empty());
    let live = json!({"containers": [{"name": "a", "image": "1"}, {"name": "a", "image": "3"}]});
    assert_snapshot!(object(desired, live).shown(), @r#"
    Changed outside of Git:

       ~ api  update  (test/object)
          ~ containers[1].image = "3" -> "2"
    "#);
}
