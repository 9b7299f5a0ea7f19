//! What a person who runs the daemon does to it: pauses, asks, changes settings, stops it, loses its
//! repository.

use super::{World, environment, files};
use reconciled::ledger::RunOutcome;
use serde_json::{Value, json};
use std::os::unix::process::ExitStatusExt as _;
use std::time::{Duration, Instant};

fn shop(greeting: &str) -> String {
    environment("shop", "", &files(&[("page", greeting)]))
}

fn json_of(world: &World, arguments: &[&str]) -> Value {
    let mut all = vec!["--output", "json"];
    all.extend(arguments);
    let said = world.command(&all);
    serde_json::from_str(&said.stdout).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

#[test]
fn a_pause_stops_changes_and_not_looking() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    assert_eq!(world.command(&["status"]).code, Some(0));

    let said = world.command(&["pause", "shop", "--why", "just looking"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    world.write_live("page", "hacked\n");
    daemon.episode("drift", |drift| drift.ended_at.is_none());
    let commit = world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    let run = daemon.run_of("shop", &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Held);
    assert_eq!(world.live("page").unwrap(), "hacked\n");
    let status = world.command(&["status", "shop"]);
    assert_eq!(status.code, Some(2), "{status:?}");
    assert!(status.stdout.contains("just looking"), "{status:?}");
    assert_eq!(
        json_of(&world, &["status"])["environments"][0]["paused"]["why"],
        "just looking"
    );

    assert_eq!(world.command(&["resume", "shop"]).code, Some(0));
    daemon.until("changes go on", |_| {
        (world.live("page")? == "welcome\n").then_some(())
    });
}

#[test]
fn a_pause_is_told_and_obeyed_by_whoever_applies_a_path() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    world.start().run_of("shop", &commit);
    let said = world.command(&["pause", "shop", "--why", "moving house"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    // Settings that are named, and those at the root of the repository.
    let own = std::fs::read_to_string(world.settings_file()).unwrap();
    let own = own.replace(
        ":\"state",
        &format!(":\"{}/state", world.folder().display()),
    );
    std::fs::write(world.repository().join("reconciled.yaml"), own).unwrap();
    let path = world.repository().join("shop.yaml");
    let path = path.to_str().unwrap();
    for named in [true, false] {
        let run = |arguments: &[&str]| match named {
            true => world.command(arguments),
            false => world.unnamed(arguments),
        };
        let said = run(&["plan", path]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains("shop is paused by "), "{said:?}");
        let said = run(&["apply", path, "--yes"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(
            said.stderr.contains(": moving house\n") && said.stderr.contains(" resume shop`"),
            "{said:?}"
        );
        assert_eq!(world.live("page").unwrap(), "hello\n");
    }
    let said = world.command(&["apply", path, "--yes", "--despite-pause"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains("moving house"), "{said:?}");
    assert_eq!(world.live("page").unwrap(), "welcome\n");
    // Its end is known at once.
    assert_eq!(world.command(&["resume", "shop"]).code, Some(0));
    let said = world.command(&["apply", path, "--yes"]);
    assert!(!said.stderr.contains("paused"), "{said:?}");
}

#[test]
fn a_slip_of_the_finger_is_no_pause() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    world.start().run_of("shop", &commit);
    for command in ["pause", "resume", "status"] {
        let said = world.command(&[command, "shup"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            said.stderr
                .contains("find the environment shup: known are shop"),
            "{said:?}"
        );
    }
    assert_eq!(world.command(&["pause", "shup", "--force"]).code, Some(0));
}

#[test]
fn status_tells_of_a_daemon_that_does_not_run() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    let said = world.command(&["status"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stdout.contains("daemon: running (process "),
        "{said:?}"
    );
    daemon.kill();
    let said = world.command(&["status"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.stdout.contains("daemon: NOT running"), "{said:?}");
    assert_eq!(json_of(&world, &["status"])["daemon"]["running"], false);
}

#[test]
fn history_tells_what_was_done() {
    let world = World::new();
    let first = world.commit(&[("shop.yaml", &shop("hello\nyou\n"))]);
    let mut daemon = world.start();
    let first = daemon.run_of("shop", &first).id;
    let second = world.commit(&[("shop.yaml", &shop("welcome\nyou\n"))]);
    let second = daemon.run_of("shop", &second).id;

    let list = json_of(&world, &["history", "list", "shop"]);
    let ids: Vec<i64> = list
        .as_array()
        .unwrap()
        .iter()
        .map(|run| run["id"].as_i64().unwrap())
        .collect();
    assert_eq!(ids, [second.0, first.0], "{list}");
    let text = world.command(&["history", "list"]).stdout;
    assert!(text.contains("shop") && text.contains("done"), "{text}");
    let (first, second) = (first.to_string(), second.to_string());
    let show = json_of(&world, &["history", "show", &second]);
    assert_eq!(
        (
            &show["steps"][0]["action"],
            &show["steps"][0]["outcome"]["outcome"]
        ),
        (&json!("update"), &json!("done")),
        "{show}"
    );
    let diff = world.command(&["history", "diff", &first, &second]);
    assert_eq!(diff.code, Some(2), "{diff:?}");
    assert!(
        diff.stdout.contains("-   + page  create") && diff.stdout.contains("+   ~ page  update"),
        "{diff:?}"
    );
    let text = world.command(&["history", "show", &second]).stdout;
    for line in [
        "          - hello",
        "          + welcome",
        "            you",
        "  ✓ page: updated",
    ] {
        assert!(
            text.lines().any(|shown| shown == line),
            "{line:?} in {text}"
        );
    }
    assert_eq!(world.command(&["history", "show", "99"]).code, Some(1));
    let verified = world.command(&["history", "verify"]);
    assert!(
        verified.stdout.starts_with("The record holds: "),
        "{verified:?}"
    );
    assert_eq!(verified.code, Some(0));
}

#[test]
fn a_root_outside_the_settings_folder_is_refused() {
    let world = World::new();
    let outside = tempfile::tempdir().unwrap();
    let text = shop("hello\n").replace("HOST", outside.path().to_str().unwrap());
    world.commit(&[("shop.yaml", &text)]);
    let mut daemon = world.start();
    let told = daemon.episode("unknown", |_| true);
    assert!(told.details.to_string().contains("outside"), "{told:?}");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn sigterm_ends_it_in_time_and_a_second_daemon_is_refused() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    let mut second = world.start();
    assert_eq!(second.ended().code(), Some(1));
    assert!(second.log().contains("ledger"), "{}", second.log());
    let begun = Instant::now();
    let (status, log) = daemon.terminate();
    assert!(
        status.success() && status.signal().is_none(),
        "{status} {log}"
    );
    assert!(log.contains("Daemon stopped"), "{log}");
    assert!(
        begun.elapsed() < Duration::from_secs(30),
        "{:?}",
        begun.elapsed()
    );
    assert!(world.runs("shop").iter().all(|run| run.ended_at.is_some()));
    world.verify_ledger();
}

#[test]
fn changes_wait_for_a_window_and_say_when_it_opens() {
    let world = World::new();
    // The minute of a leap day: no test runs for that long.
    let windows = "  reconcile: { interval: 1s, windows: [{ cron: \"0 0 29 2 *\", for: 1m, timezone: Europe/Berlin }] }\n";
    let commit = world.commit(&[(
        "shop.yaml",
        &environment("shop", windows, &files(&[("page", "hello\n")])),
    )]);
    let mut daemon = world.start();
    let summary = daemon.run_of("shop", &commit).summary.unwrap();
    assert_eq!(summary.outcome, RunOutcome::Held);
    let note = summary.note.unwrap();
    assert!(note.contains("02-29 00:00 Europe/Berlin"), "{note}");
    assert_eq!(world.live("page"), None);
    let always = "  reconcile: { interval: 1s, windows: [{ cron: \"* * * * *\", for: 2m }] }\n";
    let commit = world.commit(&[(
        "shop.yaml",
        &environment("shop", always, &files(&[("page", "hello\n")])),
    )]);
    daemon.run_of("shop", &commit);
    assert_eq!(world.live("page").unwrap(), "hello\n");
}

/// What the ledger says of the repository.
fn repository_state(world: &World) -> Value {
    let state = world.ledger(async |ledger| ledger.delivery("repository/infra").await.unwrap());
    state.flatten().unwrap_or_default()
}

#[test]
fn a_repository_that_is_gone_or_rewritten_is_a_state_and_deletes_nothing() {
    let world = World::new();
    let first = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let second = world.commit(&[(
        "shop.yaml",
        &environment("shop", "", &files(&[("page", "hello\n"), ("extra", "x\n")])),
    )]);
    let mut daemon = world.start();
    daemon.run_of("shop", &second);

    let away = world.folder().join("away");
    std::fs::rename(world.repository(), &away).unwrap();
    daemon.until("it cannot be read", |_| {
        (repository_state(&world)["state"] == "unreadable").then_some(())
    });
    daemon.looked_again("shop");
    assert_eq!(world.owned().len(), 2);
    let status = world.command(&["status"]);
    assert_eq!(status.code, Some(2), "{status:?}");
    std::fs::rename(&away, world.repository()).unwrap();
    daemon.until("it is read again", |_| {
        (repository_state(&world)["state"] == "read").then_some(())
    });

    world.git(&["branch", "-m", "main", "trunk"]);
    daemon.until("its branch is missed", |_| {
        let state = repository_state(&world);
        (state["state"] == "unreadable" && state["reason"].to_string().contains("main"))
            .then_some(())
    });
    let said = world.command(&["status"]);
    for words in ["repository infra: cannot be read for ", "It has trunk."] {
        assert!(said.stdout.contains(words), "{said:?}");
    }
    daemon.looked_again("shop");
    assert_eq!(world.owned().len(), 2);
    world.git(&["branch", "-m", "trunk", "main"]);

    // A rewound branch is followed: what it no longer declares goes, as after any commit.
    world.git(&["reset", "--quiet", "--hard", &first]);
    daemon.logged("Branch was rewritten, following it", |_| true);
    daemon.run_of("shop", &first);
    assert_eq!(
        (world.live("page").unwrap(), world.live("extra")),
        ("hello\n".into(), None)
    );
}

#[test]
fn a_start_without_an_answer_goes_on_with_the_last_good_state() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    daemon.terminate();
    world.git(&["branch", "-m", "main", "trunk"]);
    world.write_live("page", "hacked\n");
    let mut daemon = world.start();
    daemon.until("drift is put back", |_| {
        (world.live("page")? == "hello\n").then_some(())
    });
    // Nothing waits for it, and it is named.
    daemon.ready();
    let (_, text) = daemon.page("/readyz");
    assert!(
        text.contains(r#""conditions":{"repository infra":"#),
        "{text}"
    );
    world.git(&["branch", "-m", "trunk", "main"]);
    let commit = world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &commit);
    daemon.until("nothing is in the way", |daemon| {
        let (status, text) = daemon.try_page("/readyz")?;
        (status == 200 && text.contains(r#""conditions":{}"#)).then_some(())
    });
}

#[test]
fn a_missing_repository_keeps_it_unready_and_says_why() {
    let world = World::new();
    std::fs::rename(world.repository(), world.folder().join("away")).unwrap();
    let mut daemon = world.start();
    daemon.logged(
        "Repository cannot be read, going on with what is kept",
        |_| true,
    );
    let (status, text) = daemon.page("/readyz");
    assert_eq!(status, 503);
    assert!(text.contains("infra"), "{text}");
    assert_eq!(daemon.page("/healthz").0, 200);
}

#[test]
fn sigterm_in_the_middle_of_the_start_ends_it_in_order() {
    let world = World::new();
    world.commit(&[("shop.yaml", &shop("hello\n"))]);
    for _ in 0..5 {
        let mut daemon = world.start();
        daemon.logged("Daemon started", |_| true);
        let (status, log) = daemon.terminate();
        assert!(status.success(), "{status}: {log}");
        assert!(log.contains("Daemon stopped"), "{log}");
    }
}
