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
    let lines = json!(["- hacked", "+ hello"]);
    let differences =
        json!([{ "path": "content", "declared": "hello\n", "live": "hacked\n", "lines": lines }]);
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

/// Lets somebody change the page by hand and a commit change it too, before anybody looks again.
fn both_changed(scene: &Scene, hooks: &Hooks) -> String {
    let mut daemon = scene.started();
    taken(hooks, &mut daemon, 1);
    daemon.terminate();
    scene.world.write_live("page", "by nina\n");
    scene.world.commit(&[("shop.yaml", &shop("welcome\n"))])
}

/// Returns the events after the first run's: a drift is found, it ends, and the run that ended it does.
fn found_and_overwritten(hooks: &Hooks) -> Vec<Value> {
    let events = hooks.taken().into_iter().skip(1);
    let events: Vec<Value> = events.map(|(_, event)| event).collect();
    let types: Vec<&str> = events
        .iter()
        .filter_map(|event| event["type"].as_str())
        .collect();
    assert_eq!(types, ["episode.opened", "episode.ended", "run.ended"]);
    events
}

#[test]
fn a_change_by_hand_that_a_commit_writes_over_is_told_everywhere() {
    let hooks = Hooks::start(SECRET);
    let scene = scene(&hooks);
    let second = both_changed(&scene, &hooks);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &second);
    assert_eq!(scene.world.live("page").as_deref(), Some("welcome\n"));
    taken(&hooks, &mut daemon, 4);
    let events = found_and_overwritten(&hooks);
    let drift = &events[1]["data"]["episode"];
    let difference = &drift["differences"][0];
    assert_eq!(
        (
            &difference["was"],
            &difference["live"],
            &difference["declared"]
        ),
        (&json!("hello\n"), &json!("by nina\n"), &json!("welcome\n"))
    );
    assert_eq!(drift["how"], "overwritten by a run", "{drift}");
    let step = &events[2]["data"]["run"]["steps"][0];
    assert_eq!(step["over_hands"], json!(["content"]), "{step}");
    daemon.until("Slack heard of it", |_| {
        let said = scene.said("infra").join("\n");
        let told = said.contains("over what was changed by hand: `content`");
        (told && said.contains("was overwritten by the run of")).then_some(())
    });
    scene.assert_accepted();
}

#[test]
fn drift_that_is_put_back_at_once_is_found_ended_and_the_run_that_did_it() {
    let hooks = Hooks::start(SECRET);
    let scene = scene(&hooks);
    let correct = shop("hello\n").replace("onDrift: report", "onDrift: correct");
    let first = scene.world.commit(&[("shop.yaml", &correct)]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    taken(&hooks, &mut daemon, 1);
    scene.world.write_live("page", "hacked\n");
    taken(&hooks, &mut daemon, 4);
    let events = found_and_overwritten(&hooks);
    assert_eq!(
        events[0]["data"]["episode"]["id"],
        events[1]["data"]["episode"]["id"]
    );
    assert_eq!(events[2]["data"]["run"]["steps"][0]["outcome"], "done");
    // People read one message of it.
    daemon.looked_again("shop");
    assert_eq!(scene.said("infra").len(), 2, "{:?}", scene.said("infra"));
}

#[test]
fn a_step_that_fails_is_trouble_that_is_found_and_ends() {
    let hooks = Hooks::start(SECRET);
    let scene = scene(&hooks);
    let owned = |more: &str| {
        let head = "  secrets: { who: { env: WHO } }\n  reconcile: { interval: 1s }\n";
        let page =
            format!("    page: {{ kind: host/file, spec: {{ path: /page, content: x{more} }} }}\n");
        environment("shop", head, &page)
    };
    scene.world.variable("WHO", "nobody-we-know");
    let file = owned(", owner: \"${secrets.who}\"");
    scene.world.commit(&[("shop.yaml", &file)]);
    let mut daemon = scene.world.start();
    let found = daemon.until("it is found", |_| {
        let mut events = hooks.taken().into_iter().map(|(_, event)| event);
        events.find(|event| event["type"] == "episode.opened")
    });
    assert_eq!(found["data"]["episode"]["condition"], "failing", "{found}");
    scene.world.commit(&[("shop.yaml", &owned(""))]);
    daemon.until("it ended", |_| {
        let ended = hooks.taken().into_iter().map(|(_, event)| event);
        ended.into_iter().find(|event| {
            event["type"] == "episode.ended"
                && event["data"]["episode"]["id"] == found["data"]["episode"]["id"]
        })
    });
}

#[test]
fn what_is_not_taken_is_sent_again_under_its_id_and_not_before_it_may() {
    let hooks = Hooks::start(SECRET);
    let scene = scene(&hooks);
    hooks.server.fail("POST", "events", 500, &json!({}), 2);
    hooks.server.lose_answer("POST", "events");
    let wait = json!({ "retry-after": "3" });
    hooks.server.fail("POST", "events", 429, &wait, 1);
    let mut daemon = scene.started();
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
    // A kill before that is written down has a start say it once more.
    daemon.until("both count as told", |_| {
        let untold = scene
            .world
            .ledger(async |ledger| ledger.untold_runs().await.unwrap());
        untold?.is_empty().then_some(())
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

#[test]
fn what_a_person_does_past_the_daemon_is_told_by_its_next_start_at_the_latest() {
    let hooks = Hooks::start(SECRET);
    let scene = scene(&hooks);
    scene.world.variable("USER", "nina");
    let mut daemon = scene.started();
    taken(&hooks, &mut daemon, 1);
    daemon.terminate();
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    // Nobody listens while it is done.
    points_to(&scene, &format!("http://127.0.0.1:{}/", free_port()));
    let said = scene.world.command(&["apply", "shop", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    points_to(&scene, &hooks.url());
    let mut daemon = scene.world.start();
    let (_, ran) = taken(&hooks, &mut daemon, 2);
    let run = &ran["data"]["run"];
    assert_eq!(
        (&run["trigger"], &run["ordered_by"]),
        (&json!("cli"), &json!("nina"))
    );
    assert_eq!(run["revision"], json!(second));
    hooks.server.assert_contract_kept();
    daemon.until("Slack heard of it", |_| {
        let said = scene.said("infra");
        let told = |one: &String| one.contains("command line by nina");
        said.iter().any(told).then_some(())
    });
    scene.assert_accepted();
}

#[test]
fn what_was_sent_and_not_marked_before_a_kill_is_sent_again_under_its_id() {
    let hooks = Hooks::start(SECRET);
    let scene = scene(&hooks);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    taken(&hooks, &mut daemon, 1);
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &second);
    taken(&hooks, &mut daemon, 2);
    scene.world.write_live("page", "hacked\n");
    taken(&hooks, &mut daemon, 3);
    scene.world.write_live("page", "welcome\n");
    taken(&hooks, &mut daemon, 4);
    daemon.terminate();
    let sent = hooks.posted();
    // As a kill leaves it after the listener had the run, and the end of the drift, and before that is written down.
    for undone in [
        "UPDATE deliveries SET posted = '1' WHERE name = 'told/shop'",
        "UPDATE episodes SET ended_at = NULL, how = NULL",
        "DELETE FROM deliveries WHERE name LIKE 'webhook/%'",
    ] {
        scene.world.in_database(undone);
    }
    let mut daemon = scene.world.start();
    daemon.episode("drift", |drift| drift.ended_at.is_some());
    let again = daemon.until("both are sent again", |_| {
        let posted = hooks.posted().split_off(sent.len());
        (posted.len() == 2).then_some(posted)
    });
    assert_eq!(again, [sent[1].clone(), sent[3].clone()]);
    hooks.server.assert_contract_kept();
}
