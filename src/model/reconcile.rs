//! What an environment says about how it wants to be kept.

use super::path::PathPattern;
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
    /// Only tells.
    Observe,
}

/// What an unmerged difference does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDrift {
    /// Puts it back.
    Correct,
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

/// When objects of a kind work, in CEL over the live `object`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HealthRule {
    /// Which version of the kind it is for, as in `shop.example/v1`; `None` means any.
    pub api_version: Option<String>,
    /// Which kind it is for, as in `Database`; `None` means any.
    pub kind: Option<String>,
    /// Holds where it is ready.
    pub ready: String,
    /// Holds where it will not become so by itself.
    pub failed: Option<String>,
}

/// `notify` of an environment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Notify {
    /// The Slack channel.
    pub slack: Option<String>,
}
