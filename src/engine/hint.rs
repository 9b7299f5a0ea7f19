//! A hint from outside that something may have moved: handed on at once, and then once a second at most.
//! It carries nothing, so whoever sends many wins nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// The pause after a hint was handed on.
const PAUSE: Duration = Duration::from_secs(1);

/// Gives hints; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Hint(Arc<Notify>);

impl Hint {
    /// Says that something may have moved.
    pub fn give(&self) {
        self.0.notify_one();
    }

    /// Hands hints on until stopped. What is hinted during the pause is one hint after it.
    pub async fn carry(self, to: Arc<Notify>, stop: CancellationToken) {
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.0.notified() => to.notify_one(),
            }
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
        }
    }
}

/// Says that what stands there is to be written anew, whatever it says; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Anew(Arc<AtomicBool>);

impl Anew {
    /// Asks for it. A hint brings the look forward.
    pub fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Tells whether it was asked for since the last time.
    pub fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn many_hints_are_one_now_and_one_after_the_pause() {
        let (hint, to, stop) = (
            Hint::default(),
            Arc::new(Notify::new()),
            CancellationToken::new(),
        );
        let carrying = tokio::spawn(hint.clone().carry(Arc::clone(&to), stop.clone()));
        let begun = tokio::time::Instant::now();
        hint.give();
        to.notified().await;
        assert_eq!(begun.elapsed(), Duration::ZERO);
        for _ in 0..1000 {
            hint.give();
        }
        to.notified().await;
        assert!(begun.elapsed() >= PAUSE, "{:?}", begun.elapsed());
        let more = tokio::time::timeout(PAUSE * 5, to.notified()).await;
        assert!(more.is_err(), "a hint that nobody gave");
        stop.cancel();
        carrying.await.unwrap();
    }
}
