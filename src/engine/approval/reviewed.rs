//! What pull requests showed of environments before they were merged: by what the files say, so that no forge has
//! to be asked when that is merged, and by their numbers, for what several of them say together.

use super::remembered;
use crate::deliver::Sight;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Digest, EnvironmentName};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Of how many states of an environment, and of how many pull requests, it is remembered what was shown.
const KEPT: usize = 50;

/// What was shown, the newest last: by the state, or by the pull request.
type Shown<K> = Vec<(K, Sight)>;

/// Remembers what a pull request showed of a state of an environment.
///
/// # Errors
/// The ledger cannot be read or written.
pub(in crate::engine) async fn remember(
    ledger: &Ledger,
    name: &EnvironmentName,
    (number, content, sight): (u64, Digest, Sight),
) -> Result<(), LedgerError> {
    put(ledger, &by_content(name), (content, sight.clone())).await?;
    put(ledger, &by_number(name), (number, sight)).await
}

/// Returns what was shown of a state; `None` where no pull request was.
pub(super) async fn of(
    ledger: &Ledger,
    name: &EnvironmentName,
    content: &Digest,
) -> Result<Option<Sight>, LedgerError> {
    find(ledger, &by_content(name), content).await
}

/// Returns what a pull request showed last of an environment; `None` where nothing.
pub(super) async fn of_pull(
    ledger: &Ledger,
    name: &EnvironmentName,
    number: u64,
) -> Result<Option<Sight>, LedgerError> {
    find(ledger, &by_number(name), &number).await
}

async fn put<K: DeserializeOwned + Serialize + PartialEq>(
    ledger: &Ledger,
    record: &str,
    new: (K, Sight),
) -> Result<(), LedgerError> {
    let mut shown: Shown<K> = remembered::read(ledger, record).await?;
    // What is shown still is not forgotten; and each move is a record, so that only the older half moves.
    let place = shown.iter().position(|one| *one == new);
    if place.is_some_and(|place| shown.len() - place <= KEPT / 2) {
        return Ok(());
    }
    shown.retain(|(known, _)| *known != new.0);
    shown.push(new);
    shown.drain(..shown.len().saturating_sub(KEPT));
    remembered::write(ledger, record, &shown).await
}

async fn find<K: DeserializeOwned + PartialEq>(
    ledger: &Ledger,
    record: &str,
    key: &K,
) -> Result<Option<Sight>, LedgerError> {
    let shown: Shown<K> = remembered::read(ledger, record).await?;
    let mut of_it = shown.into_iter().filter(|(known, _)| known == key);
    Ok(of_it.next().map(|(_, sight)| sight))
}

/// Under what name the ledger remembers it.
fn by_content(name: &EnvironmentName) -> String {
    format!("reviewed/{name}")
}

fn by_number(name: &EnvironmentName) -> String {
    format!("reviewed-by/{name}")
}
