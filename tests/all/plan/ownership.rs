//! Whose a live object is.

use super::scene::{Scene, address, live};
use insta::assert_snapshot;
use reconciled::model::{Observation, Owner};
use reconciled::plan::Released;
use serde_json::json;

fn marked(owner: Option<Owner>) -> Scene {
    let live = live(json!({"name": "api", "size": "s"}), owner);
    Scene::new()
        .wants("test/plain", "api", json!({"size": "l"}))
        .sees("api", Observation::Present(Box::new(live)))
}

fn by(id: &str) -> Option<Owner> {
    Some(Owner::Resource(address(id)))
}

#[test]
fn an_object_of_another_environment_is_refused_and_both_are_named() {
    let mut scene = marked(by("staging/api"));
    scene.elsewhere.insert(address("staging/api"));
    assert_snapshot!(scene.steps(), @"wait prod/api: it belongs to staging/api, which still declares it, and prod/api declares it too");
}

#[test]
fn an_object_of_another_tool_is_refused() {
    let scene = marked(Some(Owner::Foreign("Helm release shop/api".into())));
    assert_snapshot!(scene.steps(), @"wait prod/api: Helm release shop/api manages it, and prod/api declares it too: two owners would undo each other");
}

#[test]
fn an_unmarked_object_is_adopted() {
    assert_snapshot!(marked(None).shown(), @r#"
    > api  adopt  (test/plain)
       # it is there already and carries nobody's mark; it is taken over
       ~ size = "s" -> "l"
    "#);
}

#[test]
fn adopting_never_replaces() {
    let found = live(json!({"name": "db", "engine": "mysql"}), None);
    let scene = Scene::new()
        .wants("test/database", "db", json!({"engine": "pg"}))
        .with(|wanted| wanted.lifecycle.protect = Some(false))
        .sees("db", Observation::Present(Box::new(found)));
    assert_snapshot!(scene.steps(), @"wait prod/db: taking it over would mean to replace it, because of engine: that is never done to what is not ours");
}

#[test]
fn a_renamed_resource_adopts_what_it_had_and_keeps_the_old_record_until_then() {
    let found = live(json!({"name": "x", "size": "s"}), by("old"));
    let scene = Scene::new()
        .applied("test/plain", "old", json!({"name": "x", "size": "s"}))
        .wants("test/plain", "new", json!({"name": "x", "size": "s"}))
        .sees("new", Observation::Present(Box::new(found)));
    assert_snapshot!(scene.steps(), @r"
    adopt prod/new: it was prod/old, which is no longer declared; it moves here
    none prod/old: it is prod/new now
    ");
    let released = Released {
        address: address("old"),
        to: Some(address("new")),
    };
    assert_eq!(scene.plan().released, [released]);
}

#[test]
fn a_renamed_environment_adopts_what_it_had() {
    let mut scene = marked(by("before/api"));
    scene.known.insert(address("before/api"));
    assert_snapshot!(scene.steps(), @"adopt prod/api: it was before/api, which is no longer declared; it moves here");
}

#[test]
fn the_mark_of_nobody_we_know_is_refused() {
    assert_snapshot!(marked(by("before/api")).steps(), @"wait prod/api: it carries the mark of before/api, of which nothing is known here, and prod/api declares it too");
}

#[test]
fn a_mark_taken_off_by_hand_is_put_back() {
    let scene = marked(None).applied("test/plain", "api", json!({"size": "l"}));
    assert_snapshot!(scene.steps(), @"adopt prod/api: our mark was taken off it; it is marked again");
}

#[test]
fn another_object_under_the_same_id_would_leave_the_first_behind() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"name": "second"}))
        .absent("api")
        .applied("test/plain", "api", json!({"name": "first"}));
    assert_snapshot!(scene.steps(), @"wait prod/api: it was applied as first, which would be left behind: give it another id, so that the old one is deleted and the new one made");
}
