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
    pub desired: Arc<Value>,
    /// What it reads or names in `dependsOn`, members included.
    pub after: BTreeSet<Address>,
    /// Whether an expression reads what it answers.
    pub is_read: bool,
    /// What the spec says about its life.
    pub lifecycle: Lifecycle,
    /// Where it is declared.
    pub location: Location,
    /// Who says so.
    pub basis: Basis,
    /// What others say of this very object.
    pub veils: Vec<Veil>,
}

/// What is said of a live object under another address: in a record, or by what another environment
/// declares. What is secret there is secret to everybody who compares with that object.
#[derive(Clone, Debug, PartialEq)]
pub struct Veil {
    /// Whose word it is.
    pub of: Address,
    /// The fields, with digests or holes in the places of secrets.
    pub said: Arc<Value>,
}

/// Who says what is wanted.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Basis {
    /// A merged spec: it may be compared with anything.
    #[default]
    Merged,
    /// A branch that anybody may push, before anybody has looked. What it writes out where a secret is live is
    /// a guess, and no plan may tell whether it is right.
    Branch {
        /// The declared fields with holes for all that comes from a secret.
        said: Value,
        /// Those that the merged spec declares at the same address, alike: what stands there is no guess.
        merged: Option<Value>,
        /// Whether what is live is neither the environment's nor declared by what is merged of it. A branch may
        /// declare anything, and would have it told: of such a thing a plan says where it differs and no value.
        strange: bool,
    },
}

impl Wanted {
    /// Tells whether a branch wants it, and what is live is a stranger's to all that is merged.
    pub fn is_strange(&self) -> bool {
        matches!(self.basis, Basis::Branch { strange: true, .. })
    }
}
