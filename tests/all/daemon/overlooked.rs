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
