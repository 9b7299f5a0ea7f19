//! Environments that a person put back to an older state, until Git says something new.

use super::{Ledger, LedgerError, RunOutcome, RunRecord};
use crate::model::{Digest, EnvironmentName, Revision};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One environment that is kept at an older state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// The environment.
    pub environment: EnvironmentName,
    /// The state it is kept at.
    pub to: Revision,
    /// Why, in somebody's words; may be empty.
    pub why: String,
    /// Who.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// What it was put back from; `None` until the daemon saw it.
    pub refused: Option<Refused>,
}

/// A state that is not applied again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// The newest state when it was refused.
    pub revision: Revision,
    /// The digest of the environment's files there: the same content at another state is refused too.
    pub content: Digest,
}

impl Rollback {
    /// How many runs are looked through for a state to go back to.
    pub const RUNS: u32 = 1000;

    /// Returns what last went well before the newest state that changed an environment, of its runs,
    /// newest first.
    pub fn target(runs: &[RunRecord]) -> Option<&Revision> {
        let changed = runs.iter().find(|run| run.trigger == "revision");
        let newest = &changed.or(runs.first())?.revision;
        let last = runs.iter().rposition(|run| run.revision == *newest)?;
        let mut older = runs[last + 1..].iter();
        let went_well = |run: &&RunRecord| {
            let summary = run.summary.as_ref();
            summary.is_some_and(|summary| summary.outcome == RunOutcome::Done)
        };
        older.find(went_well).map(|run| &run.revision)
    }
}

impl Ledger {
    /// Returns every rollback that stands.
    ///
    /// # Errors
    /// Why they cannot be read; never an empty answer instead.
    pub async fn rollbacks(&self) -> Result<Vec<Rollback>, LedgerError> {
        let query =
            sqlx::query("SELECT posted FROM deliveries WHERE name LIKE 'rollback/%' ORDER BY name");
        let all = self.read(query, |row| row.json::<Option<Rollback>>(0));
        Ok(all.await?.into_iter().flatten().collect())
    }

    /// Has an environment kept at an older state, in the place of an earlier rollback.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn set_rollback(&self, rollback: &Rollback) -> Result<(), LedgerError> {
        let posted = serde_json::to_value(rollback).unwrap_or_default();
        let name = format!("rollback/{}", rollback.environment);
        self.record_delivery(&name, &posted).await
    }

    /// Lets an environment follow Git again. Returns whether it was rolled back.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn end_rollback(&self, environment: &EnvironmentName) -> Result<bool, LedgerError> {
        let name = format!("rollback/{environment}");
        match self.delivery(&name).await? {
            None | Some(Value::Null) => Ok(false),
            Some(_) => {
                self.record_delivery(&name, &Value::Null).await?;
                Ok(true)
            }
        }
    }
}
