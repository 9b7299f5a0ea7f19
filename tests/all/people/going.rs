//! Slack while a run goes on, whom a failure calls and where, and what still differs once a day.

use super::scene::{How, Scene};
use crate::daemon::{Daemon, environment, files};
use crate::peers::hooks::{Hooks, SECRET};
use serde_json::{Value, json};

/// A shop with a database in a cloud, and as many files as words.
fn shop(pages: &[&str]) -> String {
    let more =
        "  secrets: { cloud: { env: CLOUD } }\n  reconcile: { interval: 1s, onDrift: report }\n";
    let pages: Vec<(String, &str)> = (0..)
        .map(|nth| format!("p{nth}"))
        .zip(pages.iter().copied())
        .collect();
    let pages: Vec<(&str, &str)> = pages
        .iter()
        .map(|(id, text)| (id.as_str(), *text))
        .collect();
    let db = "    db: { kind: digitalocean/database-cluster, connection: cloud, spec: { name: shop, engine: pg, version: \"17\", size: db-s-1vcpu-1gb, region: nyc3, num_nodes: 1 } }\n";
    environment("shop", more, &format!("{}{db}", files(&pages)))
        .replace(
            "connections:\n",
            "connections:\n    cloud: { provider: digitalocean, token: \"${secrets.cloud}\" }\n",
        )
        .replace("kind: host/file,", "kind: host/file, connection: here,")
}

/// Waits for the newest message of a channel that begins so.
#[track_caller]
fn told(scene: &Scene, daemon: &mut Daemon<'_>, channel: &str, title: &str) -> Value {
    daemon.until(format!("#{channel} is told {title}"), |_| {
        let mut messages = scene.slack.messages(channel).into_iter().rev();
        messages.find(|one| one["text"].as_str().unwrap().starts_with(title))
    })
}

#[test]
fn a_run_that_takes_long_is_one_message_with_its_progress_in_the_thread() {
    let begun = shop(&["zero"]);
    let (without, _) = begun.split_once("    db:").unwrap();
    let scene = Scene::new(&[("shop.yaml", without)]);
    let cloud = scene.with_cloud();
    cloud.account(|account| account.looks_until_online = u32::MAX);
    let mut daemon = scene.world.start();
    told(&scene, &mut daemon, "infra", "✅ shop: 1 changed");
    let number = scene.open(
        "begin",
        None,
        &[("shop.yaml", &shop(&["zero", "1", "2", "3", "4", "5", "6"]))],
    );
    let (plan, _) = scene.comment_with(&mut daemon, number, "7 to create");
    let merge = scene.merge_all(&[(number, "begin", How::Commit)]).remove(0);
    let root = told(&scene, &mut daemon, "infra", "⏳ shop: 7 changes under way");
    let said = root["blocks"].to_string();
    assert_eq!(said.matches(": create").count(), 5, "{said}");
    assert!(
        said.contains("`db`") && said.contains("… and 2 more"),
        "what holds data is among them: {said}"
    );
    let ts = root["ts"].as_str().unwrap();
    let so_far = daemon.until("its thread says how far it is", |_| {
        let replies = scene.slack.replies("infra", ts).into_iter();
        replies
            .last()
            .filter(|one| one["blocks"].to_string().contains("its status is creating"))
    });
    assert_eq!(so_far["text"], "6 of 7 done", "{so_far}");
    cloud.account(|account| account.looks_until_online = 0);
    let ended = told(&scene, &mut daemon, "infra", "✅ shop: 7 changed");
    assert_eq!(ended["ts"], root["ts"], "the root was rewritten");
    let said = ended["blocks"].to_string();
    let page = format!("{}/acme/infra", scene.github.server.url());
    for link in [
        format!("<{page}/commit/{merge}|"),
        format!("<{page}/pull/{number}|#{number}>"),
        format!("<{page}/pull/{number}#issuecomment-{plan}|plan>"),
        " by ".to_owned(),
        "took ".to_owned(),
    ] {
        assert!(said.contains(&link), "{link} in {said}");
    }
    assert_eq!(scene.said("infra").len(), 2, "{:#?}", scene.said("infra"));
    assert_eq!(scene.slack.replies("infra", ts).len(), 1);
    scene.assert_accepted();
}

#[test]
fn a_run_that_was_killed_does_not_go_on_for_ever_in_chat() {
    let scene = Scene::new(&[("shop.yaml", &shop(&["one"]))]);
    let cloud = scene.with_cloud();
    cloud.account(|account| account.looks_until_online = u32::MAX);
    let hooks = Hooks::start(SECRET);
    scene.world.variable("HOOK", SECRET);
    scene.world.settings(|settings| {
        settings["webhook"] = json!({ "url": hooks.url(), "secret": { "env": "HOOK" } });
    });
    let mut daemon = scene.world.start();
    let root = told(&scene, &mut daemon, "infra", "⏳ shop: 2 changes under way");
    daemon.kill();
    cloud.account(|account| account.looks_until_online = 0);
    let mut daemon = scene.world.start();
    let after = told(
        &scene,
        &mut daemon,
        "infra",
        "🔶 shop: a run was interrupted",
    );
    assert_eq!(after["ts"], root["ts"]);
    let cut = daemon.until("programs hear how far it came", |_| {
        let mut events = hooks.taken().into_iter().map(|(_, event)| event);
        events.find(|event| event["type"] == "run.interrupted")
    });
    let steps = cut["data"]["run"]["steps"].as_array().unwrap();
    let mut ends: Vec<&str> = steps
        .iter()
        .map(|step| step["outcome"].as_str().unwrap())
        .collect();
    ends.sort_unstable();
    assert_eq!(ends, ["done", "interrupted"], "{cut}");
    scene.assert_accepted();
}

#[test]
fn a_failure_goes_where_failures_go_and_calls_who_is_named() {
    let notify =
        "  notify: { channels: { failure: \"#random\" }, mention: [S012ABCDEF, U012ABCDEF] }\n";
    let good = environment("shop", notify, &files(&[("page", "hello\n")]));
    let scene = Scene::new(&[("shop.yaml", &good)]);
    scene
        .world
        .settings(|settings| settings["slack"]["mention"] = json!(["U0SETTINGS"]));
    let mut daemon = scene.world.start();
    told(&scene, &mut daemon, "infra", "✅ shop: 1 changed");
    // Whoever writes the spec calls nobody by what they write.
    let bad = good.replace(
        "resources:",
        "\"<!channel> <@U0EVIL0000> @here\": 1\n  resources:",
    );
    scene.world.commit(&[("shop.yaml", &bad)]);
    let failed = told(&scene, &mut daemon, "random", "❌ shop: ");
    let called = &failed["blocks"][1]["text"]["text"];
    assert_eq!(called, "<!subteam^S012ABCDEF> <@U012ABCDEF>", "{failed}");
    let said = failed["blocks"].to_string();
    assert_eq!(said.matches("<@").count(), 1, "nobody else is: {said}");
    assert!(
        said.contains("U0EVIL0000") && !said.contains("<!channel>"),
        "{said}"
    );
    assert_eq!(scene.said("infra").len(), 1, "{:#?}", scene.said("infra"));

    // What is good again is said where it was bad, and calls nobody.
    scene.world.commit(&[("shop.yaml", &good)]);
    let mended = told(&scene, &mut daemon, "random", "✅ shop: ");
    assert_eq!(mended["ts"], failed["ts"]);
    assert!(!mended["blocks"].to_string().contains("<@"), "{mended}");
    scene.assert_accepted();
}

#[test]
fn what_still_differs_is_told_once_a_day_and_not_twice_over_a_restart() {
    let text = environment(
        "shop",
        "  reconcile: { interval: 1s, onDrift: report }\n",
        &files(&[("page", "hello\n")]),
    );
    let scene = Scene::new(&[("shop.yaml", &text)]);
    scene.world.settings(|settings| {
        settings["slack"]["daily"] = json!({ "at": "00:00", "timezone": "Europe/Berlin" });
    });
    let first = scene.world.git(&["rev-parse", "main"]);
    let yesterday = || {
        scene.world.in_database(
            "UPDATE deliveries SET posted = '\"2026-01-01T00:00:00Z\"' WHERE name = 'daily'",
        );
    };
    let daily = |scene: &Scene| {
        let said = scene.said("infra").into_iter();
        said.filter(|one| one.contains("still differ"))
            .collect::<Vec<_>>()
    };
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    daemon.terminate();
    // Nothing stands: nothing is told.
    yesterday();
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    scene.world.write_live("page", "hacked\n");
    told(&scene, &mut daemon, "infra", "🔶 shop: page was changed");
    assert_eq!(daily(&scene), Vec::<String>::new());
    daemon.terminate();
    yesterday();
    let mut daemon = scene.world.start();
    let digest = told(
        &scene,
        &mut daemon,
        "infra",
        "🔶 1 resource still differs from Git",
    );
    assert!(
        digest["blocks"].to_string().contains("• `shop/page` for "),
        "{digest}"
    );
    daemon.terminate();
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    daemon.looked_again("shop");
    assert_eq!(daily(&scene).len(), 1);
    scene.assert_accepted();
}
