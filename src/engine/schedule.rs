//! When which environment runs: a state machine that is told what happened and the time, and says
//! what to start and what to cut short. Pure: no clock, no task, no channel.
//!
//! Guarantees: one run per environment at a time; of several reasons the earliest wins and the rest
//! are folded into it; a failing environment backs off up to a cap and is reset by success, by a
//! new revision or by a new value of a secret that it reads; a new revision cuts a run's waiting short. What failed holds nobody else up: a nudge
//! about another resource runs the environment, and so does its interval, and what failed rests in that until its
//! own time. What is being deleted is looked at again and again until it is gone. Where the last
//! run left all as declared, a run for nudges is about what was nudged and no more, and puts off no other.

mod slot;

use crate::model::{Address, EnvironmentName, Every};
use jiff::{SignedDuration, Timestamp};
use slot::Slot;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// The numbers the schedule works with.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// The pause after the first failure; it doubles with each further one.
    pub first_backoff: Duration,
    /// The longest pause after failures.
    pub longest_backoff: Duration,
    /// How long nudges are gathered before they start a run.
    pub gather: Duration,
    /// How long after a run that wrote its work is looked at, and what is being deleted for the first time.
    pub check: Duration,
    /// The longest pause between two looks at what is being deleted, as long as it may take.
    pub longest_follow: Duration,
    /// How often one resource's drift is put back within [`Pace::flap_window`] before it means: two are
    /// fighting.
    pub flap_count: usize,
    /// See [`Pace::flap_count`].
    pub flap_window: Duration,
    /// How many environments run at once.
    pub at_once: usize,
    /// Of more resources than this that were nudged, all of the environment is looked at.
    pub most_nudged: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_backoff: Duration::from_secs(5),
            longest_backoff: Duration::from_secs(600),
            gather: Duration::from_millis(100),
            check: Duration::from_secs(1),
            longest_follow: Duration::from_secs(30),
            flap_count: 5,
            flap_window: Duration::from_secs(600),
            at_once: 4,
            most_nudged: 64,
        }
    }
}

/// Why an environment runs, the weightiest of all that were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// Its interval is over.
    Interval,
    /// What was just written is looked at once more, from where on it can be watched, and what could not be told
    /// yet.
    Check,
    /// A failed run is tried again.
    Retry,
    /// A window opened.
    Window,
    /// Something live may have changed.
    Nudge,
    /// A secret that it reads has another value.
    Secret,
    /// The daemon started.
    Start,
    /// A person asked.
    Asked,
    /// A person carries it out on the command line; nothing that the schedule is told.
    Cli,
    /// It is put back to an older revision.
    Rollback,
    /// Git says something new.
    Revision,
}

impl Reason {
    /// Returns the word for the ledger, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interval => "interval",
            Self::Check => "check",
            Self::Retry => "retry",
            Self::Window => "window",
            Self::Nudge => "nudge",
            Self::Secret => "secret",
            Self::Start => "start",
            Self::Asked => "asked",
            Self::Cli => "cli",
            Self::Rollback => "rollback",
            Self::Revision => "revision",
        }
    }
}

/// How a run ended, as far as the schedule cares.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Something failed that another try may mend.
    pub failed: bool,
    /// What failed; empty where it was the run as a whole.
    pub failing: BTreeSet<Address>,
    /// Of something that may pass by itself nothing could be told: the live side is asked seldom.
    pub unseen: bool,
    /// All that it looked at is as declared, or was made so.
    pub settled: bool,
    /// It looked only at what was nudged.
    pub partial: bool,
    /// Something was written.
    pub wrote: bool,
    /// Whose drift was put back.
    pub corrected: BTreeSet<Address>,
    /// It was cut short and has to run again at once.
    pub again: bool,
    /// When a window opens that something waits for.
    pub window: Option<Timestamp>,
    /// When to ask again what could not be told yet of what waits.
    pub ask_again: Option<Timestamp>,
    /// By when the first of what is being deleted has to be gone. It is looked at again and again until then,
    /// and rarely after.
    pub gone_by: Option<Timestamp>,
}

/// When which environment runs.
#[derive(Debug)]
pub(super) struct Schedule {
    pace: Pace,
    slots: BTreeMap<EnvironmentName, Slot>,
}

impl Schedule {
    /// Makes an empty schedule.
    pub(super) fn new(pace: Pace) -> Self {
        Self {
            pace,
            slots: BTreeMap::new(),
        }
    }

    /// Takes the environments there are, with how often each is compared. New ones are due at once; those that
    /// went are forgotten, one with a run under way when that ends.
    pub(super) fn declare(
        &mut self,
        environments: &BTreeMap<EnvironmentName, Every>,
        now: Timestamp,
    ) {
        self.slots
            .retain(|name, slot| slot.running || environments.contains_key(name));
        for (name, slot) in &mut self.slots {
            slot.gone = !environments.contains_key(name);
        }
        for (name, every) in environments {
            let new = || Slot::new(every, now);
            let slot = self.slots.entry(name.clone()).or_insert_with(new);
            slot.every.clone_from(every);
            if matches!(slot.reason, Reason::Interval | Reason::Check) && !slot.running {
                slot.due = slot.due.min(next(every, now));
            }
        }
    }

    /// Takes a reason to run an environment soon. Returns whether the run under way is cut short for it: its waiting
    /// ends, nothing further starts.
    pub(super) fn tell(&mut self, name: &EnvironmentName, reason: Reason, now: Timestamp) -> bool {
        let Some(slot) = self.slots.get_mut(name) else {
            return false;
        };
        let is_new = matches!(reason, Reason::Revision | Reason::Rollback);
        // What failed may have failed for what is another now.
        if is_new || reason == Reason::Secret {
            slot.failures = 0;
            slot.failing.clear();
        }
        if is_new {
            slot.corrections.clear();
        }
        if slot.running {
            slot.next = Some(slot.next.map_or((now, reason), |(was_at, was)| {
                (was_at.min(now), was.max(reason))
            }));
            return is_new;
        }
        slot.some = None;
        slot.bring_forward(now, reason, now);
        false
    }

    /// Takes a hint that a live resource may have changed. One about what failed, or is fought over,
    /// waits for its time; the others run.
    pub(super) fn nudge(&mut self, address: &Address, now: Timestamp) {
        let pace = self.pace;
        let Some(slot) = self.slots.get_mut(&address.environment) else {
            return;
        };
        if slot.running {
            slot.nudged.insert(address.clone());
        } else if !slot.waits(address) && !slot.is_fought_over(address, pace, now) {
            slot.nudge([address.clone()], pace, now);
        }
    }

    /// Returns what is due, marking it as running. Never more at once than the pace allows.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<(EnvironmentName, Reason)> {
        let running = self.slots.values().filter(|slot| slot.running).count();
        let mut due: Vec<_> = self
            .slots
            .iter_mut()
            .filter(|(_, slot)| !slot.running && slot.due <= now)
            .collect();
        // What people wait for goes before what nobody waits for, however many there are of that.
        due.sort_by_key(|(name, slot)| (slot.reason < Reason::Asked, slot.due, (*name).clone()));
        due.into_iter()
            .take(self.pace.at_once.saturating_sub(running))
            .map(|(name, slot)| {
                slot.running = true;
                let is_early = slot.retry.is_some_and(|retry| retry > now);
                // Neither does looking on time try what failed again before its time.
                let looks = [Reason::Nudge, Reason::Check, Reason::Interval];
                slot.resting = is_early && looks.contains(&slot.reason);
                // What is due for all of it by now is about these, too.
                slot.some = slot.some.take().filter(|some| some.rest.0 > now);
                (name.clone(), slot.reason)
            })
            .collect()
    }

    /// Returns what the run under way leaves alone, because it failed and is not due yet.
    pub(super) fn resting(&self, name: &EnvironmentName) -> BTreeSet<Address> {
        let slot = self.slots.get(name).filter(|slot| slot.resting);
        slot.map(|slot| slot.failing.clone()).unwrap_or_default()
    }

    /// Returns what the run under way is about, where that is not all of the environment.
    pub(super) fn nudged(&self, name: &EnvironmentName) -> Option<BTreeSet<Address>> {
        let some = self.slots.get(name)?.some.as_ref()?;
        Some(some.addresses.clone())
    }

    /// Takes note that a run ended, and plans the next.
    pub(super) fn end(&mut self, name: &EnvironmentName, ended: Ended, now: Timestamp) {
        let pace = self.pace;
        let Some(slot) = self.slots.get_mut(name) else {
            return;
        };
        let was = slot.reason;
        slot.running = false;
        if slot.gone {
            self.slots.remove(name);
            return;
        }
        slot.note_corrections(ended.corrected, pace, now);
        let again = slot.note_again(ended.again, pace, now);
        slot.settled = ended.settled && !ended.failed && !ended.again;
        let rest = slot.some.take().map(|some| some.rest);
        match slot.retry.filter(|_| slot.resting && slot.failures > 0) {
            // It tried nothing that had failed, so that keeps its time. What failed anew rests with it.
            Some(retry) => {
                if ended.failed && ended.failing.is_empty() {
                    slot.failing.clear();
                }
                slot.failing.extend(ended.failing);
                (slot.due, slot.reason) = slot.sooner(retry.max(now), ended.unseen, now);
                if ended.again && slot.due > again {
                    (slot.due, slot.reason) = (again, Reason::Nudge);
                }
            }
            None if ended.failed => {
                slot.failures = slot.failures.saturating_add(1);
                slot.failing = ended.failing;
                let retry = later(now, backoff(pace, slot.failures));
                slot.retry = Some(retry);
                (slot.due, slot.reason) = slot.sooner(retry, ended.unseen, now);
            }
            None => {
                slot.failures = 0;
                slot.failing.clear();
                slot.retry = None;
                let all = (next(&slot.every, now), Reason::Interval);
                (slot.due, slot.reason) = rest.filter(|_| ended.partial).unwrap_or(all);
                // Once: where somebody undoes what is written, that is for nudges and the interval.
                let is_checked = matches!(was, Reason::Check | Reason::Nudge);
                let check = later(now, pace.check);
                if ended.wrote && !is_checked && check < slot.due {
                    (slot.due, slot.reason) = (check, Reason::Check);
                }
                if ended.again {
                    (slot.due, slot.reason) = (again, Reason::Retry);
                }
            }
        }
        slot.follow(ended.gone_by, pace, now);
        slot.no_later(ended.ask_again, Reason::Check, now);
        slot.no_later(ended.window, Reason::Window, now);
        slot.resting = false;
        slot.take_up(pace, now);
    }

    /// Returns when `due` has something to say next; `None` while nothing is declared or all run.
    pub(super) fn wake(&self) -> Option<Timestamp> {
        let running = self.slots.values().filter(|slot| slot.running).count();
        if running >= self.pace.at_once {
            return None;
        }
        self.slots
            .values()
            .filter(|slot| !slot.running)
            .map(|slot| slot.due)
            .min()
    }
}

/// Returns the pause after the nth failure in a row, from 1.
pub(super) fn backoff(pace: Pace, failures: u32) -> Duration {
    doubled(pace.first_backoff, failures).min(pace.longest_backoff)
}

/// Returns the nth pause of those that double, from 1.
pub(super) fn doubled(first: Duration, nth: u32) -> Duration {
    first.saturating_mul(1 << nth.saturating_sub(1).min(20))
}

fn signed(duration: Duration) -> SignedDuration {
    SignedDuration::try_from(duration).unwrap_or(SignedDuration::MAX)
}

/// Times that never come are looked at once a day.
fn next(every: &Every, now: Timestamp) -> Timestamp {
    every
        .after(now)
        .unwrap_or_else(|| later(now, Duration::from_secs(86_400)))
}

fn later(now: Timestamp, by: Duration) -> Timestamp {
    now.checked_add(signed(by)).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests;
