//! What is in a container, by what it says of itself: all that a delete of the container takes along.

use super::id::Address;
use super::observation::{Owner, Unknown};
use std::collections::BTreeMap;

/// One thing that is in a container, and that nothing else in there takes along or makes again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Content {
    /// Its kind, as people say it: `PersistentVolumeClaim`.
    pub kind: String,
    /// How it is called: `data-0`, `shop/data-0`.
    pub name: String,
    /// Whose mark it carries; `None` where it carries none.
    pub owner: Option<Owner>,
    /// The ids that the live side made for what it belongs to, and goes with.
    pub parents: Vec<String>,
}

/// What is in each container that was looked into, or why that could not be told.
pub type Within = BTreeMap<Address, Result<Vec<Content>, Unknown>>;
