//! What was merged though nobody was shown a plan of it: what is dangerous of it is asked for.

use super::approved::request;
use super::scene::Scene;
use super::together::{layer, scene};
use crate::daemon::{Daemon, environment, file};
use reconciled::ledger::Ledger;

/// Waits until all of the scene's files are there.
fn settled(scene: &Scene, daemon: &mut Daemon<'_>) {
    daemon.until("all is there", |_| {
        scene.world.live("one").and(scene.world.live("two"))
    });
}

/// Waits until the daemon's pull request with this number asks for the delete of `one`, which is there still.
#[track_caller]
fn asked_for(scene: &Scene, daemon: &mut Daemon<'_>, number: u64) {
    let asked = request(scene, daemon, number);
    let body = asked["body"].as_str().unwrap();
    assert!(body.contains("deletes shop/one"), "{body}");
    assert_eq!(scene.world.live("one").unwrap(), "x\n");
    scene.assert_accepted();
}

/// Opens and merges the delete while no daemon runs.
#[track_caller]
fn asks_for_what_is_merged_unseen(scene: &Scene) {
    let mut daemon = scene.world.start();
    settled(scene, &mut daemon);
    daemon.terminate();
    let number = scene.open("soon", None, &[("a.yaml", &layer(""))]);
    scene.merge(number, "soon");
    let mut daemon = scene.world.start();
    asked_for(scene, &mut daemon, number + 1);
}

#[test]
fn a_mistake_in_one_environment_hides_no_delete_in_another() {
    let scene = scene();
    let mut daemon = scene.world.start();
    settled(&scene, &mut daemon);
    let wrong = environment("staging", "", "    page: { kind: host/fil }\n");
    let change = [("a.yaml", layer("")), ("staging.yaml", wrong)];
    let change = change.each_ref().map(|(path, text)| (*path, text.as_str()));
    let number = scene.open("both", None, &change);
    scene.comment_with(&mut daemon, number, "To be put right");
    let merge = scene.merge(number, "both");
    // As long as the mistake stands, the other may have taken it over.
    daemon.run_of("shop", &merge);
    assert_eq!(scene.world.live("one").unwrap(), "x\n");
    let mended = environment("staging", "", &file("page", "staging", "new\n"));
    scene.world.commit(&[("staging.yaml", &mended)]);
    asked_for(&scene, &mut daemon, number + 1);
}

#[test]
fn who_merges_before_there_is_a_plan_has_seen_none() {
    let scene = scene();
    asks_for_what_is_merged_unseen(&scene);
}

#[test]
fn a_fork_is_shown_no_plan() {
    let scene = scene();
    let mut daemon = scene.world.start();
    settled(&scene, &mut daemon);
    let number = scene.open("fork", Some("mallory/infra"), &[("a.yaml", &layer(""))]);
    scene.comment_with(&mut daemon, number, "comes from a fork");
    scene.merge(number, "fork");
    asked_for(&scene, &mut daemon, number + 1);
}

#[test]
fn what_is_pushed_at_the_last_moment_was_seen_by_nobody() {
    let scene = scene();
    let beside = |text: &str| environment("beside", "", &file("note", "note", text));
    scene.world.commit(&[("beside.yaml", &beside("a\n"))]);
    let mut daemon = scene.world.start();
    settled(&scene, &mut daemon);
    let number = scene.open("late", None, &[("beside.yaml", &beside("b\n"))]);
    scene.comment_with(&mut daemon, number, "1 to update in beside");
    daemon.terminate();
    scene.push(number, "late", &[("a.yaml", &layer(""))]);
    scene.merge(number, "late");
    let mut daemon = scene.world.start();
    asked_for(&scene, &mut daemon, number + 1);
    // What was shown of the other is not held back with it.
    daemon.until("the other is applied", |_| {
        (scene.world.live("note")? == "b\n").then_some(())
    });
}

#[test]
fn what_an_older_push_showed_says_nothing_of_the_newer() {
    let scene = scene();
    let mut daemon = scene.world.start();
    settled(&scene, &mut daemon);
    let number = scene.open("twice", None, &[("a.yaml", &layer(""))]);
    scene.comment_with(&mut daemon, number, "1 to delete in shop");
    daemon.until("it is known what it showed", |_| {
        let name = format!("reviewed/shop/pull/{number}");
        let shown = async |ledger: &Ledger| ledger.delivery(&name).await.unwrap();
        let shown = scene.world.ledger(shown).flatten()?;
        (shown["coming"] != true).then_some(())
    });
    daemon.terminate();
    let two = file("two", "two", "later\n");
    scene.push(number, "twice", &[("b.yaml", &layer(&two))]);
    scene.merge(number, "twice");
    let mut daemon = scene.world.start();
    asked_for(&scene, &mut daemon, number + 1);
}

#[test]
fn what_was_merged_before_much_else_is_not_taken_for_a_push() {
    let scene = scene();
    let mut daemon = scene.world.start();
    settled(&scene, &mut daemon);
    daemon.terminate();
    let number = scene.open("long-ago", None, &[("a.yaml", &layer(""))]);
    scene.merge(number, "long-ago");
    // More than anybody looks at.
    for nth in 0..21 {
        scene.world.commit(&[("notes.txt", &format!("{nth}\n"))]);
    }
    let mut daemon = scene.world.start();
    asked_for(&scene, &mut daemon, number + 1);
}

#[test]
fn what_is_safe_needs_nobody_who_saw_it() {
    let scene = scene();
    let mut daemon = scene.world.start();
    settled(&scene, &mut daemon);
    daemon.terminate();
    let two = file("two", "two", "x\n") + &file("three", "three", "new\n");
    let number = scene.open("safe", None, &[("b.yaml", &layer(&two))]);
    scene.merge(number, "safe");
    let mut daemon = scene.world.start();
    daemon.until("it is applied", |_| scene.world.live("three"));
    assert_eq!(scene.github.pulls().len(), 1, "nobody is asked");
    scene.assert_accepted();
}

#[test]
fn an_environment_that_was_never_well_asks_as_any_other() {
    let scene = scene();
    // Something is in the way from the beginning.
    scene.world.write_live("strange", "somebody's\n");
    let strange = file("two", "two", "x\n") + &file("strange", "strange", "ours\n");
    scene.world.commit(&[("b.yaml", &layer(&strange))]);
    asks_for_what_is_merged_unseen(&scene);
}
