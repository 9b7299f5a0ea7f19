//! The tables, in one SQL text that SQLite and Postgres both take: TEXT and BIGINT columns only.
//!
//! Times are microseconds since 1970, bodies are JSON text. A later form may add tables and columns
//! that have a default, so that old and new binaries read each other's data.

use super::error::{LedgerError, Place};
use sqlx::{AnyConnection, Row as _};

/// The form written here.
const FORM: i64 = 1;

const TABLES: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS records (
        seq BIGINT PRIMARY KEY, at BIGINT NOT NULL, what TEXT NOT NULL, body TEXT NOT NULL, hash TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS runs (
        id BIGINT PRIMARY KEY, environment TEXT NOT NULL, revision TEXT NOT NULL, cause TEXT NOT NULL,
        plan_hash TEXT NOT NULL, plan TEXT NOT NULL, begun_at BIGINT NOT NULL, ended_at BIGINT, summary TEXT)",
    "CREATE INDEX IF NOT EXISTS runs_by_environment ON runs (environment, id)",
    "CREATE INDEX IF NOT EXISTS runs_open ON runs (id) WHERE ended_at IS NULL",
    "CREATE TABLE IF NOT EXISTS steps (
        run BIGINT NOT NULL, position BIGINT NOT NULL, address TEXT NOT NULL, kind TEXT NOT NULL, action TEXT NOT NULL,
        begun_at BIGINT, applied_at BIGINT, ended_at BIGINT, outcome TEXT, PRIMARY KEY (run, address))",
    "CREATE TABLE IF NOT EXISTS owned (
        address TEXT PRIMARY KEY, environment TEXT NOT NULL, body TEXT NOT NULL)",
    "CREATE INDEX IF NOT EXISTS owned_by_environment ON owned (environment)",
    "CREATE TABLE IF NOT EXISTS episodes (
        id BIGINT PRIMARY KEY, environment TEXT NOT NULL, address TEXT NOT NULL, condition TEXT NOT NULL,
        details TEXT NOT NULL, opened_at BIGINT NOT NULL, ended_at BIGINT, how TEXT)",
    "CREATE UNIQUE INDEX IF NOT EXISTS episodes_open
        ON episodes (environment, address, condition) WHERE ended_at IS NULL",
    "CREATE TABLE IF NOT EXISTS deliveries (name TEXT PRIMARY KEY, posted TEXT NOT NULL, at BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS pauses (
        environment TEXT PRIMARY KEY, why TEXT NOT NULL, who TEXT NOT NULL, since BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS last_good (
        environment TEXT PRIMARY KEY, revision TEXT NOT NULL, path TEXT NOT NULL)",
];

/// Makes what is missing. Refuses what a newer binary made in another form.
pub(super) async fn prepare(
    connection: &mut AnyConnection,
    place: &Place,
) -> Result<(), LedgerError> {
    let failed = |error| LedgerError::from_database(place, error);
    for table in TABLES {
        sqlx::query(*table)
            .execute(&mut *connection)
            .await
            .map_err(failed)?;
    }
    sqlx::query(
        "INSERT INTO facts (name, value) VALUES ('form', $1) ON CONFLICT (name) DO NOTHING",
    )
    .bind(FORM.to_string())
    .execute(&mut *connection)
    .await
    .map_err(failed)?;
    check(connection, place).await
}

/// Tells whether a file of SQLite's holds a ledger yet: a kill may have come before its tables.
pub(super) async fn is_there(connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
    let facts = sqlx::query("SELECT name FROM sqlite_master WHERE name = 'facts'")
        .fetch_optional(connection)
        .await?;
    Ok(facts.is_some())
}

/// Refuses a form this binary does not know.
pub(super) async fn check(
    connection: &mut AnyConnection,
    place: &Place,
) -> Result<(), LedgerError> {
    let found = fact(connection, "form")
        .await
        .map_err(|error| LedgerError::from_database(place, error))?;
    let found: i64 = found
        .ok_or("it does not say its form")
        .and_then(|text| text.parse().map_err(|_| "its form is no number"))
        .map_err(|what| LedgerError::corrupt(place, what))?;
    if found > FORM {
        return Err(LedgerError::Newer {
            place: place.clone(),
            found,
            known: FORM,
        });
    }
    Ok(())
}

/// Reads one fact about the whole ledger.
pub(super) async fn fact(
    connection: &mut AnyConnection,
    name: &str,
) -> Result<Option<String>, sqlx::Error> {
    sqlx::query("SELECT value FROM facts WHERE name = $1")
        .bind(name.to_owned())
        .fetch_optional(connection)
        .await?
        .map(|row| row.try_get(0))
        .transpose()
}

/// Writes one fact about the whole ledger.
pub(super) async fn set_fact(
    connection: &mut AnyConnection,
    name: &str,
    value: String,
) -> Result<(), sqlx::Error> {
    sqlx::query(
        "INSERT INTO facts (name, value) VALUES ($1, $2)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    )
    .bind(name.to_owned())
    .bind(value)
    .execute(connection)
    .await
    .map(drop)
}

#[cfg(test)]
mod tests {
    use crate::ledger::Ledger;
    use crate::model::Fault as _;

    #[tokio::test]
    async fn a_form_or_key_that_cannot_be_read_is_damage_and_no_default() {
        for sql in [
            "UPDATE facts SET value = 'two' WHERE name = 'form'",
            "DELETE FROM facts WHERE name = 'form'",
            "DELETE FROM facts WHERE name = 'digest-key'",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("ledger.db");
            let ledger = Ledger::open(&path).await.unwrap();
            sqlx::query(sql).execute(&ledger.pool).await.unwrap();
            ledger.close().await;
            let damaged = Ledger::open_for_reading(&path).await.unwrap_err();
            assert_eq!(damaged.code(), "ledger-corrupt", "{sql}: {damaged:?}");
        }
    }
}
