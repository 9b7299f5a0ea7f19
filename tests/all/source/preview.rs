//! What a branch would become after a merge: the same as what `git merge` makes of it.

use super::{local, open};
use crate::peers::git::{Daemon, World, git};
use reconciled::source::{SourceError, Target};

/// Targets of both kinds: read in place, and through a server that knows no filter.
fn both(world: &World, server: &Daemon) -> [Target; 2] {
    [local(world), Target::new("shop", &server.url, "main")]
}

#[tokio::test(flavor = "multi_thread")]
async fn the_preview_holds_what_git_would_merge() {
    let world = World::new();
    let server = Daemon::start(&world);
    world.git(&["switch", "--quiet", "-c", "topic"]);
    world.write("a.yaml", "one\ntwo\nthree\nfour\nfive\n");
    world.commit("longer");
    world.git(&["switch", "--quiet", "main"]);
    world.git(&["merge", "--quiet", "--no-ff", "-m", "merge", "topic"]);
    world.write("a.yaml", "ONE\ntwo\nthree\nfour\nfive\n");
    for number in 0..40 {
        world.write("b.yaml", &format!("{number}"));
        world.commit("main moves on");
    }
    world.push("main");
    world.git(&["switch", "--quiet", "topic"]);
    world.write("a.yaml", "one\ntwo\nthree\nfour\nFIVE\n");
    world.git(&["mv", "k8s/api.yaml", "k8s/renamed.yaml"]);
    world.commit("topic moves on");
    world.push("HEAD:refs/pull/7/head");
    world.git(&["switch", "--quiet", "main"]);
    world.git(&["merge", "--quiet", "--no-ff", "-m", "as git does", "topic"]);
    let expected = format!("merge:{}", world.git(&["rev-parse", "HEAD^{tree}"]));
    let stored = || git(&world.bare(), &["count-objects", "-v"]);
    let before = stored();
    for target in both(&world, &server) {
        let opened = open(target);
        let preview = opened
            .repository
            .merge_preview("main", ("refs/pull/7/head", None))
            .await
            .unwrap();
        assert_eq!(preview.snapshot.revision.as_str(), expected);
        assert_eq!(
            super::text(&preview.snapshot, "a.yaml"),
            "ONE\ntwo\nthree\nfour\nFIVE\n"
        );
    }
    assert_eq!(stored(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn conflicts_and_strangers_are_named() {
    let world = World::new();
    let server = Daemon::start(&world);
    world.git(&["switch", "--quiet", "-c", "topic"]);
    world.write("a.yaml", "topic\n");
    world.write("b.yaml", "topic\n");
    world.commit("topic");
    world.push("topic");
    world.git(&["switch", "--quiet", "main"]);
    world.write("a.yaml", "main\n");
    world.git(&["rm", "--quiet", "b.yaml"]);
    world.commit("main");
    world.push("main");
    world.git(&["switch", "--quiet", "--orphan", "stranger"]);
    world.commit("stranger");
    world.push("stranger");
    for target in both(&world, &server) {
        let opened = open(target);
        match opened
            .repository
            .merge_preview("main", ("topic", None))
            .await
        {
            Err(SourceError::Conflict { paths, .. }) => assert_eq!(paths, ["a.yaml", "b.yaml"]),
            other => panic!("{other:?}"),
        }
        let said = opened
            .repository
            .merge_preview("main", ("stranger", None))
            .await
            .unwrap_err();
        assert!(matches!(said, SourceError::Unrelated { .. }), "{said:?}");
        let said = opened
            .repository
            .merge_preview("main", ("refs/pull/9/head", None))
            .await
            .unwrap_err();
        assert!(
            matches!(said, SourceError::MissingBranch { .. }),
            "{said:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_is_merged_already_changes_nothing() {
    let world = World::new();
    let server = Daemon::start(&world);
    world.push("main:topic");
    world.write("a.yaml", "later\n");
    world.commit("later");
    world.push("main");
    for target in both(&world, &server) {
        let opened = open(target);
        let preview = opened
            .repository
            .merge_preview("main", ("topic", None))
            .await
            .unwrap();
        let now = opened.repository.fetch().await.unwrap().snapshot;
        assert_eq!(preview.snapshot.files, now.files);
    }
}
