//! What the schedule knows of one environment. Pure.

use super::{Pace, Reason, backoff, doubled, later, next, signed};
use crate::model::{Address, Every};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Some resources that are looked at alone.
#[derive(Debug)]
pub(super) struct Partial {
    pub(super) addresses: BTreeSet<Address>,
    /// When all of the environment is looked at next, and why.
    pub(super) rest: (Timestamp, Reason),
}

/// One environment.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) every: Every,
    pub(super) due: Timestamp,
    pub(super) reason: Reason,
    pub(super) running: bool,
    /// No longer declared; forgotten when its run ends.
    pub(super) gone: bool,
    /// What was told while it ran.
    pub(super) next: Option<(Timestamp, Reason)>,
    /// What was nudged while it ran.
    pub(super) nudged: BTreeSet<Address>,
    pub(super) failures: u32,
    /// What failed last; empty with failures where that was the run as a whole.
    pub(super) failing: BTreeSet<Address>,
    /// How often in a row it had to run again at once.
    pub(super) agains: u32,
    /// Until when nudges wait, where that was often.
    pub(super) breath: Option<Timestamp>,
    /// What is being deleted by then, and how often it was looked at.
    pub(super) followed: Option<(Timestamp, u32)>,
    /// When that is tried again.
    pub(super) retry: Option<Timestamp>,
    /// What failed rests in the run under way.
    pub(super) resting: bool,
    pub(super) corrections: BTreeMap<Address, VecDeque<Timestamp>>,
    /// The last run left all as declared, and nothing but nudges came since.
    pub(super) settled: bool,
    /// What the next run is about, or the one under way, where that is not all of the environment.
    pub(super) some: Option<Partial>,
}

impl Slot {
    pub(super) fn new(every: &Every, now: Timestamp) -> Self {
        Self {
            every: every.clone(),
            due: now,
            reason: Reason::Start,
            running: false,
            gone: false,
            next: None,
            nudged: BTreeSet::new(),
            failures: 0,
            agains: 0,
            breath: None,
            failing: BTreeSet::new(),
            followed: None,
            retry: None,
            resting: false,
            corrections: BTreeMap::new(),
            settled: false,
            some: None,
        }
    }

    /// Tells whether a resource waits for its next try.
    pub(super) fn waits(&self, address: &Address) -> bool {
        self.failures > 0 && (self.failing.is_empty() || self.failing.contains(address))
    }

    /// Tells whether somebody keeps changing what is put back, so that nudges about it are not answered
    /// before the interval.
    pub(super) fn is_fought_over(&self, address: &Address, pace: Pace, now: Timestamp) -> bool {
        let oldest = now - signed(pace.flap_window);
        let corrections = self.corrections.get(address).into_iter().flatten();
        corrections.filter(|at| **at >= oldest).count() >= pace.flap_count
    }

    pub(super) fn note_corrections(
        &mut self,
        corrected: BTreeSet<Address>,
        pace: Pace,
        now: Timestamp,
    ) {
        let oldest = now - signed(pace.flap_window);
        for address in corrected {
            self.corrections.entry(address).or_default().push_back(now);
        }
        self.corrections.retain(|_, times| {
            times.retain(|at| *at >= oldest);
            !times.is_empty()
        });
    }

    /// Takes note whether a run has to come again at once, and returns when: what somebody writes to all the time is
    /// not run after at full speed.
    pub(super) fn note_again(&mut self, again: bool, pace: Pace, now: Timestamp) -> Timestamp {
        self.agains = if again {
            self.agains.saturating_add(1)
        } else {
            0
        };
        let pause = match self.agains {
            ..=3 => pace.gather,
            more => backoff(pace, more - 3).max(pace.gather),
        };
        let at = later(now, pause);
        self.breath = again.then_some(at);
        at
    }

    /// Returns when it runs next, and why: at this time for what failed, or on time for the rest. Where the run as a
    /// whole failed there is no rest, and a live side that does not answer is left alone.
    pub(super) fn sooner(
        &self,
        retry: Timestamp,
        unseen: bool,
        now: Timestamp,
    ) -> (Timestamp, Reason) {
        let look = next(&self.every, now);
        if look < retry && !self.failing.is_empty() && !unseen {
            return (look, Reason::Interval);
        }
        (retry, Reason::Retry)
    }

    /// Has the next run come soon where something is being deleted: sooner at first, and rarely once its time is
    /// over.
    pub(super) fn follow(&mut self, by: Option<Timestamp>, pace: Pace, now: Timestamp) {
        let before = self.followed.take();
        let Some(by) = by else { return };
        let looks = before.filter(|(same, _)| *same == by);
        let looks = looks.map_or(1, |(_, looks)| looks.saturating_add(1));
        self.followed = Some((by, looks));
        let pause = doubled(pace.check, looks);
        let at = match by > now {
            true => later(now, pause.min(pace.longest_follow)).min(by),
            false => later(now, pause.min(pace.longest_backoff)),
        };
        if at < self.due {
            (self.due, self.reason) = (at, Reason::Check);
        }
    }

    /// Has the next run come at a time, where one is given that is sooner.
    pub(super) fn no_later(&mut self, at: Option<Timestamp>, reason: Reason, now: Timestamp) {
        if let Some(at) = at.filter(|at| *at < self.due) {
            (self.due, self.reason) = (at.max(now), reason);
        }
    }

    pub(super) fn bring_forward(&mut self, at: Timestamp, reason: Reason, now: Timestamp) {
        self.reason = if at < self.due && self.due > now {
            reason
        } else {
            self.reason.max(reason)
        };
        self.due = self.due.min(at);
    }

    /// Takes up what was told while a run was under way.
    pub(super) fn take_up(&mut self, pace: Pace, now: Timestamp) {
        let nudged = std::mem::take(&mut self.nudged);
        let counts =
            |address: &Address| !self.waits(address) && !self.is_fought_over(address, pace, now);
        let nudged: Vec<Address> = nudged.into_iter().filter(counts).collect();
        if !nudged.is_empty() {
            self.nudge(nudged, pace, now);
        }
        if let Some((at, reason)) = self.next.take() {
            self.some = None;
            if at < self.due {
                (self.due, self.reason) = (at.max(now), reason);
            }
        }
    }

    /// Takes hints that these may have changed: of a few, where nothing else is to be looked at by then, a
    /// look at them is enough.
    pub(super) fn nudge(
        &mut self,
        addresses: impl IntoIterator<Item = Address>,
        pace: Pace,
        now: Timestamp,
    ) {
        let at = later(now, pace.gather);
        let at = self.breath.map_or(at, |breath| breath.max(at));
        let is_alone = self.settled && (self.some.is_some() || self.due > at);
        let rest = (self.due, self.reason);
        let none = || Partial {
            addresses: BTreeSet::new(),
            rest,
        };
        self.some = is_alone.then(|| self.some.take().unwrap_or_else(none));
        if let Some(some) = &mut self.some {
            some.addresses.extend(addresses);
        }
        self.bring_forward(at, Reason::Nudge, now);
        let is_many = |some: &Partial| some.addresses.len() > pace.most_nudged;
        if self.some.as_ref().is_some_and(is_many) {
            (self.some, self.settled) = (None, false);
        }
    }
}
