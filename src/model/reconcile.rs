//! What an environment says about how it wants to be kept.

use super::health_rule::HealthRule;
use super::id::KindName;
use super::path::PathPattern;
use super::value::Value;
use super::window::Window;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a merged change does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnMerge {
    /// Applies it.
    #[default]
    Apply,
    /// Asks by a pull request whose merge applies it.
    Propose,
    /// Only tells.
    Observe,
}

/// What an unmerged difference does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDrift {
    /// Puts it back.
    Correct,
    /// Asks by a pull request: merged, Git declares it; closed, it is put back.
    Propose,
    /// Only tells.
    #[default]
    Report,
}

/// What happens where a merged change does not become ready.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// It is tried again.
    #[default]
    Retry,
    /// The environment is put back to the state that last went well.
    Rollback,
}

/// How often something happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    /// So long after the last time.
    Interval(Duration),
    /// At the times of five cron fields, in UTC ([`Window`] reads them).
    Cron(String),
}

impl Every {
    /// Returns the next time after one; `None` where there is none (31 February).
    pub fn after(&self, now: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Interval(length) => now
                .checked_add(SignedDuration::try_from(*length).ok()?)
                .ok(),
            Self::Cron(cron) => {
                let times = Window {
                    cron: cron.clone(),
                    open_for: Duration::from_secs(60),
                    timezone: "UTC".to_owned(),
                };
                times.opens_after(now).ok().flatten()
            }
        }
    }
}

/// How many deletes one plan may hold: whichever of the two is smaller binds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct DeletionBudget {
    /// At most this many.
    pub count: u32,
    /// At most this share of what we own in the environment, in percent, rounded up.
    pub percent: u32,
}

impl Default for DeletionBudget {
    /// Five, and a fifth.
    fn default() -> Self {
        Self {
            count: 5,
            percent: 20,
        }
    }
}

/// `spec.reconcile` of an environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reconcile {
    /// What a merged change does.
    pub on_merge: OnMerge,
    /// What an unmerged difference does.
    pub on_drift: OnDrift,
    /// What a merged change does that does not become ready.
    pub on_failure: OnFailure,
    /// How often it is compared at the latest.
    pub interval: Duration,
    /// When drift is looked for and acted on, where that differs from `interval`.
    pub drift_interval: Option<Every>,
    /// When changes may happen; empty means always.
    pub windows: Vec<Window>,
    /// Whether what is no longer declared is deleted.
    pub prune: bool,
    /// How many deletes one plan may hold; a replace of what holds data counts as one.
    pub deletion_budget: DeletionBudget,
    /// Kinds that are never deleted and never replaced unless a resource lets go of itself: by our name
    /// of the kind, or objects of a cluster by theirs, `Certificate` or `Certificate.cert-manager.io`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub protect: Vec<String>,
    /// Why nothing is changed at present; looking goes on.
    pub paused: Option<String>,
    /// True where the whole environment is to be taken down.
    pub destroy: bool,
}

impl Reconcile {
    /// Returns how often it is compared with nothing new in Git, which can only find drift.
    pub fn comparing(&self) -> Every {
        self.drift_interval
            .clone()
            .unwrap_or(Every::Interval(self.interval))
    }

    /// Tells whether a resource is of a kind that the environment protects.
    pub fn protects(&self, kind: &KindName, desired: &Value) -> bool {
        let text = |key: &str| desired.get(key).and_then(Value::as_str);
        let object = text("kind").unwrap_or_default();
        let group = text("apiVersion").and_then(|version| version.split_once('/'));
        self.protect.iter().any(|name| {
            let of_group = name.split_once('.');
            name == kind.as_str()
                || name == object
                || of_group.is_some_and(|(named, of)| {
                    named == object && group.is_some_and(|(group, _)| group == of)
                })
        })
    }
}

impl Default for Reconcile {
    fn default() -> Self {
        Self {
            on_merge: OnMerge::default(),
            on_drift: OnDrift::default(),
            on_failure: OnFailure::default(),
            interval: Duration::from_secs(300),
            drift_interval: None,
            windows: Vec::new(),
            prune: true,
            deletion_budget: DeletionBudget::default(),
            protect: Vec::new(),
            paused: None,
            destroy: false,
        }
    }
}

/// `lifecycle` of a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lifecycle {
    /// `true`: never deleted, never replaced. `None` leaves it to the kind: protected where deleting
    /// loses data. Only an explicit `false` lets go of such a resource.
    pub protect: Option<bool>,
    /// Fields that are neither compared nor written.
    pub ignore: Vec<PathPattern>,
    /// How long after apply it may take to become ready; `None` leaves it to the kind.
    pub deadline: Option<Duration>,
    /// Replaces instead of updating where an immutable field changed and the kind refuses by itself.
    pub replace: bool,
    /// Takes over what is there also where that overwrites what it holds, or where another tool manages it.
    pub adopt: bool,
    /// When objects work, for kinds that say it in ways of their own; the first that fits counts.
    pub health: Vec<HealthRule>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_kind_is_protected_by_our_name_or_by_its_own() {
        let object = |version: &str| {
            Value::from_json(json!({ "apiVersion": version, "kind": "Certificate" }))
        };
        let protects = |name: &str, kind: &str, version: &str| {
            let reconcile = Reconcile {
                protect: vec![name.to_owned()],
                ..Reconcile::default()
            };
            reconcile.protects(&KindName::new(kind), &object(version))
        };
        let ours = "kubernetes/object";
        assert!(protects("Certificate", ours, "v1"));
        assert!(protects(
            "Certificate.cert-manager.io",
            ours,
            "cert-manager.io/v1"
        ));
        assert!(!protects(
            "Certificate.cert-manager.io",
            ours,
            "others.example.com/v1"
        ));
        assert!(!protects("Certificate.cert-manager.io", ours, "v1"));
        assert!(!protects("Secret", ours, "v1"));
        assert!(protects("digitalocean/volume", "digitalocean/volume", ""));
    }
}
