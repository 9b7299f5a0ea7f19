//! A server whose answer breaks off, at any byte, or stops in the middle of the pack: a fetch ends in time with
//! an error, leaves nothing half-read behind, and the next one brings everything.

use super::open;
use crate::peers::cut::Cut;
use crate::peers::git::{Daemon, World};
use reconciled::source::{SourceError, Target};
use std::time::Duration;

/// About as much as a server says of its progress, in bytes.
const PROGRESS: u64 = 600;

/// A repository behind a way that can break, with something in it that does not compress.
fn behind() -> (World, Daemon, Cut, Target) {
    let world = World::new();
    let noise: String = (0..6000_u32)
        .map(|nth| char::from(b'a' + (nth.wrapping_mul(2_654_435_761) >> 27) as u8 % 26))
        .collect();
    world.write("noise.yaml", &format!("noise: {noise}\n"));
    world.commit("noise");
    world.push("main");
    let server = Daemon::start(&world);
    let address = server.url.strip_prefix("git://").unwrap();
    let cut = Cut::before(address.split_once('/').unwrap().0);
    let mut target = Target::new("shop", format!("git://{}/repo.git", cut.address), "main");
    target.limits.deadline = Duration::from_secs(2);
    (world, server, cut, target)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_breaks_off_anywhere_is_no_state() {
    let (_world, _server, cut, target) = behind();
    let whole = open(target.clone()).repository.fetch().await.unwrap();
    let length = cut.most();
    assert!(length > 1000, "{length}");
    for bytes in (0..length).step_by(211) {
        let opened = open(target.clone());
        cut.after(bytes, false);
        match opened.repository.fetch().await {
            // A server with much to do says more of its progress: another answer may be shorter, and all of
            // the pack is here before its last words.
            Ok(said) => {
                assert!(bytes + PROGRESS > length, "{bytes} of {length}");
                assert_eq!(said.snapshot.revision, whole.snapshot.revision, "{bytes}");
            }
            Err(SourceError::Unreachable { .. }) => {}
            Err(said) => panic!("{bytes} of {length}: {said:?}"),
        }
        cut.mend();
        let again = opened.repository.fetch().await.unwrap();
        assert_eq!(again.snapshot.revision, whole.snapshot.revision, "{bytes}");
        assert_eq!(
            again.snapshot.files.len(),
            whole.snapshot.files.len(),
            "{bytes}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pack_that_stops_in_the_middle_is_given_up_in_time() {
    let (_world, _server, cut, target) = behind();
    let whole = open(target.clone()).repository.fetch().await.unwrap();
    let opened = open(target);
    cut.after(cut.most() / 2, true);
    let said = opened.repository.fetch().await.map(drop).unwrap_err();
    assert!(
        matches!(said, SourceError::Timeout { seconds: 2, .. }),
        "{said:?}"
    );
    cut.mend();
    let again = opened.repository.fetch().await.unwrap();
    assert_eq!(again.snapshot.revision, whole.snapshot.revision);
}
