//! Much that goes wrong at once is one message, and pushes nothing else out.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, files};

#[test]
fn what_was_changed_everywhere_at_once_is_one_message_from_its_beginning_to_its_end() {
    for on_drift in ["correct", "report"] {
        let names: Vec<String> = (0..60).map(|nth| format!("f{nth}")).collect();
        let all: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "x\n")).collect();
        let more = format!("  reconcile: {{ interval: 1s, onDrift: {on_drift} }}\n");
        let shop = environment("shop", &more, &files(&all));
        let scene = Scene::new(&[("shop.yaml", &shop)]);
        let first = scene.world.git(&["rev-parse", "main"]);
        let mut daemon = scene.world.start();
        daemon.run_of("shop", &first);
        daemon.until("the first run is told", |_| {
            (scene.said("infra").len() == 1).then_some(())
        });
        daemon.terminate();
        std::fs::remove_file(scene.world.host().join("f7")).unwrap();
        for name in names.iter().filter(|name| *name != "f7") {
            scene.world.write_live(name, "by hand\n");
        }
        let mut daemon = scene.world.start();
        if on_drift == "report" {
            let said = daemon.until("it is told", |_| {
                let mut said = scene.said("infra").into_iter();
                said.find(|one| one.starts_with("🔶 shop: 60 resources changed outside of Git"))
            });
            assert!(said.contains("f7: is gone from the live side"), "{said}");
            daemon.looked_again("shop");
            for name in &names {
                scene.world.write_live(name, "x\n");
            }
        }
        daemon.until("its end is told", |_| {
            let mut said = scene.said("infra").into_iter();
            said.find(|one| {
                one.starts_with("✅ shop: 60 resources changed outside of Git, over now")
            })
        });
        daemon.looked_again("shop");
        let said = scene.said("infra");
        assert_eq!(said.len(), 2, "{on_drift}: {said:#?}");
        scene.assert_accepted();
    }
}

/// The environments of the test below, each with a file of its own.
fn many() -> Vec<(String, String)> {
    let one = |nth: usize| {
        let name = format!("e{nth}");
        let more = "  reconcile: { interval: 2s }\n";
        let text = environment(&name, more, &files(&[(name.as_str(), "x\n")]));
        (format!("{name}.yaml"), text)
    };
    (0..30).map(one).collect()
}

/// Waits until all that happened is told. Returns how many messages that took.
#[track_caller]
fn all_told(scene: &Scene, daemon: &mut Daemon<'_>) -> usize {
    daemon.until("all that happened is told", |_| {
        let quiet = scene.world.ledger(async |ledger| {
            let waiting = ledger.waiting("slack-waiting").await.unwrap();
            let waits = waiting.is_some_and(|all| all != serde_json::json!([]));
            !waits && ledger.untold_runs().await.unwrap().is_empty()
        });
        quiet?.then_some(())
    });
    scene.said("infra").len()
}

#[test]
fn a_connection_that_is_dead_for_many_environments_is_one_message_whenever_it_is_killed() {
    let many = many();
    let all: Vec<(&str, &str)> = many.iter().map(|(path, text)| (&**path, &**text)).collect();
    let scene = Scene::new(&all);
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    for nth in 0..30 {
        daemon.run_of(&format!("e{nth}"), &first);
    }
    let before = all_told(&scene, &mut daemon);

    let (here, away) = (scene.world.host(), scene.world.folder().join("away"));
    std::fs::rename(&here, &away).unwrap();
    daemon.episode("unknown", |one| one.ended_at.is_none());
    daemon.until("some of them are known", |_| {
        let known = scene
            .world
            .ledger(async |ledger| ledger.waiting("slack-storms").await.unwrap());
        known?.map(|_| ())
    });
    daemon.kill();
    let mut daemon = scene.world.start();
    let title = format!(
        "🔶 30 environments: host {} does not answer",
        here.display()
    );
    let root = daemon.until("all of them are told in one message", |_| {
        let mut messages = scene.slack.messages("infra").into_iter();
        messages.find(|one| one["text"] == title.as_str())
    });
    assert_eq!(
        all_told(&scene, &mut daemon),
        before + 1,
        "{:#?}",
        scene.said("infra")
    );
    let said = root["blocks"].to_string();
    assert!(
        said.contains("e0, e1, e10, e11") && said.contains("e9"),
        "{said}"
    );
    let root = root["ts"].as_str().unwrap();
    let replies = daemon.until("what of each is in its thread", |_| {
        let replies = scene.slack.replies("infra", root);
        let text = replies.first()?["blocks"].to_string();
        (text.contains("`e7`: e7") && text.contains("`e29`: e29")).then_some(replies)
    });
    let [each] = replies.as_slice() else {
        panic!("{replies:#?}");
    };
    assert!(each["blocks"].to_string().contains("`e7`: e7"), "{each}");

    // What another start finds to be over is over in the message of the one before.
    daemon.kill();
    std::fs::rename(&away, &here).unwrap();
    let mut daemon = scene.world.start();
    daemon.until("its end is told", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.starts_with("✅ 30 environments: host "))
    });
    for name in ["e0", "e29"] {
        daemon.looked_again(name);
    }
    assert_eq!(
        all_told(&scene, &mut daemon),
        before + 1,
        "{:#?}",
        scene.said("infra")
    );
    let replies = scene.slack.replies("infra", root);
    assert_eq!(replies.len(), 2, "its end is told once: {replies:#?}");
    scene.assert_accepted();
}
