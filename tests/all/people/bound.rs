//! What binds an approval: pauses, windows and the deletion budget hold what was approved as they hold everything.

use super::approved::{branch, live, proposing, request, shop};
use super::scene::Scene;
use crate::daemon::{Daemon, file};

/// Merges the daemon's request and waits until the approval was read and is in force.
#[track_caller]
fn approve(scene: &Scene, daemon: &mut Daemon<'_>, number: u64) {
    let asked = request(scene, daemon, number);
    scene.merge(number, &branch(&asked));
    daemon.until("the approval is in force", |_| {
        let of_shop = async |ledger: &reconciled::ledger::Ledger| {
            ledger.delivery("approval/shop").await.unwrap()
        };
        let memory = scene.world.ledger(of_shop)??;
        (!memory["granted"].is_null()).then_some(())
    });
    daemon.looked_again("shop");
}

#[track_caller]
fn says(scene: &Scene, part: &str) {
    let status = scene.world.command(&["status", "shop"]);
    assert!(status.stdout.contains(part), "{part}: {status:?}");
}

#[test]
fn a_pause_binds_what_was_approved_until_it_is_over() {
    let scene = Scene::new(&[("shop.yaml", &proposing("one\n"))]);
    let mut daemon = scene.world.start();
    request(&scene, &mut daemon, 1);
    let pause = ["pause", "shop", "--why", "a freeze"];
    assert_eq!(scene.world.command(&pause).code, Some(0));
    approve(&scene, &mut daemon, 1);
    assert_eq!(scene.world.live("page"), None);
    says(&scene, "a freeze");
    // It is in force still after a restart, and needs nobody again.
    daemon.kill();
    let mut daemon = scene.world.start();
    daemon.looked_again("shop");
    assert_eq!(scene.world.live("page"), None);
    assert_eq!(scene.world.command(&["resume", "shop"]).code, Some(0));
    live(&mut daemon, &scene, "one\n");
    assert_eq!(scene.github.pulls().len(), 1);
    scene.assert_accepted();
}

#[test]
fn a_closed_window_binds_what_was_approved() {
    // Open for a minute, every fourth year.
    let closed = "onMerge: propose, windows: [{ cron: \"0 0 29 2 *\", for: 1m }]";
    let page = file("page", "page", "one\n");
    let scene = Scene::new(&[("shop.yaml", &shop(closed, &page))]);
    let mut daemon = scene.world.start();
    approve(&scene, &mut daemon, 1);
    assert_eq!(scene.world.live("page"), None);
    says(&scene, "window");
    // The request itself is over, and its branch goes.
    scene.no_branch_is_left(&mut daemon);
    scene.assert_accepted();
}

#[test]
fn the_deletion_budget_binds_what_was_approved_and_the_rest_goes_on() {
    let propose = "onMerge: propose, deletionBudget: { count: 1, percent: 100 }";
    let kept = |text: &str| file("page", "page", text);
    let more: String = (0..3)
        .map(|nth| file(&format!("f{nth}"), &format!("f{nth}"), "x"))
        .collect();
    let first = shop(propose, &format!("{}{more}", kept("one\n")));
    let scene = Scene::new(&[("shop.yaml", &first)]);
    let mut daemon = scene.world.start();
    let asked = request(&scene, &mut daemon, 1);
    scene.merge(1, &branch(&asked));
    live(&mut daemon, &scene, "one\n");
    let second = shop(propose, &kept("two\n"));
    scene.world.commit(&[("shop.yaml", &second)]);
    let asked = request(&scene, &mut daemon, 2);
    scene.merge(2, &branch(&asked));
    live(&mut daemon, &scene, "two\n");
    daemon.looked_again("shop");
    for nth in 0..3 {
        assert_eq!(scene.world.live(&format!("f{nth}")).unwrap(), "x", "f{nth}");
    }
    says(&scene, "more than the 1 that deletionBudget allows");
    scene.assert_accepted();
}
