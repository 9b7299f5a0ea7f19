//! What a person is told on the command line of a daemon that cannot do its work for want of its ledger.

use super::{World, environment, files};
use crate::peers::process::free_port;
use serde_json::{Value, json};

fn world() -> World {
    let world = World::new();
    let listen = format!("127.0.0.1:{}", free_port());
    world.settings(|settings| settings["web"]["listen"] = json!(listen));
    world
}

fn shop(page: &str) -> String {
    environment("shop", "", &files(&[("page", page)]))
}

#[test]
fn status_says_that_a_running_daemon_cannot_use_its_ledger() {
    let world = world();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    daemon.ready();
    let said = world.command(&["status"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    // What can be read says that all is well.
    world.in_database(
        "CREATE TRIGGER worn BEFORE INSERT ON runs BEGIN SELECT RAISE(ABORT, 'worn out'); END",
    );
    world.write_live("page", "by hand\n");
    daemon.until("it is not ready", |daemon| {
        (daemon.try_page("/readyz")?.0 == 503).then_some(())
    });
    let said = world.command(&["status"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stdout.contains("), NOT ready\n  ledger: "), "{said:?}");
    let said = world.command(&["status", "--output", "json"]);
    let told: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(told["daemon"]["ready"], false, "{told}");
    assert!(told["daemon"]["waiting"]["ledger"].is_string(), "{told}");
}

#[test]
fn status_knows_of_a_daemon_whose_ledger_was_taken_away_with_its_lock() {
    let world = world();
    // Nobody ran yet: that is no trouble.
    let said = world.command(&["status"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = world.command(&["status", "--output", "json"]);
    let told: Value = serde_json::from_str(&said.stdout).unwrap();
    assert_eq!(told["ledger"], json!(null), "{told}");
    for part in ["environments", "repositories"] {
        assert_eq!(told[part], json!([]), "{told}");
    }
    assert_eq!(told["conditions"], json!({}), "{told}");
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    daemon.ready();
    let state = world.folder().join("state");
    for entry in std::fs::read_dir(&state).unwrap() {
        let entry = entry.unwrap();
        if entry.file_name().to_str().unwrap().starts_with("ledger.db") {
            std::fs::remove_file(entry.path()).unwrap();
        }
    }
    let said = world.command(&["status"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    for words in [
        "daemon: running, NOT ready",
        "deleted or moved away",
        "changes are stopped",
    ] {
        assert!(said.stderr.contains(words), "{words}: {said:?}");
    }
    daemon.kill();
    let said = world.command(&["status"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stderr.contains("daemon: NOT running"), "{said:?}");
    assert!(said.stderr.contains("found again by its marks"), "{said:?}");
}
