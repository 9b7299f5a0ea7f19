//! Runs and their steps: the intent before the act, the outcome after.

use super::entry::Entry;
use super::records::{RunIntent, RunOutcome, RunRecord, RunSummary, StepIntent};
use super::{Ledger, LedgerError};
use crate::model::{Address, Digest, EnvironmentName, Outcome, Owned, Revision, RunId};
use serde::Serialize;
use sqlx::{AnyConnection, Row as _};

impl Ledger {
    /// Writes what a run is about to do. Only after this may anything move.
    ///
    /// # Errors
    /// Then nothing may move.
    pub async fn open_run(&self, intent: &RunIntent) -> Result<RunId, LedgerError> {
        let id = self.append(Entry::intent(intent), intent.now).await?;
        Ok(RunId(id))
    }

    /// Writes that a step is about to be carried out, and what is to be known of what it takes away, where it does
    /// and that is ours.
    ///
    /// # Errors
    /// Then it must not be.
    pub async fn step_begun(
        &self,
        run: RunId,
        address: &Address,
        leaving: Option<&Owned>,
    ) -> Result<(), LedgerError> {
        self.note(Entry::StepBegun {
            run,
            address: address.clone(),
            owned: leaving.cloned().map(Box::new),
        })
        .await
    }

    /// Writes that the live side took a step, and what is ours from now on (`None`: it is gone).
    ///
    /// # Errors
    /// The live side has it all the same; it is found again by its mark.
    pub async fn step_applied(
        &self,
        run: RunId,
        address: &Address,
        owned: Option<&Owned>,
    ) -> Result<(), LedgerError> {
        self.note(Entry::StepApplied {
            run,
            address: address.clone(),
            owned: owned.cloned().map(Box::new),
        })
        .await
    }

    /// Writes how a step ended.
    ///
    /// # Errors
    /// Why it could not be written.
    pub async fn step_ended(
        &self,
        run: RunId,
        address: &Address,
        outcome: &Outcome,
    ) -> Result<(), LedgerError> {
        self.note(Entry::StepEnded {
            run,
            address: address.clone(),
            outcome: outcome.clone(),
        })
        .await
    }

    /// Writes how a run ended.
    ///
    /// # Errors
    /// The run stays open, and is closed as interrupted at the next start.
    pub async fn close_run(&self, run: RunId, summary: &RunSummary) -> Result<(), LedgerError> {
        let summary = summary.clone();
        self.note(Entry::RunClosed { run, summary }).await
    }

    /// Closes every run that has no end as interrupted. For the daemon's start, before its first run.
    ///
    /// # Errors
    /// Why they cannot be read or written.
    pub async fn close_interrupted_runs(&self) -> Result<Vec<RunRecord>, LedgerError> {
        let runs = self.interrupted_runs().await?;
        for run in &runs {
            let summary = RunSummary::new(RunOutcome::Interrupted);
            self.close_run(run.id, &summary).await?;
        }
        Ok(runs)
    }
}

/// Returns the number of the next run. The newest run is never thinned away, so none is used twice.
pub(super) async fn next_id(connection: &mut AnyConnection) -> Result<i64, sqlx::Error> {
    sqlx::query("SELECT COALESCE(MAX(id), 0) + 1 FROM runs")
        .fetch_one(connection)
        .await?
        .try_get(0)
}

/// Joins the word why a run ran and who had it carried out: one column and one field of the record hold both.
const BY: &str = " by ";

/// Returns what is kept of why a run ran, and by whom.
pub(super) fn cause(trigger: &str, by: Option<&str>) -> String {
    by.map_or_else(|| trigger.to_owned(), |by| format!("{trigger}{BY}{by}"))
}

/// Reads that.
pub(super) fn causes(cause: &str) -> (String, Option<String>) {
    match cause.split_once(BY) {
        Some((trigger, by)) => (trigger.to_owned(), Some(by.to_owned())),
        None => (cause.to_owned(), None),
    }
}

/// A run that is opened.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Opening {
    /// Given by the writer.
    pub(super) run: i64,
    pub(super) environment: EnvironmentName,
    pub(super) revision: Revision,
    pub(super) trigger: String,
    pub(super) plan_hash: Digest,
    pub(super) steps: Vec<StepIntent>,
    /// Covers the plan, which stands in its table only: history is thinned, the record is not.
    pub(super) plan_digest: Digest,
    #[serde(skip)]
    pub(super) plan: String,
}

/// Takes a run and its steps in. Returns its number.
pub(super) async fn fold_opened(
    connection: &mut AnyConnection,
    opening: &Opening,
    at: i64,
) -> Result<i64, sqlx::Error> {
    let run = opening.run;
    sqlx::query(
        "INSERT INTO runs (id, environment, revision, cause, plan_hash, plan, begun_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(run)
    .bind(opening.environment.to_string())
    .bind(opening.revision.to_string())
    .bind(opening.trigger.clone())
    .bind(opening.plan_hash.as_str().to_owned())
    .bind(opening.plan.clone())
    .bind(at)
    .execute(&mut *connection)
    .await?;
    for (position, step) in (0_i64..).zip(&opening.steps) {
        sqlx::query(
            "INSERT INTO steps (run, position, address, kind, action) VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(run)
        .bind(position)
        .bind(step.address.to_string())
        .bind(step.kind.to_string())
        .bind(step.action.as_str())
        .execute(&mut *connection)
        .await?;
    }
    Ok(run)
}

pub(super) async fn fold_begun(
    connection: &mut AnyConnection,
    step: (RunId, &Address),
    at: i64,
) -> Result<(), sqlx::Error> {
    let query = "UPDATE steps SET begun_at = $1 WHERE run = $2 AND address = $3";
    set_time(connection, query, step, at).await
}

pub(super) async fn fold_applied(
    connection: &mut AnyConnection,
    step: (RunId, &Address),
    at: i64,
) -> Result<(), sqlx::Error> {
    let query = "UPDATE steps SET applied_at = $1 WHERE run = $2 AND address = $3";
    set_time(connection, query, step, at).await
}

async fn set_time(
    connection: &mut AnyConnection,
    query: &'static str,
    (run, address): (RunId, &Address),
    at: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(query)
        .bind(at)
        .bind(run.0)
        .bind(address.to_string())
        .execute(connection)
        .await
        .map(drop)
}

pub(super) async fn fold_ended(
    connection: &mut AnyConnection,
    (run, address): (RunId, &Address),
    outcome: &Outcome,
    at: i64,
) -> Result<(), sqlx::Error> {
    let outcome =
        serde_json::to_string(outcome).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query("UPDATE steps SET ended_at = $1, outcome = $2 WHERE run = $3 AND address = $4")
        .bind(at)
        .bind(outcome)
        .bind(run.0)
        .bind(address.to_string())
        .execute(connection)
        .await
        .map(drop)
}

pub(super) async fn fold_closed(
    connection: &mut AnyConnection,
    run: RunId,
    summary: &RunSummary,
    at: i64,
) -> Result<(), sqlx::Error> {
    let summary =
        serde_json::to_string(summary).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query("UPDATE runs SET ended_at = $1, summary = $2 WHERE id = $3 AND ended_at IS NULL")
        .bind(at)
        .bind(summary)
        .bind(run.0)
        .execute(connection)
        .await
        .map(drop)
}
