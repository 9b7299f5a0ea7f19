//! The pause between two looks of one step: ends at once when the run is stopped.

use std::time::Duration;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

/// Waits; false where it was cut short. Only for waits after which nothing has to be sent: stopped
/// there, the live side is as it would be after a kill.
pub(super) async fn pause(length: Duration, stop: &CancellationToken) -> bool {
    tokio::select! {
        biased;
        () = stop.cancelled() => false,
        () = sleep(length) => true,
    }
}
