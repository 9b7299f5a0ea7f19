//! How many requests to one server are under way at once: more while it answers as quickly as ever, fewer
//! as soon as it says "later" or takes longer. Knows no request.

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
    /// How long answers take, in seconds: of late, usually, and at the quickest.
    times: Option<Times>,
}

#[derive(Clone, Copy)]
struct Times {
    /// How many answers there were.
    answers: f64,
    recent: f64,
    usual: f64,
    quickest: f64,
}

impl Default for State {
    fn default() -> Self {
        Self {
            most: FIRST,
            under_way: 0,
            full_at: None,
            cut_at: None,
            refused_at: None,
            times: None,
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

    /// Gives the place back: the server answered.
    pub fn answered(self) {
        let took = self.begun.elapsed();
        let mut state = self.flow.state();
        let before = state.whole();
        state.learn(self.begun, took);
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

    fn learn(&mut self, begun: Instant, took: Duration) {
        let took = took.as_secs_f64();
        let times = self.times.get_or_insert(Times {
            answers: 0.0,
            recent: took,
            usual: took,
            quickest: took,
        });
        times.recent += (took - times.recent) * 0.2;
        // The mean of the first two hundred; after that it moves slowly.
        times.answers += 1.0;
        times.usual += (took - times.usual) * (1.0 / times.answers).max(0.005);
        // Creeps up, so that one lucky answer is not the measure for ever.
        times.quickest = (times.quickest * 1.000_02).min(took);
        let Times {
            recent,
            usual,
            quickest,
            ..
        } = *times;
        let is_good = match self.most < FIRST {
            true => recent <= usual * USUAL,
            false => recent <= quickest * QUICK,
        };
        if recent > usual * SLOW && recent > PROMPT {
            self.cut(begun);
        } else if is_good && self.full_at.is_some_and(|full_at| full_at >= begun) {
            self.most = (self.most + self.pace() / self.most).min(MOST);
        }
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
mod tests {
    use super::*;
    use futures::future::join_all;

    /// A server that does this many at once in 10 ms each, and more in turns.
    struct Server {
        at_once: usize,
        slower: u32,
    }

    impl Server {
        async fn answer(&self, flow: &Flow) {
            let slot = flow.slot().await;
            let under_way = flow.state().under_way;
            let turns = u32::try_from(under_way.div_ceil(self.at_once)).unwrap();
            let done = Instant::now() + Duration::from_millis(10) * turns * self.slower;
            tokio::time::sleep_until(done).await;
            slot.answered();
        }

        async fn answer_many(&self, flow: &Flow, count: usize) {
            join_all((0..count).map(|_| self.answer(flow))).await;
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_grows_with_a_server_that_is_no_slower_for_it_and_with_no_other() {
        let flow = Flow::default();
        Server {
            at_once: 1000,
            slower: 1,
        }
        .answer_many(&flow, 2000)
        .await;
        assert_eq!(flow.most(), 32);
        let flow = Flow::default();
        Server {
            at_once: 4,
            slower: 1,
        }
        .answer_many(&flow, 2000)
        .await;
        assert!((8..=10).contains(&flow.most()), "{}", flow.most());
        // What is never full is no reason for more.
        let flow = Flow::default();
        let server = Server {
            at_once: 1000,
            slower: 1,
        };
        for _ in 0..500 {
            server.answer_many(&flow, 4).await;
        }
        assert_eq!(flow.most(), 8);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_makes_it_fewer_once_for_all_that_were_under_way() {
        let flow = Flow::default();
        let refuse = async || {
            let slots: Vec<Slot> = std::iter::from_fn(|| flow.try_slot()).collect();
            tokio::time::advance(Duration::from_millis(10)).await;
            slots.into_iter().for_each(Slot::refused);
        };
        refuse().await;
        assert_eq!(flow.most(), 4);
        for _ in 0..5 {
            refuse().await;
        }
        assert_eq!(flow.most(), 1, "and never none");
        let server = Server {
            at_once: 1000,
            slower: 1,
        };
        server.answer_many(&flow, 50).await;
        assert_eq!(flow.most(), 1, "warily");
        server.answer_many(&flow, 200).await;
        assert!(flow.most() >= 8, "it comes back: {}", flow.most());
    }

    #[tokio::test(start_paused = true)]
    async fn answers_that_take_longer_make_it_fewer_until_they_are_usual() {
        let flow = Flow::default();
        Server {
            at_once: 8,
            slower: 1,
        }
        .answer_many(&flow, 300)
        .await;
        let before = flow.most();
        let slow = Server {
            at_once: 8,
            slower: 20,
        };
        slow.answer_many(&flow, 60).await;
        assert!(flow.most() <= before / 2, "{} after {before}", flow.most());
        slow.answer_many(&flow, 2000).await;
        assert!(flow.most() >= 8, "{}", flow.most());
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_leaves_the_place_to_the_next() {
        let flow = Flow::default();
        let slots: Vec<Slot> = std::iter::from_fn(|| flow.try_slot()).collect();
        let waits = tokio::time::timeout(Duration::from_secs(1), flow.slot());
        assert!(waits.await.is_err());
        let (next, ()) = tokio::join!(flow.slot(), async { drop(slots) });
        assert_eq!(flow.state().under_way, 1);
        drop(next);
    }
}
