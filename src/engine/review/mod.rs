//! Pull requests: what each would make of its environments, against live state, as one comment that
//! is kept up to date, and a verdict on its commit. Reads with what merged environments use; changes nothing.
//!
//! ```text
//! wake: interval, hint, moved branch, ended run -> pass -> touched -> proposal -> written
//!                                                    └ commands of people
//! ```

mod commands;
mod compared;
mod conflict;
mod memory;
mod pass;
mod proposal;
mod stops;
mod touched;
mod verdicts;
mod working;
mod written;

pub use proposal::Proposal;

use super::daemon::View;
use super::{Anew, Followed, World};
use crate::deliver::forge::{Forge, ForgeError, PullRequest};
use crate::ledger::LedgerError;
use crate::model::{EnvironmentName, Fault as _, Revision};
use crate::source::SourceError;
use crate::telemetry::{Readiness, chain};
use jiff::Timestamp;
use pass::Planned;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Several moves at a start are one.
const SETTLING: Duration = Duration::from_millis(200);

/// GitHub moves a pull request's branch a moment after it tells of the push: then it is looked at again so soon,
/// and each time after twice as long.
const BEHIND: Duration = Duration::from_secs(1);

/// Reviews the pull requests of one repository.
pub struct Reviewer {
    world: World,
    readiness: Readiness,
    nth: usize,
    followed: Followed,
    forge: Arc<dyn Forge>,
    view: watch::Receiver<View>,
    interval: Duration,
    /// Brings the next look at the pull requests forward.
    hints: Arc<Notify>,
    /// Whether somebody asked for our checks anew.
    anew: Anew,
    /// The pull requests whose checks are still to be written anew.
    unwritten: BTreeSet<u64>,
    /// The open pull requests, as they were listed last.
    pulls: Vec<PullRequest>,
    /// What each pull request was last planned from.
    planned: BTreeMap<u64, Planned>,
    /// When each pull request was talked about last, as far as everything said until then was heard.
    heard: BTreeMap<u64, Timestamp>,
    /// Why a pull request could not be reviewed the last time, as it was logged.
    failing: BTreeMap<u64, String>,
}

/// Why one pull request was not reviewed.
#[derive(Debug, thiserror::Error)]
enum ReviewError {
    #[error("read the pull request's branch")]
    Source(#[from] SourceError),
    #[error("write to the pull request")]
    Forge(#[from] ForgeError),
    #[error("work with the ledger")]
    Ledger(#[from] LedgerError),
}

/// What of the view asks for another pass when it is not the same any more.
#[derive(PartialEq)]
struct Seen {
    base: Option<Revision>,
    ends: BTreeMap<EnvironmentName, u64>,
}

impl Seen {
    fn of(view: &View, nth: usize) -> Self {
        Self {
            // Of its own repository: others move, too.
            base: view.snapshots.get(&nth).map(|one| one.revision.clone()),
            ends: view.ends.clone(),
        }
    }
}

impl Reviewer {
    /// Reviews the pull requests of the `nth` repository. `hints` brings the next look forward, and with it what
    /// was asked for `anew`.
    pub fn new(
        world: World,
        (nth, followed): (usize, Followed),
        forge: Arc<dyn Forge>,
        view: watch::Receiver<View>,
        (hints, anew): (Arc<Notify>, Anew),
        readiness: Readiness,
    ) -> Self {
        Self {
            world,
            readiness,
            nth,
            interval: followed.polling.interval,
            followed,
            forge,
            view,
            hints,
            anew,
            unwritten: BTreeSet::new(),
            pulls: Vec::new(),
            planned: BTreeMap::new(),
            heard: BTreeMap::new(),
            failing: BTreeMap::new(),
        }
    }

    /// Reviews until stopped: at every interval, at a hint, when the branch they merge into moved, and,
    /// of the pull requests that are known, when a run found or made something new.
    pub async fn run(mut self, stop: CancellationToken) {
        let mut told = None;
        let mut listed: Option<Instant> = None;
        let mut lists = true;
        let mut patience = BEHIND;
        loop {
            let (base, seen) = {
                let view = self.view.borrow_and_update();
                let base = view.snapshots.get(&self.nth).cloned();
                (base, Seen::of(&view, self.nth))
            };
            let mut behind = false;
            if let Some(base) = base {
                let result = tokio::select! {
                    () = stop.cancelled() => return,
                    result = self.pass(&base, lists) => result,
                };
                if lists {
                    listed = Some(Instant::now());
                }
                self.say_listing(&mut told, &result);
                behind = result.unwrap_or_default();
            }
            let wait = if behind { patience } else { self.interval };
            let wait = wait.min(self.interval);
            patience = if behind { wait * 2 } else { BEHIND };
            let next = listed.unwrap_or_else(Instant::now) + wait;
            lists = tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep_until(next) => true,
                () = self.hints.notified() => true,
                base_moved = moved(self.view.clone(), self.nth, &seen) => base_moved,
            };
        }
    }

    /// Says that pull requests cannot be listed, once for each reason, and that they can again. As long as they cannot,
    /// whoever asks how it goes is told.
    fn say_listing(&self, told: &mut Option<&'static str>, result: &Result<bool, ForgeError>) {
        let name = format!("pull requests of {}", self.followed.origin.name());
        let code = result.as_ref().err().map(|error| error.code());
        match result {
            Err(error) => {
                let hint = error.hint();
                if *told != code {
                    let error = chain(error);
                    tracing::warn!(error, code, hint, "Pull requests cannot be listed");
                }
                let hint = hint.unwrap_or_default();
                let why = format!("failed to {}. {hint}", chain(error));
                self.readiness.trouble(name, why.trim_end());
            }
            Ok(_) => {
                if told.is_some() {
                    tracing::info!("Pull requests can be listed again");
                }
                self.readiness.trouble_over(&name);
            }
        }
        *told = code;
    }
}

/// Waits until something else is to be seen. Returns whether the branch moved.
async fn moved(mut view: watch::Receiver<View>, nth: usize, before: &Seen) -> bool {
    let moved = view.wait_for(|view| Seen::of(view, nth) != *before);
    let _daemon_gone = moved.await.map(drop);
    tokio::time::sleep(SETTLING).await;
    let now = Seen::of(&view.borrow(), nth);
    now.base != before.base
}
