//! How many requests to one server are under way at once: more while it answers as quickly as ever, fewer
//! as soon as it says "later" or takes longer. Knows no request.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// How many at first, and again after a cut. An API server on two cores does most at eight; at 32 it does less.
const FIRST: f64 = 8.0;
/// The most: a server that is no slower with more may have them.
const MOST: f64 = 32.0;
/// What is left of the number after a cut.
const CUT: f64 = 0.6;
/// Answers that take so many times longer than usual call for a cut.
const SLOW: f64 = 3.0;
/// Answers that take up to so many times as long as usual let it grow back to [`FIRST`].
const USUAL: f64 = 2.0;
/// Answers that take up to so many times as long as the quickest let it grow beyond.
const QUICK: f64 = 1.5;
/// How much slower it grows towards what the server refused last: to find out again costs a wait.
const WARY: f64 = 0.02;
/// What one answer counts among those of late.
const LATE: f64 = 0.2;
/// Answers quicker than this call for no cut, however much slower they became.
const PROMPT: f64 = 0.05;

/// The requests to one server. Clones share it.
#[derive(Clone, Default)]
pub struct Flow(Arc<Inner>);

#[derive(Default)]
struct Inner {
    state: Mutex<State>,
    freed: Notify,
}

struct State {
    most: f64,
    under_way: usize,
    /// When as many were under way as may be, last: only then a larger number would have meant more.
    full_at: Option<Instant>,
    /// When it was cut last: what was sent before says nothing about the number since.
    cut_at: Option<Instant>,
    /// How many there were when the server said "later", until it took more.
    refused_at: Option<f64>,
    /// How long answers take, by sort of request: one sort that takes the server long is no server that
    /// became slow. There are as many as there are kinds that are written.
    times: HashMap<String, Times>,
    /// How long they took of late, over all sorts.
    recent: Option<Recent>,
}

/// How long answers to one sort of request take, in seconds.
#[derive(Clone, Copy)]
struct Times {
    /// How many answers there were.
    answers: f64,
    usual: f64,
    quickest: f64,
}

/// How long answers took of late, each weighed against its own sort.
#[derive(Clone, Copy)]
struct Recent {
    seconds: f64,
    /// In multiples of what is usual.
    usual: f64,
    /// In multiples of the quickest.
    quickest: f64,
}

impl Times {
    fn learn(&mut self, took: f64) {
        // The mean of the first two hundred; after that it moves slowly.
        self.answers += 1.0;
        self.usual += (took - self.usual) * (1.0 / self.answers).max(0.005);
        // Creeps up, so that one lucky answer is not the measure for ever.
        self.quickest = (self.quickest * 1.000_02).min(took);
    }
}

impl Recent {
    fn learn(&mut self, now: Self) {
        self.seconds += (now.seconds - self.seconds) * LATE;
        self.usual += (now.usual - self.usual) * LATE;
        self.quickest += (now.quickest - self.quickest) * LATE;
    }
}

impl Default for State {
    fn default() -> Self {
        Self {
            most: FIRST,
            under_way: 0,
            full_at: None,
            cut_at: None,
            refused_at: None,
            times: HashMap::new(),
            recent: None,
        }
    }
}

/// One request's place among those under way. Dropped, it says nothing about the server.
pub struct Slot {
    flow: Flow,
    begun: Instant,
}

impl Flow {
    /// Waits until one more may be under way.
    pub async fn slot(&self) -> Slot {
        loop {
            let freed = self.0.freed.notified();
            if let Some(slot) = self.try_slot() {
                return slot;
            }
            freed.await;
        }
    }

    /// Returns how many may be under way now.
    pub fn most(&self) -> usize {
        self.state().whole()
    }

    fn try_slot(&self) -> Option<Slot> {
        let mut state = self.state();
        if state.under_way >= state.whole() {
            return None;
        }
        state.under_way += 1;
        let begun = Instant::now();
        if state.under_way == state.whole() {
            state.full_at = Some(begun);
        }
        let flow = self.clone();
        Some(Slot { flow, begun })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Slot {
    /// Counts from now how long the answer takes: it was waited to send it.
    pub fn begin(&mut self) {
        self.begun = Instant::now();
    }

    /// Gives the place back: the server answered what was a request of this sort. How long answers take is
    /// compared inside a sort alone.
    pub fn answered(self, sort: &str) {
        let took = self.begun.elapsed();
        let mut state = self.flow.state();
        let before = state.whole();
        state.learn(sort, self.begun, took);
        let grown = state.whole() > before;
        drop(state);
        if grown {
            self.flow.0.freed.notify_one();
        }
    }

    /// Gives the place back: the server said "later".
    pub fn refused(self) {
        let mut state = self.flow.state();
        let before = state.most;
        if state.cut(self.begun) {
            state.refused_at = Some(before);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut state = self.flow.state();
        state.under_way = state.under_way.saturating_sub(1);
        drop(state);
        self.flow.0.freed.notify_one();
    }
}

impl State {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "it is between 1 and MOST"
    )]
    fn whole(&self) -> usize {
        self.most as usize
    }

    fn learn(&mut self, sort: &str, begun: Instant, took: Duration) {
        let took = took.as_secs_f64();
        let recent = self.recent_with(sort, took);
        let is_good = match self.most < FIRST {
            true => recent.usual <= USUAL,
            false => recent.quickest <= QUICK,
        };
        if recent.usual > SLOW && recent.seconds > PROMPT {
            self.cut(begun);
        } else if is_good && self.full_at.is_some_and(|full_at| full_at >= begun) {
            self.most = (self.most + self.pace() / self.most).min(MOST);
        }
    }

    /// Learns how long an answer took, and returns how it is of late.
    fn recent_with(&mut self, sort: &str, took: f64) -> Recent {
        if !self.times.contains_key(sort) {
            let first = Times {
                answers: 0.0,
                usual: took,
                quickest: took,
            };
            self.times.insert(sort.to_owned(), first);
        }
        let times = self.times.get_mut(sort).expect("it was just put in");
        times.learn(took);
        // A clock may not see an answer's time at all.
        let least = f64::EPSILON;
        let now = Recent {
            seconds: took,
            usual: took.max(least) / times.usual.max(least),
            quickest: took.max(least) / times.quickest.max(least),
        };
        let recent = self.recent.get_or_insert(now);
        recent.learn(now);
        *recent
    }

    /// How fast it grows: by one while as many were answered as may be under way.
    fn pace(&mut self) -> f64 {
        self.refused_at = self.refused_at.filter(|at| self.most <= at + 1.0);
        match self.refused_at {
            Some(at) if self.most + 1.0 > at => WARY,
            _ => 1.0,
        }
    }

    /// Makes it fewer, once for all that was under way together. Tells whether it did.
    fn cut(&mut self, begun: Instant) -> bool {
        let is_new = self.cut_at.is_none_or(|cut_at| begun >= cut_at);
        if is_new {
            self.most = (self.most * CUT).max(1.0);
            self.cut_at = Some(Instant::now());
        }
        is_new
    }
}

#[cfg(test)]
mod tests;
