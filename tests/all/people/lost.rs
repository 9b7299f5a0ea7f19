//! The ledger's file goes while the daemon runs: nothing is changed without it, people hear of it once, and
//! it goes on when the file is back, or after a restart.

use super::scene::Scene;
use crate::daemon::{Daemon, environment, files};

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
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
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
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
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
