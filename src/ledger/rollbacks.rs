//! Environments that were put back to an older revision, until Git says something new; and what of each
//! went well, which is where they are put back to.

use super::{Ledger, LedgerError};
use crate::model::{Digest, EnvironmentName, Revision};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One environment that is kept at an older revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rollback {
    /// The environment.
    pub environment: EnvironmentName,
    /// The revision it is kept at.
    pub to: Revision,
    /// Why, in somebody's words; may be empty.
    pub why: String,
    /// Who.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// What it was put back from; `None` until the daemon saw it.
    pub refused: Option<Version>,
}

/// What an environment's files said, and a revision at which they did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The revision.
    pub revision: Revision,
    /// The digest of the environment's files there: the same at another revision is the same version.
    pub content: Digest,
}

/// What is remembered of an environment's versions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The one that is kept.
    pub kept: Option<Version>,
    /// Those that were applied whole and were ready, the newest first.
    pub good: Vec<Version>,
}

/// How many good versions are remembered.
const GOOD: usize = 10;

impl Versions {
    /// Tells whether a version went well before.
    pub fn went_well(&self, content: &Digest) -> bool {
        self.good.iter().any(|good| good.content == *content)
    }

    /// Returns the version that last went well, other than the one that is kept and the one that was left.
    pub fn target(&self, refused: Option<&Version>) -> Option<&Version> {
        let is_not = |other: Option<&Version>, one: &Version| {
            other.is_none_or(|other| other.content != one.content)
        };
        let mut good = self.good.iter();
        good.find(|one| is_not(self.kept.as_ref(), one) && is_not(refused, one))
    }
}

impl Ledger {
    /// Returns every rollback that stands.
    ///
    /// # Errors
    /// Why they cannot be read; never an empty answer instead.
    pub async fn rollbacks(&self) -> Result<Vec<Rollback>, LedgerError> {
        let query =
            sqlx::query("SELECT posted FROM deliveries WHERE name LIKE 'rollback/%' ORDER BY name");
        let all = self.read(query, |row| row.json::<Option<Rollback>>(0));
        Ok(all.await?.into_iter().flatten().collect())
    }

    /// Has an environment kept at an older revision, in the place of an earlier rollback.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn set_rollback(&self, rollback: &Rollback) -> Result<(), LedgerError> {
        let posted = serde_json::to_value(rollback).unwrap_or_default();
        let name = format!("rollback/{}", rollback.environment);
        self.record_delivery(&name, &posted).await
    }

    /// Lets an environment follow Git again. Returns whether it was rolled back.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn end_rollback(&self, environment: &EnvironmentName) -> Result<bool, LedgerError> {
        let name = format!("rollback/{environment}");
        match self.delivery(&name).await? {
            None | Some(Value::Null) => Ok(false),
            Some(_) => {
                self.record_delivery(&name, &Value::Null).await?;
                Ok(true)
            }
        }
    }

    /// Returns what is remembered of an environment's versions.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn versions(&self, environment: &EnvironmentName) -> Result<Versions, LedgerError> {
        let known = self.delivery(&format!("versions/{environment}")).await?;
        Ok(known
            .and_then(|known| serde_json::from_value(known).ok())
            .unwrap_or_default())
    }

    /// Remembers which version of an environment is kept from now on.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn keeps(
        &self,
        environment: &EnvironmentName,
        version: Version,
    ) -> Result<(), LedgerError> {
        let mut versions = self.versions(environment).await?;
        if versions.kept.as_ref().map(|kept| &kept.content) == Some(&version.content) {
            return Ok(());
        }
        versions.kept = Some(version);
        self.set_versions(environment, &versions).await
    }

    /// Remembers that a version of an environment was applied whole and is ready.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn went_well(
        &self,
        environment: &EnvironmentName,
        version: Version,
    ) -> Result<(), LedgerError> {
        let mut versions = self.versions(environment).await?;
        let newest = versions.good.first();
        if newest.is_some_and(|newest| newest.content == version.content) {
            return Ok(());
        }
        versions.good.retain(|good| good.content != version.content);
        versions.good.insert(0, version);
        versions.good.truncate(GOOD);
        self.set_versions(environment, &versions).await
    }

    async fn set_versions(
        &self,
        environment: &EnvironmentName,
        versions: &Versions,
    ) -> Result<(), LedgerError> {
        let posted = serde_json::to_value(versions).unwrap_or_default();
        self.record_delivery(&format!("versions/{environment}"), &posted)
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(content: &str) -> Version {
        Version {
            revision: Revision::new(format!("at-{content}")),
            content: Digest::of(content),
        }
    }

    #[test]
    fn the_way_back_leads_to_other_content_and_never_to_what_was_left() {
        let versions = Versions {
            kept: Some(version("b")),
            good: vec![version("b"), version("a")],
        };
        let to = |refused| Some(versions.target(refused)?.revision.as_str().to_owned());
        assert_eq!(to(None).unwrap(), "at-a");
        assert_eq!(to(Some(&version("a"))), None);
        assert!(versions.went_well(&Digest::of("b")) && !versions.went_well(&Digest::of("c")));
    }
}
