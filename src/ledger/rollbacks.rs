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
mod tests {
    use super::*;
    use crate::ledger::Keeping;

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
            ..Versions::default()
        };
        let to = |refused| Some(versions.target(refused)?.revision.as_str().to_owned());
        assert_eq!(to(None).unwrap(), "at-a");
        assert_eq!(to(Some(&version("a"))), None);
        assert!(versions.went_well(&Digest::of("b")) && !versions.went_well(&Digest::of("c")));
    }

    #[test]
    fn versions_are_unproven_since_the_last_one_that_went_well_was_left() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut versions = Versions::default();
        versions.keep(version("a"), at(1));
        versions.good.push(version("a"));
        versions.keep(version("b"), at(2));
        assert_eq!(versions.unproven_since, Some(at(2)));
        versions.keep(version("c"), at(3));
        assert_eq!(versions.unproven_since, Some(at(2)));
        assert_eq!(versions.since, Some(at(3)));
    }

    #[test]
    fn what_never_went_well_in_between_goes_back_with_what_is_kept() {
        let now = Timestamp::UNIX_EPOCH;
        let mut versions = Versions::default();
        versions.keep(version("a"), now);
        versions.good.push(version("a"));
        for next in ["b", "c", "d"] {
            versions.keep(version(next), now);
        }
        let along = versions.along();
        assert_eq!(along, ["b", "c"].map(|one| version(one).revision));
        let told =
            "at-b and at-c go back with it, which were merged in between and never went well";
        assert_eq!(taken_along(&along).as_deref(), Some(told));
        assert_eq!(taken_along(&[]), None);
        // Back at the good one nothing is left to take back.
        versions.keep(version("a"), now);
        assert_eq!(versions.along(), []);
        versions.keep(version("e"), now);
        assert_eq!(versions.along(), []);
    }

    fn order(to: &str) -> Rollback {
        Rollback {
            environment: EnvironmentName::new("shop").unwrap(),
            to: Revision::new(to),
            why: String::new(),
            by: "somebody".to_owned(),
            since: Timestamp::UNIX_EPOCH,
            refused: None,
            along: Vec::new(),
        }
    }

    #[tokio::test]
    async fn of_two_orders_at_once_one_counts_and_what_was_decided_on_another_is_not_written() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let daemon = Ledger::open(&path).await.unwrap();
        let person = Ledger::open_beside(&path).await.unwrap();
        let (one, other) = (order("one"), order("other"));
        let (mine, theirs) = tokio::join!(
            daemon.order_rollback(&one, None),
            person.order_rollback(&other, None)
        );
        assert!(mine.unwrap() != theirs.unwrap());
        let stands = daemon.rollbacks().await.unwrap().remove(0);
        // The daemon says what it saw of an order that a person replaces in the same moment.
        let seen = Rollback {
            refused: Some(version("new")),
            ..stands.clone()
        };
        let newer = order("newer");
        assert!(person.order_rollback(&newer, Some(&stands)).await.unwrap());
        assert!(!daemon.order_rollback(&seen, Some(&stands)).await.unwrap());
        assert!(!daemon.rollback_over(&stands).await.unwrap());
        assert_eq!(daemon.rollbacks().await.unwrap().pop(), Some(newer.clone()));
        assert!(daemon.rollback_over(&newer).await.unwrap());
        assert!(!daemon.end_rollback(&newer.environment).await.unwrap());
        assert!(person.order_rollback(&one, None).await.unwrap());
    }

    #[tokio::test]
    async fn what_went_well_and_what_is_kept_are_both_remembered_when_said_at_once() {
        let ledger = Ledger::in_memory().await.unwrap();
        let shop = EnvironmentName::new("shop").unwrap();
        for nth in 0..20 {
            let keeping = Keeping::of_test(&shop, &nth.to_string());
            let said = keeping.version.clone();
            let (kept, well) = tokio::join!(
                ledger.keep(std::slice::from_ref(&keeping)),
                ledger.went_well(&shop, said.clone())
            );
            kept.and(well).unwrap();
            let versions = ledger.versions(&shop).await.unwrap();
            assert_eq!(versions.kept.as_ref(), Some(&said));
            assert_eq!(versions.good.first(), Some(&said));
        }
    }
}
