//! Whose a live object is.

use super::scene::{Scene, address, live};
use insta::assert_snapshot;
use reconciled::deliver::render::{Merging, Page, plan_markdown};
use reconciled::deliver::{Authority, route};
use reconciled::model::{
    Connection, ConnectionName, Observation, OnDrift, Owner, Reconcile, Value,
};
use reconciled::plan::Released;
use serde_json::json;
use std::sync::Arc;

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
    assert_snapshot!(scene.steps(), @"wait prod/api: Helm release shop/api manages it, and prod/api declares it too: two owners would undo each other. Take it out there, or take it over from there with `lifecycle: { adopt: true }`");
}

fn nobodys(live_fields: serde_json::Value) -> Scene {
    let live = live(live_fields, None);
    Scene::new()
        .wants("test/plain", "api", json!({"size": "l"}))
        .sees("api", Observation::Present(Box::new(live)))
}

#[test]
fn what_is_nobody_s_is_adopted_where_nothing_of_it_is_lost() {
    let equal = nobodys(json!({"name": "api", "size": "l", "colour": "red"}));
    assert_snapshot!(equal.shown(), @"
    > api  adopt  (test/plain)
       # it is there already and carries nobody's mark; it is taken over
    ");
    assert_snapshot!(nobodys(json!({"name": "api"})).shown(), @r#"
    > api  adopt  (test/plain)
       # it is there already and carries nobody's mark; it is taken over
       + size = "l"
    "#);
    let plan = nobodys(json!({"name": "api"})).plan();
    assert!(!plan.steps[0].overwrites());
}

#[test]
fn what_is_nobody_s_is_overwritten_only_where_git_says_so() {
    let scene = nobodys(json!({"name": "api", "size": "s"}));
    assert_snapshot!(scene.shown(), @r#"
    Waiting:

       ! api  (test/plain)
          # it is there already and carries nobody's mark, and what it holds would be overwritten: `lifecycle: { adopt: true }` takes it over and changes these fields
          ~ size = "s" -> "l"
    "#);
    let page = Page {
        marker: "",
        revision: &scene.plan().revision,
        at: scene.now,
    };
    let comment = plan_markdown(&[scene.plan()], &[], &Merging::default(), &page);
    assert!(
        comment.contains("What waits would change: 1 resource"),
        "{comment}"
    );
    assert!(comment.contains(r#"size = "s" -> "l""#), "{comment}");
    let scene = scene.with(|wanted| wanted.lifecycle.adopt = true);
    assert_snapshot!(scene.shown(), @r#"
    > api  adopt and overwrite  (test/plain)
       # it is there already and carries nobody's mark; it is taken over, and what it holds is overwritten
       ~ size = "s" -> "l"
    "#);
    let comment = plan_markdown(&[scene.plan()], &[], &Merging::default(), &page);
    assert!(
        comment.contains("🔴 Plan: 1 to adopt and overwrite in prod"),
        "{comment}"
    );
    let in_the_open = comment.split("<details").next().unwrap();
    assert!(
        in_the_open.contains("Adopts and overwrites") && in_the_open.contains("prod/api"),
        "{comment}"
    );
}

#[test]
fn a_move_that_was_cut_off_between_two_marks_goes_on() {
    let scene = nobodys(json!({"name": "api", "size": "s"})).applied(
        "test/plain",
        "old",
        json!({"name": "api", "size": "s"}),
    );
    assert_snapshot!(scene.steps(), @"
    adopt prod/api: our mark was taken off it; it is marked again
    none prod/old: it is prod/api now
    ");
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

#[test]
fn another_account_of_the_same_cluster_leaves_nothing_behind() {
    let scene = Scene::new()
        .wants("test/plain", "api", json!({}))
        .absent("api")
        .applied("test/plain", "api", json!({}))
        .through(json!({}))
        .by_another_account();
    assert_snapshot!(scene.steps(), @"create prod/api: it is gone from the live side, though it was applied");
    // One that leads elsewhere does.
    let mut scene = scene.through(json!({ "context": "elsewhere" }));
    let other = ConnectionName::new("other").unwrap();
    scene.wanted[0].connection = Arc::clone(&scene.connections[&other]);
    assert_snapshot!(scene.steps(), @"wait prod/api: it was applied through the connection main, which would be left behind: give it another id, so that the old one is deleted and the new one made");
}

/// Lets the connection lead to another root than what was applied through it.
fn moved(mut scene: Scene) -> Scene {
    let name = scene.connections.keys().next().unwrap().clone();
    let root = ("root".to_owned(), Value::from("/new"));
    let connection = Arc::new(Connection {
        name: name.clone(),
        provider: "host".to_owned(),
        settings: Value::Map([root].into_iter().collect()),
        location: None,
    });
    for wanted in &mut scene.wanted {
        wanted.connection = Arc::clone(&connection);
    }
    scene.connections.insert(name, connection);
    for owned in &mut scene.owned {
        owned.place = Some("root /old".to_owned());
    }
    scene
}

#[test]
fn a_connection_that_leads_elsewhere_leaves_nothing_behind_unsaid() {
    let wanted = || {
        Scene::new()
            .wants("test/plain", "api", json!({}))
            .absent("api")
            .applied("test/plain", "api", json!({}))
    };
    assert_snapshot!(moved(wanted()).steps(), @"wait prod/api: it was applied at root /old, where its connection main does not lead any more, and would be left behind there: leave that connection as it was, declare one for the new place, and give what is to be there another id");
    // Nobody's object in the new place is no reason to take it.
    let there = moved(marked(None).applied("test/plain", "api", json!({"size": "l"})));
    assert!(
        there
            .steps()
            .starts_with("wait prod/api: it was applied at root /old")
    );
    let undeclared = || Scene::new().leftover("test/plain", "api", json!({}));
    let gone = moved(undeclared()).absent("api");
    assert_snapshot!(gone.steps(), @"wait prod/api: no longer declared, but it was applied at root /old, where its connection main does not lead any more: let that lead there again to have it deleted");
    assert!(gone.plan().released.is_empty());
    // Another id for the same object in the new place is no rename.
    let renamed = moved(
        Scene::new()
            .wants("test/plain", "new", json!({"name": "api"}))
            .absent("new")
            .applied("test/plain", "api", json!({}))
            .absent("api"),
    );
    assert!(
        renamed
            .steps()
            .contains("wait prod/api: no longer declared, but it was applied at")
    );
    let mut down = moved(wanted());
    down.reconcile.destroy = true;
    assert!(
        down.steps()
            .starts_with("wait prod/api: the environment is taken down, but it was applied at")
    );

    // What went along, mark and all, is ours; and an older record knows no place.
    assert!(moved(undeclared()).steps().starts_with("delete prod/api"));
    let mut older = moved(wanted());
    older.owned[0].place = None;
    assert!(
        older.steps().starts_with("create prod/api"),
        "{}",
        older.steps()
    );
}

#[test]
fn a_change_by_hand_that_took_our_mark_with_it_obeys_on_drift() {
    let found = live(json!({"name": "api", "size": "mended"}), None);
    let scene = Scene::new()
        .wants("test/plain", "api", json!({"size": "s"}))
        .sees("api", Observation::Present(Box::new(found)))
        .applied("test/plain", "api", json!({"size": "s"}));
    let plan = scene.plan();
    let lets = |on_drift| {
        let reconcile = Reconcile {
            on_drift,
            ..Reconcile::default()
        };
        let route = route(&plan, &reconcile, Authority::Environment);
        route.lets(&address("api"))
    };
    assert!(!lets(OnDrift::Report));
    assert!(lets(OnDrift::Correct));
    // Nothing is lost by it where only the mark is.
    let found = live(json!({"name": "api", "size": "s"}), None);
    let plan = scene
        .sees("api", Observation::Present(Box::new(found)))
        .plan();
    let route = route(&plan, &Reconcile::default(), Authority::Environment);
    assert!(route.lets(&address("api")));
}

/// An object of ours was deleted, and somebody made another of its name.
fn remade(size: &str, owner: Option<Owner>) -> Scene {
    let mut found = live(
        json!({"name": "api", "size": size, "theirs": "precious"}),
        owner,
    );
    found.external_id = Some("second".into());
    let mut scene = Scene::new()
        .wants("test/plain", "api", json!({"size": "s"}))
        .sees("api", Observation::Present(Box::new(found)))
        .applied("test/plain", "api", json!({"size": "s"}));
    scene.owned[0].external_id = Some("first".into());
    scene
}

#[test]
fn another_object_under_the_same_name_is_a_stranger_s() {
    assert_snapshot!(remade("theirs", None).steps(), @"wait prod/api: it is there already and carries nobody's mark, and what it holds would be overwritten: `lifecycle: { adopt: true }` takes it over and changes these fields");
    let allowed = remade("theirs", None).with(|wanted| wanted.lifecycle.adopt = true);
    assert!(
        allowed.steps().contains("what it holds is overwritten"),
        "{}",
        allowed.steps()
    );
    assert!(allowed.plan().steps[0].overwrites());
    // Nothing of it is drift: Git never said it.
    assert_eq!(remade("theirs", None).plan().drift().count(), 0);
    // One that is as declared is taken over, and one with our mark was made again by us or restored.
    assert!(remade("s", None).steps().contains("it is taken over"));
    assert!(
        remade("theirs", by("api"))
            .steps()
            .starts_with("update prod/api")
    );
    // Whoever applied it from files meant none of ours, whatever that is called by now.
    let by_kubectl = |id: &str| {
        let mut scene =
            remade("theirs", None).live("api", |live| live.applied_by = Some("kubectl"));
        let found = scene.observed.remove(&address("api")).unwrap();
        scene.observed.insert(address(id), found);
        scene.wanted[0].address = address(id);
        scene
    };
    for id in ["api", "renamed"] {
        let steps = by_kubectl(id).steps();
        assert!(
            steps.contains(&format!("wait prod/{id}: it is there already")),
            "{steps}"
        );
    }
    // The very one is ours still, whoever took the mark off.
    let very = remade("theirs", None).live("api", |live| live.external_id = Some("first".into()));
    assert!(
        very.steps().contains("our mark was taken off it"),
        "{}",
        very.steps()
    );
}

#[test]
fn a_stranger_where_a_resource_is_to_go_hides_nothing_that_would_be_left_behind() {
    // As declared, or adopted in so many words: the first object would be nobody's.
    let elsewhere = |size: &str| {
        let mut scene = remade(size, None).with(|wanted| wanted.lifecycle.adopt = true);
        let mut fields = scene.owned[0].identity.0.iter_mut();
        let name = fields.find(|(key, _)| key == "/name").unwrap();
        name.1 = "first".to_owned();
        scene
    };
    for size in ["s", "theirs"] {
        let steps = elsewhere(size).steps();
        assert!(
            steps.starts_with("wait prod/api: it was applied as first"),
            "{steps}"
        );
        let steps = moved(remade(size, None)).steps();
        assert!(
            steps.starts_with("wait prod/api: it was applied at root /old"),
            "{steps}"
        );
    }
}
