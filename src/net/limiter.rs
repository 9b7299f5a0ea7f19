//! One pace per account and API: every request of that account waits here before it is sent, and those that
//! cost its server much take turns.

use super::flow::{Flow, Slot};
use governor::clock::MonotonicClock;
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// No account is held longer, whatever one answer says: limits that start anew do so every hour.
const LONGEST_HOLD: Duration = Duration::from_secs(3600);

type Pace =
    RateLimiter<NotKeyed, InMemoryState, MonotonicClock, NoOpMiddleware<std::time::Instant>>;

/// The pace of one account at one API. Clones share it.
#[derive(Clone)]
pub struct Limiter(Arc<Inner>);

struct Inner {
    pace: Pace,
    /// Nothing is sent before this time, because the server asked for it.
    held_until: Mutex<Option<Instant>>,
    flow: Flow,
}

impl Limiter {
    /// Makes a pace of `per_second` requests on average and at most `burst` at once.
    pub fn new(per_second: NonZeroU32, burst: NonZeroU32) -> Self {
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Self(Arc::new(Inner {
            pace: RateLimiter::direct_with_clock(quota, MonotonicClock),
            held_until: Mutex::new(None),
            flow: Flow::default(),
        }))
    }

    /// Waits for this account's turn. Cancelling the wait gives the turn back to nobody: it is spent.
    pub async fn turn(&self) {
        self.0.pace.until_ready().await;
        while let Some(wait) = self.held_for() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Waits until one more request that costs the server much may be under way.
    pub async fn slot(&self) -> Slot {
        self.0.flow.slot().await
    }

    /// Holds every request of this account for a time, because one of them was told to wait; for an hour at most,
    /// since a page that is served by mistake may say anything.
    pub fn hold(&self, wait: Duration) {
        let until = Instant::now() + wait.min(LONGEST_HOLD);
        let mut held = self
            .0
            .held_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *held = Some(held.map_or(until, |before| before.max(until)));
    }

    /// Returns how long nothing is sent yet; `None` where something may be.
    pub fn held_for(&self) -> Option<Duration> {
        let left = self.held()?.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(left)
    }

    fn held(&self) -> Option<Instant> {
        *self
            .0
            .held_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Limiter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Limiter").finish_non_exhaustive()
    }
}

/// Every limiter of the daemon, by account and API: whoever asks with one key shares one pace.
#[derive(Clone, Debug, Default)]
pub struct Limiters(Arc<Mutex<HashMap<String, Limiter>>>);

impl Limiters {
    /// Returns the limiter of this key, made at the first call; later calls keep the first pace.
    /// The key names API and account (`digitalocean:<digest of the token>`), never a token.
    pub fn get(&self, key: &str, per_second: NonZeroU32, burst: NonZeroU32) -> Limiter {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known
            .entry(key.to_owned())
            .or_insert_with(|| Limiter::new(per_second, burst))
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    #[test]
    fn one_key_is_one_pace() {
        let limiters = Limiters::default();
        let one = limiters.get("do:a", count(1), count(1));
        let same = limiters.get("do:a", count(9), count(9));
        let other = limiters.get("do:b", count(1), count(1));
        assert!(Arc::ptr_eq(&one.0, &same.0));
        assert!(!Arc::ptr_eq(&one.0, &other.0));
    }

    #[tokio::test]
    async fn past_the_burst_requests_keep_the_pace() {
        let limiter = Limiter::new(count(20), count(2));
        let start = std::time::Instant::now();
        for _ in 0..4 {
            limiter.turn().await;
        }
        assert!(
            start.elapsed() >= Duration::from_millis(95),
            "{:?}",
            start.elapsed()
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_hold_stops_everybody_of_the_account() {
        let limiter = Limiter::new(count(1000), count(1000));
        limiter.clone().hold(Duration::from_secs(60));
        let start = Instant::now();
        limiter.turn().await;
        assert!(start.elapsed() >= Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn no_answer_holds_an_account_for_a_day() {
        let limiter = Limiter::new(count(1000), count(1000));
        limiter.hold(Duration::from_secs(86_400));
        assert_eq!(limiter.held_for(), Some(LONGEST_HOLD));
    }
}
