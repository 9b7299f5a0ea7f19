//! Old history goes, what is needed stays: the newest run of each environment, every run without
//! an end, and all of inventory, episodes, deliveries and pauses.

use super::entry::Entry;
use super::schema::set_fact;
use super::{Ledger, LedgerError};
use jiff::{SignedDuration, Timestamp};
use sqlx::{AnyConnection, Row as _};
use std::time::Duration;

impl Ledger {
    /// Forgets runs that ended longer ago than `retention`, and the record up to then. Returns how
    /// many runs went.
    ///
    /// # Errors
    /// Why nothing went.
    pub async fn thin(&self, retention: Duration, now: Timestamp) -> Result<u64, LedgerError> {
        let before = SignedDuration::try_from(retention)
            .ok()
            .and_then(|retention| now.checked_sub(retention).ok());
        let Some(before) = before else {
            return Ok(0);
        };
        let before = before.as_microsecond();
        if self.old_runs(before).await? == 0 && self.old_records(before).await? == 0 {
            return Ok(0);
        }
        let gone = self.append(Entry::Thinned { before }, now).await?;
        Ok(u64::try_from(gone).unwrap_or_default())
    }

    /// Counts, so that a quiet day leaves no entry.
    async fn old_runs(&self, before: i64) -> Result<i64, LedgerError> {
        let query = sqlx::query(
            "SELECT COUNT(*) FROM runs
             WHERE ended_at < $1 AND id NOT IN (SELECT MAX(id) FROM runs GROUP BY environment)",
        )
        .bind(before);
        let count = self.read_one(query, |row| row.get(0)).await?;
        Ok(count.unwrap_or_default())
    }

    /// Counts what the record would lose. The trace of an earlier cut is no reason for another: a
    /// ledger in which nothing happens would never come to rest.
    async fn old_records(&self, before: i64) -> Result<i64, LedgerError> {
        let query = sqlx::query(
            "SELECT COUNT(*) FROM records WHERE at < $1 AND what <> 'thinned'
             AND seq < COALESCE((SELECT MIN(seq) FROM records WHERE at >= $1), seq + 1)",
        )
        .bind(before);
        let count = self.read_one(query, |row| row.get(0)).await?;
        Ok(count.unwrap_or_default())
    }
}

/// Takes old runs away with their steps, then the record's beginning. Returns how many runs.
pub(super) async fn fold(connection: &mut AnyConnection, before: i64) -> Result<i64, sqlx::Error> {
    let gone = sqlx::query(
        "DELETE FROM runs
         WHERE ended_at < $1 AND id NOT IN (SELECT MAX(id) FROM runs GROUP BY environment)",
    )
    .bind(before)
    .execute(&mut *connection)
    .await?;
    sqlx::query("DELETE FROM steps WHERE run NOT IN (SELECT id FROM runs)")
        .execute(&mut *connection)
        .await?;
    // The chain is cut where it is old throughout; what it stood on is kept.
    let last = sqlx::query(
        "SELECT seq, hash FROM records
         WHERE seq < (SELECT MIN(seq) FROM records WHERE at >= $1) ORDER BY seq DESC LIMIT 1",
    )
    .bind(before)
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(last) = last {
        let seq: i64 = last.try_get(0)?;
        let hash: String = last.try_get(1)?;
        set_fact(connection, "anchor", format!("{seq} {hash}")).await?;
        sqlx::query("DELETE FROM records WHERE seq <= $1")
            .bind(seq)
            .execute(connection)
            .await?;
    }
    Ok(i64::try_from(gone.rows_affected()).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::EnvironmentName;
    use crate::telemetry::Clock;
    use serde_json::json;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[tokio::test]
    async fn quiet_passes_leave_no_record_and_old_records_go_without_runs() {
        let clock = Clock::fixed(second(0));
        let ledger = Ledger::in_memory().await.unwrap().with_clock(clock.clone());
        let shop = EnvironmentName::new("shop").unwrap();
        assert_eq!(ledger.last_compared(&shop).await.unwrap(), None);
        for pass in 0..3 {
            ledger
                .compared(&shop, &json!({ "pass": pass }))
                .await
                .unwrap();
        }
        let seen = ledger.last_compared(&shop).await.unwrap();
        assert_eq!(seen, Some(json!({ "pass": 2 })));
        assert_eq!(ledger.verify().await.unwrap().records, 0);

        for id in ["a", "b", "c"] {
            ledger.record_delivery(id, &json!(1)).await.unwrap();
        }
        clock.set(second(10));
        ledger.record_delivery("d", &json!(1)).await.unwrap();
        let age = Duration::from_secs(1);
        // No run goes, three records do: the young one stays, and the cut itself.
        assert_eq!(ledger.thin(age, second(10)).await.unwrap(), 0);
        assert_eq!(ledger.verify().await.unwrap().records, 2);
        assert_eq!(ledger.delivery("a").await.unwrap(), Some(json!(1)));
        // Then it comes to rest.
        ledger.thin(age, second(20)).await.unwrap();
        ledger.thin(age, second(30)).await.unwrap();
        ledger.thin(age, second(40)).await.unwrap();
        assert_eq!(ledger.verify().await.unwrap().records, 1);
    }
}
