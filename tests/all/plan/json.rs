//! JSON for programs: a stable shape.

use super::result::{Ended, borrow, result};
use super::scene::Scene;
use super::screen::everything;
use reconciled::deliver::render::{diagnostics_json, plan_json, run_json};
use reconciled::model::{Diagnostic, Location, RepoPath, Severity};
use serde_json::{Value, json};

#[test]
fn a_plan_has_its_documented_shape() {
    let plan = Scene::new()
        .wants(
            "test/plain",
            "api",
            json!({"size": "l", "key": {"$secret": "canary"}}),
        )
        .ours("api", json!({"size": "s"}))
        .applied("test/plain", "api", json!({"size": "l"}))
        .plan();
    let mut shown = plan_json(&plan);
    let hash = shown.as_object_mut().unwrap().remove("hash").unwrap();
    assert_eq!(hash.as_str().unwrap().len(), 64);
    let change = |path: &str, before: Value, after: &str, origin: &str| {
        let had = !before.is_null();
        json!({"path": path, "before": before, "after": after, "had": had, "has": true, "origin": origin, "forces_replace": false})
    };
    let step = json!({
        "address": "prod/api", "kind": "test/plain", "object": "api", "action": "update", "reason": null,
        "drift": false, "unknown": false, "overwrites": false, "stateful": false, "protected": false,
        "changes": [change("key", Value::Null, "(sensitive)", "declared"), change("size", json!("s"), "l", "drift")],
        "left_to_others": [], "touched_by": [], "after": [],
    });
    let summary = json!({"create": 0, "update": 1, "replace": 0, "delete": 0, "adopt": 0, "overwrite": 0, "wait": 0, "unknown": 0, "refused": 0, "none": 0});
    assert_eq!(
        shown,
        json!({
            "format": 1, "environment": "prod", "revision": "3f2c1d4e5a6b7c8d9e0f", "empty": false,
            "summary": summary, "holds": [], "steps": [step], "released": [],
        })
    );
}

#[test]
fn a_run_names_every_outcome() {
    let scene = everything();
    let Ended {
        plan,
        route,
        outcomes,
    } = result(&scene);
    let shown = run_json(&borrow(&scene, &plan, &route, &outcomes));
    let of = |address: &str| {
        let all = shown["outcomes"].as_array().unwrap();
        all.iter().find(|one| one["address"] == address).unwrap()["outcome"].clone()
    };
    assert_eq!(
        (of("prod/api"), of("prod/new"), of("prod/db")),
        (json!("failed"), json!("done"), json!("skipped"))
    );
    assert_eq!(
        (shown["run"].clone(), shown["held"][0]["address"].clone()),
        (json!(42), json!("prod/old"))
    );
}

#[test]
fn mistakes_are_a_list_of_places() {
    let mistake = Diagnostic {
        location: Location {
            file: RepoPath::new("prod.yaml").unwrap(),
            line: 3,
            column: 5,
            length: 1,
        },
        severity: Severity::Error,
        code: "unknown-key",
        message: "no key `x` is known here".into(),
        hint: None,
        source_line: "    x: 1".into(),
        related: None,
    };
    let shown = json!([{"file": "prod.yaml", "line": 3, "column": 5, "code": "unknown-key",
        "message": "no key `x` is known here", "hint": null, "severity": "error"}]);
    assert_eq!(diagnostics_json(&[mistake]), shown);
}
