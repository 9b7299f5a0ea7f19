//! The process is killed inside a change, at every point and while the API has not answered yet; the next one converges
//! and nothing is made twice.
//!
//! The test binary runs itself: the child makes one change in its parent's account.

use crate::conformance::Subject as _;
use crate::conformance::digitalocean::{InAccount, account_with_a_domain, cluster_in, record_in};
use crate::conformance::world::World;
use crate::peers::digitalocean::{Fault, Server};
use crate::peers::wait::until;
use reconciled::model::Value;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Command, Stdio};
use std::time::Duration;

const URL: &str = "RECONCILED_TEST_CRASH_URL";
const CHANGE: &str = "RECONCILED_TEST_CRASH_CHANGE";

/// More points than any change has; a change with more would loop for ever unseen.
const MOST_POINTS: usize = 20;

/// A kind in an account, and an account for it.
struct Killed {
    test: &'static str,
    subject: fn(Server) -> InAccount,
    account: fn() -> Server,
}

fn wanted(subject: &InAccount, change: &str) -> Option<Value> {
    match change {
        "create" => Some(subject.declared()),
        "update" => Some(subject.mutations()[0].1.clone()),
        _ => None,
    }
}

/// The child: makes the change, and does not come back where it is killed.
async fn child(killed: &Killed, change: &str) {
    let subject = (killed.subject)(Server::elsewhere(std::env::var(URL).unwrap()));
    let mut world = World::new(&subject);
    if change != "create" {
        // The parent has waited for it. Looks of which there may be any number would be points too.
        world.take_over(&subject.declared()).await;
    }
    let step = world.step(&world.plan(wanted(&subject, change).as_ref()).await);
    assert!(step.action.writes(), "{step:#?}");
    let _killed_or_cut = world.try_apply(&step).await;
}

fn command(killed: &Killed, server: &Server, change: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", killed.test, "--nocapture", "--test-threads=1"]);
    command.env(URL, server.url()).env(CHANGE, change);
    command
}

/// Runs the child with a point to die at; tells whether it died there.
fn dies(killed: &Killed, server: &Server, change: &str, point: usize) -> bool {
    let output = command(killed, server, change)
        .env("RECONCILED_CRASH_AT", point.to_string())
        .output()
        .unwrap();
    let died = output.status.signal() == Some(9);
    assert!(
        died || output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    died
}

/// Kills the child while its request is carried out and not answered.
fn dies_unanswered(killed: &Killed, server: &Server, change: &str, method: &'static str) {
    server.fail(method, "/v2/", Fault::Silence);
    let before = server.writes().len();
    let mut child = command(killed, server, change)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    until("the write is carried out", Duration::from_secs(180), || {
        (server.writes().len() > before).then_some(())
    });
    child.kill().unwrap();
    child.wait().unwrap();
}

/// One change, killed in one way; then what a next start does. Returns every write there was.
async fn after(
    killed: &Killed,
    change: &str,
    kill: impl FnOnce(&Server) -> bool,
) -> (bool, Vec<String>) {
    let server = (killed.account)();
    let subject = (killed.subject)(server.clone());
    let mut world = World::new(&subject);
    if change != "create" {
        world.converge(&subject.declared()).await;
    }
    let died = kill(&server);
    // The ledger knows what it knew before: the kill came before it could be told.
    match wanted(&subject, change) {
        Some(wanted) => world.converge(&wanted).await,
        None => {
            let plan = world.plan(None).await;
            if let Some(step) = plan
                .step(world.address())
                .filter(|step| step.action.writes())
            {
                world.apply(&step.clone()).await.unwrap();
            }
            world.settled(None).await;
        }
    }
    (died, server.writes())
}

async fn converges_after_every_kill(killed: Killed) {
    if let Ok(change) = std::env::var(CHANGE) {
        return child(&killed, &change).await;
    }
    for (change, method, writes) in [
        ("create", "POST", 1),
        ("update", "PUT", 2),
        ("delete", "DELETE", 2),
    ] {
        let mut point = 1;
        loop {
            let (died, seen) = after(&killed, change, |server| {
                dies(&killed, server, change, point)
            })
            .await;
            assert_eq!(seen.len(), writes, "{change} killed at {point}: {seen:?}");
            if !died {
                break;
            }
            point += 1;
            assert!(point < MOST_POINTS, "{change} never ends");
        }
        assert!(point > 1, "{change} has no point to die at");
        let (_, seen) = after(&killed, change, |server| {
            dies_unanswered(&killed, server, change, method);
            true
        })
        .await;
        assert_eq!(seen.len(), writes, "{change} killed unanswered: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_made_once_whenever_the_process_is_killed() {
    converges_after_every_kill(Killed {
        test: "rest::crash::a_cluster_is_made_once_whenever_the_process_is_killed",
        subject: cluster_in,
        account: || {
            let server = Server::start();
            server.account(|account| account.looks_until_online = 1);
            server
        },
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_record_is_made_once_whenever_the_process_is_killed() {
    converges_after_every_kill(Killed {
        test: "rest::crash::a_record_is_made_once_whenever_the_process_is_killed",
        subject: record_in,
        account: account_with_a_domain,
    })
    .await;
}
