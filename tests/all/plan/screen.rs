//! The terminal: a whole plan, a result, mistakes.

use super::result::{Ended, result};
use super::scene::{Scene, touch};
use insta::assert_snapshot;
use reconciled::deliver::render::{Screen, diagnostics_terminal, plan_terminal, run_terminal};
use reconciled::model::{Diagnostic, Location, RepoPath, Select, Severity};
use serde_json::json;
use std::sync::Arc;

/// One of everything.
pub(super) fn everything() -> Scene {
    let mut scene = Scene::new()
        .wants(
            "test/plain",
            "new",
            json!({"size": "s", "labels": {"team": "web"}}),
        )
        .absent("new")
        .wants(
            "test/object",
            "api",
            json!({"image": "api:2", "replicas": 3}),
        )
        .ours("api", json!({"image": "api:1", "replicas": 3}))
        .applied(
            "test/object",
            "api",
            json!({"image": "api:1", "replicas": 3}),
        )
        .wants("test/object", "web", json!({"replicas": 3}))
        .ours("web", json!({"replicas": 9}))
        .applied("test/object", "web", json!({"replicas": 3}))
        .live("web", |live| {
            live.touched_by = vec![touch(
                Some("replicas"),
                "kubectl-edit (kim)",
                "2026-11-21T07:00:00Z",
            )];
        })
        .wants("test/database", "db", json!({"engine": "pg"}))
        .with(|wanted| {
            wanted.lifecycle.protect = Some(false);
            // The budget counts what holds data; this one is to be let go.
            Arc::make_mut(&mut wanted.kind).stateful = Select::always(false);
        })
        .ours("db", json!({"engine": "mysql"}))
        .applied("test/database", "db", json!({"engine": "mysql"}))
        .wants("test/plain", "far", json!({}))
        .unknown("far", "no answer within 30s")
        .leftover("test/plain", "old", json!({}))
        .settled("test/plain", "same", json!({}));
    scene.reconcile.deletion_budget.count = 0;
    scene
}

#[test]
fn a_plan_reads_from_top_to_bottom() {
    assert_snapshot!(plan_terminal(&everything().plan(), Screen::default()), @r#"
    prod  at 3f2c1d4e5a, plan 2dfc6fcaf4fe

       ~ api  update  (test/object)
          ~ image = "api:1" -> "api:2"

     -/+ db  replace  (test/database)
          # engine cannot change in place
          ~ engine = "mysql" -> "pg"  # cannot change in place

       + new  create  (test/plain)
          + labels:
              + team: "web"
          + name = "new"
          + size = "s"

       - old  delete  (test/plain)
          # no longer declared

    Changed outside of Git:

       ~ web  update  (test/object)
          # by kubectl-edit (kim) at 2026-11-21 07:00 UTC
          ~ replicas = 9 -> 3

    Live state unknown:

       ! far  (test/plain)
          # its live state is unknown: no answer within 30s

    Deletes held back: 1 delete, more than the 0 that deletionBudget allows (0 at most, 20 % of the 5 owned): prod/old. Take out fewer at once, or let these pass with `reconcile: { deletionBudget: { count: 1, percent: 20 } }`

    Plan: 1 to create, 1 to update, 1 to replace, 1 to delete, 1 drifted, deletes held back, 1 resource unknown, 1 as declared.
    "#);
}

#[test]
fn no_changes_are_one_line() {
    let plan = Scene::new().settled("test/plain", "same", json!({})).plan();
    assert_snapshot!(plan_terminal(&plan, Screen::default()), @r"
    prod  at 3f2c1d4e5a

    No changes: live equals Git (1 resource).
    ");
}

#[test]
fn colours_change_no_word() {
    let plan = everything().plan();
    let coloured = plan_terminal(
        &plan,
        Screen {
            colour: true,
            width: 80,
        },
    );
    assert!(coloured.contains("\u{1b}[32m"));
    let mut plain = String::new();
    let mut rest = coloured.as_str();
    while let Some((before, after)) = rest.split_once('\u{1b}') {
        plain.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    plain.push_str(rest);
    assert_eq!(plain, plan_terminal(&plan, Screen::default()));
}

#[test]
fn nothing_from_outside_reaches_the_terminal_raw() {
    let nasty = "\u{1b}]0;owned\u{7}\u{202e}\r\n\u{1b}[2J";
    let scene = Scene::new()
        .wants(
            "test/plain",
            "api",
            json!({"a": nasty, nasty: {nasty: [nasty, {nasty: nasty}]}}),
        )
        .absent("api")
        .wants("test/plain", "far", json!({}))
        .unknown("far", nasty);
    let shown = plan_terminal(&scene.plan(), Screen::default());
    let odd = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
    assert!(!shown.contains(odd), "{shown:?}");
}

#[test]
fn a_result_says_what_failed_and_what_to_do() {
    let scene = everything();
    let Ended {
        plan,
        route,
        outcomes,
    } = result(&scene);
    let shown = run_terminal(
        &super::result::borrow(&scene, &plan, &route, &outcomes),
        Screen::default(),
    );
    assert_snapshot!(shown, @r"
      ✗ api: failed: apply to api: <image> `api:2` @team is *not* there
          Look at the image's name.
      - db: skipped: prod/api did not succeed
      ✓ new: created
      ! old: held back, 1 delete, more than the 0 that deletionBudget allows (0 at most, 20 % of the 5 owned): prod/old. Take out fewer at once, or let these pass with `reconcile: { deletionBudget: { count: 1, percent: 20 } }`
      ! web: held back, onDrift: report only tells
      ! far: waits, its live state is unknown: no answer within 30s

    prod: 1 done, 1 failed, 1 skipped, 2 held back, 1 drifted.
    ");
}

#[test]
fn a_mistake_is_marked_in_its_line() {
    let at = |line, column, length| Location {
        file: RepoPath::new("environments/prod.yaml").unwrap(),
        line,
        column,
        length,
    };
    let one = Diagnostic {
        location: at(12, 5, 9),
        severity: Severity::Error,
        code: "unknown-key",
        message: "no key `replicass` is known here".into(),
        hint: Some("Did you mean `replicas`?".into()),
        source_line: "    replicass: 3".into(),
        related: Some((at(3, 1, 1), "the first of them".into())),
    };
    let two = Diagnostic {
        location: at(1, 1, 1),
        severity: Severity::Warning,
        code: "orphaned",
        message: "the environment staging is declared no more".into(),
        hint: None,
        source_line: String::new(),
        related: None,
    };
    assert_snapshot!(diagnostics_terminal(&[one, two], Screen::default()), @r"
    error[unknown-key]: no key `replicass` is known here
      --> environments/prod.yaml:12:5
       |
    12 |     replicass: 3
       |     ^^^^^^^^^
       |
       = note: environments/prod.yaml:3:1: the first of them
       = help: Did you mean `replicas`?

    warning[orphaned]: the environment staging is declared no more
    --> environments/prod.yaml:1:1

    1 error, 1 warning
    ");
    assert_eq!(diagnostics_terminal(&[], Screen::default()), "");
}
