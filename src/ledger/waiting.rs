//! What waits for its delivery, by outbox: as it is now, without a record. Letters come and go by the hundred, and
//! what was said is in the deliveries.

use super::entry::Entry;
use super::{Ledger, LedgerError, schema};
use serde_json::Value;
use sqlx::AnyConnection;

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
}
