//! When which environment runs: a state machine that is told what happened and the time, and says
//! what to start and what to cut short. Pure: no clock, no task, no channel.
//!
//! Guarantees: one run per environment at a time; of several reasons the earliest wins and the rest
//! are folded into it; a failing environment backs off up to a cap and is reset by success or by a
//! new revision; a new revision cuts a run's waiting short.

use crate::model::{EnvironmentName, Every};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};
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
    /// How many runs that corrected drift within [`Pace::flap_window`] mean: two are fighting.
    pub flap_count: usize,
    /// See [`Pace::flap_count`].
    pub flap_window: Duration,
    /// How many environments run at once.
    pub at_once: usize,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first_backoff: Duration::from_secs(5),
            longest_backoff: Duration::from_secs(600),
            gather: Duration::from_millis(200),
            flap_count: 5,
            flap_window: Duration::from_secs(600),
            at_once: 4,
        }
    }
}

/// Why an environment runs, the weightiest of all that were told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Reason {
    /// Its interval is over.
    Interval,
    /// A failed run is tried again.
    Retry,
    /// A window opened.
    Window,
    /// Something live may have changed.
    Nudge,
    /// The daemon started.
    Start,
    /// A person asked.
    Asked,
    /// Git says something new.
    Revision,
}

impl Reason {
    /// Returns the word for the ledger, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Interval => "interval",
            Self::Retry => "retry",
            Self::Window => "window",
            Self::Nudge => "nudge",
            Self::Start => "start",
            Self::Asked => "asked",
            Self::Revision => "revision",
        }
    }
}

/// How a run ended, as far as the schedule cares.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ended {
    /// Something failed that another try may mend.
    pub failed: bool,
    /// Drift was put back.
    pub corrected: bool,
    /// It was cut short and has to run again at once.
    pub again: bool,
    /// When a window opens that something waits for.
    pub window: Option<Timestamp>,
}

/// What the engine has to do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Start a run.
    Start(EnvironmentName, Reason),
    /// Cut the run under way short: its waiting ends, nothing further starts.
    Preempt(EnvironmentName),
}

#[derive(Debug)]
struct Slot {
    every: Every,
    due: Timestamp,
    reason: Reason,
    running: bool,
    /// No longer declared; forgotten when its run ends.
    gone: bool,
    /// What was told while it ran.
    next: Option<(Timestamp, Reason)>,
    failures: u32,
    corrections: VecDeque<Timestamp>,
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
            let slot = self.slots.entry(name.clone()).or_insert_with(|| Slot {
                every: every.clone(),
                due: now,
                reason: Reason::Start,
                running: false,
                gone: false,
                next: None,
                failures: 0,
                corrections: VecDeque::new(),
            });
            slot.every.clone_from(every);
            if slot.reason == Reason::Interval && !slot.running {
                slot.due = slot.due.min(next(every, now));
            }
        }
    }

    /// Takes a reason to run an environment soon.
    pub(super) fn tell(
        &mut self,
        name: &EnvironmentName,
        reason: Reason,
        now: Timestamp,
    ) -> Option<Command> {
        let gather = self.pace.gather;
        let flapping = self.is_flapping(name, now);
        let slot = self.slots.get_mut(name)?;
        let at = match reason {
            Reason::Nudge if slot.failures > 0 || flapping => return None,
            Reason::Nudge => later(now, gather),
            _ => now,
        };
        if reason == Reason::Revision {
            slot.failures = 0;
            slot.corrections.clear();
        }
        if slot.running {
            slot.next = Some(slot.next.map_or((at, reason), |(was_at, was)| {
                (was_at.min(at), was.max(reason))
            }));
            return (reason == Reason::Revision).then(|| Command::Preempt(name.clone()));
        }
        slot.reason = if at < slot.due && slot.due > now {
            reason
        } else {
            slot.reason.max(reason)
        };
        slot.due = slot.due.min(at);
        None
    }

    /// Returns what is due, marking it as running. Never more at once than the pace allows.
    pub(super) fn due(&mut self, now: Timestamp) -> Vec<Command> {
        let running = self.slots.values().filter(|slot| slot.running).count();
        let mut due: Vec<_> = self
            .slots
            .iter_mut()
            .filter(|(_, slot)| !slot.running && slot.due <= now)
            .collect();
        due.sort_by_key(|(name, slot)| (slot.due, (*name).clone()));
        due.into_iter()
            .take(self.pace.at_once.saturating_sub(running))
            .map(|(name, slot)| {
                slot.running = true;
                Command::Start(name.clone(), slot.reason)
            })
            .collect()
    }

    /// Takes note that a run ended, and plans the next.
    pub(super) fn end(&mut self, name: &EnvironmentName, ended: Ended, now: Timestamp) {
        let pace = self.pace;
        let Some(slot) = self.slots.get_mut(name) else {
            return;
        };
        slot.running = false;
        if slot.gone {
            self.slots.remove(name);
            return;
        }
        if ended.corrected {
            slot.corrections.push_back(now);
        }
        if ended.failed {
            slot.failures = slot.failures.saturating_add(1);
            (slot.due, slot.reason) = (later(now, backoff(pace, slot.failures)), Reason::Retry);
        } else {
            slot.failures = 0;
            (slot.due, slot.reason) = (next(&slot.every, now), Reason::Interval);
        }
        if let Some(window) = ended.window.filter(|window| *window < slot.due) {
            (slot.due, slot.reason) = (window.max(now), Reason::Window);
        }
        if ended.again && !ended.failed {
            (slot.due, slot.reason) = (later(now, pace.gather), Reason::Retry);
        }
        match slot.next.take() {
            Some((_, Reason::Nudge)) if slot.failures > 0 => {}
            Some((at, reason)) if at < slot.due => (slot.due, slot.reason) = (at.max(now), reason),
            _ => {}
        }
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

    /// Tells whether somebody keeps changing what is put back, so that nudges are not answered
    /// before the interval.
    pub(super) fn is_flapping(&mut self, name: &EnvironmentName, now: Timestamp) -> bool {
        let pace = self.pace;
        let Some(slot) = self.slots.get_mut(name) else {
            return false;
        };
        let oldest = now - signed(pace.flap_window);
        while slot.corrections.front().is_some_and(|at| *at < oldest) {
            slot.corrections.pop_front();
        }
        slot.corrections.len() >= pace.flap_count
    }
}

/// Returns the pause after the nth failure in a row, from 1.
pub(super) fn backoff(pace: Pace, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(20);
    pace.first_backoff
        .saturating_mul(1 << doublings)
        .min(pace.longest_backoff)
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
