//! What is no longer declared.

use super::comments::comment;
use super::scene::{Scene, address, live};
use insta::assert_snapshot;
use reconciled::deliver::{Authority, route};
use reconciled::model::{Action, Address, DeletionBudget, Observation, Owner};
use serde_json::json;

fn old() -> Scene {
    Scene::new().leftover("test/plain", "old", json!({"size": "s"}))
}

#[test]
fn what_is_owned_and_marked_is_deleted() {
    let scene = old();
    assert_snapshot!(scene.shown(), @r"
       - old  delete  (test/plain)
          # no longer declared

    Deletes held back: no resource is declared any more, and nothing is deleted for that: to take the environment down, declare `reconcile: { destroy: true }`
    ");
}

#[test]
fn what_lost_its_mark_is_left_alone_and_forgotten() {
    let found = |owner| Observation::Present(Box::new(live(json!({"name": "old"}), owner)));
    let unmarked = old().sees("old", found(None));
    assert_snapshot!(unmarked.steps(), @"none prod/old: no longer declared, but it does not carry our mark any more: it is left alone");
    assert_eq!(unmarked.plan().released.len(), 1);
    let taken = old().sees("old", found(Some(Owner::Resource(address("staging/x")))));
    assert_snapshot!(taken.steps(), @"none prod/old: no longer declared, and staging/x has it now");
}

#[test]
fn what_only_its_mark_says_is_ours_is_shown_and_not_deleted() {
    let scene = Scene::new()
        .settled("test/plain", "api", json!({}))
        .stray("test/plain", "old");
    assert_snapshot!(scene.steps(), @"
    none prod/api
    wait prod/old: it carries our mark, but nothing declares it and the ledger here has no record of it: it was applied with another ledger, so it is not deleted from here. Where that ledger is, with the daemon say, it is; or delete it yourself
    ");
    assert!(!scene.plan().is_empty(), "live does not equal Git");
    // One that Git declares under another id is taken over, as if the ledger had never been lost.
    let found = live(
        json!({"name": "old"}),
        Some(Owner::Resource(address("old"))),
    );
    let moved = Scene::new()
        .wants("test/plain", "new", json!({"name": "old"}))
        .stray("test/plain", "old")
        .sees("new", Observation::Present(Box::new(found)));
    assert_snapshot!(moved.steps(), @"adopt prod/new: it was prod/old, which is no longer declared; it moves here");
}

#[test]
fn what_is_gone_already_is_forgotten() {
    let scene = old().absent("old");
    assert_snapshot!(scene.steps(), @"none prod/old: no longer declared, and gone already");
    assert_eq!(scene.plan().released[0].to, None);
}

#[test]
fn what_is_unknown_waits() {
    assert_snapshot!(old().unknown("old", "no answer within 30s").steps(), @"wait prod/old: no longer declared, but its live state is unknown: no answer within 30s");
}

#[test]
fn prune_false_and_protect_leave_it_and_say_so() {
    let mut kept = old();
    kept.reconcile.prune = false;
    assert_snapshot!(kept.steps(), @"none prod/old: no longer declared; `prune: false` leaves it where it is");
    let mut protected = old();
    protected.owned[0].protected = true;
    assert_snapshot!(protected.steps(), @"wait prod/old: no longer declared, but protected: declare it with `lifecycle: { protect: false }` first, then remove it");
}

#[test]
fn an_undeclared_connection_is_named() {
    let mut scene = old();
    scene.connections.clear();
    assert_snapshot!(scene.steps(), @"wait prod/old: no longer declared, and neither is its connection main: declare that again to have it deleted");
}

#[test]
fn the_smaller_of_count_and_percent_is_the_budget() {
    let many = |owned: usize, gone: usize, count, percent| {
        let mut scene = Scene::new();
        for nth in 0..owned {
            let id = format!("r{nth:03}");
            scene = match nth < gone {
                true => scene.leftover("test/plain", &id, json!({})),
                false => scene.settled("test/plain", &id, json!({})),
            };
        }
        scene.reconcile.deletion_budget = DeletionBudget { count, percent };
        let holds = scene.plan().holds;
        holds.first().map(|hold| hold.reason.clone())
    };
    assert_eq!(many(10, 2, 5, 20), None);
    assert_snapshot!(many(10, 3, 5, 20).unwrap(), @"3 deletes, more than the 2 that deletionBudget allows (5 at most, 20 % of the 10 owned): prod/r000, prod/r001, prod/r002. Take out fewer at once, or let these pass with `reconcile: { deletionBudget: { count: 5, percent: 30 } }`");
    assert_snapshot!(many(100, 6, 5, 20).unwrap(), @"6 deletes, more than the 5 that deletionBudget allows (5 at most, 20 % of the 100 owned): prod/r000, prod/r001, prod/r002 and 3 more. Take out fewer at once, or let these pass with `reconcile: { deletionBudget: { count: 6, percent: 20 } }`");
    assert_eq!(many(2, 1, 5, 20), None, "a share is rounded up");
    assert!(many(2, 1, 0, 100).is_some());
}

#[test]
fn what_holds_data_and_is_made_anew_counts_as_deleted() {
    let engine = |id: &str, desired: &str| {
        let mut scene = Scene::new();
        scene = scene
            .wants("test/database", id, json!({ "engine": desired }))
            .with(|wanted| wanted.lifecycle.protect = Some(false));
        scene.ours(id, json!({ "engine": "mysql" })).applied(
            "test/database",
            id,
            json!({ "engine": "mysql" }),
        )
    };
    let mut one = engine("db", "pg");
    one.reconcile.deletion_budget = DeletionBudget {
        count: 0,
        percent: 100,
    };
    let plan = one.plan();
    assert_snapshot!(plan.holds[0].reason, @"1 replace, more than the 0 that deletionBudget allows (0 at most, 100 % of the 1 owned): prod/db. Take out fewer at once, or let these pass with `reconcile: { deletionBudget: { count: 1, percent: 100 } }`");
    let said = comment(&one);
    assert!(said.contains("`prod/db` **holds data**"), "{said}");
    let route = route(&plan, &one.reconcile, Authority::Person);
    assert!(!route.lets(&plan.steps[0].address), "{route:?}");
    one.reconcile.deletion_budget.count = 1;
    assert_eq!(one.plan().holds, []);

    let mut both = one.leftover("test/plain", "old", json!({}));
    both.reconcile.deletion_budget.count = 1;
    assert_snapshot!(both.plan().holds[0].reason, @"1 delete and 1 replace, more than the 1 that deletionBudget allows (1 at most, 100 % of the 2 owned): prod/db, prod/old. Take out fewer at once, or let these pass with `reconcile: { deletionBudget: { count: 2, percent: 100 } }`");
    // What holds nothing is made anew without a word.
    let mut object = Scene::new()
        .wants("test/object", "api", json!({"selector": "b"}))
        .with(|wanted| wanted.lifecycle.replace = true)
        .ours("api", json!({"selector": "a"}))
        .applied("test/object", "api", json!({"selector": "a"}));
    object.reconcile.deletion_budget.count = 0;
    assert_eq!(object.plan().holds, []);
}

#[test]
fn an_environment_that_declares_nothing_any_more_deletes_nothing_for_that() {
    let mut scene = Scene::new().leftover("test/plain", "last", json!({}));
    let hold = |scene: &Scene| scene.plan().holds.pop().map(|hold| hold.reason);
    assert_snapshot!(hold(&scene).unwrap(), @"no resource is declared any more, and nothing is deleted for that: to take the environment down, declare `reconcile: { destroy: true }`");
    scene.reconcile.destroy = true;
    assert_eq!(hold(&scene), None);
    let other = Scene::new()
        .leftover("test/plain", "last", json!({}))
        .settled("test/plain", "other", json!({}));
    assert_eq!(hold(&other), None);
}

#[test]
fn taking_down_deletes_dependants_first_and_knows_no_budget() {
    let mut scene = Scene::new()
        .settled("test/plain", "db", json!({}))
        .settled("test/plain", "api", json!({}))
        .after(&["db"])
        .settled("test/database", "data", json!({}))
        .wants("test/plain", "never", json!({}))
        .absent("never");
    scene.reconcile.destroy = true;
    assert_snapshot!(scene.steps(), @r"
    delete prod/api: the environment is taken down
    wait prod/data: the environment is taken down, but it is protected; `lifecycle: { protect: false }` lets it go
    delete prod/db: the environment is taken down
    none prod/never: the environment is taken down, and it is not there
    ");
    let plan = scene.plan();
    assert!(plan.holds.is_empty());
    assert!(
        plan.step(&address("db"))
            .unwrap()
            .after
            .contains(&address("api"))
    );
}

/// Three leftovers, each applied after the one before: what is deleted after what.
fn in_turn(records: &[(&str, &[&str])]) -> Vec<(String, Vec<String>)> {
    let mut scene = Scene::new().settled("test/plain", "stays", json!({}));
    for (id, after) in records {
        scene = scene.leftover("test/plain", id, json!({}));
        scene.owned.last_mut().unwrap().after = after.iter().map(|id| address(id)).collect();
    }
    let plan = scene.plan();
    let steps = plan.steps.iter();
    let deleted = steps.filter(|step| step.action == Action::Delete);
    let id = |address: &Address| address.resource.to_string();
    deleted
        .map(|step| (id(&step.address), step.after.iter().map(id).collect()))
        .collect()
}

#[test]
fn what_goes_goes_from_the_leaves() {
    let said = in_turn(&[
        ("db", &["stays"]),
        ("migration", &["db"]),
        ("web", &["db", "migration"]),
    ]);
    assert_snapshot!(format!("{said:?}"), @r#"[("db", ["migration", "web"]), ("migration", ["web"]), ("web", [])]"#);
    // Two revisions may have said the opposite: nothing waits for itself.
    let said = in_turn(&[("a", &["c"]), ("b", &["a"]), ("c", &["b", "c"])]);
    assert_snapshot!(format!("{said:?}"), @r#"[("a", ["b"]), ("b", []), ("c", ["a"])]"#);
}

#[test]
fn what_cannot_be_looked_at_counts_for_the_budget_so_that_an_outage_is_no_way_around_it() {
    let mut scene = Scene::new().settled("test/plain", "kept", json!({}));
    for nth in 0..10 {
        let id = format!("r{nth}");
        scene = scene.leftover("test/plain", &id, json!({}));
        if nth > 1 {
            scene = scene.unknown(&id, "the cluster is down");
        }
    }
    let plan = scene.plan();
    assert_snapshot!(plan.holds[0].reason, @"2 deletes and 8 that cannot be looked at now, more than the 3 that deletionBudget allows (5 at most, 20 % of the 11 owned): prod/r0, prod/r1. Take out fewer at once, or let these pass with `reconcile: { deletionBudget: { count: 10, percent: 91 } }`");
    let route = route(&plan, &scene.reconcile, Authority::Environment);
    assert!(!route.lets(&address("r0")), "{route:?}");
}
