//! What the ledger says of who keeps which environment and owns which object. It decides where Git
//! alone cannot: while a repository has not been read, another may declare what is its.

use crate::ledger::{Ledger, LedgerError};
use crate::model::{Address, EnvironmentName};
use std::collections::{BTreeMap, BTreeSet};

/// What the ledger says, and which repositories have not been read yet.
#[derive(Clone, Debug, Default)]
pub struct Claims {
    /// Every address that something is owned at.
    owned: BTreeSet<Address>,
    /// The repository each environment was last kept from.
    homes: BTreeMap<EnvironmentName, String>,
    /// Repositories of the settings that were not read yet.
    unread: BTreeSet<String>,
}

impl Claims {
    /// Reads what the ledger says.
    ///
    /// # Errors
    /// The ledger cannot be read: then nothing may be taken.
    pub async fn read(ledger: &Ledger, unread: BTreeSet<String>) -> Result<Self, LedgerError> {
        Ok(Self {
            owned: ledger.all_owned_addresses().await?,
            homes: ledger.homes().await?,
            unread,
        })
    }

    /// Returns the repository that keeps an environment and was not read yet, where that is another one.
    pub(super) fn kept_unread(&self, name: &EnvironmentName, repository: &str) -> Option<&str> {
        let home = self.homes.get(name)?;
        (home != repository && self.unread.contains(home)).then_some(home)
    }

    /// Tells whether the first of two addresses that declare one object has it by right.
    pub(super) fn prefers(&self, one: &Address, other: &Address) -> bool {
        self.owned.contains(one) && !self.owned.contains(other)
    }
}
