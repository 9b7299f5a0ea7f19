//! What a monitoring system and a supervisor see: the gauges and counters of `/metrics`, and what `/readyz` names.

use super::process::Daemon;
use super::world::{World, environment, files};
use std::fs;

/// An environment whose drift is only reported.
fn shop(page: &str) -> String {
    let reconcile = "  reconcile: { interval: 1s, onDrift: report }\n";
    environment("shop", reconcile, &files(&[("page", page)]))
}

/// Waits until a page says something.
#[track_caller]
fn says(daemon: &mut Daemon<'_>, page: &str, line: &str) {
    daemon.until(format!("{page} says {line}"), |daemon| {
        let (_, text) = daemon.try_page(page)?;
        text.contains(line).then_some(())
    });
}

/// Waits until so many environments are affected by something.
#[track_caller]
fn affected(daemon: &mut Daemon<'_>, by: &str, count: usize) {
    let line = format!("reconciled_environments_affected{{by=\"{by}\"}} {count}\n");
    says(daemon, "/metrics", &line);
}

#[test]
fn drift_is_counted_once_and_environments_by_what_is_the_matter() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    for by in [
        "drift",
        "held",
        "failing",
        "broken",
        "paused",
        "rolled-back",
    ] {
        affected(&mut daemon, by, 0);
    }
    says(&mut daemon, "/metrics", "reconciled_environments 1\n");
    world.write_live("page", "hacked\n");
    affected(&mut daemon, "drift", 1);
    for _ in 0..3 {
        daemon.looked_again("shop");
    }
    says(&mut daemon, "/metrics", "reconciled_drifts_total 1\n");
    let paused = world.command(&["pause", "shop"]);
    assert_eq!(paused.code, Some(0), "{paused:?}");
    affected(&mut daemon, "paused", 1);
    world.write_live("page", "hello\n");
    affected(&mut daemon, "drift", 0);
    world.commit(&[(
        "shop.yaml",
        &shop("hello\n").replace("host/file", "host/fil"),
    )]);
    affected(&mut daemon, "broken", 1);
    world.commit(&[("shop.yaml", &shop("hello\n"))]);
    affected(&mut daemon, "broken", 0);
    let resumed = world.command(&["resume", "shop"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    affected(&mut daemon, "paused", 0);
    world.write_live("page", "hacked again\n");
    says(&mut daemon, "/metrics", "reconciled_drifts_total 2\n");
}

#[test]
fn what_is_gone_is_named_and_makes_no_daemon_unready() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    daemon.ready();
    let (repository, away) = (world.repository(), world.folder().join("away"));
    fs::rename(&repository, &away).unwrap();
    says(&mut daemon, "/readyz", r#""repository infra":"#);
    says(&mut daemon, "/readyz", r#""ready":true"#);
    says(
        &mut daemon,
        "/metrics",
        "reconciled_repositories_unreachable 1\n",
    );
    fs::rename(&away, &repository).unwrap();
    says(&mut daemon, "/readyz", r#""conditions":{}"#);
    fs::rename(world.host(), &away).unwrap();
    says(&mut daemon, "/readyz", r#""live state, "#);
    says(&mut daemon, "/readyz", "1 environment (shop): ");
    says(&mut daemon, "/readyz", r#""ready":true"#);
    affected(&mut daemon, "unknown", 1);
    fs::rename(&away, world.host()).unwrap();
    says(&mut daemon, "/readyz", r#""conditions":{}"#);
}
