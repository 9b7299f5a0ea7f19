//! How a branch moved, as far back as it takes to tell, and after a restart too.

use super::{client, local, open};
use crate::peers::git::{Daemon, World, git};
use reconciled::model::Revision;
use reconciled::source::{Movement, Repository, Target};

#[tokio::test(flavor = "multi_thread")]
async fn moves_are_told_over_long_histories() {
    for filters in [false, true] {
        let world = World::new();
        if filters {
            git(&world.bare(), &["config", "uploadpack.allowFilter", "true"]);
        }
        let server = Daemon::start(&world);
        for target in [local(&world), Target::new("shop", &server.url, "main")] {
            world.push("main");
            let opened = open(target);
            let fetch = async || opened.repository.fetch().await.unwrap();
            let start = fetch().await.snapshot.revision.clone();
            for number in 0..40 {
                world.commit(&format!("{number}"));
            }
            world.push("main");
            let forward = fetch().await;
            assert_eq!(
                forward.movement,
                Movement::Forward {
                    from: start.clone()
                }
            );
            let end = forward.snapshot.revision.clone();
            world.git(&["reset", "--quiet", "--hard", start.as_str()]);
            world.push("main");
            assert_eq!(fetch().await.movement, Movement::Rewound { from: end });
            world.git(&["commit", "--quiet", "--amend", "-m", "amended"]);
            world.push("main");
            let amended = fetch().await;
            assert_eq!(amended.movement, Movement::Diverged { from: start });
            assert!(amended.movement.rewrote());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_remembers_where_the_branch_stood() {
    let world = World::new();
    let server = Daemon::start(&world);
    let target = Target::new("shop", &server.url, "main");
    let cache = tempfile::tempdir().unwrap();
    let open = || Repository::open(cache.path(), target.clone(), &client()).unwrap();
    let from = open().fetch().await.unwrap().snapshot.revision.clone();
    assert_eq!(open().fetch().await.unwrap().movement, Movement::Same);
    world.commit("second");
    world.push("main");
    assert_eq!(
        open().fetch().await.unwrap().movement,
        Movement::Forward { from }
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_dropped_the_old_commit_rewrote_its_history() {
    let world = World::new();
    let server = Daemon::start(&world);
    let opened = open(Target::new("shop", &server.url, "main"));
    let from: Revision = opened
        .repository
        .fetch()
        .await
        .unwrap()
        .snapshot
        .revision
        .clone();
    world.git(&["commit", "--quiet", "--amend", "-m", "amended"]);
    world.push("main");
    git(
        &world.bare(),
        &["reflog", "expire", "--expire=now", "--all"],
    );
    git(&world.bare(), &["gc", "--quiet", "--prune=now"]);
    let fetched = opened.repository.fetch().await.unwrap();
    assert_eq!(fetched.movement, Movement::Diverged { from });
}

/// The shortest way back from the tip leads through a topic branch that began before the old tip.
#[tokio::test(flavor = "multi_thread")]
async fn a_late_merge_of_an_early_branch_is_no_rewrite() {
    let world = World::new();
    world.git(&["branch", "topic"]);
    let server = Daemon::start(&world);
    world.commit("after the topic began");
    world.push("main");
    let opened = open(Target::new("shop", &server.url, "main"));
    let fetch = async || opened.repository.fetch().await.unwrap();
    let from = fetch().await.snapshot.revision.clone();
    for number in 0..40 {
        world.commit(&format!("{number}"));
    }
    world.git(&["merge", "--quiet", "--no-ff", "-m", "late", "topic"]);
    world.git(&["switch", "--quiet", "topic"]);
    world.commit("topic");
    world.git(&["switch", "--quiet", "main"]);
    world.git(&["merge", "--quiet", "--no-ff", "-m", "late", "topic"]);
    world.push("main");
    assert_eq!(fetch().await.movement, Movement::Forward { from });
}
