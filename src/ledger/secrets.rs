//! What was applied with a secret, in any environment. A resource that waits for ever has its environment ask for all of
//! it with each look: it is read again only where the record tells that some of it may be another.

use super::{Ledger, LedgerError};
use crate::model::Owned;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What was read, and up to which record that holds.
type Known = Option<(i64, Arc<[Owned]>)>;

/// What was read last.
#[derive(Clone, Debug, Default)]
pub(super) struct Secrets(Arc<Mutex<Known>>);

impl Secrets {
    fn known(&self) -> MutexGuard<'_, Known> {
        // Only ever changed whole: a panic elsewhere leaves it usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// Returns all that is ours in any environment and was applied with a secret, by address: as it was read last, where
    /// nothing that is ours was written since, by whomever.
    ///
    /// # Errors
    /// Why it cannot be read; never an empty answer instead.
    pub async fn owned_with_secrets(&self) -> Result<Arc<[Owned]>, LedgerError> {
        let known = self.secrets.known().clone();
        let since = known.as_ref().map_or(0, |(upto, _)| *upto);
        // Asked first: what is written while the rest is read is read once more.
        let (upto, is_same) = self.inventory_since(since).await?;
        let records = match known {
            Some((_, records)) if is_same => records,
            _ => {
                let query =
                    sqlx::query("SELECT body FROM owned WHERE body LIKE $1 ORDER BY address")
                        .bind("%\"$secret\"%");
                self.read(query, |row| row.json(0)).await?.into()
            }
        };
        *self.secrets.known() = Some((upto, Arc::clone(&records)));
        Ok(records)
    }

    /// Returns the number of the last record, and whether all after one are there still and say nothing of what is ours.
    async fn inventory_since(&self, since: i64) -> Result<(i64, bool), LedgerError> {
        let query = sqlx::query(
            "SELECT COALESCE(MAX(seq), 0), (SELECT COUNT(*) FROM records WHERE seq > $1),
                (SELECT COUNT(*) FROM records WHERE seq > $1 AND what IN ('step-applied', 'owned', 'released'))
             FROM records",
        )
        .bind(since);
        let read = self.read_one(query, |row| {
            let (upto, there, changes): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok((upto, changes == 0 && upto - since == there))
        });
        Ok(read.await?.unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::owned;
    use super::*;
    use crate::model::EnvironmentName;
    use serde_json::json;

    #[tokio::test]
    async fn it_is_read_once_for_each_change_of_what_is_ours() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let ledger = Ledger::open(&path).await.unwrap();
        let beside = Ledger::open_beside(&path).await.unwrap();
        let secret = json!({ "password": { "$secret": "sealed" } });
        ledger.own(&owned("shop/db", secret.clone())).await.unwrap();
        ledger
            .own(&owned("shop/page", json!({ "text": "x" })))
            .await
            .unwrap();
        let read = async || ledger.clone().owned_with_secrets().await.unwrap();
        let names = |records: &[Owned]| -> Vec<String> {
            records.iter().map(|one| one.address.to_string()).collect()
        };
        let first = read().await;
        assert_eq!(names(&first), ["shop/db"]);
        // What else happens is no reason to read it again.
        let shop = EnvironmentName::new("shop").unwrap();
        for posted in 0..3 {
            ledger
                .record_delivery("slack/x", &json!(posted))
                .await
                .unwrap();
            ledger
                .compared(&shop, &json!({ "at": posted }))
                .await
                .unwrap();
            assert!(Arc::ptr_eq(&first, &read().await), "{posted}");
        }
        // Whoever writes: a command line beside the daemon, too.
        beside.own(&owned("shop/queue", secret)).await.unwrap();
        let second = read().await;
        assert_eq!(names(&second), ["shop/db", "shop/queue"]);
        assert!(Arc::ptr_eq(&second, &read().await));
        ledger.release(&first[0].address).await.unwrap();
        assert_eq!(names(&read().await), ["shop/queue"]);
    }
}
