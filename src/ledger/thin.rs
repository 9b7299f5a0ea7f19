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
        if self.old_runs(before).await? == 0 {
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
