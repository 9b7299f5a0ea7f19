//! Wanted + observed + owned + rules + now -> [`Plan`]. Every choice is made here, none while applying.
//!
//! Pure: same inputs, same plan, same bytes. Knows kinds only as rows of data, providers not at all.

mod choice;
mod contents;
mod diff;
mod going;
mod hash;
mod hidden;
mod holds;
mod inputs;
mod kept;
mod make;
mod ownership;
mod prune;
mod staying;
mod unnamed;
mod waits;

pub use contents::empties;
pub use diff::{UNREADABLE, changes, is_guessing};
pub use hash::{approvable, overwritten};
pub use inputs::{Beside, Inputs};
pub use make::make;
pub use unnamed::opened;

use crate::model::{Action, Address, Digest, EnvironmentName, Known, Owned, Revision, Step};
use jiff::Timestamp;
use serde::Serialize;
use std::sync::Arc;

/// What is to be done in one environment, in the order it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// Whose plan.
    pub environment: EnvironmentName,
    /// What Git state it is for.
    pub revision: Revision,
    /// One step for every resource wanted or owned, `none` and `wait` included.
    pub steps: Vec<Step>,
    /// How many more resources there are that it does not speak of: nothing says that they are not as they
    /// were found at the last look at all of them, as declared.
    #[serde(skip)]
    pub beside: usize,
    /// Owned addresses whose record goes: gone by themselves, no longer marked, or renamed.
    pub released: Vec<Released>,
    /// What the ledger is to remember though no step writes: live equals desired already, and the
    /// record is missing (a lost ledger) or of an older declaration (Git took over the live value).
    #[serde(skip)]
    pub records: Vec<Owned>,
    /// What holds the plan as a whole, in words: a budget, a window, a pause. Empty where nothing does.
    pub holds: Vec<Hold>,
    /// When changes may go on, where a window holds them.
    pub next_window: Option<Timestamp>,
    /// The digest of every step that writes. Not over commit or time.
    pub hash: Digest,
    /// The secrets that nothing which is told of it may hold.
    #[serde(skip)]
    pub secrets: Arc<Known>,
}

/// An owned address whose record goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Released {
    /// Which.
    pub address: Address,
    /// The address that takes the object over: the record goes only once the step there is done,
    /// else the mark on the live object would name nobody we know. `None`: it goes at once.
    pub to: Option<Address>,
}

impl Plan {
    /// Tells whether live equals Git: nothing to write, nothing waiting.
    pub fn is_empty(&self) -> bool {
        self.steps.iter().all(|step| step.action == Action::None)
    }

    /// Tells whether something is known to differ from Git.
    pub fn differs(&self) -> bool {
        let differs = |step: &Step| step.action != Action::None && step.unknown.is_none();
        self.steps.iter().any(differs)
    }

    /// Tells whether the live state of something could not be told, so that nobody knows whether live
    /// equals Git.
    pub fn is_unsure(&self) -> bool {
        self.steps.iter().any(|step| step.unknown.is_some())
    }

    /// Returns the step of an address. Steps are in the order of their addresses.
    pub fn step(&self, address: &Address) -> Option<&Step> {
        let place = self
            .steps
            .binary_search_by(|step| step.address.cmp(address));
        place.ok().map(|place| &self.steps[place])
    }

    /// Returns the steps that do nothing but put back what somebody changed by hand.
    pub fn drift(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|step| step.is_only_drift())
    }

    /// Returns the steps that write and are more than drift.
    pub fn declared(&self) -> impl Iterator<Item = &Step> {
        self.steps
            .iter()
            .filter(|step| step.action.writes() && !step.is_only_drift())
    }
}

/// Why a plan, or its deletes, are not carried out now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Hold {
    /// Stable: `budget`, `window`, `paused`.
    pub code: &'static str,
    /// Why, for people.
    pub reason: String,
    /// Whether only deletes are held, replaces of what holds data among them.
    pub deletes_only: bool,
}
