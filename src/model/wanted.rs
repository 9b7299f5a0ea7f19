//! One resource as Git wants it, expressions resolved as far as outputs are known.

use super::connection::Connection;
use super::diagnostic::Location;
use super::id::Address;
use super::kind::Kind;
use super::observation::Identity;
use super::reconcile::Lifecycle;
use super::value::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// One resource as Git wants it.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Where it stands.
    pub address: Address,
    /// What it is.
    pub kind: Arc<Kind>,
    /// Where the provider reaches. Its settings may hold holes: then it waits.
    pub connection: Arc<Connection>,
    /// Which live object is meant; `None` where that hangs on a hole.
    pub identity: Option<Identity>,
    /// The declared fields; sensitive ones sealed, unknown ones holes.
    pub desired: Value,
    /// What it reads or names in `dependsOn`, members included.
    pub after: BTreeSet<Address>,
    /// What the spec says about its life.
    pub lifecycle: Lifecycle,
    /// Where it is declared.
    pub location: Location,
}
