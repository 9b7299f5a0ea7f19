//! Follows one repository: asks where its branch stands, and hands on every move and every failure.

use super::Origin;
use crate::source::{Fetched, SourceError, Watch};
use std::time::Duration;
use tokio::sync::{Notify, mpsc};
use tokio_util::sync::CancellationToken;

/// The longest pause after failures, where the interval is shorter.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// How often a repository is asked.
#[derive(Clone, Copy, Debug)]
pub struct Polling {
    /// The pause between two questions.
    pub interval: Duration,
    /// Up to how much is added to a pause by chance, so that many daemons do not ask at once.
    pub jitter: Duration,
}

/// What was heard of one repository.
pub(super) struct Heard {
    /// Which, by its place in the settings.
    pub repository: usize,
    /// The branch as it is now, or why that cannot be told.
    pub result: Result<Fetched, SourceError>,
}

/// Asks until stopped. The first answer comes at once; a poke, and a change of a folder that is
/// watched, bring the next one forward.
pub(super) async fn follow(
    nth: usize,
    origin: Origin,
    polling: Polling,
    poke: std::sync::Arc<Notify>,
    heard: mpsc::Sender<Heard>,
    stop: CancellationToken,
) {
    let mut failures = 0_u32;
    let mut watch = origin.watch();
    loop {
        let result = tokio::select! {
            () = stop.cancelled() => return,
            result = origin.fetch() => result,
        };
        failures = if result.is_ok() {
            0
        } else {
            failures.saturating_add(1)
        };
        if heard
            .send(Heard {
                repository: nth,
                result,
            })
            .await
            .is_err()
        {
            return;
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(pause(polling, failures)) => {}
            () = poke.notified() => {}
            () = changed(&mut watch) => {}
        }
    }
}

/// Waits for a change of a folder that is watched; of a branch, for ever.
async fn changed(watch: &mut Option<Watch>) {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

fn pause(polling: Polling, failures: u32) -> Duration {
    let doubled = polling.interval.saturating_mul(1 << failures.min(10));
    let base = if failures == 0 {
        polling.interval
    } else {
        doubled.min(LONGEST_PAUSE.max(polling.interval))
    };
    base + polling.jitter.mul_f64(fastrand::f64())
}
