//! What the records say of runs and their steps, to be compared with the tables that people are shown.

use crate::model::Digest;
use serde_json::Value;
use sqlx::{AnyConnection, Row as _};
use std::collections::BTreeMap;

/// What the records say.
#[derive(Default)]
pub(super) struct Told {
    /// By number; those whose opening was thinned away are not among them.
    runs: BTreeMap<i64, Run>,
    /// What ended before this may have been forgotten; microseconds since 1970.
    thinned: i64,
}

/// One run, in the words of its records.
struct Run {
    opened: Value,
    begun_at: i64,
    ended: Option<(i64, Value)>,
    steps: BTreeMap<String, Step>,
}

#[derive(Debug, Default, PartialEq)]
struct Step {
    kind: String,
    action: String,
    begun_at: Option<i64>,
    applied_at: Option<i64>,
    ended_at: Option<i64>,
    outcome: Option<Value>,
}

/// How much was compared.
#[derive(Default)]
pub(super) struct Compared {
    pub plans: u64,
    pub runs: u64,
}

impl Told {
    /// Takes a record in.
    pub(super) fn take(&mut self, at: i64, body: &str) {
        // What cannot be read was hashed so: a newer binary wrote it.
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let what = body["what"].as_str().unwrap_or_default();
        if what == "thinned" {
            self.thinned = body["before"].as_i64().unwrap_or_default();
        }
        let Some(run) = body["run"].as_i64() else {
            return;
        };
        if what == "run-opened" {
            self.runs.insert(run, Run::opened(at, body));
        } else if let Some(run) = self.runs.get_mut(&run) {
            run.take(at, what, &body);
        }
    }

    /// Compares all of it with the tables.
    ///
    /// # Errors
    /// In the inner result, what is not as it was recorded.
    pub(super) async fn compare(
        &self,
        connection: &mut AnyConnection,
    ) -> Result<Result<Compared, String>, sqlx::Error> {
        let mut compared = Compared::default();
        for (id, run) in &self.runs {
            let row = sqlx::query(
                "SELECT environment, revision, cause, plan_hash, plan, begun_at, ended_at, summary
                 FROM runs WHERE id = $1",
            )
            .bind(*id)
            .fetch_optional(&mut *connection)
            .await?;
            let Some(row) = row else {
                if run.ended.as_ref().is_some_and(|(at, _)| *at < self.thinned) {
                    continue;
                }
                return Ok(Err(format!("run {id} was recorded, and is not there")));
            };
            let plan: String = row.try_get(4)?;
            if Digest::of(&plan).as_str() != run.opened["plan_digest"] {
                return Ok(Err(format!("the plan of run {id} is not the one recorded")));
            }
            if !run.is_as(&row)? || steps_of(&mut *connection, *id).await? != run.steps {
                return Ok(Err(format!(
                    "run {id} or a step of it is not as it was recorded"
                )));
            }
            compared.plans += 1;
            compared.runs += 1;
        }
        if let Some(first) = self.runs.keys().next() {
            let there = sqlx::query("SELECT COUNT(*) FROM runs WHERE id >= $1")
                .bind(*first)
                .fetch_one(connection)
                .await?
                .try_get::<i64, _>(0)?;
            if u64::try_from(there).ok() != Some(compared.runs) {
                return Ok(Err("a run is there that no record tells of".to_owned()));
            }
        }
        Ok(Ok(compared))
    }
}

impl Run {
    fn opened(at: i64, mut body: Value) -> Self {
        let steps = body["steps"].take();
        let steps = steps.as_array().into_iter().flatten();
        let step = |step: &Value| {
            let text = |key: &str| step[key].as_str().unwrap_or_default().to_owned();
            let said = Step {
                kind: text("kind"),
                action: text("action"),
                ..Step::default()
            };
            (text("address"), said)
        };
        Self {
            steps: steps.map(step).collect(),
            opened: body,
            begun_at: at,
            ended: None,
        }
    }

    fn take(&mut self, at: i64, what: &str, body: &Value) {
        if what == "run-closed" {
            // The first end stays.
            self.ended
                .get_or_insert_with(|| (at, body["summary"].clone()));
            return;
        }
        let address = body["address"].as_str().unwrap_or_default();
        let Some(step) = self.steps.get_mut(address) else {
            return;
        };
        match what {
            "step-begun" => step.begun_at = Some(at),
            "step-applied" => step.applied_at = Some(at),
            "step-ended" => {
                (step.ended_at, step.outcome) = (Some(at), Some(body["outcome"].clone()));
            }
            _ => {}
        }
    }

    /// Tells whether a row says the same.
    fn is_as(&self, row: &sqlx::any::AnyRow) -> Result<bool, sqlx::Error> {
        let keys = ["environment", "revision", "trigger", "plan_hash"];
        for (column, key) in keys.iter().enumerate() {
            if row.try_get::<String, _>(column)? != self.opened[key] {
                return Ok(false);
            }
        }
        let ended_at: Option<i64> = row.try_get(6)?;
        let ended = ended_at.zip(json(row.try_get(7)?));
        Ok(row.try_get::<i64, _>(5)? == self.begun_at && ended == self.ended)
    }
}

async fn steps_of(
    connection: &mut AnyConnection,
    run: i64,
) -> Result<BTreeMap<String, Step>, sqlx::Error> {
    let rows = sqlx::query(
        "SELECT address, kind, action, begun_at, applied_at, ended_at, outcome FROM steps WHERE run = $1",
    )
    .bind(run)
    .fetch_all(connection)
    .await?;
    let step = |row: &sqlx::any::AnyRow| {
        let step = Step {
            kind: row.try_get(1)?,
            action: row.try_get(2)?,
            begun_at: row.try_get(3)?,
            applied_at: row.try_get(4)?,
            ended_at: row.try_get(5)?,
            outcome: json(row.try_get(6)?),
        };
        Ok((row.try_get(0)?, step))
    };
    rows.iter().map(step).collect()
}

/// Reads JSON text; what does not read is equal to nothing that was recorded.
fn json(text: Option<String>) -> Option<Value> {
    text.map(|text| serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
