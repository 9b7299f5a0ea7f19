//! What is ours: every resource we applied and have not taken away. Lost, it is rebuilt from Git and
//! the marks on live objects, by [`Ledger::own`].

use super::entry::Entry;
use super::{Ledger, LedgerError};
use crate::model::{Address, EnvironmentName, Owned};
use sqlx::AnyConnection;
use std::collections::BTreeSet;

impl Ledger {
    /// Remembers that a resource is ours. Writes nothing where just that is known already.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn own(&self, owned: &Owned) -> Result<(), LedgerError> {
        if self.owned_at(&owned.address).await?.as_ref() == Some(owned) {
            return Ok(());
        }
        let owned = Box::new(owned.clone());
        self.note(Entry::Owned { owned }).await
    }

    /// Forgets a resource: it is gone, or has another address now. Fine where it is not known.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn release(&self, address: &Address) -> Result<(), LedgerError> {
        let query =
            sqlx::query("SELECT address FROM owned WHERE address = $1").bind(address.to_string());
        let known: Option<Address> = self.read_one(query, |row| row.word(0)).await?;
        match known {
            Some(address) => self.note(Entry::Released { address }).await,
            None => Ok(()),
        }
    }

    /// Returns what is ours in one environment, by address.
    ///
    /// # Errors
    /// Why it cannot be read; never an empty answer instead.
    pub async fn owned(&self, environment: &EnvironmentName) -> Result<Vec<Owned>, LedgerError> {
        let query = sqlx::query("SELECT body FROM owned WHERE environment = $1 ORDER BY address")
            .bind(environment.to_string());
        self.read(query, |row| row.json(0)).await
    }

    /// Returns what is known of one resource; `None` where it is not ours.
    ///
    /// # Errors
    /// Why it cannot be read; never an empty answer instead.
    pub async fn owned_at(&self, address: &Address) -> Result<Option<Owned>, LedgerError> {
        let query =
            sqlx::query("SELECT body FROM owned WHERE address = $1").bind(address.to_string());
        self.read_one(query, |row| row.json(0)).await
    }

    /// Returns what is ours in every environment but one, by address.
    ///
    /// # Errors
    /// Why it cannot be read; never an empty answer instead.
    pub async fn owned_beside(
        &self,
        environment: &EnvironmentName,
    ) -> Result<Vec<Owned>, LedgerError> {
        let query = sqlx::query("SELECT body FROM owned WHERE environment <> $1 ORDER BY address")
            .bind(environment.to_string());
        self.read(query, |row| row.json(0)).await
    }

    /// Returns every environment in which something is ours.
    ///
    /// # Errors
    /// Why they cannot be read; never an empty answer instead.
    pub async fn owners(&self) -> Result<BTreeSet<EnvironmentName>, LedgerError> {
        let query = sqlx::query("SELECT DISTINCT environment FROM owned");
        Ok(self
            .read(query, |row| row.word(0))
            .await?
            .into_iter()
            .collect())
    }

    /// Returns every address that is ours, in any environment.
    ///
    /// # Errors
    /// Why they cannot be read; never an empty answer instead.
    pub async fn all_owned_addresses(&self) -> Result<BTreeSet<Address>, LedgerError> {
        let query = sqlx::query("SELECT address FROM owned");
        Ok(self
            .read(query, |row| row.word(0))
            .await?
            .into_iter()
            .collect())
    }
}

/// Takes in what an address is from now on.
pub(super) async fn fold(
    connection: &mut AnyConnection,
    address: &Address,
    owned: Option<&Owned>,
) -> Result<(), sqlx::Error> {
    let Some(owned) = owned else {
        return sqlx::query("DELETE FROM owned WHERE address = $1")
            .bind(address.to_string())
            .execute(connection)
            .await
            .map(drop);
    };
    let body = serde_json::to_string(owned).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(
        "INSERT INTO owned (address, environment, body) VALUES ($1, $2, $3)
         ON CONFLICT (address) DO UPDATE SET body = excluded.body",
    )
    .bind(owned.address.to_string())
    .bind(owned.address.environment.to_string())
    .bind(body)
    .execute(connection)
    .await
    .map(drop)
}
