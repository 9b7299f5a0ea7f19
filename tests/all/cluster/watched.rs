//! What is edited by hand is put back at once, however seldom an environment is compared.

use super::Scene;
use super::drift::by;
use crate::daemon::Daemon;
use reconciled::ledger::Episode;
use serde_json::json;
use std::time::{Duration, Instant};

/// A quarter of a second on an idle machine; tests run many at once.
const AT_ONCE: Duration = Duration::from_secs(60);

fn hourly() -> serde_json::Value {
    json!({ "interval": "1h" })
}

#[test]
fn an_edit_is_put_back_at_once_though_nothing_is_compared_for_an_hour() {
    let scene = Scene::new("at-once");
    let resources = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
        ("other", scene.config("other", "hello")),
        ("api", scene.deployment(1, "shop/api:1")),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, hourly(), &resources);
    daemon.until("it is looked at once more", |_| {
        let runs = scene.world.runs(scene.name);
        runs.iter().find(|run| run.trigger == "check").map(|_| ())
    });
    let before = scene.world.runs(scene.name).len();
    let begun = Instant::now();
    scene.kubectl(["edit", "configmap/page"]);
    daemon.until("the edit is put back", |_| {
        (scene.text("page")? == "hello").then_some(())
    });
    assert!(begun.elapsed() < AT_ONCE, "{:?}", begun.elapsed());
    // By the watch's word alone: nothing else looked in between, and nothing had to be tried twice.
    let runs = scene.world.runs(scene.name);
    let first = &runs[runs.len() - before - 1];
    assert_eq!(first.trigger, "nudge", "{runs:?}");
    let drift = daemon.episode("drift", |drift: &Episode| {
        scene.is(drift.address.as_ref(), "page") && drift.ended_at.is_some()
    });
    assert_eq!(by(&drift), ["kubectl-edit"], "{drift:?}");

    let begun = Instant::now();
    scene.kubectl(["delete", "configmap/other"]);
    daemon.until("what was deleted is there again", |_| scene.text("other"));
    // A mark taken off, and then a change that no watch tells of.
    scene.kubectl(["label", "configmap/page", "reconciled.dev/environment-"]);
    daemon.until("it is marked again", |_| {
        let live = scene.live("configmaps/page")?;
        let label = &live["metadata"]["labels"]["reconciled.dev/environment"];
        (label == scene.name).then_some(())
    });
    scene.kubectl(["edit", "configmap/page"]);
    daemon.until("the edit is put back", |_| {
        (scene.text("page")? == "hello").then_some(())
    });
    assert!(begun.elapsed() < 3 * AT_ONCE, "{:?}", begun.elapsed());
    let runs = scene.world.runs(scene.name);
    let odd = runs.iter().find(|run| run.trigger == "interval");
    assert!(odd.is_none(), "{odd:?}");
}

/// Waits until so many resources were compared since the daemon began, each as often as it was.
#[track_caller]
fn compared(daemon: &mut Daemon<'_>, count: u64) {
    let line = format!("reconciled_resources_compared_total {count}\n");
    daemon.until(format!("{count} resources were compared"), |daemon| {
        let (_, text) = daemon.try_page("/metrics")?;
        text.contains(&line).then_some(())
    });
}

#[test]
fn an_edit_has_nothing_compared_but_what_was_edited() {
    let scene = Scene::new("alone");
    let resources = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
        ("other", scene.config("other", "hello")),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, hourly(), &resources);
    // To be applied, and once more after it.
    compared(&mut daemon, 6);
    for edits in 1..=2 {
        scene.kubectl(["edit", "configmap/page"]);
        daemon.until("the edit is put back", |_| {
            (scene.text("page")? == "hello").then_some(())
        });
        compared(&mut daemon, 6 + edits);
    }
    // What is gone may be gone with what it was in.
    scene.kubectl(["delete", "configmap/other"]);
    daemon.until("what was deleted is there again", |_| scene.text("other"));
    compared(&mut daemon, 8 + 3);
    scene.kubectl(["edit", "configmap/other"]);
    compared(&mut daemon, 8 + 3 + 1);
    daemon.until("the edit is put back", |_| {
        (scene.text("other")? == "hello").then_some(())
    });
    let episodes = daemon.until("every episode is over", |_| {
        let episodes = scene.world.episodes();
        let open = episodes.iter().any(|one| one.ended_at.is_none());
        (!open).then_some(episodes)
    });
    let drifts = episodes.iter().filter(|one| one.condition == "drift");
    assert_eq!(drifts.count(), 4, "{episodes:?}");
}

#[test]
fn what_fails_keeps_no_edit_of_others_from_being_put_back() {
    let scene = Scene::new("beside-a-failure");
    let nowhere = json!({ "kind": "kubernetes/object", "spec": { "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "a", "namespace": "is-nowhere" }, "data": {} } });
    let resources = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
        ("nowhere", nowhere),
    ];
    let mut daemon = scene.world.start();
    scene.commit(hourly(), &resources);
    daemon.episode("failing", |failing| {
        scene.is(failing.address.as_ref(), "nowhere")
    });
    // It backs off by now for longer than an edit may take.
    daemon.until("it failed some times", |_| {
        let failed = scene.world.runs(scene.name);
        (failed.iter().filter(|run| run.trigger == "retry").count() >= 2).then_some(())
    });
    scene.kubectl(["edit", "configmap/page"]);
    daemon.until("the edit is put back", |_| {
        (scene.text("page")? == "hello").then_some(())
    });
    daemon.until("by a run of its own", |_| {
        let runs = scene.world.runs(scene.name);
        runs.iter().find(|run| run.trigger == "nudge").map(|_| ())
    });
    daemon.episode("failing", |failing| {
        scene.is(failing.address.as_ref(), "nowhere") && failing.ended_at.is_none()
    });
}
