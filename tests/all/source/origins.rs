//! One story told to every kind of server: read, move, read again, merge, rewrite, compare.

use super::{Opened, local, open, path, text};
use crate::peers::git::{Daemon, Ssh, TOKEN, USER, Web, World};
use reconciled::model::{Fault as _, Revision, Secret};
use reconciled::net::{Client, HttpSettings};
use reconciled::source::{Credentials, Fetched, Movement, Repository, SourceError, Target};
use reconciled::telemetry::chain;

async fn story(world: &World, target: Target) -> Opened {
    let opened = open(target);
    let repository = &opened.repository;
    let first = world.git(&["rev-parse", "HEAD"]);
    let Fetched { snapshot, movement } = repository.fetch().await.unwrap();
    assert_eq!(
        (snapshot.revision.as_str(), movement),
        (first.as_str(), Movement::First)
    );
    assert_eq!(text(&snapshot, "k8s/api.yaml"), "name: k8s/api.yaml\n");
    assert_eq!(repository.fetch().await.unwrap().movement, Movement::Same);

    world.write("a.yaml", "second\n");
    let second = world.commit("second");
    world.push("main");
    let from = Revision::new(first.clone());
    let fetched = repository.fetch().await.unwrap();
    assert_eq!(fetched.movement, Movement::Forward { from: from.clone() });
    assert_eq!(text(&fetched.snapshot, "a.yaml"), "second\n");
    let now = Revision::new(second);
    let touching = async |name| {
        let paths = [path(name)].into();
        repository
            .touching(&from, &now, paths)
            .await
            .unwrap()
            .commits
    };
    assert_eq!(touching("a.yaml").await, std::slice::from_ref(&now));
    assert_eq!(touching("k8s").await, []);
    let before = repository.snapshot_at(&from).await.unwrap();
    assert_eq!(text(&before, "a.yaml"), "name: a.yaml\n");

    world.git(&["switch", "--quiet", "-c", "topic", "HEAD~1"]);
    world.write("b.yaml", "topic\n");
    let topic = world.commit("topic");
    world.push("HEAD:refs/pull/7/head");
    let preview = repository
        .merge_preview("main", ("refs/pull/7/head", None))
        .await
        .unwrap();
    assert_eq!(
        (&preview.base, preview.head.as_str()),
        (&now, topic.as_str())
    );
    assert_eq!(text(&preview.snapshot, "a.yaml"), "second\n");
    assert_eq!(text(&preview.snapshot, "b.yaml"), "topic\n");

    world.push("HEAD:main");
    let fetched = repository.fetch().await.unwrap();
    assert_eq!(fetched.movement, Movement::Diverged { from: now });
    assert_eq!(text(&fetched.snapshot, "a.yaml"), "name: a.yaml\n");
    opened
}

#[tokio::test]
async fn a_path_and_a_file_address_tell_the_story() {
    let world = World::new();
    story(&world, local(&world)).await;
    let world = World::new();
    let url = format!("file://{}", world.bare().display());
    story(&world, Target::new("shop", url, "main")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn git_daemon_tells_the_story() {
    let world = World::new();
    let server = Daemon::start(&world);
    story(&world, Target::new("shop", &server.url, "main")).await;
}

fn web(server: &Web, token: &str) -> Target {
    let mut target = Target::new("shop", &server.url, "main");
    target.credentials = Credentials::Token {
        username: USER.to_owned(),
        token: Secret::new(token),
    };
    target
}

#[tokio::test(flavor = "multi_thread")]
async fn http_with_a_token_tells_the_story() {
    let world = World::new();
    let server = Web::start(&world);
    let opened = story(&world, web(&server, TOKEN)).await;
    // The token stands nowhere in what is kept.
    let mut folders = vec![opened.cache.path().to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = std::fs::read(&path).unwrap();
                let found = bytes
                    .windows(TOKEN.len())
                    .any(|piece| piece == TOKEN.as_bytes());
                assert!(!found, "{}", path.display());
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn https_is_read_only_from_a_server_we_trust() {
    let world = World::new();
    let server = Web::start_tls(&world);
    let cache = tempfile::tempdir().unwrap();
    let settings = HttpSettings {
        ca_file: Some(server.authority()),
        ..HttpSettings::default()
    };
    let target = web(&server, TOKEN);
    let trusting = Client::new(&settings).unwrap();
    let repository = Repository::open(cache.path(), target.clone(), &trusting).unwrap();
    let fetched = repository.fetch().await.unwrap();
    assert_eq!(text(&fetched.snapshot, "a.yaml"), "name: a.yaml\n");
    let asked = server.answers().len();
    let error = open(target).repository.fetch().await.unwrap_err();
    assert!(
        matches!(error, SourceError::Unreachable { .. }),
        "{error:?}"
    );
    assert!(chain(&error).contains("certificate"), "{}", chain(&error));
    assert_eq!(server.answers().len(), asked);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_and_missing_tokens_are_said_and_never_shown() {
    let world = World::new();
    let server = Web::start(&world);
    let wrong = "canary-of-a-wrong-token";
    for target in [
        web(&server, wrong),
        Target::new("shop", &server.url, "main"),
    ] {
        let repository = open(target).repository;
        let error = repository.fetch().await.unwrap_err();
        assert!(
            matches!(error, SourceError::Credentials { .. }),
            "{error:?}"
        );
        assert_eq!(error.code(), "repository-credentials");
        assert!(
            !format!("{error} {error:?}").contains("canary"),
            "{error:?}"
        );
    }
    let mut gone = web(&server, TOKEN);
    gone.url = gone.url.replace("repo.git", "gone.git");
    let error = open(gone).repository.fetch().await.unwrap_err();
    assert!(
        matches!(error, SourceError::MissingRepository { .. }),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_poll_is_small_and_a_push_costs_what_it_changed() {
    let world = World::new();
    let noise: String = (0..200_000_u32)
        .map(|n| format!("{:x}", n.wrapping_mul(2_654_435_761)))
        .collect();
    world.write("large.yaml", &noise);
    for number in 0..50 {
        world.write("a.yaml", &format!("{number}\n"));
        world.commit("more");
        world.git(&["tag", &format!("v{number}")]);
    }
    world.push("main");
    world.push("refs/tags/*");
    let server = Web::start(&world);
    let opened = open(web(&server, TOKEN));
    opened.repository.fetch().await.unwrap();
    let whole: u64 = server.answers().iter().map(|(_, size)| size).sum();
    let again = opened.repository.fetch().await.unwrap();
    assert_eq!(again.movement, Movement::Same);
    let polled: u64 = server.answers().iter().map(|(_, size)| size).sum();
    assert!(polled - whole < 600, "{}", polled - whole);
    world.write("b.yaml", "changed\n");
    world.commit("one more");
    world.push("main");
    let fetched = opened.repository.fetch().await.unwrap();
    assert!(matches!(fetched.movement, Movement::Forward { .. }));
    let log = server.answers();
    let largest = log
        .iter()
        .rev()
        .take(4)
        .map(|(_, size)| *size)
        .max()
        .unwrap();
    assert!(whole > 500_000, "{whole}");
    assert!(largest < 20_000, "{log:?}");
}

fn ssh(server: &Ssh, key: &str, known_hosts: &str) -> Target {
    let mut target = Target::new("shop", &server.url, "main");
    target.credentials = Credentials::Key {
        key: Some(server.file(key)),
        known_hosts: server.file(known_hosts),
    };
    target
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_tells_the_story_whether_or_not_it_accepts_our_protocol() {
    for accept in [true, false] {
        let world = World::new();
        let server = Ssh::start(&world, accept);
        story(&world, ssh(&server, "user", "known hosts")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ssh_trusts_only_known_hosts_and_is_let_in_only_with_its_key() {
    let world = World::new();
    let server = Ssh::start(&world, true);
    let failed = async |target| open(target).repository.fetch().await.unwrap_err();
    let error = failed(ssh(&server, "stranger", "known hosts")).await;
    assert!(matches!(error, SourceError::SshKey { .. }), "{error:?}");
    let hint = error.hint().unwrap();
    assert!(
        hint.contains("`key`") && hint.contains("ssh-add -l"),
        "{hint}"
    );
    for hosts in ["other hosts", "no such file"] {
        let error = failed(ssh(&server, "user", hosts)).await;
        assert!(matches!(error, SourceError::HostKey { .. }), "{error:?}");
    }
    let mut gone = ssh(&server, "user", "known hosts");
    gone.url = gone.url.replace("repo.git", "gone'; touch pwned; '.git");
    let error = failed(gone).await;
    assert!(
        matches!(error, SourceError::MissingRepository { .. }),
        "{error:?}"
    );
    let mut closed = ssh(&server, "user", "known hosts");
    closed.url = format!(
        "ssh://127.0.0.1:{}/repo.git",
        crate::peers::process::free_port()
    );
    let error = failed(closed).await;
    assert!(
        matches!(error, SourceError::Unreachable { .. }),
        "{error:?}"
    );
}
