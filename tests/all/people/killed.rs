//! A kill between what is said and the record that it was: nothing is said twice, or in poorer words.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, files};
use crate::peers::wait::outside;
use reconciled::ledger::Ledger;
use serde_json::json;

fn shop(page: &str) -> String {
    environment("shop", "", &files(&[("page", page)]))
}

/// What stands in the ledger under a name.
fn delivery(scene: &Scene, name: &str) -> Option<serde_json::Value> {
    let read = async |ledger: &Ledger| ledger.delivery(name).await.unwrap();
    scene.world.ledger(read).flatten()
}

/// Waits until the ledger knows that people were told of the runs.
#[track_caller]
fn recorded(scene: &Scene, daemon: &mut Daemon<'_>) {
    daemon.until("the runs are known as told", |_| {
        delivery(scene, "told/shop")
    });
}

const UNRECORDED: &str = "DELETE FROM deliveries WHERE name LIKE 'told/%'";

#[test]
fn what_was_said_before_a_kill_stays_as_it_was_said() {
    for channel in ["infra", "general"] {
        let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
        if channel == "general" {
            scene.world.variable("SLACK", scene.slack.webhook_url());
            scene
                .world
                .settings(|settings| settings["slack"] = json!({ "webhook": { "env": "SLACK" } }));
        }
        let mut daemon = scene.started();
        daemon.until("the run is told", |_| {
            (scene.said(channel).len() == 1).then_some(())
        });
        recorded(&scene, &mut daemon);
        daemon.terminate();
        scene.world.in_database(UNRECORDED);
        let before = scene.said(channel);
        let mut daemon = scene.world.start();
        recorded(&scene, &mut daemon);
        daemon.terminate();
        assert_eq!(scene.said(channel), before, "{channel}");
        scene.assert_accepted();
    }
}

#[test]
fn what_waits_to_be_said_is_said_in_full_and_what_a_kill_lost_in_short() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let down = || {
        let server = &scene.slack.server;
        server.fail("POST", "/chat.", 503, &json!({}), 1_000_000);
    };
    down();
    let mut daemon = scene.started();
    recorded(&scene, &mut daemon);
    daemon.kill();
    scene.world.in_database(UNRECORDED);
    let mut daemon = scene.world.start();
    recorded(&scene, &mut daemon);
    scene.slack.server.mend();
    let said = daemon.until("it is told", |_| scene.said("infra").pop());
    assert!(said.contains("page") && said.contains("run 1"), "{said}");
    daemon.looked_again("shop");
    assert_eq!(scene.said("infra").len(), 1, "{:#?}", scene.said("infra"));

    down();
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    // How many runs found nothing to do before is the clock's.
    let run = daemon.run_of("shop", &second).id;
    daemon.until("it is known as told", |_| {
        let told = delivery(&scene, "told/shop")?.as_i64()?;
        (told >= run.0).then_some(())
    });
    daemon.kill();
    scene.world.in_database(UNRECORDED);
    scene
        .world
        .in_database("DELETE FROM facts WHERE name LIKE '%slack-waiting%'");
    scene.slack.server.mend();
    let mut daemon = scene.world.start();
    daemon.until("what is left of it is told", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.contains("It ended when the daemon did"))
    });
    scene.assert_accepted();
}

#[test]
fn a_run_that_was_cut_off_is_told_by_a_later_start_where_the_next_was_killed_too() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    recorded(&scene, &mut daemon);
    for trigger in [
        "CREATE TRIGGER ended BEFORE UPDATE OF outcome ON steps
         BEGIN SELECT RAISE(ABORT, 'killed here'); END",
        "CREATE TRIGGER closed BEFORE UPDATE OF ended_at ON runs
         BEGIN SELECT RAISE(ABORT, 'killed here'); END",
    ] {
        scene.world.in_database(trigger);
    }
    scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.until("live is as Git says", |_| {
        (scene.world.live("page")? == "welcome\n").then_some(())
    });
    daemon.kill();
    scene.world.in_database("DROP TRIGGER ended");
    scene.world.in_database("DROP TRIGGER closed");
    // The next start comes so far, and is killed before it says so.
    let path = scene.world.ledger_file();
    let closed = outside(|| {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let ledger = Ledger::open(&path).await.unwrap();
            let closed = ledger.close_interrupted_runs().await.unwrap();
            ledger.close().await;
            closed
        })
    });
    assert_eq!(closed.len(), 1, "{closed:#?}");
    let mut daemon = scene.world.start();
    let interrupted = |one: &String| one.contains("shop: a run was interrupted");
    daemon.until("Slack says that a run was cut off", |_| {
        scene.said("infra").into_iter().find(interrupted)
    });
    recorded(&scene, &mut daemon);
    daemon.kill();
    scene.world.in_database(UNRECORDED);
    let mut daemon = scene.world.start();
    recorded(&scene, &mut daemon);
    daemon.looked_again("shop");
    let said = scene.said("infra");
    assert_eq!(
        said.iter().filter(|one| interrupted(one)).count(),
        1,
        "{said:#?}"
    );
    scene.assert_accepted();
}

#[test]
fn what_a_run_held_before_a_kill_is_told_under_the_number_of_that_run() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    scene.world.write_live("page", "by hand, long ago\n");
    let mut daemon = scene.started();
    let told = |daemon: &mut Daemon<'_>| {
        daemon.until("it is told", |_| delivery(&scene, "slack/run/shop/1"));
        recorded(&scene, daemon);
    };
    told(&mut daemon);
    daemon.kill();
    scene.world.in_database(UNRECORDED);
    scene
        .world
        .in_database("DELETE FROM deliveries WHERE name LIKE 'waits/%' OR name LIKE 'slack/%'");
    let mut daemon = scene.world.start();
    told(&mut daemon);
    daemon.looked_again("shop");
    assert_eq!(delivery(&scene, "slack/run/shop/0"), None);
    scene.assert_accepted();
}
