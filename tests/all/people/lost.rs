//! The ledger's file goes while the daemon runs, or cannot be used: nothing is changed without it, people and programs hear
//! of it once, and it goes on when the file is back, or after a restart.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, files};
use crate::peers::digitalocean::Fault;
use crate::peers::hooks::{Hooks, SECRET};
use serde_json::json;

const GONE: &str = "Ledger is gone, changes are stopped";

fn shop(page: &str) -> String {
    environment("shop", "", &files(&[("page", page)]))
}

/// Takes the ledger away and has Git say something new: nothing is done, and that is said.
fn stops(scene: &Scene, daemon: &mut Daemon<'_>, take_away: impl Fn()) -> String {
    take_away();
    let commit = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    scene.world.write_live("page", "by hand\n");
    let line = daemon.logged(GONE, |_| true);
    assert_eq!(line["code"], "ledger-lost", "{line}");
    daemon.until("people are told past the ledger", |_| {
        let said = scene.said("infra");
        let told = |one: &String| one.contains("its ledger is gone");
        (said.iter().filter(|one| told(one)).count() == 1).then_some(())
    });
    let (status, ready) = daemon.page("/readyz");
    assert_eq!(status, 503, "{ready}");
    assert!(ready.contains("while it was in use"), "{ready}");
    assert_eq!(scene.world.live("page").unwrap(), "by hand\n");
    assert_eq!(daemon.lines(GONE).len(), 1);
    commit
}

#[test]
fn without_its_ledger_nothing_is_changed_until_the_file_is_back() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    let (file, away) = (scene.world.ledger_file(), scene.world.folder().join("away"));
    let second = stops(&scene, &mut daemon, || {
        std::fs::rename(&file, &away).unwrap();
    });
    std::fs::rename(&away, &file).unwrap();
    daemon.logged("Ledger is back, changes go on", |_| true);
    daemon.run_of("shop", &second);
    assert_eq!(scene.world.live("page").unwrap(), "welcome\n");
    daemon.ready();
    let not = daemon.lines("State not taken, asking again");
    assert!(not.is_empty(), "{not:?}");
    daemon.until("its end is told", |_| {
        let said = scene.said("infra");
        let told = |one: &String| one.contains("its ledger is back");
        said.iter().any(told).then_some(())
    });
    scene.world.verify_ledger();
    scene.assert_accepted();
}

#[test]
fn a_ledger_that_was_deleted_is_made_anew_by_a_restart() {
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = scene.started();
    let file = scene.world.ledger_file();
    let second = stops(&scene, &mut daemon, || {
        std::fs::remove_file(&file).unwrap();
    });
    assert!(!file.exists(), "nothing is made in its place");
    daemon.terminate();
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &second);
    assert_eq!(scene.world.live("page").unwrap(), "welcome\n");
    assert_eq!(scene.world.owned(), ["shop/page"]);
    scene.world.verify_ledger();
}

#[test]
fn a_ledger_that_cannot_be_used_is_told_to_all_and_the_daemon_is_not_ready() {
    let hooks = Hooks::start(SECRET);
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    scene.world.variable("HOOK", SECRET);
    scene.world.settings(|settings| {
        settings["webhook"] = json!({ "url": hooks.url(), "secret": { "env": "HOOK" } });
    });
    let mut daemon = scene.started();
    // Its pages are damaged in one place: it can be written, and not read there.
    scene.world.in_database("ALTER TABLE owned RENAME TO away");
    scene.world.write_live("page", "by hand\n");
    let line = daemon.logged("Ledger cannot be used, changes are stopped", |_| true);
    assert_eq!(line["code"], "ledger-database", "{line}");
    assert!(line["hint"].as_str().unwrap().contains("history verify"));
    let (status, ready) = daemon.page("/readyz");
    assert_eq!(status, 503, "{ready}");
    assert!(ready.contains("no such table: owned"), "{ready}");
    let second = scene.world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    let untaken = daemon.logged("State not taken, asking again", |_| true);
    assert!(untaken["hint"].is_string() && untaken["code"].is_string());
    let told = |what: &'static str| {
        let taken = hooks.taken().into_iter();
        let mut those = taken.filter(|(_, event)| event["type"] == what);
        let found = those.next();
        assert_eq!(those.next(), None);
        found.map(|(_, event)| event["data"].clone())
    };
    let data = daemon.until("programs are told", |_| told("ledger.failed"));
    assert_eq!(data["gravity"], "failure", "{data}");
    assert_eq!(data["trouble"]["code"], "ledger-database", "{data}");
    assert_eq!(data.get("environment"), None);

    scene.world.in_database("ALTER TABLE away RENAME TO owned");
    daemon.run_of("shop", &second);
    daemon.ready();
    daemon.until("programs are told of its end", |_| told("ledger.recovered"));
    for title in ["its ledger cannot be used", "its ledger can be used again"] {
        daemon.until(format!("people are told once that {title}"), |_| {
            let said = scene.said("infra");
            (said.iter().filter(|one| one.contains(title)).count() == 1).then_some(())
        });
    }
    assert_eq!(daemon.lines("State not taken, asking again").len(), 1);
    hooks.server.assert_contract_kept();
    scene.assert_accepted();
}

#[test]
fn what_can_still_be_told_is_told_where_the_ledger_does_not_take_all_of_it() {
    let shop = |record: &str| {
        let more = "    do: { provider: digitalocean, token: \"${secrets.cloud}\" }\n  secrets: { cloud: { env: CLOUD } }\n  reconcile: { interval: 1s }\n";
        environment("shop", more, &(files(&[("page", "hello\n")]) + record))
    };
    let record = "    record: { kind: digitalocean/domain-record, connection: do, spec: { domain: example.com, type: TXT, name: shop, data: words } }\n";
    let scene = Scene::new(&[("shop.yaml", &shop(""))]);
    let cloud = scene.with_cloud();
    let mut daemon = scene.started();
    scene.world.in_database(
        "CREATE TRIGGER full BEFORE INSERT ON episodes BEGIN SELECT RAISE(ABORT, 'full'); END",
    );
    for _ in 0..1000 {
        cloud.fail("POST", "records", Fault::Status(422, None));
    }
    let number = scene.open("grow", None, &[("shop.yaml", &shop(record))]);
    scene.merge(number, "grow");
    daemon.logged("People not told of everything", |_| true);
    daemon.until("the run is told in chat", |_| {
        let said = scene.said("infra");
        let failed = |one: &String| one.starts_with("❌ shop: 1 failed");
        said.iter().any(failed).then_some(())
    });
    scene.comment_with(&mut daemon, number, "🔴 Failed in shop: 1 failed");
    scene.assert_accepted();
}
