//! What pull requests showed of environments before they were merged: by what the files say, so that no forge has
//! to be asked when that is merged.

use super::remembered;
use crate::deliver::Sight;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Digest, EnvironmentName};
use serde::{Deserialize, Serialize};

/// Of how many states of an environment it is remembered what was shown.
const KEPT: usize = 20;

/// What was shown of one state, the newest last.
#[derive(Default, Serialize, Deserialize)]
struct Shown(Vec<(Digest, Sight)>);

/// Remembers what was shown of a state of an environment.
///
/// # Errors
/// The ledger cannot be read or written.
pub(in crate::engine) async fn remember(
    ledger: &Ledger,
    name: &EnvironmentName,
    (content, sight): (Digest, Sight),
) -> Result<(), LedgerError> {
    let mut shown: Shown = remembered::read(ledger, &record_of(name)).await?;
    if shown
        .0
        .iter()
        .any(|one| *one == (content.clone(), sight.clone()))
    {
        return Ok(());
    }
    shown.0.retain(|(known, _)| *known != content);
    shown.0.push((content, sight));
    shown.0.drain(..shown.0.len().saturating_sub(KEPT));
    remembered::write(ledger, &record_of(name), &shown).await
}

/// Returns what was shown of a state; `None` where no pull request was.
pub(super) async fn of(
    ledger: &Ledger,
    name: &EnvironmentName,
    content: &Digest,
) -> Result<Option<Sight>, LedgerError> {
    let shown: Shown = remembered::read(ledger, &record_of(name)).await?;
    let mut of_it = shown.0.into_iter().filter(|(known, _)| known == content);
    Ok(of_it.next().map(|(_, sight)| sight))
}

/// Under what name the ledger remembers it.
fn record_of(name: &EnvironmentName) -> String {
    format!("reviewed/{name}")
}
