//! Every state a repository can be in that is not "read it": each has a name, none is an empty snapshot.

use super::{local, open, path};
use crate::peers::git::{Daemon, World, git};
use crate::peers::process::free_port;
use reconciled::model::{Class, Fault as _, File, Revision};
use reconciled::source::{Limits, Repository, SourceError, Target};

async fn error(target: Target) -> SourceError {
    let opened = open(target);
    let fetched = opened.repository.fetch().await.unwrap_err();
    assert!(fetched.hint().is_some());
    fetched
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_repository_and_a_missing_branch_are_two_states() {
    let world = World::empty();
    let server = Daemon::start(&world);
    let served = || Target::new("shop", &server.url, "main");
    for target in [local(&world), served()] {
        let said = error(target).await;
        assert_eq!(
            said.to_string(),
            "read repository shop: it has no commits yet"
        );
    }
    world.write("a.yaml", "a");
    world.commit("on another branch");
    world.push("HEAD:other");
    for target in [local(&world), served()] {
        let said = error(target).await;
        assert_eq!(said.to_string(), "find refs/heads/main in repository shop");
        assert_eq!(said.class(), Class::User);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_branch_that_is_deleted_is_an_error_until_it_is_back() {
    let world = World::new();
    let server = Daemon::start(&world);
    world.push("main:kept");
    for mut target in [local(&world), Target::new("shop", &server.url, "main")] {
        target.branch = "topic".to_owned();
        world.push("main:topic");
        let opened = open(target);
        let before = opened.repository.fetch().await.unwrap();
        world.push(":topic");
        let said = opened.repository.fetch().await.unwrap_err();
        assert!(
            matches!(said, SourceError::MissingBranch { .. }),
            "{said:?}"
        );
        let hint = said.hint().unwrap();
        assert!(hint.starts_with("It has kept, main. "), "{hint}");
        world.push("main:topic");
        let after = opened.repository.fetch().await.unwrap();
        assert_eq!(before.snapshot, after.snapshot);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_not_there_is_unreachable() {
    let port = free_port();
    for scheme in ["http", "git"] {
        let url = format!("{scheme}://127.0.0.1:{port}/repo.git");
        let said = error(Target::new("shop", url, "main")).await;
        assert!(matches!(said, SourceError::Unreachable { .. }), "{said:?}");
        assert_eq!(said.class(), Class::Transient);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_that_is_not_there_is_missing() {
    let world = World::new();
    let server = Daemon::start(&world);
    let gone = world.root().join("gone.git");
    std::fs::create_dir(world.root().join("no-repository")).unwrap();
    for url in [
        gone.display().to_string(),
        world.root().join("no-repository").display().to_string(),
        server.url.replace("repo.git", "gone.git"),
    ] {
        let said = error(Target::new("shop", url, "main")).await;
        assert_eq!(said.code(), "repository-missing", "{said:?}");
        let no_git = said
            .to_string()
            .ends_with("no-repository is no Git repository");
        assert_eq!(
            said.hint().unwrap().contains("`git init`"),
            no_git,
            "{said:?}"
        );
    }
}

#[tokio::test]
async fn what_is_no_plain_file_is_named_and_hides_nothing_else() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("secret"), "canary").unwrap();
    let world = World::new();
    let link = |to: &std::path::Path, name: &str| {
        std::os::unix::fs::symlink(to, world.work().join(name)).unwrap();
    };
    link(&outside.path().join("secret"), "link.yaml");
    link(outside.path(), "linked");
    world.write("large.yaml", &"x".repeat(2000));
    world.write(
        "data.yaml",
        "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n",
    );
    world.write(".github/workflow.yaml", "hidden");
    let bad: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"bad\xff.yaml");
    std::fs::write(world.work().join(bad), "bad").unwrap();
    let first = world.git(&["rev-parse", "HEAD"]);
    let module = format!("160000,{first},module");
    world.git(&["update-index", "--add", "--cacheinfo", &module]);
    world.git(&["add", "-A", "--", ":!module"]);
    world.git(&["commit", "--quiet", "-m", "odd"]);
    world.push("main");
    let mut target = local(&world);
    target.limits.file_bytes = 1000;
    let fetched = open(target).repository.fetch().await.unwrap();
    let said: Vec<String> = fetched
        .snapshot
        .files
        .iter()
        .map(|(path, file)| format!("{path} {}", file.refusal().unwrap_or("is read".to_owned())))
        .collect();
    insta::assert_snapshot!(said.join("\n"), @r"
    a.yaml is read
    b.yaml is read
    bad�.yaml has a name that is not UTF-8 text or holds a backslash
    data.yaml is a Git LFS pointer, and LFS objects are not fetched
    k8s/api.yaml is read
    large.yaml is too large to be read (2000 bytes)
    link.yaml is a symbolic link, and links are not followed
    linked is a symbolic link, and links are not followed
    module is a submodule, and submodules are not fetched
    ");
    assert_eq!(fetched.snapshot.files[&path("link.yaml")], File::Symlink);
    assert!(!format!("{fetched:?}").contains("canary"));
}

#[tokio::test]
async fn limits_are_errors_and_a_folder_narrows_what_counts() {
    let world = World::new();
    for limits in [
        Limits {
            files: 3,
            ..Limits::default()
        },
        Limits {
            total_bytes: 30,
            ..Limits::default()
        },
    ] {
        let mut target = local(&world);
        target.limits = limits;
        let said = error(target.clone()).await;
        assert!(matches!(said, SourceError::TooLarge { .. }), "{said:?}");
        target.folder = path("k8s");
        let fetched = open(target).repository.fetch().await.unwrap();
        assert_eq!(fetched.snapshot.files.len(), 1);
    }
    for folder in ["gone", "a.yaml"] {
        let mut target = local(&world);
        target.folder = path(folder);
        let said = error(target).await;
        assert!(
            matches!(said, SourceError::MissingFolder { .. }),
            "{said:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fetch_over_its_limit_is_an_error() {
    let world = World::new();
    let server = Daemon::start(&world);
    let mut target = Target::new("shop", &server.url, "main");
    target.limits.fetch_bytes = 100;
    let said = error(target).await;
    assert_eq!(
        said.to_string(),
        "read repository shop: it has more than 100 bytes to fetch"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revision_that_is_gone_is_said_by_name() {
    let world = World::new();
    let server = Daemon::start(&world);
    let gone = "1234567890123456789012345678901234567890";
    for target in [local(&world), Target::new("shop", &server.url, "main")] {
        let opened = open(target);
        let said = opened
            .repository
            .snapshot_at(&Revision::new(gone))
            .await
            .unwrap_err();
        assert_eq!(
            said.to_string(),
            format!("find revision {gone} in repository shop")
        );
    }
}

#[tokio::test]
async fn a_cache_has_one_owner_and_each_branch_one_of_its_own() {
    let world = World::new();
    let opened = open(local(&world));
    let second = |target| Repository::open(opened.cache.path(), target, &super::client());
    let same = second(local(&world));
    assert!(matches!(same.err(), Some(SourceError::Locked { .. })));
    let mut other = local(&world);
    other.branch = "other".to_owned();
    world.push("main:other");
    second(other).unwrap().fetch().await.unwrap();
}

#[tokio::test]
async fn a_damaged_repository_is_an_error() {
    let world = World::new();
    let tree = git(&world.bare(), &["rev-parse", "main:k8s"]);
    let object = world
        .bare()
        .join("objects")
        .join(&tree[..2])
        .join(&tree[2..]);
    std::fs::remove_file(object).unwrap();
    let said = error(local(&world)).await;
    assert!(matches!(said, SourceError::Corrupt { .. }), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_damaged_copy_is_fetched_anew() {
    let world = World::new();
    let server = Daemon::start(&world);
    let target = Target::new("shop", &server.url, "main");
    let opened = open(target.clone());
    let before = opened.repository.fetch().await.unwrap().snapshot;
    let super::Opened { repository, cache } = opened;
    drop(repository);
    let mut packs = 0;
    for folder in std::fs::read_dir(cache.path()).unwrap() {
        let folder = folder.unwrap().path().join("tips.git/objects/pack");
        for file in std::fs::read_dir(folder).unwrap() {
            let file = file.unwrap().path();
            std::fs::remove_file(&file).unwrap();
            std::fs::write(&file, "damaged").unwrap();
            packs += 1;
        }
    }
    assert!(packs > 0);
    let again = Repository::open(cache.path(), target, &super::client());
    let after = again.unwrap().fetch().await.unwrap();
    assert_eq!(after.snapshot, before);
}
