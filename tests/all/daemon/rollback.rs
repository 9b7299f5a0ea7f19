//! An environment that a person puts back to an older state: kept there until Git says something new.

use super::world::Said;
use super::{Daemon, World, environment, file, files};

fn shop(greeting: &str) -> String {
    environment("shop", "", &files(&[("page", greeting)]))
}

fn rollback(world: &World, more: &[&str]) -> Said {
    world.command(&[&["rollback", "shop"], more].concat())
}

/// Starts with a good revision, goes on to a bad one, and puts the environment back to the good.
fn put_back(world: &World) -> Daemon<'_> {
    let good = world.commit(&[("shop.yaml", &shop("good\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &good);
    let bad = world.commit(&[("shop.yaml", &shop("bad\n"))]);
    daemon.run_of("shop", &bad);
    assert_eq!(rollback(world, &["--yes"]).code, Some(0));
    daemon.until("the older revision is live", |_| {
        (world.live("page")? == "good\n").then_some(())
    });
    daemon
}

#[test]
fn the_last_good_state_is_kept_until_git_says_something_new() {
    let world = World::new();
    let good = world.commit(&[("shop.yaml", &shop("good\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &good);
    let bad = world.commit(&[("shop.yaml", &shop("bad\n"))]);
    daemon.run_of("shop", &bad);
    assert_eq!(world.live("page").unwrap(), "bad\n");

    // What it would change is shown before it is asked for.
    let said = rollback(&world, &[]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stdout.contains("1 to update"), "{said:?}");
    assert!(said.stdout.contains("- bad"), "{said:?}");
    assert!(said.stdout.contains("+ good"), "{said:?}");
    assert!(said.stderr.contains("pass --yes"), "{said:?}");
    assert_eq!(world.live("page").unwrap(), "bad\n");

    let said = rollback(&world, &["--yes", "--why", "checkout is down"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.stderr.contains(&format!("to {}", &good[..10])),
        "{said:?}"
    );
    daemon.until("the older state is live", |_| {
        (world.live("page")? == "good\n").then_some(())
    });
    daemon.until("the rollback has its record", |_| {
        let run = world.runs("shop").into_iter().next()?;
        (run.trigger == "rollback" && run.revision.as_str() == good && run.summary.is_some())
            .then_some(())
    });
    let status = world.command(&["status"]);
    assert_eq!(status.code, Some(2), "{status:?}");
    let told = format!("rolled back from {} to {} by", &bad[..10], &good[..10]);
    assert!(status.stdout.contains(&told), "{status:?}");
    assert!(status.stdout.contains("checkout is down"), "{status:?}");

    // What else is merged does not bring the bad state back; nor does a restart.
    world.commit(&[("README.md", "unrelated")]);
    daemon.looked_again("shop");
    daemon.terminate();
    let mut daemon = world.start();
    daemon.looked_again("shop");
    assert_eq!(world.live("page").unwrap(), "good\n");
    world.write_live("page", "hacked\n");
    daemon.until("drift is put back to the older state", |_| {
        (world.live("page")? == "good\n").then_some(())
    });

    let better = world.commit(&[("shop.yaml", &shop("better\n"))]);
    daemon.run_of("shop", &better);
    assert_eq!(world.live("page").unwrap(), "better\n");
    let status = world.command(&["status"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(
        !daemon
            .lines("Git says something new, the rollback is over")
            .is_empty()
    );
}

#[test]
fn a_rollback_that_is_ended_follows_git_again() {
    let world = World::new();
    let first = world.commit(&[("shop.yaml", &shop("first\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &first);
    let second = world.commit(&[("shop.yaml", &shop("second\n"))]);
    daemon.run_of("shop", &second);
    assert_eq!(
        rollback(&world, &["--yes", "--to", &first[..9]]).code,
        Some(0)
    );
    daemon.until("the older state is live", |_| {
        (world.live("page")? == "first\n").then_some(())
    });
    assert_eq!(rollback(&world, &["--end"]).code, Some(0));
    daemon.until("the newest state is live", |_| {
        (world.live("page")? == "second\n").then_some(())
    });
    let said = rollback(&world, &["--end"]);
    assert!(said.stderr.contains("shop was not rolled back"), "{said:?}");
}

#[test]
fn what_cannot_be_carried_out_is_refused_at_once() {
    let world = World::new();
    let without = world.commit(&[("README.md", "nothing declared yet")]);
    let first = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &first);
    let broken = shop("hello\n").replace("reconcile:", "reconsile:");
    let broken = world.commit(&[("shop.yaml", &broken)]);
    let nowhere = file("n", "n", "${resources.nobody.path}");
    let unresolved = world.commit(&[("shop.yaml", &environment("shop", "", &nowhere))]);
    let only = world.commit(&[("shop.yaml", &shop("welcome\n"))]);
    daemon.run_of("shop", &only);
    for (arguments, told) in [
        (&["--yes", "--to", "abc"][..], "no run worked from it"),
        (&["--yes", "--to", &only], "that is the revision it is at"),
        (&["--to", &first], "nobody can be asked here"),
        (
            &["--yes", "--to", &"1".repeat(40)],
            "read the revision 1111111111",
        ),
        (&["--yes", "--to", &without], "no file declares it there"),
        (&["--yes", "--to", &broken], "shop.yaml:7:3"),
        (
            &["--yes", "--to", &unresolved],
            "there is no resource `nobody`",
        ),
    ] {
        let said = rollback(&world, arguments);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains(told), "{told}: {said:?}");
    }
    let said = rollback(&world, &["--yes", "--to", &broken]);
    assert!(said.stderr.contains("Did you mean"), "{said:?}");
    assert!(
        said.stderr.contains("next: Nothing was ordered."),
        "{said:?}"
    );
    let status = world.command(&["status"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    assert!(!status.stdout.contains("rolled back"), "{status:?}");
    assert_eq!(world.live("page").unwrap(), "welcome\n");
}

#[test]
fn what_cannot_be_checked_here_is_answered_by_the_daemon() {
    let world = World::new();
    let only = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &only);
    // The command line can keep no copy of its own.
    std::fs::write(world.folder().join("state/command-line"), "").unwrap();
    let nowhere = "1".repeat(40);
    let said = rollback(&world, &["--yes", "--to", &nowhere]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for told in [
        "could not be checked here",
        "the daemon cannot",
        "shop --end",
    ] {
        assert!(said.stderr.contains(told), "{told}: {said:?}");
    }
    let broken = daemon.episode("broken-spec", |broken| broken.ended_at.is_none());
    let why = broken.details.to_string();
    assert!(why.contains("rolled this back to 1111111111"), "{why}");
    let status = world.command(&["status"]).stdout;
    let told = "not carried out yet: a rollback";
    assert!(status.contains(told), "{status}");
    assert!(status.contains("which cannot be had: "), "{status}");
    daemon.looked_again("shop");
    assert_eq!(world.live("page").unwrap(), "hello\n");
    assert_eq!(rollback(&world, &["--end"]).code, Some(0));
    daemon.episode("broken-spec", |broken| broken.ended_at.is_some());
}

#[test]
fn another_repository_does_not_end_a_rollback() {
    let world = World::new();
    let other = tempfile::tempdir().unwrap();
    let git = |arguments: &[&str]| {
        let done = std::process::Command::new("git")
            .args([
                "-c",
                "user.name=Eve",
                "-c",
                "user.email=eve@example.com",
                "-C",
            ])
            .arg(other.path())
            .args(arguments)
            .output()
            .unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["init", "--quiet", "--initial-branch=main"]);
    git(&["commit", "--quiet", "--allow-empty", "-m", "empty"]);
    world.settings(|settings| {
        let mut second = settings["repositories"][0].clone();
        second["name"] = "other".into();
        second["url"] = other.path().to_str().unwrap().into();
        settings["repositories"]
            .as_array_mut()
            .unwrap()
            .push(second);
    });
    let mut daemon = put_back(&world);
    let copy = shop("theirs\n").replace("HOST", world.host().to_str().unwrap());
    std::fs::write(other.path().join("shop.yaml"), copy).unwrap();
    git(&["add", "-A"]);
    git(&["commit", "--quiet", "-m", "a copy"]);
    daemon.logged("File cannot be used", |line| line["repository"] == "other");
    daemon.looked_again("shop");
    assert_eq!(world.live("page").unwrap(), "good\n");
    assert!(
        daemon
            .lines("Git says something new, the rollback is over")
            .is_empty()
    );
}

#[test]
fn an_apply_beside_the_daemon_obeys_a_rollback() {
    let world = World::new();
    let daemon = put_back(&world);
    let file = world.repository().join("shop.yaml");
    let file = file.to_str().unwrap();
    let refused = |what: &str| {
        let plan = world.command(&["plan", what]);
        assert!(plan.stderr.contains("shop is rolled back to"), "{plan:?}");
        let said = world.command(&["apply", "--yes", what]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.stderr.contains(" rollback shop --end`"), "{said:?}");
        assert_eq!(world.live("page").unwrap(), "good\n");
    };
    refused(file);
    daemon.terminate();
    refused("shop");
    let said = world.command(&["apply", "--yes", "--despite-pause", "shop"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.live("page").unwrap(), "bad\n");
}

#[test]
fn drift_that_stands_makes_no_version_a_bad_one() {
    let shop = |text: &str| {
        let more = "  reconcile: { interval: 1s, onDrift: report }\n";
        environment("shop", more, &files(&[("page", text), ("other", "o\n")]))
    };
    let world = World::new();
    let first = world.commit(&[("shop.yaml", &shop("first\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &first);
    world.write_live("other", "by hand\n");
    daemon.episode("drift", |drift| drift.ended_at.is_none());
    let mut revisions = Vec::new();
    for text in ["second\n", "third\n"] {
        let revision = world.commit(&[("shop.yaml", &shop(text))]);
        daemon.run_of("shop", &revision);
        revisions.push(revision);
    }
    let said = rollback(&world, &["--yes"]);
    assert!(
        said.stderr.contains(&format!("to {}", &revisions[0][..10])),
        "{said:?}"
    );
    daemon.until("the version before is live, and no older one", |_| {
        (world.live("page")? == "second\n").then_some(())
    });
    assert_eq!(world.live("other").unwrap(), "by hand\n");
}
