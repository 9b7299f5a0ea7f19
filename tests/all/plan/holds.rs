//! What holds a plan as a whole.

use super::scene::Scene;
use insta::assert_snapshot;
use reconciled::model::Window;
use serde_json::json;
use std::time::Duration;

fn change() -> Scene {
    Scene::new()
        .wants("test/plain", "api", json!({}))
        .absent("api")
}

#[test]
fn a_pause_stops_changes_never_looking() {
    let mut scene = change();
    scene.reconcile.paused = Some("migration, ask Kim".into());
    assert_snapshot!(scene.shown(), @r#"
       + api  create  (test/plain)
          + name = "api"

    Held back: the environment is paused: migration, ask Kim
    "#);
}

#[test]
fn outside_its_windows_a_plan_waits_for_the_next_one() {
    let mut scene = change();
    let window = |cron: &str| Window {
        cron: cron.into(),
        open_for: Duration::from_secs(3600),
        timezone: "Europe/Berlin".into(),
    };
    scene.reconcile.windows = vec![window("0 9 * * 1-5"), window("0 22 * * 6")];
    let plan = scene.plan();
    assert_snapshot!(plan.holds[0].reason, @"changes wait for a window; the next one opens 2026-11-21 22:00 Europe/Berlin");
    assert_eq!(
        plan.next_window,
        Some("2026-11-21T21:00:00Z".parse().unwrap())
    );
    scene.now = "2026-11-21T21:30:00Z".parse().unwrap();
    assert!(scene.plan().holds.is_empty() && scene.plan().next_window.is_none());
}
