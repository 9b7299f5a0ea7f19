//! What is being deleted already: followed, named and not told to go again, while what hangs on it stays.

use super::scene::{Scene, address, value};
use insta::assert_snapshot;
use reconciled::deliver::{Authority, route};
use reconciled::model::{Health, Live, Owned, Prediction};
use serde_json::json;
use std::sync::Arc;

/// Being deleted since, with what it waits for.
fn goes(since: &'static str) -> impl Fn(&mut Live) {
    move |live| {
        let why = "it is being deleted, and waits for the finalizers x.dev/hold (put there by x)";
        live.going_since = Some(since.parse().unwrap());
        live.health = Health::Progressing(why.to_owned());
    }
}

/// A minute ago; a kind of these tests may take five.
const JUST: &str = "2026-11-21T07:49:00Z";
/// Ten minutes ago.
const LONG: &str = "2026-11-21T07:40:00Z";

fn removed(since: &'static str) -> Scene {
    let mut scene = Scene::new()
        .settled("test/plain", "kept", json!({}))
        .leftover("test/plain", "a", json!({}))
        .leftover("test/plain", "b", json!({}))
        .leftover("test/plain", "c", json!({}))
        .leftover("test/plain", "free", json!({}))
        .live("a", goes(since));
    // `a` came after `b`, and that after `c`.
    let came_after = |owned: &mut Owned, before: &str| {
        owned.after.insert(address(before));
    };
    came_after(&mut scene.owned[1], "b");
    came_after(&mut scene.owned[2], "c");
    scene
}

#[test]
fn what_is_going_is_not_deleted_again_and_what_came_before_it_waits() {
    let scene = removed(JUST);
    assert_snapshot!(scene.steps(), @r"
    wait prod/a: no longer declared; it is being deleted, and waits for the finalizers x.dev/hold (put there by x)
    wait prod/b: it goes after prod/a, which is not gone yet
    wait prod/c: it goes after prod/b, which is not gone yet
    delete prod/free: no longer declared
    none prod/kept
    ");
    let plan = scene.plan();
    let going = plan.step(&address("a")).unwrap();
    assert_eq!(going.gone_by, Some("2026-11-21T07:54:00Z".parse().unwrap()));
    assert!(going.unready.is_none() && !going.is_failing());
    // A run has nothing to do but for what does not hang on it.
    let route = route(&plan, &scene.reconcile, Authority::Person);
    let free: Vec<String> = route.decisions.keys().map(ToString::to_string).collect();
    assert_eq!(free, ["prod/free"]);
}

#[test]
fn what_is_not_gone_in_time_counted_from_its_deletion_fails() {
    let scene = removed(LONG);
    let plan = scene.plan();
    let going = plan.step(&address("a")).unwrap();
    assert!(going.is_failing());
    assert_snapshot!(going.reason.as_deref().unwrap(), @r"
    no longer declared; it is not gone after 300s: it is being deleted, and waits for the finalizers x.dev/hold (put there by x)
    Find out why what it waits for does not come about; what hangs on it stays until it is gone.
    ");
    // It holds nothing back that does not hang on it, whether it ever worked or not.
    let mut unproven = removed(LONG);
    unproven.owned[1].unproven = true;
    assert_eq!(scene.steps(), unproven.steps());
}

#[test]
fn a_container_waits_for_what_is_going_in_it() {
    let folder = json!({ "type": "folder", "name": "shop" });
    let within = json!({ "type": "claim", "folder": "shop", "name": "data" });
    let scene = |destroy| {
        let mut scene = Scene::new()
            .settled("test/thing", "space", folder.clone())
            .settled("test/thing", "data", within.clone())
            .live("data", goes(JUST));
        scene.reconcile.destroy = destroy;
        scene
    };
    assert_snapshot!(scene(true).steps(), @r"
    wait prod/data: the environment is taken down; it is being deleted, and waits for the finalizers x.dev/hold (put there by x)
    wait prod/space: the environment is taken down, but prod/data is in it and not gone yet
    ");
    // One that is going itself is followed like any other.
    let both = scene(true).live("space", goes(JUST));
    assert_snapshot!(both.steps(), @r"
    wait prod/data: the environment is taken down; it is being deleted, and waits for the finalizers x.dev/hold (put there by x)
    wait prod/space: the environment is taken down; it is being deleted, and waits for the finalizers x.dev/hold (put there by x)
    ");
}

#[test]
fn what_is_replaced_is_made_again_once_it_is_gone() {
    let scene = Scene::new()
        .settled("test/thing", "one", json!({ "of": { "type": "a" } }))
        .wants("test/plain", "reader", json!({}))
        .absent("reader")
        .after(&["one"])
        .live("one", goes(JUST));
    let mut replaced = scene.clone();
    replaced.wanted[0].desired = Arc::new(value(json!({ "name": "one", "of": { "type": "b" } })));
    assert_snapshot!(replaced.steps(), @r"
    wait prod/one: of.type cannot change in place; it is being deleted, and waits for the finalizers x.dev/hold (put there by x)
    wait prod/reader: it comes after prod/one, which waits
    ");
    // As declared, it is told to be going: somebody else deletes it.
    assert_snapshot!(scene.steps(), @r"
    none prod/one: it is as declared, but not ready yet: it is being deleted, and waits for the finalizers x.dev/hold (put there by x)
    wait prod/reader: it comes after prod/one, which is not ready yet
    ");
}

#[test]
fn what_a_run_of_ours_took_away_is_made_again_and_missed_by_nobody() {
    let scene = |size: &str, leaving| {
        let mut scene = Scene::new()
            .wants("test/thing", "one", json!({ "of": { "type": size } }))
            .absent("one")
            .applied("test/thing", "one", json!({ "of": { "type": "a" } }));
        scene.owned[0].leaving = leaving;
        scene
    };
    let gone = scene("b", false);
    assert!(gone.plan().steps[0].is_drift());
    // To be made anew, and to be deleted until Git took that back.
    for size in ["b", "a"] {
        let taken = scene(size, true);
        let why = "create prod/one: an earlier run took it away, and did not come to make it again";
        assert_eq!(taken.steps().trim(), why);
        assert!(!taken.plan().steps[0].is_drift());
    }
}

#[test]
fn what_was_to_go_and_stays_is_missed_again() {
    let thing = json!({ "of": { "type": "a" } });
    let mut stays = Scene::new().settled("test/thing", "one", thing);
    stays.owned[0].leaving = true;
    let known = |scene: &Scene| {
        let records = scene.plan().records;
        records.first().map(|owned| owned.leaving)
    };
    assert_eq!(known(&stays), Some(false));
    assert_eq!(known(&stays.clone().live("one", goes(JUST))), None);
    // It would be refused, and nothing was deleted.
    let mut refused = stays.live("one", |live| {
        live.prediction = Some(Prediction::Refused {
            reason: "denied".to_owned(),
            immutable: Vec::new(),
        });
    });
    refused.wanted[0].desired = Arc::new(value(json!({ "name": "one", "size": "l" })));
    assert_snapshot!(refused.steps(), @"wait prod/one: the live side would refuse it: denied");
    assert_eq!(known(&refused), Some(false));
}
