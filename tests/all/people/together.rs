//! Several pull requests that are merged at once: nobody saw what they do together. What each of them showed is
//! carried out; what is more dangerous than all of that is asked for.

use super::scene::{How, Scene};
use crate::daemon::{Daemon, environment, file};
use reconciled::ledger::Ledger;

const MORE: &str = "  reconcile: { interval: 1s, deletionBudget: { count: 5, percent: 100 } }\n  extends: [a.yaml, b.yaml]\n";

pub(super) fn layer(resources: &str) -> String {
    let resources = match resources {
        "" => "    {}\n",
        some => some,
    };
    format!("apiVersion: reconciled.dev/v1alpha1\nkind: Layer\nspec:\n  resources:\n{resources}")
}

fn shop() -> String {
    environment("shop", MORE, &file("page", "page", "hello\n"))
}

pub(super) fn scene() -> Scene {
    let one = |id| layer(&file(id, id, "x\n"));
    Scene::new(&[
        ("shop.yaml", &shop()),
        ("a.yaml", &one("one")),
        ("b.yaml", &one("two")),
    ])
}

/// Opens both and waits until each was shown its plan.
pub(super) fn shown(
    scene: &Scene,
    daemon: &mut Daemon<'_>,
    both: [(&str, &str, &str); 2],
    said: &str,
) -> Vec<u64> {
    let opened = both.map(|(branch, path, text)| scene.open(branch, None, &[(path, text)]));
    for number in opened {
        scene.comment_with(daemon, number, said);
    }
    opened.to_vec()
}

#[test]
fn what_each_showed_is_carried_out_and_what_none_showed_is_asked_for() {
    let scene = scene();
    let mut daemon = scene.world.start();
    daemon.until("all is there", |_| {
        scene.world.live("one").and(scene.world.live("two"))
    });
    let (none, said) = (layer(""), "1 to delete in shop");
    let both = [
        ("no-one", "a.yaml", none.as_str()),
        ("no-two", "b.yaml", none.as_str()),
    ];
    let opened = shown(&scene, &mut daemon, both, said);
    scene.merge_all(&[
        (opened[0], "no-one", How::Commit),
        (opened[1], "no-two", How::Squash),
    ]);
    daemon.until("both are gone", |_| {
        let gone = ["one", "two"].map(|path| scene.world.live(path).is_none());
        (gone == [true, true]).then_some(())
    });
    let adopting = |id: &str| {
        layer(&format!(
            "    {id}: {{ kind: host/file, spec: {{ path: /{id}, content: \"ours\\n\" }}, lifecycle: {{ adopt: true }} }}\n"
        ))
    };
    let (three, four) = (adopting("three"), adopting("four"));
    let both = [
        ("three", "a.yaml", three.as_str()),
        ("four", "b.yaml", four.as_str()),
    ];
    let opened = shown(&scene, &mut daemon, both, "1 to create in shop");
    // Nobody is shown that: no daemon looks in between.
    daemon.terminate();
    scene.world.write_live("three", "somebody's\n");
    scene.merge_all(&[
        (opened[0], "three", How::Rebase),
        (opened[1], "four", How::Commit),
    ]);
    let mut daemon = scene.world.start();
    let number = opened[1] + 1;
    daemon.until("it is asked for", |_| {
        let mut pulls = scene.github.pulls().into_iter();
        let asked = pulls.find(|one| one["number"] == number)?;
        let body = asked["body"].as_str().unwrap();
        body.contains("overwrites shop/three").then_some(())
    });
    assert_eq!(scene.world.live("three").unwrap(), "somebody's\n");
    scene.comment_with(&mut daemon, opened[0], "waits for an approval");
    scene.assert_accepted();
}

#[test]
fn what_was_pushed_beside_what_was_shown_is_asked_for() {
    let scene = scene();
    let mut daemon = scene.world.start();
    daemon.until("all is there", |_| {
        scene.world.live("one").and(scene.world.live("two"))
    });
    let number = scene.open("no-one", None, &[("a.yaml", &layer(""))]);
    scene.comment_with(&mut daemon, number, "1 to delete in shop");
    daemon.until("it is known what it showed", |_| {
        let name = format!("reviewed/shop/pull/{number}");
        let shown = async |ledger: &Ledger| ledger.delivery(&name).await.unwrap();
        scene.world.ledger(shown).flatten()
    });
    // Both are there when it looks again.
    daemon.terminate();
    scene.merge(number, "no-one");
    scene.world.commit(&[("b.yaml", &layer(""))]);
    let mut daemon = scene.world.start();
    daemon.until("what nobody saw is asked for", |_| {
        let mut pulls = scene.github.pulls().into_iter();
        let asked = pulls.find(|one| one["number"] == number + 1)?;
        let body = asked["body"].as_str().unwrap();
        body.contains("deletes shop/two").then_some(())
    });
    assert_eq!(scene.world.live("two").unwrap(), "x\n");
    scene.assert_accepted();
}

#[test]
fn what_showed_nothing_is_known_and_github_is_asked_once_while_the_rest_waits() {
    let scene = scene();
    let mut daemon = scene.world.start();
    daemon.until("all is there", |_| {
        scene.world.live("one").and(scene.world.live("two"))
    });
    let words = format!("# The first.\n{}", layer(&file("one", "one", "x\n")));
    let number = scene.open("words", None, &[("a.yaml", &words)]);
    daemon.until("it is known that it showed nothing", |_| {
        let name = format!("reviewed/shop/pull/{number}");
        let shown = async |ledger: &Ledger| ledger.delivery(&name).await.unwrap();
        let shown = scene.world.ledger(shown).flatten()?;
        (shown["coming"] != true).then_some(())
    });
    // Both are there when it looks again.
    daemon.terminate();
    scene.merge(number, "words");
    scene.world.commit(&[("b.yaml", &layer(""))]);
    let mut daemon = scene.world.start();
    daemon.until("what nobody saw is asked for", |_| {
        let mut pulls = scene.github.pulls().into_iter();
        pulls.find(|one| one["number"] == number + 1).map(drop)
    });
    let asked = || {
        let requests = scene.github.server.requests().into_iter();
        let whose = |path: &str| path.contains("/commits/") && path.contains("/pulls");
        requests.filter(|one| whose(&one.path)).count()
    };
    assert!(asked() > 0);
    // What tells the result of the merge asks in its own time.
    let is_quiet = (0..10).any(|_| {
        let before = asked();
        daemon.looked_again("shop");
        asked() == before
    });
    assert!(is_quiet, "it is asked with each look");
    assert_eq!(scene.world.live("two").unwrap(), "x\n");
    scene.assert_accepted();
}

#[test]
fn what_was_pushed_is_applied_as_soon_as_it_can_be_told_that_it_was() {
    let scene = scene();
    let mut daemon = scene.world.start();
    daemon.until("all is there", |_| {
        scene.world.live("one").and(scene.world.live("two"))
    });
    let none = serde_json::json!({});
    scene
        .github
        .server
        .fail("GET", "/commits/", 502, &none, 1_000);
    scene.world.commit(&[
        ("a.yaml", &layer("")),
        ("b.yaml", &layer(&file("new", "new", "x\n"))),
    ]);
    daemon.until("Slack says why it waits", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.contains("nobody can tell now which pull requests it came from"))
            .map(drop)
    });
    // Only what is dangerous waits for GitHub.
    daemon.until("the rest is carried out", |_| scene.world.live("new"));
    assert_eq!(scene.world.live("one").unwrap(), "x\n");
    let told = daemon.logged("Merged pull requests not read, trying again", |_| true);
    assert_eq!(told["environment"], "shop", "{told}");
    assert!(
        daemon
            .lines("Pull request of ours not written, trying again")
            .is_empty()
    );
    scene.github.server.mend();
    daemon.until("it is carried out", |_| {
        let gone = ["one", "two"].map(|path| scene.world.live(path).is_none());
        (gone == [true, true]).then_some(())
    });
    scene.assert_accepted();
}
