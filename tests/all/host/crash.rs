//! The process is killed at every point inside a change of a host; the next one converges.
//!
//! The test binary runs itself: the child makes one change and dies at the point its parent names.

use crate::conformance::Subject as _;
use crate::conformance::host::{OnHost, env_file, nginx_site};
use crate::conformance::world::World;
use reconciled::model::{Action, Value};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::Command;

const ROOT: &str = "RECONCILED_TEST_CRASH_ROOT";
const CHANGE: &str = "RECONCILED_TEST_CRASH_CHANGE";

/// More points than any change has; a change with more would loop for ever unseen.
const MOST_POINTS: usize = 20;

/// What one change does to a fresh subject: nothing, a mutation or a removal after it was created.
#[derive(Clone, Copy, PartialEq)]
enum Change {
    Create,
    Update,
    Delete,
}

const CHANGES: [(&str, Change); 3] = [
    ("create", Change::Create),
    ("update", Change::Update),
    ("delete", Change::Delete),
];

fn wanted(subject: &OnHost, change: Change) -> Option<Value> {
    match change {
        Change::Create => Some(subject.declared()),
        Change::Update => Some(subject.mutations()[0].1.clone()),
        Change::Delete => None,
    }
}

/// The child: makes the change, and does not come back where it is killed.
async fn child(mut subject: OnHost, change: Change) {
    subject.stand_in(std::env::var_os(ROOT).unwrap().into());
    let mut world = World::new(&subject);
    if change != Change::Create {
        world.settled(Some(&subject.declared())).await;
    }
    let step = world.step(&world.plan(wanted(&subject, change).as_ref()).await);
    assert!(step.action.writes(), "{step:#?}");
    world.try_apply(&step).await.unwrap();
}

/// Runs the child with a point to die at; tells whether it died there.
fn dies(test: &str, root: &Path, change: &str, point: usize) -> bool {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(ROOT, root)
        .env(CHANGE, change)
        .env("RECONCILED_CRASH_AT", point.to_string())
        .output()
        .unwrap();
    let killed = output.status.signal() == Some(9);
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(killed || output.status.success(), "{told}");
    killed
}

async fn converges_after_every_kill(test: &str, make: impl AsyncFn() -> OnHost) {
    if let Ok(name) = std::env::var(CHANGE) {
        let (_, change) = CHANGES.iter().find(|(known, _)| *known == name).unwrap();
        return child(make().await, *change).await;
    }
    for (name, change) in CHANGES {
        let mut point = 1;
        loop {
            let subject = make().await;
            let mut world = World::new(&subject);
            if change != Change::Create {
                world.converge(&subject.declared()).await;
            }
            let killed = dies(test, &subject.root(), name, point);
            // The ledger knows what it knew before: the kill came before it could be told.
            match wanted(&subject, change) {
                Some(wanted) => world.converge(&wanted).await,
                None => gone(&mut world).await,
            }
            let left = subject.fingerprint().await;
            assert!(
                !left.contains("reconciled-new"),
                "{name} at {point}: {left}"
            );
            if !killed {
                break;
            }
            point += 1;
            assert!(point < MOST_POINTS, "{name} never ends");
        }
        assert!(point > 1, "{name} has no point to die at");
    }
}

async fn gone(world: &mut World<'_>) {
    let plan = world.plan(None).await;
    if let Some(step) = plan
        .step(world.address())
        .filter(|step| step.action.writes())
    {
        assert_eq!(step.action, Action::Delete, "{step:#?}");
        world.apply(&step.clone()).await.unwrap();
    }
    world.settled(None).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_environment_file_converges_after_a_kill_at_any_point() {
    let test = "host::crash::an_environment_file_converges_after_a_kill_at_any_point";
    converges_after_every_kill(test, env_file).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_nginx_site_converges_after_a_kill_at_any_point() {
    let test = "host::crash::an_nginx_site_converges_after_a_kill_at_any_point";
    converges_after_every_kill(test, nginx_site).await;
}
