//! The webhook: one signed POST for each transition, kept until somebody has it, whatever ends in between.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, files};
use crate::peers::hooks::{Hooks, SECRET};
use crate::peers::process::free_port;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn shop(page: &str) -> String {
    let more = "  reconcile: { interval: 1s, onDrift: report }\n";
    environment("shop", more, &files(&[("page", page)]))
}

fn scene(hooks: &Hooks) -> Scene {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    scene.world.variable("HOOK", SECRET);
    points_to(&scene, &hooks.url());
    scene
}

fn points_to(scene: &Scene, url: &str) {
    scene.world.settings(|settings| {
        settings["webhook"] = json!({ "url": url, "secret": { "env": "HOOK" } });
    });
}

/// Waits until so many events were taken. Returns the last.
#[track_caller]
fn taken(hooks: &Hooks, daemon: &mut Daemon<'_>, count: usize) -> (String, Value) {
    daemon.until(format!("{count} events are taken"), |_| {
        let taken = hooks.taken();
        assert!(taken.len() <= count, "{taken:#?}");
        taken.into_iter().nth(count - 1)
    })
}

#[test]
fn each_transition_is_one_post_that_its_listener_can_check() {
    let hooks = Hooks::start(SECRET);
    let scene = scene(&hooks);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let (_, ran) = taken(&hooks, &mut daemon, 1);
    assert_eq!(ran["type"], "run.ended");
    let data = &ran["data"];
    assert_eq!(
        (&data["environment"], &data["gravity"], &data["title"]),
        (&json!("shop"), &json!("good"), &json!("✅ shop: 1 changed"))
    );
    let run = &data["run"];
    assert_eq!((&run["id"], &run["revision"]), (&json!(1), &json!(first)));
    let step = json!({ "address": "shop/page", "kind": "host/file", "action": "create", "outcome": "done" });
    assert_eq!(run["steps"], json!([step]));
    assert!(run["took_ms"].is_u64(), "{run}");

    scene.world.write_live("page", "hacked\n");
    let (found_id, found) = taken(&hooks, &mut daemon, 2);
    assert_eq!(found["type"], "episode.opened");
    let drift = &found["data"]["episode"];
    assert_eq!(
        (&drift["condition"], &drift["address"]),
        (&json!("drift"), &json!("shop/page"))
    );
    let differences = json!([{ "path": "content", "declared": "hello", "live": "hacked" }]);
    assert_eq!(drift["differences"], differences, "{drift}");
    // It goes on, and nobody is told again; not after a restart either.
    daemon.looked_again("shop");
    daemon.terminate();
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    scene.world.write_live("page", "hello\n");
    let (ended_id, ended) = taken(&hooks, &mut daemon, 3);
    assert_eq!(ended["type"], "episode.ended");
    assert_eq!(ended["data"]["episode"]["id"], drift["id"]);
    assert_eq!(
        ended["timestamp"], ended["data"]["episode"]["ended_at"],
        "{ended}"
    );
    assert_ne!(found_id, ended_id);

    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &second);
    let (_, ran) = taken(&hooks, &mut daemon, 4);
    assert_eq!(ran["data"]["run"]["steps"][0]["action"], "update");
    hooks.server.assert_contract_kept();
    // Slack heard of the same: two runs, and one drift that ended.
    daemon.until("Slack heard of it", |_| {
        (scene.said("infra").len() == 3).then_some(())
    });
    scene.assert_accepted();
}

#[test]
fn what_is_not_taken_is_sent_again_under_its_id_and_not_before_it_may() {
    let hooks = Hooks::start(SECRET);
    let scene = scene(&hooks);
    hooks.server.fail("POST", "events", 500, &json!({}), 2);
    hooks.server.lose_answer("POST", "events");
    let wait = json!({ "retry-after": "3" });
    hooks.server.fail("POST", "events", 429, &wait, 1);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    daemon.until("it is asked to wait", |_| {
        (hooks.posted().len() == 4).then_some(())
    });
    let asked = Instant::now();
    let (id, _) = taken(&hooks, &mut daemon, 1);
    assert!(
        asked.elapsed() > Duration::from_millis(1500),
        "{:?}",
        asked.elapsed()
    );
    let posted = hooks.posted();
    assert_eq!(posted.len(), 5, "{posted:?}");
    assert!(posted.iter().all(|one| *one == id), "{posted:?}");
    let down = daemon.lines("Messages cannot be delivered, keeping them until they can");
    assert_eq!(down.len(), 1, "{down:?}");
    daemon.logged("Messages can be delivered again", |_| true);
    hooks.server.assert_contract_kept();
}

#[test]
fn what_nobody_took_outlives_the_daemon_and_stays_in_order() {
    let hooks = Hooks::start(SECRET);
    let scene = scene(&hooks);
    points_to(&scene, &format!("http://127.0.0.1:{}/events", free_port()));
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &second);
    daemon.until("both wait", |_| {
        let waiting = scene
            .world
            .ledger(async |ledger| ledger.waiting("waiting-webhook").await.unwrap());
        (waiting??.as_array()?.len() == 2).then_some(())
    });
    daemon.kill();
    points_to(&scene, &hooks.url());
    let mut daemon = scene.world.start();
    taken(&hooks, &mut daemon, 2);
    let revisions = hooks.taken().into_iter();
    let revisions = revisions.map(|(_, event)| event["data"]["run"]["revision"].clone());
    assert_eq!(revisions.collect::<Vec<_>>(), [json!(first), json!(second)]);
    daemon.looked_again("shop");
    assert_eq!(hooks.taken().len(), 2);
    hooks.server.assert_contract_kept();
}

#[test]
fn a_secret_that_only_we_know_is_seen_and_nothing_is_lost_by_it() {
    let theirs = Hooks::start("whsec_c29tZXRoaW5nIHRoYXQgd2UgZG8gbm90IGtub3c=");
    let scene = scene(&theirs);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    daemon.until("it is shown", |daemon| {
        let (_, ready) = daemon.try_page("/readyz")?;
        ready
            .contains("both sides have the same secret")
            .then_some(())
    });
    assert_eq!(theirs.taken(), []);
    daemon.terminate();
    let hooks = Hooks::start(SECRET);
    points_to(&scene, &hooks.url());
    let mut daemon = scene.world.start();
    let (_, ran) = taken(&hooks, &mut daemon, 1);
    assert_eq!(ran["data"]["run"]["revision"], json!(first));
    daemon.until("the trouble is over", |daemon| {
        let (_, ready) = daemon.try_page("/readyz")?;
        (!ready.contains("webhook")).then_some(())
    });
    hooks.server.assert_contract_kept();
}

#[test]
fn a_secret_that_is_none_is_refused_at_the_start() {
    let hooks = Hooks::start(SECRET);
    let scene = scene(&hooks);
    scene.world.variable("HOOK", "letmein");
    let said = scene.world.command(&["run"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stderr.contains("whsec_") && !said.stderr.contains("letmein"),
        "{said:?}"
    );
}
