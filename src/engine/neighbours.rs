//! What other environments have or declare, for what would take it along: a container that is deleted.

use super::{Everywhere, World};
use crate::ledger::LedgerError;
use crate::model::EnvironmentName;
use crate::plan::Beside;

/// Returns what every environment but one has by the ledger or declares, wherever that is.
pub(super) async fn of(
    world: &World,
    everywhere: &Everywhere,
    environment: &EnvironmentName,
) -> Result<Vec<Beside>, LedgerError> {
    let records = world.ledger.owned_beside(environment).await?;
    let mut beside = everywhere.beside(environment);
    let recorded = records.into_iter().map(|owned| Beside {
        connection: everywhere.connection(&owned.address.environment, &owned.connection),
        provider: owned.kind.provider().to_owned(),
        address: owned.address,
        place: owned.place,
        identity: owned.identity,
    });
    beside.extend(recorded);
    beside.sort_by(|one, other| one.address.cmp(&other.address));
    Ok(beside)
}
