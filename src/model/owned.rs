//! What is ours: a resource as the ledger remembers it.

use super::connection::Connection;
use super::digest::DigestKey;
use super::id::{Address, ConnectionName, KindName};
use super::observation::{Identity, Verdict};
use super::recorded::Recorded;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the ledger remembers of a resource we applied.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owned {
    /// Whose it is.
    pub address: Address,
    /// Its kind.
    pub kind: KindName,
    /// The connection it was applied through.
    pub connection: ConnectionName,
    /// Where that led then (`Connection::leads_to`); `None` where that was not told, as by older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<String>,
    /// Which secrets it was reached by when its id was told (`Connection::fingerprint`): others may lead elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub through: Option<String>,
    /// Which live object it is.
    pub identity: Identity,
    /// The id the live side made for it, where it makes one (a cloud's UUID, a Kubernetes uid).
    pub external_id: Option<String>,
    /// The declared fields as last applied, secrets as keyed digests (`DigestKey::sealed_json`).
    pub applied: Recorded,
    /// True where it was marked protected when last applied: a prune of it waits.
    pub protected: bool,
    /// True where it was seen to have done its work, of what goes by itself then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub done: bool,
    /// True where it did not work yet when it was written, and was not seen to work since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unproven: bool,
    /// True where a run of ours began to take it away, as Git said: that it is gone then is nobody else's doing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leaving: bool,
    /// What the provider told of the state it was left in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verdict: Option<Verdict>,
    /// What it was applied after: it goes before those. Empty in records of older versions.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub after: BTreeSet<Address>,
}

impl Owned {
    /// Tells whether another record is of an object that is only called alike: the live side gave each an id of its own,
    /// as two clusters do.
    pub fn is_a_namesake_of(&self, other: &Self) -> bool {
        let ids = self.external_id.as_ref().zip(other.external_id.as_ref());
        self.identity == other.identity && ids.is_some_and(|(one, another)| one != another)
    }

    /// Tells whether its id was told through this connection as it leads now: else it says nothing of what is there.
    pub fn is_told_through(&self, connection: &Connection, key: &DigestKey) -> bool {
        let is_whole = connection.settings.holes().is_empty();
        let is_there = self.place == connection.leads_to();
        is_whole && is_there && self.through == connection.fingerprint(key)
    }

    /// Returns where it was applied, where this connection leads elsewhere: looking there says nothing
    /// about it.
    pub fn left_behind_by(&self, connection: &Connection) -> Option<&str> {
        let old = self.place.as_deref()?;
        let leads_elsewhere = match self.identity.names_namespace() {
            true => !connection.may_lead_to(Some(old)),
            false => connection.leads_to().is_some_and(|new| new != old),
        };
        leads_elsewhere.then_some(old)
    }
}
