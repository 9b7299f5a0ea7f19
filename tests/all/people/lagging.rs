//! GitHub's index of what pull requests brought a commit lags behind a merge: until it follows it answers as if the
//! commit had been pushed.

use super::scene::{How, Scene};
use super::together::{layer, scene as crowd, shown};
use crate::daemon::{Daemon, environment, file};

fn one(name: &str, page: &str) -> String {
    environment(name, "", &file("page", name, page))
}

/// Waits until a pull request has a result.
#[track_caller]
fn told(scene: &Scene, daemon: &mut Daemon<'_>, number: u64) {
    daemon.until(format!("#{number} is told the result"), |_| {
        let results = scene.results(number);
        (results.len() == 1).then_some(())
    });
}

/// Waits until GitHub was asked which pull request a commit came from, and knew of none.
#[track_caller]
fn asked(scene: &Scene, daemon: &mut Daemon<'_>, commit: &str) {
    daemon.until(format!("GitHub is asked whose {commit} is"), |_| {
        let path = format!("/commits/{commit}/pulls");
        let requests = scene.github.server.requests();
        let mut those = requests.iter().filter(|one| one.path.ends_with(&path));
        those.any(|one| one.status.is_some()).then_some(())
    });
}

#[test]
fn a_merge_that_says_itself_whose_it_is_is_told_while_the_index_does_not_know() {
    let scene = Scene::new(&[("shop.yaml", &one("shop", "hello\n"))]);
    let mut daemon = scene.started();
    scene.github.lags(true);
    for (branch, how) in [("merged", How::Commit), ("squashed", How::Squash)] {
        let page = one("shop", &format!("{branch}\n"));
        let number = scene.open(branch, None, &[("shop.yaml", &page)]);
        let stood = scene.merge_all(&[(number, branch, how)]);
        told(&scene, &mut daemon, number);
        asked(&scene, &mut daemon, &stood[0]);
    }
    // Anybody can name any number.
    let named = scene.open("named", None, &[("DOCS.md", "words\n")]);
    let merged = scene.merge_all(&[(named, "named", How::Commit)]);
    let page = one("shop", "pushed\n");
    scene.commit_on("pushed", &[("shop.yaml", &page)]);
    let said = format!("Greet the shop (#{named})");
    let git = |arguments: &[&str]| scene.world.git(arguments);
    git(&["merge", "--quiet", "--squash", "pushed"]);
    git(&["commit", "--quiet", "-m", &said]);
    let pushed = git(&["rev-parse", "main"]);
    assert_ne!(merged[0], pushed);
    daemon.run_of("shop", &pushed);
    asked(&scene, &mut daemon, &pushed);
    daemon.looked_again("shop");
    assert_eq!(scene.results(named), []);
    scene.assert_accepted();
}

#[test]
fn a_rebase_is_told_once_the_index_knows_it_and_holds_nobody_up_until_then() {
    let scene = Scene::new(&[
        ("shop.yaml", &one("shop", "hello\n")),
        ("blog.yaml", &one("blog", "hello\n")),
    ]);
    let mut daemon = scene.started();
    scene.github.lags(true);
    let rebased = scene.open("rebased", None, &[("shop.yaml", &one("shop", "rebased\n"))]);
    let stood = scene.merge_all(&[(rebased, "rebased", How::RebaseNow)]);
    asked(&scene, &mut daemon, &stood[0]);
    let merged = scene.open("merged", None, &[("blog.yaml", &one("blog", "merged\n"))]);
    scene.merge(merged, "merged");
    told(&scene, &mut daemon, merged);
    assert_eq!(scene.results(rebased), []);
    // It is not forgotten with a stop, and nothing is wrong.
    let (_, log) = daemon.terminate();
    assert!(!log.contains("Messages cannot be delivered"), "{log}");
    let mut daemon = scene.world.start();
    scene.github.lags(false);
    told(&scene, &mut daemon, rebased);
    scene.assert_accepted();
}

#[test]
fn what_is_dangerous_waits_until_the_index_tells_what_people_saw_of_it() {
    let scene = crowd();
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
    scene.github.lags(true);
    scene.merge_all(&[
        (opened[0], "no-one", How::RebaseNow),
        (opened[1], "no-two", How::RebaseNow),
    ]);
    waits(&scene, &mut daemon);
    for path in ["one", "two"] {
        assert_eq!(scene.world.live(path).unwrap(), "x\n");
    }
    scene.github.lags(false);
    daemon.until("both are gone", |_| {
        let gone = ["one", "two"].map(|path| scene.world.live(path).is_none());
        (gone == [true, true]).then_some(())
    });
    scene.assert_accepted();
}

#[test]
fn what_nobody_saw_is_asked_for_once_the_index_knows_whose_it_is() {
    let scene = crowd();
    let mut daemon = scene.world.start();
    daemon.until("all is there", |_| {
        scene.world.live("one").and(scene.world.live("two"))
    });
    let adopting = "    three: { kind: host/file, spec: { path: /three, content: \"ours\\n\" }, lifecycle: { adopt: true } }\n";
    let with = |id, more: &str| layer(&(file(id, id, "x\n") + more));
    let four = file("four", "four", "x\n");
    let (three, four) = (with("one", adopting), with("two", &four));
    let both = [
        ("three", "a.yaml", three.as_str()),
        ("four", "b.yaml", four.as_str()),
    ];
    let opened = shown(&scene, &mut daemon, both, "1 to create in shop");
    // Nobody is shown that: no daemon looks in between.
    daemon.terminate();
    scene.world.write_live("three", "somebody's\n");
    scene.github.lags(true);
    scene.merge_all(&[
        (opened[0], "three", How::RebaseNow),
        (opened[1], "four", How::RebaseNow),
    ]);
    let mut daemon = scene.world.start();
    waits(&scene, &mut daemon);
    scene.github.lags(false);
    daemon.until("it is asked for", |_| {
        let mut pulls = scene.github.pulls().into_iter();
        let asked = pulls.find(|one| one["number"] == opened[1] + 1)?;
        let body = asked["body"].as_str().unwrap();
        body.contains("overwrites shop/three").then_some(())
    });
    assert_eq!(scene.world.live("three").unwrap(), "somebody's\n");
    scene.assert_accepted();
}

/// Waits until people are told that what is dangerous waits for the index.
#[track_caller]
fn waits(scene: &Scene, daemon: &mut Daemon<'_>) {
    daemon.until("Slack says why it waits", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.contains("so new that GitHub may not tell yet"))
            .map(drop)
    });
}
