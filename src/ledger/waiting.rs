//! What waits for its delivery, by outbox, and what a run under way waits for: as it is now, without a record. Letters
//! and causes come and go by the hundred; what was said is in the deliveries, and how a step ended in the run.

use super::entry::Entry;
use super::{Ledger, LedgerError, schema};
use crate::model::{EnvironmentName, ResourceId, RunId};
use serde_json::{Value, json};
use sqlx::AnyConnection;
use std::collections::BTreeMap;

impl Ledger {
    /// Returns the letters that wait in an outbox.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn waiting(&self, outbox: &str) -> Result<Option<Value>, LedgerError> {
        let query = sqlx::query("SELECT value FROM facts WHERE name = $1").bind(name(outbox));
        let waiting = self.read_one(query, |row| row.json(0)).await?;
        match waiting {
            // They were deliveries once.
            None => self.delivery(outbox).await,
            waiting => Ok(waiting),
        }
    }

    /// Says which letters wait in an outbox.
    ///
    /// # Errors
    /// Why it could not be written.
    pub async fn set_waiting(&self, outbox: &str, letters: &Value) -> Result<(), LedgerError> {
        self.note(Entry::Waiting {
            outbox: outbox.to_owned(),
            letters: letters.clone(),
        })
        .await
    }

    /// Returns why resources are not ready that a run under way waits for, each cause with what to do about it on a
    /// line of its own. Empty where that run said nothing of the kind.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn waits_of(
        &self,
        environment: &EnvironmentName,
        run: RunId,
    ) -> Result<BTreeMap<ResourceId, String>, LedgerError> {
        let said = self.waiting(&outbox_of(environment)).await?;
        let mut said = said.filter(|said| said["run"] == json!(run.0));
        let waits = said.as_mut().map(|said| said["waits"].take());
        Ok(waits
            .and_then(|waits| serde_json::from_value(waits).ok())
            .unwrap_or_default())
    }

    /// Says why resources are not ready that a run waits for, in the place of what was said before.
    ///
    /// # Errors
    /// Why it could not be written.
    pub async fn set_waits_of(
        &self,
        environment: &EnvironmentName,
        run: RunId,
        waits: &BTreeMap<ResourceId, String>,
    ) -> Result<(), LedgerError> {
        let said = json!({ "run": run.0, "waits": waits });
        self.set_waiting(&outbox_of(environment), &said).await
    }
}

/// Under what name it stands what a run of an environment waits for.
fn outbox_of(environment: &EnvironmentName) -> String {
    format!("run/{environment}")
}

pub(super) async fn fold(
    connection: &mut AnyConnection,
    outbox: &str,
    letters: &Value,
) -> Result<(), sqlx::Error> {
    schema::set_fact(connection, &name(outbox), letters.to_string()).await
}

/// The name of the fact.
fn name(outbox: &str) -> String {
    format!("waiting/{outbox}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn what_waits_leaves_no_record_and_what_waited_before_is_found() {
        let ledger = Ledger::in_memory().await.unwrap();
        let records = async || ledger.verify().await.unwrap().records;
        ledger
            .record_delivery("slack", &json!(["old"]))
            .await
            .unwrap();
        assert_eq!(ledger.waiting("slack").await.unwrap(), Some(json!(["old"])));
        let before = records().await;
        for count in 1..50 {
            let letters = json!(vec!["letter"; count]);
            ledger.set_waiting("slack", &letters).await.unwrap();
            assert_eq!(ledger.waiting("slack").await.unwrap(), Some(letters));
        }
        assert_eq!(records().await, before);
    }

    #[tokio::test]
    async fn what_a_run_waits_for_is_told_of_that_run_alone() {
        let ledger = Ledger::in_memory().await.unwrap();
        let shop = EnvironmentName::new("shop").unwrap();
        let waits = |why: &str| {
            let api = ResourceId::new("api").unwrap();
            BTreeMap::from([(api, why.to_owned())])
        };
        let (first, second) = (RunId(1), RunId(2));
        ledger
            .set_waits_of(&shop, first, &waits("no room"))
            .await
            .unwrap();
        let told = async |run| ledger.waits_of(&shop, run).await.unwrap();
        assert_eq!(told(first).await, waits("no room"));
        assert_eq!(told(second).await, BTreeMap::new());
        ledger
            .set_waits_of(&shop, second, &waits("no image"))
            .await
            .unwrap();
        assert_eq!(told(first).await, BTreeMap::new());
        assert_eq!(told(second).await, waits("no image"));
    }
}
