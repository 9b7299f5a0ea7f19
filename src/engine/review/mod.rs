//! Pull requests: what each would make of its environments, against live state, as one comment that
//! is kept up to date, and a verdict on its commit. Reads with what merged environments use; changes nothing.
//!
//! ```text
//! wake: interval, hint, moved branch, ended run -> pass -> desk -> touched -> proposal -> written
//!                                                     └ commands of people
//! ```
//!
//! Several pull requests are looked at at once, and new ones are listed meanwhile: what one waits for (a cluster that does
//! not answer) delays no other.

mod commands;
mod compared;
mod conflict;
mod desk;
mod failing;
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
use desk::{Attended, Desk};
use failing::Failing;
use jiff::Timestamp;
use pass::Planned;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::{Id, JoinSet};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Several moves at a start are one.
const SETTLING: Duration = Duration::from_millis(200);

/// GitHub moves a pull request's branch a moment after it tells of the push: then it is looked at again so soon,
/// and each time after twice as long.
const BEHIND: Duration = Duration::from_secs(1);

/// Reviews the pull requests of one repository.
pub struct Reviewer {
    desk: Desk,
    readiness: Readiness,
    nth: usize,
    view: watch::Receiver<View>,
    interval: Duration,
    /// Brings the next look at the pull requests forward.
    hints: Arc<Notify>,
    /// Whether somebody asked for our checks anew.
    anew: Anew,
    /// The pull requests whose checks are still to be written anew.
    unwritten: BTreeSet<u64>,
    /// Those that are still to be looked at, the one that moved last first.
    queue: VecDeque<PullRequest>,
    /// Those that are looked at now.
    busy: Vec<(Id, PullRequest)>,
    /// Tasks, so that each goes on while pull requests are listed: one that signs in holds up whoever else asks.
    under_way: JoinSet<Attended>,
    /// Those of them whose checks were asked for anew since they were begun.
    outdated: BTreeSet<u64>,
    /// What each pull request was last planned from.
    planned: BTreeMap<u64, Planned>,
    /// When each pull request was talked about last, as far as everything said until then was heard.
    heard: BTreeMap<u64, Timestamp>,
    /// The pull requests that could not be reviewed the last time.
    failing: BTreeMap<u64, Failing>,
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
            interval: followed.polling.interval,
            desk: Desk {
                world,
                followed: Arc::new(followed),
                forge,
                view: view.clone(),
                pulls: Arc::default(),
            },
            readiness,
            nth,
            view,
            hints,
            anew,
            unwritten: BTreeSet::new(),
            queue: VecDeque::new(),
            busy: Vec::new(),
            under_way: JoinSet::new(),
            outdated: BTreeSet::new(),
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
            let mut sees = true;
            if lists && base.is_some() {
                let result = tokio::select! {
                    () = stop.cancelled() => return,
                    result = self.list() => result,
                };
                listed = Some(Instant::now());
                self.say_listing(&mut told, &result);
                sees = result.is_ok();
            }
            if sees {
                self.line_up();
            }
            let begun = listed.unwrap_or_else(Instant::now);
            let mut behind = false;
            let mut moved = pin!(moved(self.view.clone(), self.nth, &seen));
            lists = loop {
                if let Some(base) = &base {
                    self.begin(base);
                }
                let wait = if behind { patience } else { self.interval };
                tokio::select! {
                    () = stop.cancelled() => return,
                    Some(ended) = self.under_way.join_next() => match ended {
                        Ok(attended) => behind |= self.end(attended),
                        Err(error) => self.broke_off(&error),
                    },
                    () = tokio::time::sleep_until(begun + wait.min(self.interval)) => break true,
                    () = self.hints.notified() => break true,
                    base_moved = &mut moved => break base_moved,
                }
            };
            patience = if behind { patience * 2 } else { BEHIND };
            patience = patience.min(self.interval.max(BEHIND));
        }
    }

    /// Says that pull requests cannot be listed, once for each reason, and that they can again. As long as they cannot,
    /// whoever asks how it goes is told.
    fn say_listing(&self, told: &mut Option<&'static str>, result: &Result<(), ForgeError>) {
        let name = format!("pull requests of {}", self.desk.followed.origin.name());
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
            Ok(()) => {
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
