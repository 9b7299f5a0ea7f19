//! What waits, and what waits for that.

use super::scene::{Scene, address, value};
use insta::assert_snapshot;
use reconciled::model::{Connection, Health};
use serde_json::json;
use std::sync::Arc;

#[test]
fn unknown_is_neither_there_nor_gone() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({}))
        .unknown("api", "the server answered 500");
    assert_snapshot!(scene.steps(), @"wait prod/api: its live state is unknown: the server answered 500");
    let unasked = Scene::new().wants("test/plain", "api", json!({}));
    assert_snapshot!(unasked.steps(), @"wait prod/api: it was not looked at in this run");
}

#[test]
fn what_comes_after_a_wait_waits_and_says_for_what() {
    let scene = Scene::new()
        .wants("test/plain", "a", json!({}))
        .unknown("a", "no answer")
        .wants("test/plain", "b", json!({}))
        .after(&["a"])
        .absent("b")
        .wants("test/plain", "c", json!({}))
        .after(&["b"])
        .absent("c")
        .wants("test/plain", "free", json!({}))
        .absent("free")
        .settled("test/plain", "same", json!({}))
        .after(&["a"]);
    assert_snapshot!(scene.steps(), @r"
    wait prod/a: its live state is unknown: no answer
    wait prod/b: it comes after prod/a, which waits
    wait prod/c: it comes after prod/b, which waits
    create prod/free
    none prod/same
    ");
}

#[test]
fn a_hole_whose_source_is_not_ready_waits() {
    let scene = Scene::new()
        .settled("test/plain", "db", json!({}))
        .live("db", |live| {
            live.health = Health::Progressing("creating".into());
        })
        .wants("test/plain", "api", json!({"url": {"$hole": "db"}}))
        .after(&["db"])
        .absent("api");
    assert_snapshot!(scene.steps(), @r"
    wait prod/api: it needs an output of db: it is as declared, but not ready yet: creating
    none prod/db: it is as declared, but not ready yet: creating
    ");
}

#[test]
fn a_hole_whose_source_is_made_in_this_plan_does_not() {
    let scene = Scene::new()
        .wants("test/plain", "db", json!({}))
        .absent("db")
        .wants("test/plain", "api", json!({"url": {"$hole": "db"}}))
        .after(&["db"])
        .absent("api");
    assert_snapshot!(scene.steps(), @r"
    create prod/api
    create prod/db
    ");
}

#[test]
fn a_connection_or_identity_that_is_not_known_yet_waits() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({}))
        .with(|wanted| {
            wanted.connection = Arc::new(Connection {
                settings: value(json!({"server": {"$hole": "cluster"}})),
                ..(*wanted.connection).clone()
            });
        });
    assert_snapshot!(scene.steps(), @"wait prod/api: its connection main is known only after cluster is applied");
    let nameless = Scene::new().wants("test/plain", "api", json!({"name": {"$hole": "dns"}}));
    assert_snapshot!(nameless.steps(), @"wait prod/api: which object it is, is known only after dns is applied");
    assert_eq!(nameless.plan().steps[0].address, address("api"));
}

/// The run after a failed rollout once called it done, and made what depends on it.
#[test]
fn what_comes_after_something_that_does_not_work_waits() {
    let scene = Scene::new()
        .settled("test/plain", "db", json!({}))
        .live("db", |live| {
            live.health = Health::Failed("its image cannot be pulled".into());
        })
        .wants("test/plain", "api", json!({}))
        .after(&["db"])
        .absent("api");
    assert_snapshot!(scene.steps(), @r"
    wait prod/api: it comes after prod/db, which does not work
    none prod/db: it is as declared, but does not work: its image cannot be pulled
    ");
}

#[test]
fn nothing_goes_while_what_was_written_was_never_seen_to_work() {
    let crashes = || Health::Failing("it crashes".into());
    let scene = |health: Health, unproven: bool| {
        let mut scene = Scene::new()
            .settled("test/plain", "web-v2", json!({}))
            .live("web-v2", |live| live.health = health)
            .leftover("test/plain", "web", json!({}));
        scene.owned[0].unproven = unproven;
        scene
    };
    assert_snapshot!(scene(crashes(), true).steps(), @r"
    wait prod/web: no longer declared, and kept: prod/web-v2 has to work first. Delete it yourself where that waits for it
    none prod/web-v2: it is as declared, but does not work: it crashes
    ");
    // What worked before is no reason.
    assert_snapshot!(scene(crashes(), false).steps(), @r"
    delete prod/web: no longer declared
    none prod/web-v2: it is as declared, but does not work: it crashes
    ");
    // Once it works, that is remembered.
    let works = scene(Health::Ready, true);
    assert_snapshot!(works.steps(), @r"
    delete prod/web: no longer declared
    none prod/web-v2
    ");
    let kept = |scene: &Scene| scene.plan().records.iter().any(|record| record.unproven);
    assert!(!kept(&works) && works.plan().records.len() == 1);
    assert!(scene(crashes(), true).plan().records.is_empty());
}
