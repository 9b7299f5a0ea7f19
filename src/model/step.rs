//! One thing a plan does, with every choice made.

use super::connection::Connection;
use super::health_rule::HealthRule;
use super::id::{Address, KindName};
use super::observation::{Health, Identity, Mark, Touch};
use super::path::{FieldPath, PathPattern};
use super::shared;
use super::value::Value;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// What a step does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Makes what is not there.
    Create,
    /// Changes what is there and ours.
    Update,
    /// Deletes and makes again, because a field cannot change in place.
    Replace,
    /// Takes away what is ours and no longer declared.
    Delete,
    /// Marks what is there as ours, and changes what differs. Says [`Step::overwrites`] where it was
    /// nobody's and loses something by it.
    Adopt,
    /// Does nothing now, for the reason told.
    Wait,
    /// Live equals desired.
    None,
}

impl Action {
    /// Tells whether carrying it out writes to the live side.
    pub fn writes(self) -> bool {
        !matches!(self, Self::Wait | Self::None)
    }

    /// Returns the word for people, logs and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Replace => "replace",
            Self::Delete => "delete",
            Self::Adopt => "adopt",
            Self::Wait => "wait",
            Self::None => "none",
        }
    }
}

/// Why a field differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// Git changed since it was last applied.
    Declared,
    /// The live side changed since it was last applied.
    Drift,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// Where.
    pub path: FieldPath,
    /// What is live; `None` where the field is not there.
    pub before: Option<Value>,
    /// What it becomes; `None` where the field goes.
    pub after: Option<Value>,
    /// Why it differs.
    pub origin: Origin,
    /// What was applied last, where somebody changed it by hand since and Git changed it, too: a run writes what
    /// Git says now over what they did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<Value>,
    /// True where this field is why the resource must be replaced.
    pub forces_replace: bool,
}

/// One step of a plan.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// What it is about.
    pub address: Address,
    /// The resource's kind.
    pub kind: KindName,
    /// Where the provider reaches; not part of any output.
    #[serde(skip)]
    pub connection: Arc<Connection>,
    /// Which live object.
    pub identity: Identity,
    /// What is done.
    pub action: Action,
    /// Why nothing is done, or what the reader should know; never empty on `Wait`.
    pub reason: Option<String>,
    /// The declared fields, maybe with holes; `None` on `Delete`. Where `lifecycle.ignore` covers a
    /// declared field of an object that is there, the live value stands in its place (or nothing,
    /// where live has none): writing it changes nothing, by PUT, PATCH or server-side apply alike.
    #[serde(serialize_with = "shared::option")]
    pub desired: Option<Arc<Value>>,
    /// The fields that differ, in order.
    pub changes: Vec<Change>,
    /// The live state it was planned against; `None` where nothing was there.
    pub mark: Option<Mark>,
    /// The id the live side made, where known.
    pub external_id: Option<String>,
    /// What the provider asked to be handed back, from its prediction. Where `lifecycle.ignore` covers
    /// a declared field the prediction was made with its live value ([`super::Asked::ignore`]), as the
    /// write is.
    #[serde(skip)]
    pub payload: Option<Value>,
    /// The fields that `lifecycle.ignore` leaves to the live side: written as they are at that moment,
    /// where the provider can tell.
    #[serde(skip)]
    pub ignore: Vec<PathPattern>,
    /// Declared fields left to another owner, and to whom.
    pub yielded: Vec<(FieldPath, String)>,
    /// Who changed it, newest first, where drift is part of it.
    pub touched_by: Vec<Touch>,
    /// What must be carried out before, by address.
    pub after: BTreeSet<Address>,
    /// The order among steps of one connection: lower first (higher first on `Delete`).
    pub wave: i32,
    /// Why it does not work, or not yet, though it is as declared: what comes after it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unready: Option<Health>,
    /// By when it has to be gone, where it is being deleted already and is only followed.
    #[serde(skip)]
    pub gone_by: Option<Timestamp>,
    /// Why its live state could not be told, where that is why it waits.
    pub unknown: Option<String>,
    /// True where it waits because the live side refuses what is declared. Of a branch's plan only where the
    /// branch declares it otherwise than what is merged does.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub refused: bool,
    /// True where what is there was never ours: it carries nobody's mark, or another tool's.
    pub unmarked: bool,
    /// True where deleting or replacing it loses data.
    pub stateful: bool,
    /// True where it goes by itself when it has done its work.
    #[serde(skip)]
    pub passing: bool,
    /// True where the spec protects it: never deleted, never replaced.
    pub protected: bool,
    /// Whether an expression reads its outputs; where none does they need not be answered.
    #[serde(skip)]
    pub is_read: bool,
    /// How long after apply it may take to become ready.
    #[serde(skip)]
    pub deadline: Duration,
    /// When it is ready, where the spec says.
    #[serde(skip)]
    pub health: Vec<HealthRule>,
}

impl Change {
    /// Tells whether somebody changed the field by hand since it was applied.
    pub fn is_by_hand(&self) -> bool {
        self.origin == Origin::Drift || self.was.is_some()
    }
}

impl Step {
    /// Tells whether part of it puts back, or writes over, what somebody changed by hand.
    pub fn is_drift(&self) -> bool {
        self.changes.iter().any(Change::is_by_hand)
    }

    /// Tells whether it writes what Git says now over what somebody changed by hand.
    pub fn writes_over_hands(&self) -> bool {
        self.action.writes() && self.changes.iter().any(|change| change.was.is_some())
    }

    /// Returns what somebody changed by hand and is lost with what Git changes of the same resource, whatever
    /// `onDrift` says. What is gone altogether is no field.
    pub fn lost_by_hand(&self) -> impl Iterator<Item = &Change> {
        let is_mixed =
            self.action.writes() && self.action != Action::Create && !self.is_only_drift();
        let changes = self.changes.iter();
        changes.filter(move |change| is_mixed && change.is_by_hand())
    }

    /// Tells whether it does nothing but put back what somebody changed by hand.
    pub fn is_only_drift(&self) -> bool {
        let puts_back = match self.action {
            Action::Create | Action::Update | Action::Replace => true,
            // It is ours, and lost our mark or has a new address: no reason to take a person's change with it.
            Action::Adopt => !self.unmarked,
            _ => false,
        };
        puts_back
            && self.is_drift()
            && self
                .changes
                .iter()
                .all(|change| change.origin == Origin::Drift)
    }

    /// Tells whether it changes or removes a field that is there.
    pub fn loses(&self) -> bool {
        self.changes.iter().any(|change| change.before.is_some())
    }

    /// Tells whether something is lost by it that Git cannot bring back: it deletes, or makes what holds data
    /// anew.
    pub fn destroys(&self) -> bool {
        match self.action {
            Action::Delete => true,
            Action::Replace => self.stateful,
            _ => false,
        }
    }

    /// Tells whether it takes over what was nobody's and overwrites what that held: as dangerous as a delete.
    pub fn overwrites(&self) -> bool {
        self.action == Action::Adopt && self.unmarked && self.loses()
    }

    /// Tells whether it is as declared and does not work, or should be gone for long and is not.
    pub fn is_failing(&self) -> bool {
        matches!(self.unready, Some(Health::Failing(_) | Health::Failed(_)))
    }
}
