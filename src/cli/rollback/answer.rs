//! What the daemon says to a rollback that could not be checked before it was ordered.

use crate::engine::ORDERS_CHECK;
use crate::ledger::{Episode, Ledger, LedgerError};
use crate::model::{EnvironmentName, Revision};
use std::time::Duration;

/// How often the ledger is asked.
const EVERY: Duration = Duration::from_millis(250);
/// How often at most: until the daemon has looked for orders ten times.
const TIMES: u128 = 10 * ORDERS_CHECK.as_millis() / EVERY.as_millis();

/// The open episode about specs that cannot be used.
pub(super) async fn trouble(
    ledger: &Ledger,
    name: &EnvironmentName,
) -> Result<Option<Episode>, LedgerError> {
    let open = ledger.open_episodes(name).await?.into_iter();
    let mut whole = open.filter(|one| one.address.is_none() && one.condition == "broken-spec");
    Ok(whole.next())
}

/// Waits until the environment was compared at the revision, or something else than before is said of its
/// specs: that is returned. `None` too where nothing is heard in time.
pub(super) async fn refusal(
    ledger: &Ledger,
    (name, to): (&EnvironmentName, &Revision),
    before: Option<&Episode>,
) -> Result<Option<Episode>, LedgerError> {
    for _ in 0..TIMES {
        let now = trouble(ledger, name).await?;
        if let Some(now) = now.filter(|now| before.map(|one| &one.details) != Some(&now.details)) {
            return Ok(Some(now));
        }
        let seen = ledger.last_compared(name).await?;
        if seen.is_some_and(|seen| seen["revision"] == to.as_str()) {
            break;
        }
        tokio::time::sleep(EVERY).await;
    }
    Ok(None)
}
