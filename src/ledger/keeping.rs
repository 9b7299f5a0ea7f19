//! What is kept of environments from a new state on: home, last good revision and version, of all that
//! the state changed in one transaction. A kill before it leaves the state to be taken in again.

use super::entry::{Entry, Over};
use super::rollbacks::versions_name;
use super::{Ledger, LedgerError, Version, Versions};
use crate::model::{EnvironmentName, RepoPath, Revision};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What is kept of one environment from now on.
#[derive(Clone, Debug)]
pub struct Keeping {
    /// The environment.
    pub environment: EnvironmentName,
    /// The repository it is kept from.
    pub repository: String,
    /// The revision at which it could be read.
    pub revision: Revision,
    /// The file it stands in there.
    pub path: RepoPath,
    /// What its files say.
    pub version: Version,
}

impl Ledger {
    /// Remembers what is kept from now on, of all or of none. Writes nothing that is known already.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn keep(&self, all: &[Keeping]) -> Result<(), LedgerError> {
        if all.is_empty() {
            return Ok(());
        }
        loop {
            let entries = self.news_of(all).await?;
            // A run may have said meanwhile what went well: that must not be lost.
            if self.append_all(entries, self.clock.now()).await?.is_some() {
                return Ok(());
            }
        }
    }

    async fn news_of(&self, all: &[Keeping]) -> Result<Vec<Entry>, LedgerError> {
        let homes = self.homes().await?;
        let good = self.all_last_good().await?.into_iter();
        let good: BTreeMap<_, _> = good.map(|(name, at, path)| (name, (at, path))).collect();
        let known = self.all_versions().await?;
        let mut entries = Vec::new();
        for one in all {
            let environment = &one.environment;
            if homes.get(environment) != Some(&one.repository) {
                entries.push(Entry::Delivered {
                    name: format!("home/{environment}"),
                    posted: json!({ "repository": one.repository }),
                    over: Over::Anything,
                });
            }
            let now = (one.revision.clone(), one.path.clone());
            if good.get(environment) != Some(&now) {
                entries.push(Entry::LastGood {
                    environment: environment.clone(),
                    revision: now.0,
                    path: now.1,
                });
            }
            let name = versions_name(environment);
            let before = known.get(&name).cloned();
            let mut versions = Versions::of(before.clone());
            let kept = versions.kept.as_ref().map(|kept| &kept.content);
            if kept != Some(&one.version.content) {
                versions.keep(one.version.clone(), self.clock.now());
                entries.push(Entry::Delivered {
                    name,
                    posted: serde_json::to_value(versions).unwrap_or_default(),
                    over: Over::Just(before),
                });
            }
        }
        Ok(entries)
    }

    async fn all_versions(&self) -> Result<BTreeMap<String, Value>, LedgerError> {
        let query = sqlx::query("SELECT name, posted FROM deliveries WHERE name LIKE 'versions/%'");
        let all = self.read(query, |row| Ok((row.get(0)?, row.json(1)?)));
        Ok(all.await?.into_iter().collect())
    }
}

#[cfg(test)]
impl Keeping {
    /// What is kept of an environment at a revision, in tests; its files say the revision's name.
    pub(super) fn of_test(environment: &EnvironmentName, at: &str) -> Self {
        let revision = Revision::new(at);
        Self {
            environment: environment.clone(),
            repository: "infra".to_owned(),
            path: RepoPath::new("shop.yaml").expect("it is a path"),
            version: Version {
                revision: revision.clone(),
                content: crate::model::Digest::of(at),
            },
            revision,
        }
    }
}
