//! What is remembered under a name in the ledger, over a restart. What cannot be read is nothing.

use crate::ledger::{Ledger, LedgerError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads it.
pub(super) async fn read<T: DeserializeOwned + Default>(
    ledger: &Ledger,
    name: &str,
) -> Result<T, LedgerError> {
    let known = ledger.delivery(name).await?;
    let known = known.and_then(|known| serde_json::from_value(known).ok());
    Ok(known.unwrap_or_default())
}

/// Writes it, where it is not the same.
pub(super) async fn write(
    ledger: &Ledger,
    name: &str,
    memory: &impl Serialize,
) -> Result<(), LedgerError> {
    let memory = serde_json::to_value(memory).unwrap_or_default();
    ledger.record_delivery(name, &memory).await
}
