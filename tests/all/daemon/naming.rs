//! What takes another name in Git keeps what it had: nothing is deleted, nothing is made again.

use super::{World, environment, file, files};
use reconciled::ledger::RunOutcome;
use std::os::unix::fs::MetadataExt as _;

const TWO: [(&str, &str); 2] = [("page", "hello\n"), ("robots", "none\n")];

fn shop(resources: &str) -> String {
    environment("shop", "", resources)
}

fn inode(world: &World, path: &str) -> u64 {
    std::fs::metadata(world.host().join(path)).unwrap().ino()
}

#[test]
fn what_takes_another_name_is_kept() {
    let world = World::new();
    world.commit(&[("shop.yaml", &shop(&files(&TWO)))]);
    let mut daemon = world.start();
    daemon.until("two files are ours", |_| {
        (world.owned().len() == 2).then_some(())
    });
    let before = (inode(&world, "page"), inode(&world, "robots"));
    let live = |world: &World| (inode(world, "page"), inode(world, "robots"));

    let renamed = format!(
        "{}{}",
        file("front", "page", TWO[0].1),
        file("robots", "robots", TWO[1].1)
    );
    let commit = world.commit(&[("shop.yaml", &shop(&renamed))]);
    daemon.run_of("shop", &commit);
    assert_eq!(world.owned(), ["shop/front", "shop/robots"]);
    assert_eq!(live(&world), before, "a resource's new id");

    let commit = world.commit(&[
        ("shop.yaml", ""),
        ("store/env.yaml", &environment("store", "", &renamed)),
    ]);
    let run = daemon.run_of("store", &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Done);
    daemon.until("the new environment has them", |_| {
        (world.owned() == ["store/front", "store/robots"]).then_some(())
    });
    daemon.looked_again("store");
    assert_eq!(live(&world), before, "an environment's new name");
    assert!(
        world.episodes().iter().all(|one| one.ended_at.is_some()),
        "{:#?}",
        world.episodes()
    );
}

#[test]
fn what_was_deleted_by_hand_stays_drift_under_another_name() {
    let world = World::new();
    let only_reported = |name: &str| {
        environment(
            name,
            "  reconcile: { interval: 1s, onDrift: report }\n",
            &files(&TWO),
        )
    };
    world.commit(&[("shop.yaml", &only_reported("shop"))]);
    let mut daemon = world.start();
    daemon.until("two files are ours", |_| {
        (world.owned().len() == 2).then_some(())
    });
    std::fs::remove_file(world.host().join("page")).unwrap();
    daemon.until("the drift is found", |_| {
        world
            .episodes()
            .iter()
            .any(|one| one.ended_at.is_none())
            .then_some(())
    });

    let commit = world.commit(&[("shop.yaml", &only_reported("store"))]);
    daemon.run_of("store", &commit);
    daemon.until("the new name has both", |_| {
        (world.owned() == ["store/page", "store/robots"]).then_some(())
    });
    daemon.looked_again("store");
    assert!(
        !world.host().join("page").exists(),
        "it is only to be reported"
    );
    daemon.until("the old name has nothing left to say", |_| {
        let open = world
            .episodes()
            .into_iter()
            .filter(|one| one.ended_at.is_none());
        let names: Vec<String> = open.map(|one| one.environment.to_string()).collect();
        (names == ["store"]).then_some(())
    });
}

#[test]
fn what_moves_from_one_environment_to_another_is_kept() {
    let world = World::new();
    let [page, robots] = TWO.map(|(id, text)| file(id, id, text));
    let other = file("other", "other", "other\n");
    let both = |shop: &str, store: &str| {
        [
            ("shop.yaml", environment("shop", "", shop)),
            ("store.yaml", environment("store", "", store)),
        ]
    };
    let commit = |files: [(&'static str, String); 2]| {
        world.commit(&files.each_ref().map(|(path, text)| (*path, text.as_str())))
    };
    commit(both(&format!("{page}{robots}"), &other));
    let mut daemon = world.start();
    daemon.until("three files are ours", |_| {
        (world.owned().len() == 3).then_some(())
    });
    let before = inode(&world, "robots");
    commit(both(&page, &format!("{other}{robots}")));
    daemon.until("it is the other environment's", |_| {
        (world.owned() == ["shop/page", "store/other", "store/robots"]).then_some(())
    });
    daemon.looked_again("shop");
    daemon.looked_again("store");
    assert_eq!(inode(&world, "robots"), before);
    assert!(world.episodes().is_empty(), "{:#?}", world.episodes());
}

#[test]
fn what_two_environments_declare_is_refused_for_both() {
    let world = World::new();
    let declared = |name: &str, path: &str| environment(name, "", &file("page", path, "hello\n"));
    let commit = world.commit(&[
        ("one.yaml", &declared("one", "page")),
        ("two.yaml", &declared("two", "other")),
    ]);
    let mut daemon = world.start();
    daemon.run_of("one", &commit);
    daemon.run_of("two", &commit);
    world.commit(&[("two.yaml", &declared("two", "page"))]);
    daemon.until("it is told", |_| {
        let open = |one: &reconciled::ledger::Episode| {
            one.condition == "broken-spec" && one.ended_at.is_none()
        };
        let told = world.episodes().into_iter().find(open)?;
        told.details
            .to_string()
            .contains("declared already")
            .then_some(())
    });
    assert_eq!(
        world.owned(),
        ["one/page", "two/page"],
        "the last good state stays in force"
    );
    assert!(world.live("other").is_some());
}
