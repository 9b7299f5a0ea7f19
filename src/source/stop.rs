//! Ending blocking work whose caller has gone.

use super::SourceError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asked between two pieces of blocking work: does anyone still wait?
#[derive(Clone, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

/// Says stop when it is dropped.
pub(crate) struct StopOnDrop(Stop);

impl Stop {
    /// Errors with `Cancelled` once nobody waits.
    pub(crate) fn check(&self, target: &str) -> Result<(), SourceError> {
        if self.0.load(Ordering::Relaxed) {
            return Err(SourceError::Cancelled {
                target: target.to_owned(),
            });
        }
        Ok(())
    }
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::Relaxed);
    }
}

/// Runs blocking work on the threads kept for it. Dropping the future tells the work to stop.
pub(crate) async fn blocking<T: Send + 'static>(
    target: &str,
    work: impl FnOnce(&Stop) -> Result<T, SourceError> + Send + 'static,
) -> Result<T, SourceError> {
    let stop = Stop::default();
    let _waits = StopOnDrop(stop.clone());
    tokio::task::spawn_blocking(move || work(&stop))
        .await
        .unwrap_or_else(|error| {
            Err(SourceError::Internal {
                target: target.to_owned(),
                reason: format!("a reading task ended early: {error}"),
            })
        })
}
