//! Ending blocking work whose caller has gone, or whose time is up.

use super::SourceError;
use std::time::{Duration, Instant};
use tokio_util::sync::{CancellationToken, DropGuard};

/// Asked between two pieces of blocking work: does anyone still wait, and is there time left?
#[derive(Clone)]
pub(crate) struct Stop {
    gone: CancellationToken,
    until: Instant,
    deadline: Duration,
}

impl Stop {
    fn after(deadline: Duration) -> Self {
        Self {
            gone: CancellationToken::new(),
            until: Instant::now() + deadline,
            deadline,
        }
    }

    /// Errors with `Cancelled` once nobody waits, with `Timeout` past the deadline.
    pub(crate) fn check(&self, target: &str) -> Result<(), SourceError> {
        let target = || target.to_owned();
        if self.gone.is_cancelled() {
            return Err(SourceError::Cancelled { target: target() });
        }
        if self.left().is_zero() {
            let seconds = self.deadline.as_secs();
            let target = target();
            return Err(SourceError::Timeout { target, seconds });
        }
        Ok(())
    }

    /// Returns the time that is left.
    pub(crate) fn left(&self) -> Duration {
        self.until.saturating_duration_since(Instant::now())
    }

    /// Ends when nobody waits any more.
    pub(crate) async fn gone(&self) {
        self.gone.cancelled().await;
    }

    /// Does something (closing a connection) when nobody waits any more, unless what is returned is
    /// dropped first. Only inside the runtime.
    pub(crate) fn on_gone(&self, act: impl FnOnce() + Send + 'static) -> DropGuard {
        let (gone, done) = (self.gone.clone(), CancellationToken::new());
        let ended = done.clone();
        tokio::spawn(async move {
            tokio::select! {
                () = gone.cancelled() => act(),
                () = ended.cancelled() => {}
            }
        });
        done.drop_guard()
    }
}

/// Runs blocking work on the threads kept for it. Dropping the future tells the work to stop.
pub(crate) async fn blocking<T: Send + 'static>(
    target: &str,
    deadline: Duration,
    work: impl FnOnce(&Stop) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let stop = Stop::after(deadline);
    let _waits = stop.gone.clone().drop_guard();
    tokio::task::spawn_blocking(move || work(&stop))
        .await
        .unwrap_or_else(|error| {
            Err(SourceError::Internal {
                target: target.to_owned(),
                reason: format!("a reading task ended early: {error}"),
            })
        })
}
