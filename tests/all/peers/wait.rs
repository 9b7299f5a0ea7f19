//! Waiting for a condition with a deadline, so that no test sleeps blindly.

use std::fmt::Display;
use std::time::{Duration, Instant};

/// Looks every few milliseconds until there is something, and gives it back. Panics with what was waited for after the deadline.
#[track_caller]
pub(crate) fn until<T>(
    what: impl Display,
    within: Duration,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + within;
    let mut pause = Duration::from_millis(2);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited {within:?} in vain until {what}"
        );
        std::thread::sleep(pause);
        pause = (pause * 2).min(Duration::from_millis(100));
    }
}

/// As [`until`], of something that has to be awaited.
pub(crate) async fn until_so<T>(
    what: impl Display,
    within: Duration,
    mut look: impl AsyncFnMut() -> Option<T>,
) -> T {
    let deadline = Instant::now() + within;
    let mut pause = tokio::time::interval(Duration::from_millis(50));
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(
            Instant::now() < deadline,
            "waited {within:?} in vain until {what}"
        );
        pause.tick().await;
    }
}

/// Runs blocking code from a test that may be asynchronous, where the runtime would refuse it.
pub(crate) fn outside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let done = scope.spawn(work).join();
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}
