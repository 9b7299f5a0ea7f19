//! Pauses as their people meet them: who stops what, where an order is found, and what is not known.

use super::{World, environment, files};

fn shop(greeting: &str) -> String {
    environment("shop", "", &files(&[("page", greeting)]))
}

fn started(world: &World) {
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    world.start().run_of("shop", &commit);
}

#[test]
fn a_second_pause_says_what_it_replaces_and_nobody_waits_for_a_daemon_that_is_not_there() {
    let world = World::new();
    started(&world);
    let said = world.command(&["pause", "shop", "--why", "moving house"]);
    assert!(
        said.stderr
            .contains("No daemon runs: the pause holds when one starts"),
        "{said:?}"
    );
    assert!(!said.stderr.contains("replaces"), "{said:?}");
    // Without a reason the first one stays.
    let said = world.command(&["pause", "shop"]);
    assert!(
        said.stderr
            .contains("shop is paused: moving house. This replaces the pause by "),
        "{said:?}"
    );
    let said = world.command(&["pause", "shop", "--why", "fire"]);
    assert!(
        said.stderr.contains("paused: fire.") && said.stderr.contains(": moving house. "),
        "{said:?}"
    );
    let said = world.command(&["resume", "shop"]);
    assert!(
        said.stderr.contains("goes on when a daemon starts"),
        "{said:?}"
    );
    let commit = world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    let said = world.command(&["pause", "shop"]);
    assert!(
        said.stderr.contains("The daemon still finds drift"),
        "{said:?}"
    );
}

#[test]
fn a_pause_is_found_from_the_path_wherever_the_command_stands() {
    let world = World::new();
    started(&world);
    assert_eq!(
        world
            .command(&["pause", "shop", "--why", "moving house"])
            .code,
        Some(0)
    );
    world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    let path = world.repository().join("shop.yaml");
    let path = path.to_str().unwrap();
    // The settings stand above the repository, and not above the working folder.
    let above = world.settings_file();
    let said = world.unnamed(&["apply", path, "--yes"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    let resume = format!(
        "`reconciled --settings {} resume shop`",
        above.canonicalize().unwrap().display()
    );
    assert!(
        said.stderr.contains("moving house") && said.stderr.contains(&resume),
        "{said:?}"
    );
    assert_eq!(world.live("page").unwrap(), "hello\n");

    // What cannot be read is not silently taken for no pause.
    std::fs::write(&above, "repositories: [ { nam: x } ]\n").unwrap();
    for command in [&["plan", path][..], &["apply", path, "--yes"]] {
        let said = world.unnamed(command);
        let told = "warning: whether an environment is paused there is not known: ";
        assert!(said.stderr.contains(told), "{said:?}");
        assert!(said.stderr.contains("reconciled.yaml:1:"), "{said:?}");
    }
    assert_eq!(world.live("page").unwrap(), "welcome\n");
}

#[test]
fn an_unknown_environment_has_no_history_and_a_known_one_has_a_header() {
    let world = World::new();
    started(&world);
    let said = world.command(&["history", "list", "shup"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stderr
            .contains("find the environment shup: known are shop"),
        "{said:?}"
    );
    let said = world.command(&["history", "list", "shop"]);
    let lines: Vec<&str> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 2, "{said:?}");
    for (name, value) in [("ENVIRONMENT", "shop"), ("OUTCOME", "done")] {
        assert_eq!(lines[0].find(name), lines[1].find(value), "{said:?}");
    }
}

#[test]
fn settings_without_repositories_are_not_said_to_be_missing() {
    let world = World::new();
    world.settings(|settings| settings["repositories"] = serde_json::json!([]));
    let said = world.command(&["status"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.stderr
            .contains(" names none\nnext: add one under `repositories`"),
        "{said:?}"
    );
    assert!(!said.stderr.contains("no settings file"), "{said:?}");
}
