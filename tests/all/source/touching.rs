//! Which commits of a branch changed a file: merges, squashed and rebased ones, over long histories.

use super::{local, open, path};
use crate::peers::git::{Daemon, World, git};
use reconciled::model::Revision;
use reconciled::source::{Repository, SourceError, Target, Touching};

async fn touching(repository: &Repository, from: &str, to: &str, name: &str) -> Touching {
    let (from, to) = (Revision::new(from), Revision::new(to));
    repository
        .touching(&from, &to, [path(name)].into())
        .await
        .unwrap()
}

fn shas(touching: &Touching) -> Vec<&str> {
    let commits = touching.commits.iter();
    commits.map(Revision::as_str).collect()
}

/// Commits on a branch of its own that begins here.
fn branch(world: &World, name: &str, files: &[&str]) {
    world.git(&["switch", "--quiet", "-c", name]);
    for file in files {
        world.write(file, &format!("{name} {file}\n"));
        world.commit(file);
    }
    world.git(&["switch", "--quiet", "main"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_merge_is_one_line() {
    for filters in [false, true] {
        let world = World::new();
        if filters {
            git(&world.bare(), &["config", "uploadpack.allowFilter", "true"]);
        }
        for number in 0..40 {
            world.commit(&format!("long before {number}"));
        }
        let from = world.git(&["rev-parse", "HEAD"]);
        branch(&world, "merged", &["a.yaml", "k8s/api.yaml"]);
        branch(&world, "squashed", &["b.yaml"]);
        branch(&world, "rebased", &["c.yaml", "d.yaml"]);
        let merge = ["merge", "--quiet", "--no-ff", "-m", "merge", "merged"];
        world.git(&merge);
        let merge = world.git(&["rev-parse", "HEAD"]);
        world.git(&["merge", "--quiet", "--squash", "squashed"]);
        let squash = world.commit("squash");
        world.git(&["cherry-pick", "main..rebased"]);
        let to = world.git(&["rev-parse", "HEAD"]);
        let rebased = [to.clone(), world.git(&["rev-parse", "HEAD~1"])];
        world.push("main");
        let server = Daemon::start(&world);
        for target in [local(&world), Target::new("shop", &server.url, "main")] {
            let repository = open(target).repository;
            let of = async |name| touching(&repository, &from, &to, name).await;
            assert_eq!(shas(&of("k8s").await), [merge.as_str()]);
            assert_eq!(shas(&of("b.yaml").await), [squash.as_str()]);
            assert_eq!(shas(&of("c.yaml").await), [rebased[1].as_str()]);
            let all = of("").await;
            assert_eq!(shas(&all), [&rebased[0], &rebased[1], &squash, &merge]);
            assert!(!all.more);
            // Set back, nothing came onto it; and from itself neither.
            assert_eq!(shas(&touching(&repository, &to, &from, "").await).len(), 0);
            assert_eq!(shas(&touching(&repository, &to, &to, "").await).len(), 0);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_there_before_is_not_listed_again() {
    let world = World::new();
    let server = Daemon::start(&world);
    let root = world.git(&["rev-parse", "HEAD"]);
    world.write("a.yaml", "long ago\n");
    let before = world.commit("long ago");
    branch(&world, "topic", &["b.yaml"]);
    world.write("c.yaml", "main\n");
    let from = world.commit("main moves on");
    // A person merges main into the branch and pushes that as main: the first parents lead elsewhere.
    world.git(&["switch", "--quiet", "topic"]);
    world.git(&["merge", "--quiet", "--no-ff", "-m", "merge", "main"]);
    let to = world.git(&["rev-parse", "HEAD"]);
    let topic = world.git(&["rev-parse", "HEAD~1"]);
    world.push("HEAD:main");
    // A history that was rewritten, and one that has nothing to do with it.
    world.git(&["switch", "--quiet", "--detach", &before]);
    world.write("a.yaml", "anew\n");
    let rewritten = world.commit("anew");
    world.push("HEAD:refs/heads/rewritten");
    world.git(&["switch", "--quiet", "--orphan", "strange"]);
    let strange = world.commit("strange");
    world.push("HEAD:refs/heads/strange");
    for target in [local(&world), Target::new("shop", &server.url, "main")] {
        let repository = open(target).repository;
        let all = async |from: &str, to: &str| touching(&repository, from, to, "").await;
        assert_eq!(shas(&all(&from, &to).await), [&to, &topic]);
        assert_eq!(shas(&all(&from, &rewritten).await), [&rewritten]);
        assert_eq!(shas(&all(&from, &strange).await).len(), 0);
        assert_eq!(shas(&all(&root, &before).await), [&before]);
        let gone = Revision::new("0123456789012345678901234567890123456789");
        let to = Revision::new(&to);
        let result = repository.touching(&gone, &to, [path("")].into()).await;
        let error = result.unwrap_err();
        assert!(
            matches!(error, SourceError::MissingRevision { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_newest_are_looked_at() {
    let world = World::new();
    let from = world.git(&["rev-parse", "HEAD"]);
    world.write("a.yaml", "old\n");
    world.commit("old");
    for number in 0..20 {
        world.write("b.yaml", &format!("{number}"));
        world.commit(&format!("{number}"));
    }
    world.push("main");
    let to = world.git(&["rev-parse", "HEAD"]);
    let repository = open(local(&world)).repository;
    let found = touching(&repository, &from, &to, "b.yaml").await;
    assert_eq!((found.commits.len(), found.more), (20, true));
    let found = touching(&repository, &from, &to, "a.yaml").await;
    assert_eq!((found.commits.len(), found.more), (0, true));
}
