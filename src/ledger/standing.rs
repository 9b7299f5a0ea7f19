//! What stands until it is replaced: what was posted where, who paused what, and the last revision
//! of each environment that could be read.

use super::entry::{Entry, Over};
use super::records::Pause;
use super::{Ledger, LedgerError, schema};
use crate::model::{EnvironmentName, RepoPath, Revision};
use jiff::Timestamp;
use serde_json::{Value, json};
use sqlx::{AnyConnection, Row as _};
use std::collections::BTreeMap;

impl Ledger {
    /// Returns what was posted under this name: a comment's id, a message's time stamp, its digest.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn delivery(&self, name: &str) -> Result<Option<Value>, LedgerError> {
        let query =
            sqlx::query("SELECT posted FROM deliveries WHERE name = $1").bind(name.to_owned());
        self.read_one(query, |row| row.json(0)).await
    }

    /// Remembers what was posted under this name, in the place of what was there. Writes nothing
    /// where just that is known already. No tokens, no values of secrets.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn record_delivery(&self, name: &str, posted: &Value) -> Result<(), LedgerError> {
        if self.delivery(name).await?.as_ref() == Some(posted) {
            return Ok(());
        }
        self.note(Entry::Delivered {
            name: name.to_owned(),
            posted: posted.clone(),
            over: Over::Anything,
        })
        .await
    }

    /// Puts something in the place of just that under a name (`None`: of nothing). Returns false, and writes
    /// nothing, where something else is there.
    pub(super) async fn put_over(
        &self,
        name: &str,
        before: Option<Value>,
        after: Value,
    ) -> Result<bool, LedgerError> {
        let entry = Entry::Delivered {
            name: name.to_owned(),
            posted: after,
            over: Over::Just(before),
        };
        let id = self.append_all(vec![entry], self.clock.now()).await?;
        Ok(id.is_some())
    }

    /// Returns the repository each environment was last kept from.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn homes(&self) -> Result<BTreeMap<EnvironmentName, String>, LedgerError> {
        let query = sqlx::query("SELECT name, posted FROM deliveries WHERE name LIKE 'home/%'");
        let homes = self.read(query, |row| {
            Ok((row.get::<String>(0)?, row.json::<Value>(1)?))
        });
        let home = |(name, posted): (String, Value)| {
            let environment = EnvironmentName::new(name.strip_prefix("home/")?).ok()?;
            Some((environment, posted["repository"].as_str()?.to_owned()))
        };
        Ok(homes.await?.into_iter().filter_map(home).collect())
    }

    /// Returns what stands in the daemon's own way by name, a channel that refuses messages say: an object each
    /// with `code`, `message`, `hint` and `since`.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn conditions(&self) -> Result<BTreeMap<String, Value>, LedgerError> {
        let query =
            sqlx::query("SELECT name, posted FROM deliveries WHERE name LIKE 'condition/%'");
        let conditions = self.read(query, |row| {
            Ok((row.get::<String>(0)?, row.json::<Value>(1)?))
        });
        let open = |(name, details): (String, Value)| {
            let name = name.strip_prefix("condition/")?.to_owned();
            (!details.is_null()).then_some((name, details))
        };
        Ok(conditions.await?.into_iter().filter_map(open).collect())
    }

    /// Says what stands in the daemon's own way, or that it does no more. Writes nothing where just that is
    /// known already.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn set_condition(
        &self,
        name: &str,
        details: Option<&Value>,
    ) -> Result<(), LedgerError> {
        let name = format!("condition/{name}");
        let before = self.delivery(&name).await?.unwrap_or_default();
        let same = |details: &Value| {
            let keys = ["code", "message", "hint"];
            keys.iter().all(|key| details[*key] == before[*key])
        };
        let posted = match details {
            None if before.is_null() => return Ok(()),
            None => Value::Null,
            Some(details) if same(details) => return Ok(()),
            Some(details) => {
                let mut details = details.clone();
                details["since"] = json!(self.clock.now());
                details
            }
        };
        let over = Over::Anything;
        self.note(Entry::Delivered { name, posted, over }).await
    }

    /// Returns what was last said of a comparison of this environment.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn last_compared(
        &self,
        environment: &EnvironmentName,
    ) -> Result<Option<Value>, LedgerError> {
        let query =
            sqlx::query("SELECT value FROM facts WHERE name = $1").bind(compared_name(environment));
        self.read_one(query, |row| row.json(0)).await
    }

    /// Says how an environment compared, in the place of what was said before. It leaves no record,
    /// since every quiet pass says it.
    ///
    /// # Errors
    /// Why it could not be written.
    pub async fn compared(
        &self,
        environment: &EnvironmentName,
        seen: &Value,
    ) -> Result<(), LedgerError> {
        self.note(Entry::Compared {
            environment: environment.clone(),
            seen: seen.clone(),
        })
        .await
    }

    /// Stops changes of an environment until it is resumed. A second pause takes the first's place.
    ///
    /// # Errors
    /// Why it could not be written.
    pub async fn pause(
        &self,
        environment: &EnvironmentName,
        why: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<(), LedgerError> {
        let entry = Entry::Paused {
            environment: environment.clone(),
            why: why.to_owned(),
            by: by.to_owned(),
        };
        self.append(entry, now).await.map(drop)
    }

    /// Lets changes of an environment go on. Returns whether it was paused.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn resume(&self, environment: &EnvironmentName) -> Result<bool, LedgerError> {
        let environment = environment.clone();
        let entry = Entry::Resumed { environment };
        let id = self.append_all(vec![entry], self.clock.now()).await?;
        Ok(id.is_some())
    }

    /// Returns every pause, by environment.
    ///
    /// # Errors
    /// Why they cannot be read; never an empty answer instead.
    pub async fn pauses(&self) -> Result<Vec<Pause>, LedgerError> {
        let query =
            sqlx::query("SELECT environment, why, who, since FROM pauses ORDER BY environment");
        self.read(query, |row| {
            Ok(Pause {
                environment: row.word(0)?,
                why: row.get(1)?,
                by: row.get(2)?,
                since: row.time(3)?,
            })
        })
        .await
    }

    /// Returns the last revision at which an environment could be read, and the file it stood in.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn last_good(
        &self,
        environment: &EnvironmentName,
    ) -> Result<Option<(Revision, RepoPath)>, LedgerError> {
        let query = sqlx::query("SELECT revision, path FROM last_good WHERE environment = $1")
            .bind(environment.to_string());
        self.read_one(query, |row| Ok((row.word(0)?, row.word(1)?)))
            .await
    }

    /// Returns the last good revision and file of every environment.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn all_last_good(
        &self,
    ) -> Result<Vec<(EnvironmentName, Revision, RepoPath)>, LedgerError> {
        let query =
            sqlx::query("SELECT environment, revision, path FROM last_good ORDER BY environment");
        self.read(query, |row| Ok((row.word(0)?, row.word(1)?, row.word(2)?)))
            .await
    }
}

/// Names the fact that tells when an environment was last compared.
fn compared_name(environment: &EnvironmentName) -> String {
    format!("compared/{environment}")
}

pub(super) async fn fold_compared(
    connection: &mut AnyConnection,
    environment: &EnvironmentName,
    seen: &Value,
) -> Result<(), sqlx::Error> {
    schema::set_fact(connection, &compared_name(environment), seen.to_string()).await
}

pub(super) async fn fold_delivered(
    connection: &mut AnyConnection,
    name: &str,
    posted: &Value,
    at: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO deliveries (name, posted, at) VALUES ($1, $2, $3)
         ON CONFLICT (name) DO UPDATE SET posted = excluded.posted, at = excluded.at",
    )
    .bind(name.to_owned())
    .bind(posted.to_string())
    .bind(at)
    .execute(connection)
    .await
    .map(drop)
}

/// Returns what is under a name now.
pub(super) async fn posted(
    connection: &mut AnyConnection,
    name: &str,
) -> Result<Option<Value>, sqlx::Error> {
    let row = sqlx::query("SELECT posted FROM deliveries WHERE name = $1")
        .bind(name.to_owned())
        .fetch_optional(connection)
        .await?;
    let text: Option<String> = row.map(|row| row.try_get(0)).transpose()?;
    let posted = text.map(|text| serde_json::from_str(&text)).transpose();
    posted.map_err(|error| sqlx::Error::Decode(error.into()))
}

pub(super) async fn is_paused(
    connection: &mut AnyConnection,
    environment: &EnvironmentName,
) -> Result<bool, sqlx::Error> {
    let row = sqlx::query("SELECT environment FROM pauses WHERE environment = $1")
        .bind(environment.to_string())
        .fetch_optional(connection)
        .await?;
    Ok(row.is_some())
}

pub(super) async fn fold_paused(
    connection: &mut AnyConnection,
    environment: &EnvironmentName,
    (why, by): (&str, &str),
    at: i64,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO pauses (environment, why, who, since) VALUES ($1, $2, $3, $4)
         ON CONFLICT (environment) DO UPDATE SET why = excluded.why, who = excluded.who, since = excluded.since",
    )
    .bind(environment.to_string())
    .bind(why.to_owned())
    .bind(by.to_owned())
    .bind(at)
    .execute(connection)
    .await
    .map(drop)
}

pub(super) async fn fold_resumed(
    connection: &mut AnyConnection,
    environment: &EnvironmentName,
) -> Result<(), sqlx::Error> {
    sqlx::query("DELETE FROM pauses WHERE environment = $1")
        .bind(environment.to_string())
        .execute(connection)
        .await
        .map(drop)
}

pub(super) async fn fold_last_good(
    connection: &mut AnyConnection,
    environment: &EnvironmentName,
    revision: &Revision,
    path: &RepoPath,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO last_good (environment, revision, path) VALUES ($1, $2, $3)
         ON CONFLICT (environment) DO UPDATE SET revision = excluded.revision, path = excluded.path",
    )
    .bind(environment.to_string())
    .bind(revision.to_string())
    .bind(path.as_str().to_owned())
    .execute(connection)
    .await
    .map(drop)
}
