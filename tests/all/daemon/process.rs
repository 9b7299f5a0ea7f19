//! The daemon while it runs: what it logs, serves and records, and how it is ended.

use super::world::World;
use crate::peers::wait::{outside, until};
use reconciled::ledger::{Episode, RunRecord};
use reconciled::model::EnvironmentName;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::fmt::Display;
use std::fs::File;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(180);

/// The program as it runs; killed when dropped.
pub(crate) struct Daemon<'w> {
    world: &'w World,
    child: Child,
    log: PathBuf,
}

/// One line of the log: a JSON object, `message` and the fields beside each other.
pub(crate) type Line = Value;

impl<'w> Daemon<'w> {
    pub(super) fn start(world: &'w World, mut command: Command) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(1);
        let nth = COUNT.fetch_add(1, Ordering::Relaxed);
        let log = world.folder().join(format!("daemon-{nth}.log"));
        let output = File::create(&log).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(output.try_clone().unwrap())
            .stderr(output)
            .spawn()
            .unwrap();
        Self { world, child, log }
    }

    /// Everything it has printed so far.
    pub(crate) fn log(&self) -> String {
        let bytes = std::fs::read(&self.log).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The lines of its log with this message.
    pub(crate) fn lines(&self, message: &str) -> Vec<Line> {
        let log = self.log();
        let lines = log
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok());
        lines
            .filter(|line: &Line| line["message"] == message)
            .collect()
    }

    /// Waits for a line with this message that fits, and returns the first.
    #[track_caller]
    pub(crate) fn logged(&mut self, message: &str, fits: impl Fn(&Line) -> bool) -> Line {
        let what = format!("{message:?} is logged");
        self.until(what, |daemon| {
            daemon.lines(message).into_iter().find(|line| fits(line))
        })
    }

    /// Waits for a condition while the daemon runs. Panics with the end of its log when it ended, or
    /// after three minutes.
    #[track_caller]
    pub(crate) fn until<T>(&mut self, what: impl Display, look: impl Fn(&Self) -> Option<T>) -> T {
        let log = self.log.clone();
        let told = || last_words(&log);
        let waited = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            until(&what, PATIENCE, || {
                let found = look(self);
                let ended = found.is_none() && self.child.try_wait().unwrap().is_some();
                assert!(!ended, "the daemon ended before {what}");
                found
            })
        }));
        waited.unwrap_or_else(|_panic| panic!("not so: {what}; the log ends:\n{}", told()))
    }

    /// Waits for a run of a commit to end, and returns the newest such run.
    #[track_caller]
    pub(crate) fn run_of(&mut self, environment: &str, commit: &str) -> RunRecord {
        self.until(format!("{environment} ran at {commit}"), |daemon| {
            let runs = daemon.world.runs(environment);
            let ended = |run: &RunRecord| run.revision.as_str() == commit && run.summary.is_some();
            runs.into_iter().find(ended)
        })
    }

    /// Waits for an episode of a condition (`drift`, `broken-spec`, `orphaned` …) that fits, and
    /// returns the newest.
    #[track_caller]
    pub(crate) fn episode(&mut self, condition: &str, fits: impl Fn(&Episode) -> bool) -> Episode {
        self.until(format!("there is an episode {condition:?}"), |daemon| {
            let episodes = daemon.world.episodes().into_iter().rev();
            let mut those = episodes.filter(|episode| episode.condition == condition);
            those.find(|episode| fits(episode))
        })
    }

    /// Waits for a run at a commit, and for the look that follows what it wrote: until the next interval
    /// nothing more is asked.
    #[track_caller]
    pub(crate) fn rest_after(&mut self, environment: &str, commit: &str) {
        let ended = self.run_of(environment, commit).ended_at;
        let name = EnvironmentName::new(environment).unwrap();
        self.until(
            format!("{environment} is compared after its run"),
            |daemon| {
                let seen = daemon
                    .world
                    .ledger(async |ledger| ledger.last_compared(&name).await.unwrap());
                let at: jiff::Timestamp = seen.flatten()?["at"].as_str()?.parse().ok()?;
                (Some(at) > ended).then_some(())
            },
        );
    }

    /// Waits until a look that began after now ended: what it would have done is done.
    #[track_caller]
    pub(crate) fn looked_again(&mut self, environment: &str) {
        let name = EnvironmentName::new(environment).unwrap();
        let compared = |daemon: &Self| {
            let seen = daemon
                .world
                .ledger(async |ledger| ledger.last_compared(&name).await.unwrap());
            seen.flatten().map(|seen| seen["at"].clone())
        };
        // The look under way may have begun before; the one after it did not.
        for _ in 0..2 {
            let before = compared(self);
            self.until(format!("{environment} is compared again"), |daemon| {
                compared(daemon).filter(|now| Some(now) != before.as_ref())
            });
        }
    }

    /// Asks one of its pages: `/readyz`. Returns status and text.
    pub(crate) fn page(&mut self, path: &str) -> (u16, String) {
        self.until("pages are served", |daemon| daemon.try_page(path))
    }

    pub(crate) fn try_page(&self, path: &str) -> Option<(u16, String)> {
        let served = self.lines("Pages are served").pop()?;
        let url = format!("http://{}{path}", served["address"].as_str()?);
        outside(move || {
            let answer = reqwest::blocking::get(url).ok()?;
            Some((answer.status().as_u16(), answer.text().ok()?))
        })
    }

    /// Waits until it says that it is ready.
    #[track_caller]
    pub(crate) fn ready(&mut self) {
        self.until("it is ready", |daemon| {
            daemon
                .try_page("/readyz")
                .filter(|(status, _)| *status == 200)
        });
    }

    /// Kills it without a chance to say anything.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as systemd and Kubernetes do, and waits for its end. Returns how it ended and its log.
    #[track_caller]
    pub(crate) fn terminate(mut self) -> (ExitStatus, String) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).unwrap();
        let status = self.ended();
        (status, self.log())
    }

    /// Waits until it ends by itself, or was killed from inside.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> ExitStatus {
        let log = self.log.clone();
        let what = format!("the daemon ends; its log is {}", log.display());
        until(what, PATIENCE, || self.child.try_wait().unwrap())
    }
}

impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if let Ok(None) = self.child.try_wait() {
            let _gone_already = self.child.kill();
            let _status = self.child.wait();
        }
    }
}

fn last_words(log: &std::path::Path) -> String {
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(25)..].join("\n")
}
