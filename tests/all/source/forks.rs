//! A fork's branch, which anybody can make: it costs a little of the disk, and nobody waits for it.

use super::{Opened, open};
use crate::peers::cut::Cut;
use crate::peers::git::{Daemon, TOKEN, USER, Web, World};
use crate::peers::wait::until_so;
use reconciled::model::Secret;
use reconciled::source::{Credentials, SourceError, Target};
use std::path::Path;
use std::time::Duration;

const WAIT: Duration = Duration::from_secs(120);

/// More than a fork may bring in these tests.
const LARGE: usize = 4 << 20;
/// What it may.
const LIMIT: u64 = 256 << 10;

/// A repository with a pull request that is too large, `#7`, and one that is not, `#8`. Returns what that would make of
/// `main`.
fn forked() -> (World, String) {
    let world = World::new();
    world.git(&["switch", "--quiet", "-c", "large"]);
    let mut state = 1_u64;
    let noise = std::iter::from_fn(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        Some(char::from(b' ' + (state >> 57) as u8 % 95))
    });
    world.write("noise.txt", &noise.take(LARGE).collect::<String>());
    world.commit("noise");
    world.push("HEAD:refs/pull/7/head");
    world.git(&["switch", "--quiet", "-c", "small", "main"]);
    world.write("a.yaml", "name: small\n");
    world.commit("small");
    world.push("HEAD:refs/pull/8/head");
    let small = format!("merge:{}", world.git(&["rev-parse", "HEAD^{tree}"]));
    world.git(&["switch", "--quiet", "main"]);
    (world, small)
}

/// How many bytes the files in a folder have.
fn size(folder: &Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(Result::unwrap);
    let sizes = entries.map(|entry| match entry.metadata().unwrap() {
        about if about.is_dir() => size(&entry.path()),
        about => about.len(),
    });
    sizes.sum()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fork_costs_little_whatever_it_brings() {
    let (world, small) = forked();
    // One that knows no filter, and one that does.
    let (plain, web) = (Daemon::start(&world), Web::start(&world));
    let plain = Target::new("shop", &plain.url, "main");
    let credentials = Credentials::Token {
        username: USER.to_owned(),
        token: Secret::new(TOKEN),
    };
    let web = Target {
        credentials,
        ..Target::new("shop", &web.url, "main")
    };
    for mut target in [plain, web] {
        target.limits.fork_bytes = LIMIT;
        let Opened { repository, cache } = open(target);
        let preview = async |number: u64| {
            let head = format!("refs/pull/{number}/head");
            repository.fork_preview("main", (&head, None)).await
        };
        for _ in 0..2 {
            let said = preview(7).await.unwrap_err();
            assert!(
                matches!(said, SourceError::TooLarge { limit: LIMIT, .. }),
                "{said:?}"
            );
        }
        let brought = size(cache.path());
        assert!(brought < LARGE as u64 / 2, "{brought} bytes");
        let preview = preview(8).await.unwrap();
        assert_eq!(preview.snapshot.revision.as_str(), small);
        // Who may push may bring more.
        let head = ("refs/pull/7/head", None);
        repository.merge_preview("main", head).await.unwrap();
        let fetched = repository.fetch().await.unwrap();
        assert_eq!(super::text(&fetched.snapshot, "a.yaml"), "name: a.yaml\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_waits_for_what_a_fork_brings() {
    let (world, _) = forked();
    let server = Daemon::start(&world);
    let address = server.url.strip_prefix("git://").unwrap();
    let cut = Cut::before(address.split_once('/').unwrap().0);
    let mut target = Target::new("shop", format!("git://{}/repo.git", cut.address), "main");
    // It hangs for as long as the test.
    target.limits.deadline = Duration::from_secs(24 * 60 * 60);
    let opened = open(target);
    cut.after(LIMIT, true);
    let repository = opened.repository.clone();
    let fork = tokio::spawn(async move {
        let head = ("refs/pull/7/head", None);
        repository.fork_preview("main", head).await.map(drop)
    });
    until_so("the fork's branch hangs", WAIT, async || {
        (cut.most() >= LIMIT).then_some(())
    })
    .await;
    world.write("a.yaml", "name: moved\n");
    world.commit("moved");
    world.push("main");
    let fetched = tokio::time::timeout(WAIT, opened.repository.fetch()).await;
    let fetched = fetched.expect("it waits for nobody").unwrap();
    assert_eq!(super::text(&fetched.snapshot, "a.yaml"), "name: moved\n");
    assert!(!fork.is_finished());
    fork.abort();
}
