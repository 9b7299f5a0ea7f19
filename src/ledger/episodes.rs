//! Episodes: one condition of one resource, from found to ended. At most one is open at a time.

use super::entry::Entry;
use super::reading::Reading;
use super::records::{Episode, EpisodeId};
use super::{Ledger, LedgerError};
use crate::model::{Address, EnvironmentName};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use sqlx::{AnyConnection, Row as _};

macro_rules! select_episode {
    ($tail:literal) => {
        concat!(
            "SELECT id, environment, address, condition, details, opened_at, ended_at, how FROM episodes ",
            $tail
        )
    };
}

impl Ledger {
    /// Opens an episode, or finds the one that is open; its details become these. Writes nothing
    /// where just that is known already. `details` are masked; `address` is `None` where the
    /// condition is the whole environment's.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn open_episode(
        &self,
        environment: &EnvironmentName,
        address: Option<&Address>,
        condition: &str,
        details: &Value,
        now: Timestamp,
    ) -> Result<EpisodeId, LedgerError> {
        let query = sqlx::query(select_episode!(
            "WHERE ended_at IS NULL AND environment = $1 AND address = $2 AND condition = $3"
        ))
        .bind(environment.to_string())
        .bind(text_of(address))
        .bind(condition.to_owned());
        let open = self.read_one(query, |row| episode(&row)).await?;
        if let Some(open) = open.filter(|open| open.details == *details) {
            return Ok(open.id);
        }
        let entry = Entry::EpisodeOpened(Opening {
            episode: 0,
            environment: environment.clone(),
            address: address.cloned(),
            condition: condition.to_owned(),
            details: details.clone(),
        });
        Ok(EpisodeId(self.append(entry, now).await?))
    }

    /// Returns an episode, open or ended.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn episode(&self, id: EpisodeId) -> Result<Option<Episode>, LedgerError> {
        let query = sqlx::query(select_episode!("WHERE id = $1")).bind(id.0);
        self.read_one(query, |row| episode(&row)).await
    }

    /// Returns the open episodes of an environment, oldest first.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn open_episodes(
        &self,
        environment: &EnvironmentName,
    ) -> Result<Vec<Episode>, LedgerError> {
        let query = sqlx::query(select_episode!(
            "WHERE ended_at IS NULL AND environment = $1 ORDER BY id"
        ))
        .bind(environment.to_string());
        self.read(query, |row| episode(&row)).await
    }

    /// Returns the open episodes of one condition, in any environment.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn open_episodes_of(&self, condition: &str) -> Result<Vec<Episode>, LedgerError> {
        let query = sqlx::query(select_episode!(
            "WHERE ended_at IS NULL AND condition = $1 ORDER BY id"
        ))
        .bind(condition.to_owned());
        self.read(query, |row| episode(&row)).await
    }

    /// Returns the episodes of one condition in an environment that ended since, oldest first.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn ended_episodes(
        &self,
        environment: &EnvironmentName,
        condition: &str,
        since: Timestamp,
    ) -> Result<Vec<Episode>, LedgerError> {
        let query = sqlx::query(select_episode!(
            "WHERE environment = $1 AND condition = $2 AND ended_at >= $3 ORDER BY id"
        ))
        .bind(environment.to_string())
        .bind(condition.to_owned())
        .bind(since.as_microsecond());
        self.read(query, |row| episode(&row)).await
    }

    /// Ends an episode. Fine where it has ended already: its first end stays.
    ///
    /// # Errors
    /// Why it could not be written.
    pub async fn end_episode(
        &self,
        id: EpisodeId,
        how: &str,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let found = self.episode(id).await?;
        if found.is_none_or(|found| found.ended_at.is_some()) {
            return Ok(());
        }
        let entry = Entry::EpisodeEnded {
            episode: id.0,
            how: how.to_owned(),
        };
        self.append(entry, now).await.map(drop)
    }
}

/// Postgres and SQLite hold two NULLs for different, so "none" is the empty text.
fn text_of(address: Option<&Address>) -> String {
    address.map(ToString::to_string).unwrap_or_default()
}

fn episode(row: &Reading<'_>) -> Result<Episode, LedgerError> {
    let address: String = row.get(2)?;
    Ok(Episode {
        id: EpisodeId(row.get(0)?),
        environment: row.word(1)?,
        address: if address.is_empty() {
            None
        } else {
            Some(row.word(2)?)
        },
        condition: row.get(3)?,
        details: row.json(4)?,
        opened_at: row.time(5)?,
        ended_at: row.maybe_time(6)?,
        how: row.get(7)?,
    })
}

/// Returns the number of the open episode about this, or the next free one. The newest episode is
/// never taken away, so none is used twice.
pub(super) async fn id_for(
    connection: &mut AnyConnection,
    (environment, address, condition): (&EnvironmentName, Option<&Address>, &str),
) -> Result<i64, sqlx::Error> {
    let open = sqlx::query(
        "SELECT id FROM episodes
         WHERE ended_at IS NULL AND environment = $1 AND address = $2 AND condition = $3",
    )
    .bind(environment.to_string())
    .bind(text_of(address))
    .bind(condition.to_owned())
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(row) = open {
        return row.try_get(0);
    }
    sqlx::query("SELECT COALESCE(MAX(id), 0) + 1 FROM episodes")
        .fetch_one(connection)
        .await?
        .try_get(0)
}

/// An episode that is opened, or gets other details.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Opening {
    /// Given by the writer.
    pub(super) episode: i64,
    pub(super) environment: EnvironmentName,
    pub(super) address: Option<Address>,
    pub(super) condition: String,
    pub(super) details: Value,
}

/// Takes an episode in. Returns its number.
pub(super) async fn fold_opened(
    connection: &mut AnyConnection,
    opening: &Opening,
    at: i64,
) -> Result<i64, sqlx::Error> {
    sqlx::query(
        "INSERT INTO episodes (id, environment, address, condition, details, opened_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (id) DO UPDATE SET details = excluded.details",
    )
    .bind(opening.episode)
    .bind(opening.environment.to_string())
    .bind(text_of(opening.address.as_ref()))
    .bind(opening.condition.clone())
    .bind(opening.details.to_string())
    .bind(at)
    .execute(connection)
    .await
    .map(|_| opening.episode)
}

pub(super) async fn fold_ended(
    connection: &mut AnyConnection,
    episode: i64,
    how: &str,
    at: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query("UPDATE episodes SET ended_at = $1, how = $2 WHERE id = $3 AND ended_at IS NULL")
        .bind(at)
        .bind(how.to_owned())
        .bind(episode)
        .execute(connection)
        .await
        .map(drop)
}
