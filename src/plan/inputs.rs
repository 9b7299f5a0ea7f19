//! Everything a plan is made from, and nothing else has a say in it.

use crate::model::{
    Address, Connection, ConnectionName, DigestKey, EnvironmentName, Identity, Kinds, Known,
    Marked, Observation, Owned, Reconcile, Revision, Wanted, Within,
};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Everything a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct Inputs<'a> {
    /// Whose plan.
    pub environment: &'a EnvironmentName,
    /// What Git state it is for.
    pub revision: &'a Revision,
    /// What Git wants, with outputs filled as far as they are known.
    pub wanted: &'a [Wanted],
    /// What was seen, of everything wanted and everything owned.
    pub observed: &'a BTreeMap<Address, Observation>,
    /// What the ledger says is ours in this environment.
    pub owned: &'a [Owned],
    /// What it says of environments that no file declares any more: one of another name may have been this.
    pub orphaned: &'a [Owned],
    /// Every address any environment declares at this revision: an object whose mark names one of
    /// these belongs to it and is refused here.
    pub declared: &'a BTreeSet<Address>,
    /// Every address the ledger owns in any environment: a mark that names one of these, no longer
    /// declared, is a rename and is adopted.
    pub known: &'a BTreeSet<Address>,
    /// What we own here and another environment declares now, by our address of it: it goes over to
    /// that environment, and is never deleted from under it.
    pub taken: &'a BTreeMap<Address, Address>,
    /// What we own here and do not declare, and is not to be deleted now, with why: Git may declare it somewhere else.
    pub spared: &'a BTreeMap<Address, String>,
    /// What other environments have or declare: nothing is deleted that it would go with. Needed only where
    /// [`empties`](super::empties) says so.
    pub beside: &'a [Beside],
    /// What is in each container that is to go. Needed only for those that [`opened`](super::opened) returns.
    pub within: &'a Within,
    /// What carries a mark of this environment, though nobody declares it and the ledger does not know it.
    pub strays: &'a BTreeMap<Address, Marked>,
    /// How the environment wants to be kept.
    pub reconcile: &'a Reconcile,
    /// The rows of every kind, for what is owned and no longer wanted.
    pub kinds: &'a Kinds,
    /// Every connection of the environment, for what is owned and no longer wanted.
    pub connections: &'a BTreeMap<ConnectionName, Arc<Connection>>,
    /// The key for digests of secrets.
    pub digest_key: &'a DigestKey,
    /// The secrets that are at hand, wherever they turn up: no plan tells them.
    pub secrets: &'a Arc<Known>,
    /// The time, for windows.
    pub now: Timestamp,
}

/// What another environment has or declares.
#[derive(Clone, Debug)]
pub struct Beside {
    /// Its address there.
    pub address: Address,
    /// Whose kind it is of.
    pub provider: String,
    /// What it is reached through there; `None` where that is not known.
    pub connection: Option<Arc<Connection>>,
    /// Where that leads (`Connection::leads_to`), or led when it was applied.
    pub place: Option<String>,
    /// Which live object it is.
    pub identity: Identity,
}
