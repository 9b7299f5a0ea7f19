//! What `deliver` needs of a ledger: a place to write each result before going on.

use crate::model::{Address, Outcome, Owned, Step};
use async_trait::async_trait;

/// A result could not be written. Nothing further is carried out in this run.
#[derive(Debug, thiserror::Error)]
#[error("record {what} in the ledger: {reason}")]
pub struct JournalError {
    /// What was to be written.
    pub what: String,
    /// What was seen.
    pub reason: String,
}

/// Where results go.
///
/// # Guarantees
/// When a call returns `Ok`, its record survives a kill.
#[async_trait]
pub trait Journal: Send + Sync {
    /// Says that a step is about to be carried out; on `Err` it is not.
    async fn begun(&self, step: &Step) -> Result<(), JournalError>;
    /// Says what is ours from now on; `None` after a delete. Comes before any waiting.
    async fn applied(&self, step: &Step, owned: Option<&Owned>) -> Result<(), JournalError>;
    /// Says how the step ended.
    async fn ended(&self, address: &Address, outcome: &Outcome) -> Result<(), JournalError>;
}
