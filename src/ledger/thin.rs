//! Old history goes, what is needed stays: the newest run of each environment, every run and every
//! episode without an end, and all of inventory and pauses. What was said of a run or an episode goes
//! with it; its name ends with `run/<environment>/<id>` or `episode/<id>`. What was said on one pull request or
//! of one merge goes when nothing was said there for as long: where it is spoken of once more, ours is found by
//! its marker. So do words in the thread of a run or an episode, a daily digest, and what a pull request showed, which is remembered anew each day that it is shown.

use super::entry::Entry;
use super::schema::set_fact;
use super::{Ledger, LedgerError};
use jiff::{SignedDuration, Timestamp};
use sqlx::{AnyConnection, Row as _};
use std::time::Duration;

/// Which runs are old; each environment keeps its newest.
macro_rules! old_runs {
    () => {
        "WHERE ended_at < $1 AND id NOT IN (SELECT MAX(id) FROM runs GROUP BY environment)"
    };
}

/// Which episodes are old; the newest stays, so that no number is given twice.
macro_rules! old_episodes {
    () => {
        "WHERE ended_at < $1 AND id < (SELECT MAX(id) FROM episodes)"
    };
}

/// Which words on pull requests, on merges, in threads and of a day are old. How each environment stands with them, and up to where
/// a branch was taken in, is no such word: a branch may be called `pull/7`.
macro_rules! old_words {
    () => {
        "WHERE at < $1 AND (name LIKE 'forge/%/pull/%' OR name LIKE 'forge/%/result/%'
            OR name LIKE 'reviewed%/%' OR name LIKE '%/run/%/%/%' OR name LIKE '%/episode/%/%' OR name LIKE '%/daily/%')
         AND name NOT LIKE '%/story/%' AND name NOT LIKE '%/taken-in'"
    };
}

/// Counts what the record would lose. The trace of an earlier cut is no reason for another: a ledger
/// in which nothing happens would never come to rest.
const OLD_RECORDS: &str = "SELECT COUNT(*) FROM records WHERE at < $1 AND what <> 'thinned'
     AND seq < COALESCE((SELECT MIN(seq) FROM records WHERE at >= $1), seq + 1)";

impl Ledger {
    /// Forgets runs and episodes that ended longer ago than `retention`, and the record up to then.
    /// Returns how many runs went.
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
        // A quiet day leaves no entry.
        let old_runs = concat!("SELECT COUNT(*) FROM runs ", old_runs!());
        let old_episodes = concat!("SELECT COUNT(*) FROM episodes ", old_episodes!());
        let old_words = concat!("SELECT COUNT(*) FROM deliveries ", old_words!());
        let gone = self.count(old_runs, before).await?
            + self.count(old_episodes, before).await?
            + self.count(old_words, before).await?
            + self.count(OLD_RECORDS, before).await?;
        if gone == 0 {
            return Ok(0);
        }
        let gone = self.append(Entry::Thinned { before }, now).await?;
        Ok(u64::try_from(gone).unwrap_or_default())
    }

    async fn count(&self, query: &'static str, before: i64) -> Result<i64, LedgerError> {
        let query = sqlx::query(query).bind(before);
        let count = self.read_one(query, |row| row.get(0)).await?;
        Ok(count.unwrap_or_default())
    }
}

/// Takes old runs away with their steps, old episodes, what was said of either, then the record's
/// beginning. Returns how many runs.
pub(super) async fn fold(connection: &mut AnyConnection, before: i64) -> Result<i64, sqlx::Error> {
    let mut gone = 0;
    for delete in [
        concat!(
            "DELETE FROM deliveries WHERE EXISTS (SELECT 1 FROM episodes ",
            old_episodes!(),
            " AND deliveries.name LIKE '%episode/' || id)"
        ),
        concat!(
            "DELETE FROM deliveries WHERE EXISTS (SELECT 1 FROM runs ",
            old_runs!(),
            " AND deliveries.name LIKE '%run/' || environment || '/' || id)"
        ),
        concat!("DELETE FROM deliveries ", old_words!()),
        concat!("DELETE FROM episodes ", old_episodes!()),
        concat!("DELETE FROM runs ", old_runs!()),
    ] {
        let done = sqlx::query(delete)
            .bind(before)
            .execute(&mut *connection)
            .await?;
        gone = done.rows_affected();
    }
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
    Ok(i64::try_from(gone).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{EpisodeId, RunIntent, RunOutcome, RunSummary};
    use crate::model::{Digest, EnvironmentName, Revision};
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

    #[tokio::test]
    async fn ended_episodes_go_with_what_was_said_of_them_and_open_ones_stay() {
        let clock = Clock::fixed(second(0));
        let ledger = Ledger::in_memory().await.unwrap().with_clock(clock.clone());
        let (shop, nothing) = (EnvironmentName::new("shop").unwrap(), json!(1));
        for condition in ["old", "open", "newest"] {
            let opened = ledger.open_episode(&shop, None, condition, &nothing, second(0));
            let said = format!("slack/episode/{}", opened.await.unwrap().0);
            ledger.record_delivery(&said, &nothing).await.unwrap();
        }
        for id in [1, 3] {
            let ended = ledger.end_episode(EpisodeId(id), "corrected", second(1));
            ended.await.unwrap();
        }
        clock.set(second(100));
        let age = Duration::from_secs(50);
        ledger.thin(age, second(100)).await.unwrap();
        let mut left = Vec::new();
        for id in 1..=3 {
            let said = format!("slack/episode/{id}");
            let said = ledger.delivery(&said).await.unwrap().is_some();
            let there = ledger.episode(EpisodeId(id)).await.unwrap().is_some();
            left.push((there, said));
        }
        // The newest keeps its number from being given again.
        assert_eq!(left, [(false, false), (true, true), (true, true)]);
        let records = ledger.verify().await.unwrap().records;
        ledger.thin(age, second(100)).await.unwrap();
        assert_eq!(ledger.verify().await.unwrap().records, records);
    }

    #[tokio::test]
    async fn what_was_said_of_a_run_goes_with_it() {
        let ledger = Ledger::in_memory().await.unwrap();
        for run in 1..=12 {
            let intent = RunIntent {
                environment: EnvironmentName::new("shop").unwrap(),
                revision: Revision::new("abc"),
                trigger: "revision".into(),
                by: None,
                plan_hash: Digest::of("plan"),
                plan_json: "{}".to_owned(),
                now: second(run),
                steps: Vec::new(),
            };
            let ledger = ledger.clone().with_clock(Clock::fixed(second(run)));
            let id = ledger.open_run(&intent).await.unwrap();
            let done = RunSummary::new(RunOutcome::Done);
            ledger.close_run(id, &done).await.unwrap();
            let said = format!("slack/run/shop/{run}");
            ledger.record_delivery(&said, &json!(1)).await.unwrap();
        }
        let standing = "repository/shop";
        ledger.record_delivery(standing, &json!(1)).await.unwrap();
        let age = Duration::from_secs(8);
        assert_eq!(ledger.thin(age, second(10)).await.unwrap(), 1);
        let mut left = Vec::new();
        for name in ["slack/run/shop/1", "slack/run/shop/11", standing] {
            left.push(ledger.delivery(name).await.unwrap().is_some());
        }
        assert_eq!(left, [false, true, true]);
    }

    #[tokio::test]
    async fn what_was_said_on_pull_requests_goes_when_nothing_was_said_there_for_long() {
        let clock = Clock::fixed(second(0));
        let ledger = Ledger::in_memory().await.unwrap().with_clock(clock.clone());
        let spoken = [
            "forge/infra/pull/7",
            "forge/infra/result/shop/abc",
            "reviewed/shop/pull/7",
            "slack/run/shop/7/so-far",
            "slack/episode/7/0a1b2c3d",
            "slack/daily/2026-11-22/#infra",
            "slack/run/shop/7",
            "forge/infra/main/story/shop",
            "forge/infra/main/taken-in",
            "forge/infra/pull/x/story/shop",
            "forge/infra/pull/x/taken-in",
        ];
        for name in spoken {
            ledger.record_delivery(name, &json!(1)).await.unwrap();
        }
        clock.set(second(100));
        let fresh = "forge/infra/pull/8";
        ledger.record_delivery(fresh, &json!(1)).await.unwrap();
        let age = Duration::from_secs(50);
        ledger.thin(age, second(100)).await.unwrap();
        let mut left = Vec::new();
        for name in spoken.into_iter().chain([fresh]) {
            left.push(ledger.delivery(name).await.unwrap().is_some());
        }
        assert_eq!(left, [[false; 6].to_vec(), [true; 6].to_vec(),].concat());
    }
}
