//! The real daemon is killed before and after every write of its ledger and every call of a provider
//! in a run, started again, and has to converge: nothing done twice, nothing lost.
//!
//! Places to die at are [`reconciled::telemetry::crash_point`]s; one run without a kill counts them.

mod cloud;
mod cluster;
mod host;

use super::{Daemon, World};
use reconciled::ledger::RunOutcome;
use reconciled::model::EnvironmentName;
use serde_json::Value;
use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Worlds that are tried at the same time: most of a try is waiting for the next look.
const AT_ONCE: usize = 5;

/// The environment that every story is about.
const NAME: &str = "shop";

/// One live object as its counterpart tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Object {
    /// What it says; equal in every world that converged.
    state: String,
    /// Which one it is, and which write it was left by: another where it was made or written again.
    identity: String,
}

/// Files of one commit; empty text removes one.
type Files = Vec<(&'static str, String)>;

/// The live side of one world.
trait Counterpart: Send {
    /// The commits, in order. The last is carried out by the daemon that is killed.
    fn commits(&self) -> Vec<Files>;
    /// What the environment is called before the last commit.
    fn first_name(&self) -> &'static str {
        NAME
    }
    /// Everything that is live.
    fn objects(&self, world: &World) -> BTreeMap<String, Object>;
    /// Every creation that was ever asked for, where the counterpart counts them.
    fn creations(&self) -> Vec<String> {
        Vec::new()
    }
}

/// What a world looks like in the end.
#[derive(Debug, PartialEq)]
struct End {
    states: BTreeMap<String, String>,
    owned: Vec<String>,
    creations: Vec<String>,
}

/// Kills a daemon at every point of the last commit, in a fresh world each, and compares its end
/// with that of a world where nobody was killed.
fn converges<C: Counterpart>(fresh: impl Fn(&World) -> C + Sync) {
    let (points, end) = unbroken(&fresh);
    let next = AtomicUsize::new(1);
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let nth = next.fetch_add(1, Ordering::Relaxed);
                    if nth > points.len() {
                        break;
                    }
                    killed_at(nth, &fresh, &end);
                }
            });
        }
    });
}

/// A world in which everything but the last commit is carried out; and the last commit.
fn prepared<C: Counterpart>(fresh: &impl Fn(&World) -> C) -> (World, C, String) {
    let world = World::new();
    // One step after the other, so that points come in the same order each time.
    world.settings(|settings| settings["limits"]["concurrency"] = 1.into());
    let counterpart = fresh(&world);
    let mut commits = counterpart.commits();
    let last = commits.pop().unwrap();
    let commit = |files: &Files| {
        let files: Vec<_> = files
            .iter()
            .map(|(path, text)| (*path, text.as_str()))
            .collect();
        world.commit(&files)
    };
    for files in &commits {
        let commit = commit(files);
        let mut daemon = world.start();
        let run = daemon.run_of(counterpart.first_name(), &commit);
        assert_eq!(run.summary.unwrap().outcome, RunOutcome::Done);
        daemon.kill();
    }
    let last = commit(&last);
    (world, counterpart, last)
}

fn unbroken<C: Counterpart>(fresh: &impl Fn(&World) -> C) -> (Vec<String>, End) {
    let (world, counterpart, commit) = prepared(fresh);
    let trace = world.folder().join("trace");
    let mut daemon = world.start_with(&[("RECONCILED_CRASH_TRACE", trace.to_str().unwrap())]);
    settled(&mut daemon, &world, (NAME, &commit), &Value::Null);
    daemon.kill();
    let trace = std::fs::read_to_string(trace).unwrap();
    let mut points: Vec<String> = trace.lines().map(str::to_owned).collect();
    // What comes after the run is the next look, which changes nothing.
    let closed = |point: &String| point == "ledger: after run-closed";
    let last = points.iter().rposition(closed).unwrap();
    points.truncate(last + 1);
    for place in [
        "provider: before apply",
        "provider: after apply",
        "ledger: before step-begun",
    ] {
        assert!(
            points.iter().any(|point| point == place),
            "{place}: {points:?}"
        );
    }
    let end = end(&world, &counterpart);
    (points, end)
}

fn killed_at<C: Counterpart>(nth: usize, fresh: &impl Fn(&World) -> C, wanted: &End) {
    let (world, counterpart, commit) = prepared(fresh);
    let trace = world.folder().join("trace");
    let at = nth.to_string();
    let mut killed = world.start_with(&[
        ("RECONCILED_CRASH_AT", at.as_str()),
        ("RECONCILED_CRASH_TRACE", trace.to_str().unwrap()),
    ]);
    let status = killed.ended();
    let trace = std::fs::read_to_string(trace).unwrap();
    let at = format!("killed at {nth}, {:?}", trace.lines().last());
    assert_eq!(status.signal(), Some(9), "{at}: {}", killed.log());
    let before = counterpart.objects(&world);
    let seen = compared(&world, NAME);

    let mut daemon = world.start();
    settled(&mut daemon, &world, (NAME, &commit), &seen);
    let (status, log) = daemon.terminate();
    assert!(status.success(), "{at}: {log}");
    assert_eq!(&end(&world, &counterpart), wanted, "{at}: {log}");
    let after = counterpart.objects(&world);
    for (name, object) in before {
        let done = after.get(&name).filter(|after| after.state == object.state);
        if let Some(done) = done {
            assert_eq!(done, &object, "{at}: {name} was written again: {log}");
        }
    }
    let errors = log
        .lines()
        .filter(|line| line.contains("\"ERROR\""))
        .count();
    assert_eq!(errors, 0, "{at}: {log}");
    assert!(
        world.runs(NAME).iter().all(|run| run.ended_at.is_some()),
        "{at}"
    );
    world.verify_ledger();
}

/// Waits until a look at the commit, later than what was `seen`, found nothing to do.
fn settled(daemon: &mut Daemon<'_>, world: &World, (name, commit): (&str, &str), seen: &Value) {
    daemon.until("a look finds nothing to do", |_| {
        let now = compared(world, name);
        let done = now["revision"] == commit && now["same"] == true && now["at"] != seen["at"];
        done.then_some(())
    });
}

/// When the environment was compared last, at which revision, and whether nothing differed.
fn compared(world: &World, name: &str) -> Value {
    let name = EnvironmentName::new(name).unwrap();
    let seen = world.ledger(async |ledger| ledger.last_compared(&name).await.unwrap());
    seen.flatten().unwrap_or_default()
}

fn end(world: &World, counterpart: &impl Counterpart) -> End {
    let objects = counterpart.objects(world).into_iter();
    let mut creations = counterpart.creations();
    creations.sort();
    End {
        states: objects.map(|(name, object)| (name, object.state)).collect(),
        owned: world.owned(),
        creations,
    }
}
