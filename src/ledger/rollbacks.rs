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
    /// What was kept in between and never went well either: it goes back with it. The oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub along: Vec<Revision>,
}

impl Rollback {
    /// Returns why, and what goes back with it, in one line; may be empty.
    pub fn told(&self) -> String {
        let why = Some(self.why.clone()).filter(|why| !why.is_empty());
        let parts = [why, taken_along(&self.along)];
        parts.into_iter().flatten().collect::<Vec<_>>().join("; ")
    }
}

/// Says what else a rollback takes back; `None` where nothing.
pub fn taken_along(along: &[Revision]) -> Option<String> {
    let all: Vec<_> = along.iter().map(Revision::short).collect();
    let (last, others) = all.split_last()?;
    let (all, go, never) = match others {
        [] => (last.clone(), "goes", "was"),
        others => (format!("{} and {last}", others.join(", ")), "go", "were"),
    };
    Some(format!(
        "{all} {go} back with it, which {never} merged in between and never went well"
    ))
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
    /// Since when it is; `None` where an older binary wrote it.
    #[serde(default)]
    pub since: Option<Timestamp>,
    /// Since when no version that is kept went well before: what fails since longer is not this one's doing.
    /// `None` where an older binary wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unproven_since: Option<Timestamp>,
    /// Those that were kept before it since one went well, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    unproven: Vec<Version>,
    /// Those that were applied whole and were ready, the newest first.
    pub good: Vec<Version>,
}

/// How many versions are remembered that went well, and that did not.
const GOOD: usize = 10;
const UNPROVEN: usize = 50;

impl Versions {
    /// Reads what is remembered; what cannot be read is nothing.
    pub(super) fn of(remembered: Option<Value>) -> Self {
        let read = remembered.and_then(|remembered| serde_json::from_value(remembered).ok());
        read.unwrap_or_default()
    }

    /// Keeps a version from now on.
    pub(super) fn keep(&mut self, version: Version, now: Timestamp) {
        let proven = |kept: &Version| self.went_well(&kept.content);
        if self.kept.as_ref().is_none_or(proven) {
            self.unproven_since = Some(now);
            self.unproven.clear();
        }
        let left = self.kept.replace(version);
        self.unproven
            .extend(left.filter(|left| !self.good.iter().any(|good| good.content == left.content)));
        let most = self.unproven.len().saturating_sub(UNPROVEN);
        self.unproven.drain(..most);
        self.since = Some(now);
    }

    /// Tells whether a version went well before.
    pub fn went_well(&self, content: &Digest) -> bool {
        self.good.iter().any(|good| good.content == *content)
    }

    /// Returns what goes back with the version that is kept where that is put back to the one that last went well:
    /// what came in between.
    pub fn along(&self) -> Vec<Revision> {
        let Some(kept) = self.kept.as_ref() else {
            return Vec::new();
        };
        if self.went_well(&kept.content) {
            return Vec::new();
        }
        let others = self.unproven.iter();
        let others = others.filter(|one| one.content != kept.content);
        others.map(|one| one.revision.clone()).collect()
    }

    /// Tells whether this is what last went well, with nothing else kept since.
    pub fn is_in_force(&self, content: &Digest) -> bool {
        let newest = self.good.first();
        newest.is_some_and(|good| good.content == *content) && self.since == self.unproven_since
    }

    /// Returns the version to which what is kept is news: the one that last went well or, where none ever did, the
    /// first that is remembered.
    pub fn baseline(&self) -> Option<&Version> {
        self.good.first().or_else(|| self.unproven.first())
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

    /// Has an environment kept at an older revision, in the place of just that order (`None`: where there is
    /// none). Returns false, and writes nothing, where somebody ordered something else meanwhile.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn order_rollback(
        &self,
        rollback: &Rollback,
        over: Option<&Rollback>,
    ) -> Result<bool, LedgerError> {
        let after = serde_json::to_value(rollback).unwrap_or_default();
        self.replace_rollback(&rollback.environment, over, after)
            .await
    }

    /// Lets an environment follow Git again, where it is just this order that keeps it from that. Returns
    /// whether it was.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn rollback_over(&self, rollback: &Rollback) -> Result<bool, LedgerError> {
        self.replace_rollback(&rollback.environment, Some(rollback), Value::Null)
            .await
    }

    /// Lets an environment follow Git again, whoever ordered what. Returns whether it was rolled back.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn end_rollback(&self, environment: &EnvironmentName) -> Result<bool, LedgerError> {
        let end = |before: Option<Value>| {
            before
                .filter(|before| !before.is_null())
                .map(|_| Value::Null)
        };
        self.amend(&name_of(environment), end).await
    }

    async fn replace_rollback(
        &self,
        environment: &EnvironmentName,
        over: Option<&Rollback>,
        after: Value,
    ) -> Result<bool, LedgerError> {
        let name = name_of(environment);
        let before = self.delivery(&name).await?;
        let order =
            |posted: &Value| serde_json::from_value::<Option<Rollback>>(posted.clone()).ok();
        let stands = before.as_ref().and_then(order).flatten();
        // By what it says: one that ended leaves an empty place, and an older binary wrote less.
        if stands.as_ref() != over {
            return Ok(false);
        }
        self.put_over(&name, before, after).await
    }

    /// Changes what is under a name by what is there; no change that came in between is lost. `change`
    /// returns what is to be there, `None` where it may stay. Returns whether anything was written.
    async fn amend(
        &self,
        name: &str,
        change: impl Fn(Option<Value>) -> Option<Value>,
    ) -> Result<bool, LedgerError> {
        loop {
            let before = self.delivery(name).await?;
            let Some(after) = change(before.clone()) else {
                return Ok(false);
            };
            if self.put_over(name, before, after).await? {
                return Ok(true);
            }
        }
    }

    /// Returns what is remembered of an environment's versions.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn versions(&self, environment: &EnvironmentName) -> Result<Versions, LedgerError> {
        Ok(Versions::of(
            self.delivery(&versions_name(environment)).await?,
        ))
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
        let well = |before: Option<Value>| {
            let mut versions = Versions::of(before);
            if versions.is_in_force(&version.content) {
                return None;
            }
            let is_kept = |kept: &Version| kept.content == version.content;
            if versions.kept.as_ref().is_some_and(is_kept) {
                versions.unproven_since = versions.since;
                versions.unproven.clear();
            }
            // The next one may be kept already.
            let mut unproven = versions.unproven.iter();
            let place = unproven.position(|one| one.content == version.content);
            versions
                .unproven
                .drain(..place.map_or(0, |place| place + 1));
            versions.good.retain(|good| good.content != version.content);
            versions.good.insert(0, version.clone());
            versions.good.truncate(GOOD);
            serde_json::to_value(versions).ok()
        };
        self.amend(&versions_name(environment), well)
            .await
            .map(drop)
    }
}

/// The name of a rollback among what was delivered.
fn name_of(environment: &EnvironmentName) -> String {
    format!("rollback/{environment}")
}

/// The name of what is remembered of an environment's versions.
pub(super) fn versions_name(environment: &EnvironmentName) -> String {
    format!("versions/{environment}")
}

#[cfg(test)]
mod tests;
