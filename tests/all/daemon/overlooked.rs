//! What must not be overlooked: what was merged and waits, what never could be read.

use super::{World, environment, files};

fn shop(greeting: &str) -> String {
    environment("shop", "", &files(&[("page", greeting)]))
}

#[test]
fn what_was_merged_and_waits_is_said_with_its_reason() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    world.write_live("precious", "theirs\n");
    let both = files(&[("page", "hello\n"), ("precious", "ours\n")]);
    let commit = world.commit(&[("shop.yaml", &environment("shop", "", &both))]);
    daemon.run_of("shop", &commit);
    daemon.logged("Step waits", |line| line["address"] == "shop/precious");
    let status = world.command(&["status"]);
    assert_eq!(status.code, Some(2), "{status:?}");
    assert!(status.stdout.contains("precious waits: "), "{status:?}");
    assert!(
        status.stdout.contains("lifecycle: { adopt: true }"),
        "{status:?}"
    );
}

#[test]
fn what_never_had_a_good_state_is_in_the_status_with_what_is_wrong() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    world.commit(&[
        ("new.yaml", &environment("new", "  nonsense: 1\n", "")),
        (
            "third.yaml",
            "apiVersion: reconciled.dev/v1\nkind: Environment\n",
        ),
    ]);
    daemon.until("the status names both", |_| {
        let said = world.command(&["status"]);
        let text = &said.stdout;
        let both = text.contains("\nnew: needs a look") && text.contains("third.yaml:1:");
        (both && said.code == Some(2)).then_some(())
    });
    assert_eq!(world.command(&["status", "new"]).code, Some(2));
    world.commit(&[("new.yaml", ""), ("third.yaml", "")]);
    daemon.until("all is well again", |_| {
        (world.command(&["status"]).code == Some(0)).then_some(())
    });
}

#[test]
fn a_mistake_is_told_with_its_place_and_what_to_write_instead() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    let broken = shop("hello\n").replace("reconcile:", "reconsile:");
    world.commit(&[("shop.yaml", &broken)]);
    daemon.episode("broken-spec", |one| one.ended_at.is_none());
    let text = world.command(&["status", "shop"]).stdout;
    for told in [
        "    shop.yaml:7:3: ",
        "reconsile",
        "      Did you mean `reconcile`?",
        "    The last good state stays in force.",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    let said = world.command(&["status", "--output", "json"]).stdout;
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let mistake = &said["environments"][0]["episodes"][0]["details"]["mistakes"][0];
    let place = (&mistake["file"], &mistake["line"], &mistake["column"]);
    assert_eq!(place, (&"shop.yaml".into(), &7.into(), &3.into()), "{said}");
    assert!(mistake["hint"].is_string(), "{said}");
    // Taken away, it is not said to be usable again.
    world.commit(&[("shop.yaml", "")]);
    let over = daemon.episode("broken-spec", |one| one.ended_at.is_some());
    assert_eq!(over.how.as_deref(), Some("no longer declared"));
}

#[test]
fn what_cannot_be_seen_is_not_said_to_differ() {
    let world = World::new();
    let commit = world.commit(&[("shop.yaml", &shop("hello\n"))]);
    let mut daemon = world.start();
    daemon.run_of("shop", &commit);
    let elsewhere = world.host().with_extension("away");
    std::fs::rename(world.host(), elsewhere).unwrap();
    daemon.episode("unknown", |one| one.ended_at.is_none());
    let said = world.command(&["status"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.stdout
            .contains("the live state of 1 resource is unknown"),
        "{said:?}"
    );
    assert!(!said.stdout.contains("live differs"), "{said:?}");
}
