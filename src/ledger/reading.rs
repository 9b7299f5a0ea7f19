//! Rows -> nouns, with what does not read named as damage.

use super::Ledger;
use super::error::LedgerError;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row as _, Type};

/// One row and the ledger it is of.
pub(super) struct Reading<'r> {
    row: &'r AnyRow,
    ledger: &'r Ledger,
}

impl Reading<'_> {
    /// Reads one column.
    pub(super) fn get<'v, T>(&'v self, column: usize) -> Result<T, LedgerError>
    where
        T: Decode<'v, Any> + Type<Any>,
    {
        self.row
            .try_get(column)
            .map_err(|error| LedgerError::from_database(&self.ledger.place, error))
    }

    /// Reads a time.
    pub(super) fn time(&self, column: usize) -> Result<Timestamp, LedgerError> {
        Timestamp::from_microsecond(self.get(column)?).map_err(|error| self.damaged(error))
    }

    /// Reads a time that may be missing.
    pub(super) fn maybe_time(&self, column: usize) -> Result<Option<Timestamp>, LedgerError> {
        let micros: Option<i64> = self.get(column)?;
        let time = micros.map(Timestamp::from_microsecond).transpose();
        time.map_err(|error| self.damaged(error))
    }

    /// Reads a name or a word.
    pub(super) fn word<T: DeserializeOwned>(&self, column: usize) -> Result<T, LedgerError> {
        let text: String = self.get(column)?;
        serde_json::from_value(serde_json::Value::String(text)).map_err(|error| self.damaged(error))
    }

    /// Reads JSON text.
    pub(super) fn json<T: DeserializeOwned>(&self, column: usize) -> Result<T, LedgerError> {
        let text: String = self.get(column)?;
        serde_json::from_str(&text).map_err(|error| self.damaged(error))
    }

    /// Reads JSON text that may be missing.
    pub(super) fn maybe_json<T: DeserializeOwned>(
        &self,
        column: usize,
    ) -> Result<Option<T>, LedgerError> {
        let text: Option<String> = self.get(column)?;
        let value = text.map(|text| serde_json::from_str(&text)).transpose();
        value.map_err(|error| self.damaged(error))
    }

    fn damaged(&self, error: impl std::error::Error + Send + Sync + 'static) -> LedgerError {
        LedgerError::corrupt(&self.ledger.place, error)
    }
}

impl Ledger {
    /// Runs a query and reads each row.
    pub(super) async fn read<T>(
        &self,
        query: sqlx::query::Query<'_, Any, sqlx::any::AnyArguments>,
        read: impl Fn(Reading<'_>) -> Result<T, LedgerError>,
    ) -> Result<Vec<T>, LedgerError> {
        self.in_place()?;
        let rows = query
            .fetch_all(&self.pool)
            .await
            .map_err(|error| LedgerError::from_database(&self.place, error))?;
        rows.iter()
            .map(|row| read(Reading { row, ledger: self }))
            .collect()
    }

    /// Runs a query and reads the first row, if any.
    pub(super) async fn read_one<T>(
        &self,
        query: sqlx::query::Query<'_, Any, sqlx::any::AnyArguments>,
        read: impl Fn(Reading<'_>) -> Result<T, LedgerError>,
    ) -> Result<Option<T>, LedgerError> {
        Ok(self.read(query, read).await?.into_iter().next())
    }
}
