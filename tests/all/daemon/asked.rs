//! What a person asks a running daemon to carry out now: just the plan that they saw, in their name.

use super::{Daemon, World, environment, files};
use crate::peers::silent::Silent;
use reconciled::ledger::RunOutcome;
use serde_json::Value;

fn shop() -> String {
    let more = "  reconcile: { interval: 1s, onDrift: report }\n";
    environment("shop", more, &files(&[("page", "hello\n")]))
}

fn drifted(world: &World) -> Daemon<'_> {
    world.variable("USER", "nina");
    let commit = world.commit(&[("shop.yaml", &shop())]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    world.write_live("page", "hacked\n");
    daemon.episode("drift", |drift| drift.ended_at.is_none());
    daemon
}

/// Orders a plan of an environment that nobody saw.
fn order(world: &World, environment: &str) {
    let since = jiff::Timestamp::now();
    let order = serde_json::json!({ "environment": environment, "plan": "0123456789abcdef", "by": "otto", "since": since, "answer": null });
    let ordered = format!(
        "INSERT INTO deliveries (name, posted, at) VALUES ('apply/{environment}', '{order}', 0)"
    );
    world.in_database(ordered.leak());
}

/// Waits for what is said to that.
fn answer(world: &World, daemon: &mut Daemon<'_>, environment: &str) -> Value {
    let name = format!("apply/{environment}");
    daemon.until("the order is answered", |_| {
        let order = world.ledger(async |ledger| ledger.delivery(&name).await.unwrap());
        let answer: Value = order.flatten()?["answer"].take();
        (!answer.is_null()).then_some(answer)
    })
}

#[test]
fn drift_that_is_only_reported_is_put_back_by_the_daemon_when_somebody_asks() {
    let world = World::new();
    let mut daemon = drifted(&world);
    let status = world.command(&["status", "shop"]);
    assert!(
        status
            .stdout
            .contains("`reconciled apply shop` puts it back now"),
        "{status:?}"
    );
    let list = world.command(&["history", "list"]);
    assert!(
        list.stdout
            .contains("held        1 drifted, only reported\n"),
        "{list:?}"
    );
    let said = world.command(&["apply", "shop", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.live("page").unwrap(), "hello\n");
    assert!(said.stdout.contains("✓ page: updated"), "{said:?}");
    let run = world.runs("shop").into_iter().find(|run| run.by.is_some());
    let run = run.unwrap();
    assert_eq!(run.by.as_deref(), Some("nina"));
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Done);
    let list = world.command(&["history", "list"]);
    assert!(list.stdout.contains("1 done  by nina"), "{list:?}");
    daemon.episode("drift", |drift| drift.how.as_deref() == Some("corrected"));
    // Nothing is left, so nobody is asked.
    let said = world.command(&["apply", "shop", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.stderr.contains("Asked the daemon"), "{said:?}");
    world.verify_ledger();
}

#[test]
fn another_plan_than_the_one_that_was_seen_is_not_carried_out() {
    let world = World::new();
    let mut daemon = drifted(&world);
    order(&world, "shop");
    let answer = answer(&world, &mut daemon, "shop");
    let why = answer["refused"].as_str().unwrap();
    assert!(why.contains("is not as the plan showed it"), "{answer}");
    assert_eq!(world.live("page").unwrap(), "hacked\n");
    assert!(world.runs("shop").iter().all(|run| run.by.is_none()));
}

#[test]
fn what_is_paused_is_not_ordered_and_it_is_said_how_to_go_on() {
    let world = World::new();
    let _daemon = drifted(&world);
    let paused = world.command(&["pause", "shop", "--why", "a release"]);
    assert_eq!(paused.code, Some(0), "{paused:?}");
    for more in [None, Some("--despite-pause")] {
        let apply = ["apply", "shop", "--yes"].into_iter().chain(more);
        let said = world.command(&apply.collect::<Vec<_>>());
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(
            said.stderr.contains("resume shop` ends a pause"),
            "{said:?}"
        );
        assert!(!said.stderr.contains("Asked the daemon"), "{said:?}");
    }
    let said = world.command(&["apply", "shop", "--yes", "--output", "json"]);
    assert_eq!((said.code, said.stdout.trim()), (Some(2), "[]"), "{said:?}");
    assert_eq!(world.live("page").unwrap(), "hacked\n");
}

#[test]
fn a_plan_that_a_rollback_holds_says_so_itself() {
    let world = World::new();
    let first = world.commit(&[("shop.yaml", &shop())]);
    let mut daemon = world.start();
    daemon.run_of("shop", &first);
    let second = world.commit(&[("shop.yaml", &shop().replace("hello", "welcome"))]);
    daemon.run_of("shop", &second);
    assert_eq!(world.command(&["rollback", "shop", "--yes"]).code, Some(0));
    daemon.until("it is put back", |_| {
        (world.live("page")? == "hello\n").then_some(())
    });
    let said = world.command(&["plan", "shop"]);
    let held = "`reconciled --settings";
    assert!(
        said.stdout.contains("shop is rolled back to ") && said.stdout.contains(held),
        "{said:?}"
    );
    let said = world.command(&["plan", "shop", "--output", "json"]);
    let plan: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(plan["holds"][0]["code"], "rolled-back", "{plan}");
    // Nor is it carried out past that.
    let said = world.command(&["apply", "shop", "--yes", "--despite-pause"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stderr.contains("Nothing was changed. `reconciled "),
        "{said:?}"
    );
}

#[test]
fn what_was_applied_on_a_path_is_found_by_that_path() {
    let world = World::new();
    world.variable("USER", "nina");
    world.commit(&[("shop.yaml", &shop())]);
    let path = world.repository().join("shop.yaml");
    let path = path.to_str().unwrap();
    assert_eq!(world.command(&["apply", path, "--yes"]).code, Some(0));
    let said = world.command(&["history", "list"]);
    assert!(said.stderr.contains("history list --path PATH"), "{said:?}");
    let said = world.command(&["history", "list", "--path", path]);
    assert!(
        said.stdout
            .contains(" cli       done        1 done  by nina\n"),
        "{said:?}"
    );
}

#[test]
fn an_order_whose_environment_goes_while_it_waits_is_refused() {
    let world = World::new();
    let cloud = Silent::start();
    world.variable("CLOUD", "token");
    world.settings(|settings| {
        settings["providers"]["rest"]["baseUrls"]["digitalocean"] = cloud.url().into();
        // Whoever asks waits for as long as the test.
        settings["limits"]["requestTimeout"] = "10h".into();
    });
    let db = "    db: { kind: digitalocean/database-cluster, connection: cloud, spec: { name: lost-db, engine: pg, version: \"17\", size: db-s-1vcpu-1gb, region: nyc3, num_nodes: 1 } }\n";
    let lost = environment("lost", "  secrets: { cloud: { env: CLOUD } }\n", db).replace(
        "connections:\n",
        "connections:\n    cloud: { provider: digitalocean, token: \"${secrets.cloud}\" }\n",
    );
    world.commit(&[("shop.yaml", &shop()), ("lost.yaml", &lost)]);
    let mut daemon = world.start();
    daemon.until("its run waits for the cloud", |_| {
        (cloud.waiting() > 0).then_some(())
    });
    for environment in ["lost", "nobody"] {
        order(&world, environment);
    }
    // Both are looked at together: the other waits for its turn now.
    let refused = answer(&world, &mut daemon, "nobody");
    assert!(refused.to_string().contains("keeps no environment"));
    world.git(&["rm", "--quiet", "lost.yaml"]);
    world.commit(&[("README.md", "words\n")]);
    let refused = answer(&world, &mut daemon, "lost");
    assert!(refused.to_string().contains("keeps no environment"));
}
