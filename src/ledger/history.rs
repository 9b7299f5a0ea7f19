//! What happened, for people: runs, newest first, and one run with its plan and steps.

use super::reading::Reading;
use super::records::{RunDetails, RunRecord, StepIntent, StepRecord};
use super::runs::causes;
use super::{Ledger, LedgerError};
use crate::model::{Address, EnvironmentName, RunId};
use jiff::Timestamp;
use std::collections::BTreeSet;

macro_rules! select_run {
    ($tail:literal) => {
        concat!(
            "SELECT id, environment, revision, cause, plan_hash, begun_at, ended_at, summary FROM runs ",
            $tail
        )
    };
}

impl Ledger {
    /// Returns runs, newest first: of one environment or of all, at most `limit`, older than `before`.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn runs(
        &self,
        environment: Option<&EnvironmentName>,
        limit: u32,
        before: Option<RunId>,
    ) -> Result<Vec<RunRecord>, LedgerError> {
        let before = before.map_or(i64::MAX, |run| run.0);
        let query = match environment {
            Some(environment) => sqlx::query(select_run!(
                "WHERE id < $1 AND environment = $3 ORDER BY id DESC LIMIT $2"
            ))
            .bind(before)
            .bind(i64::from(limit))
            .bind(environment.to_string()),
            None => sqlx::query(select_run!("WHERE id < $1 ORDER BY id DESC LIMIT $2"))
                .bind(before)
                .bind(i64::from(limit)),
        };
        self.read(query, |row| run(&row)).await
    }

    /// Returns what the runs of an environment wrote, or meant to when they were cut short, that began at this time or later.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn written_since(
        &self,
        environment: &EnvironmentName,
        since: Timestamp,
    ) -> Result<BTreeSet<Address>, LedgerError> {
        let query = sqlx::query(
            "SELECT DISTINCT address FROM steps JOIN runs ON runs.id = steps.run
             WHERE environment = $1 AND runs.begun_at >= $2 AND steps.begun_at IS NOT NULL",
        )
        .bind(environment.to_string())
        .bind(since.as_microsecond());
        let written = self.read(query, |row| row.word(0)).await?;
        Ok(written.into_iter().collect())
    }

    /// Tells whether a run made the object that an address has, as far as that is remembered: otherwise it was there
    /// before, and was taken over.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn made(&self, address: &Address) -> Result<bool, LedgerError> {
        let query = sqlx::query(
            "SELECT action FROM steps WHERE address = $1 AND applied_at IS NOT NULL
             AND action IN ('create', 'replace', 'adopt') ORDER BY run DESC LIMIT 1",
        )
        .bind(address.to_string());
        let last: Option<String> = self.read_one(query, |row| row.get(0)).await?;
        Ok(last.is_some_and(|action| action != "adopt"))
    }

    /// Returns the daemon's runs that ended after the last one of their environment that people were told of, oldest
    /// first: the process was killed in between. Of those the command line began, whoever ran it saw how they ended:
    /// only what was cut off.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn untold_runs(&self) -> Result<Vec<RunRecord>, LedgerError> {
        let query = sqlx::query(select_run!(
            "WHERE ended_at IS NOT NULL AND (cause NOT LIKE 'cli%' OR summary LIKE '%\"outcome\":\"interrupted\"%') AND id >
             COALESCE((SELECT CAST(posted AS BIGINT) FROM deliveries WHERE name = 'told/' || environment), 0) ORDER BY id"
        ));
        self.read(query, |row| run(&row)).await
    }

    /// Remembers that people were told of a run, and of all before it.
    ///
    /// # Errors
    /// Why it could not be written.
    pub async fn told(&self, environment: &EnvironmentName, run: RunId) -> Result<(), LedgerError> {
        let name = format!("told/{environment}");
        self.record_delivery(&name, &serde_json::json!(run.0)).await
    }

    /// Returns every environment it has heard of: read at least once, run, or owning something.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn environments(&self) -> Result<BTreeSet<EnvironmentName>, LedgerError> {
        // One that never had a good state is known by what is wrong with it alone.
        let query = sqlx::query(
            "SELECT environment FROM runs UNION SELECT environment FROM last_good
             UNION SELECT environment FROM episodes WHERE ended_at IS NULL AND address = ''",
        );
        let heard_of = self.read(query, |row| row.word(0)).await?;
        Ok(heard_of.into_iter().chain(self.owners().await?).collect())
    }

    /// Returns one run with its plan and steps; `None` where there is none, or no more.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn run(&self, id: RunId) -> Result<Option<RunDetails>, LedgerError> {
        let query = sqlx::query(select_run!("WHERE id = $1")).bind(id.0);
        let Some(run) = self.read_one(query, |row| run(&row)).await? else {
            return Ok(None);
        };
        let query = sqlx::query("SELECT plan FROM runs WHERE id = $1").bind(id.0);
        let plan = self.read_one(query, |row| row.json(0)).await?;
        let query = sqlx::query(
            "SELECT address, kind, action, begun_at, applied_at, ended_at, outcome
             FROM steps WHERE run = $1 ORDER BY position",
        )
        .bind(id.0);
        let steps = self.read(query, |row| step(&row)).await?;
        let plan = plan.unwrap_or_default();
        Ok(Some(RunDetails { run, plan, steps }))
    }

    /// Returns runs that have no end, oldest first: at start, those a kill came between.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn interrupted_runs(&self) -> Result<Vec<RunRecord>, LedgerError> {
        let query = sqlx::query(select_run!("WHERE ended_at IS NULL ORDER BY id"));
        self.read(query, |row| run(&row)).await
    }
}

fn run(row: &Reading<'_>) -> Result<RunRecord, LedgerError> {
    let (trigger, by) = causes(&row.get::<String>(3)?);
    Ok(RunRecord {
        id: RunId(row.get(0)?),
        environment: row.word(1)?,
        revision: row.word(2)?,
        trigger,
        by,
        plan_hash: row.word(4)?,
        begun_at: row.time(5)?,
        ended_at: row.maybe_time(6)?,
        summary: row.maybe_json(7)?,
    })
}

fn step(row: &Reading<'_>) -> Result<StepRecord, LedgerError> {
    Ok(StepRecord {
        intent: StepIntent {
            address: row.word(0)?,
            kind: row.word(1)?,
            action: row.word(2)?,
        },
        begun_at: row.maybe_time(3)?,
        applied_at: row.maybe_time(4)?,
        ended_at: row.maybe_time(5)?,
        outcome: row.maybe_json(6)?,
    })
}
