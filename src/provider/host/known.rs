//! What may be known of a file beside its bytes: it decides what a plan shows of it.

use crate::model::Map;
use std::collections::BTreeSet;

/// What may be known of a file beside its bytes, to tell what is secret in it.
pub(super) struct Known<'a> {
    /// What Git declares.
    pub(super) desired: Option<&'a Map>,
    /// What was applied last: secrets as `{"$secret": …}`.
    pub(super) applied: Option<&'a serde_json::Value>,
    /// Whether our record says that it held a secret.
    pub(super) sealed: bool,
    /// The variables that our record says held none.
    pub(super) open: Option<&'a BTreeSet<String>>,
    /// Whose our record says that it is. What is another's, or not for everybody to read, counts as a secret,
    /// also where it is as declared: whoever may propose a spec could read any file of this host in its plan,
    /// or guess at it.
    pub(super) whose: Whose,
}

/// Whose a file is, as far as it matters for showing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    /// This resource's.
    Ours,
    /// Nobody's, and every account of the machine may read it.
    Everybodys,
    /// Nobody's, and not for everybody to read.
    Nobodys,
    /// Another resource's.
    Anothers,
}

impl Whose {
    /// Tells whether what it holds is nothing that a plan may tell of.
    pub(super) fn is_private(self) -> bool {
        matches!(self, Self::Nobodys | Self::Anothers)
    }
}

impl Known<'_> {
    /// Tells whether a variable held no secret when it was written, as far as our record says.
    pub(super) fn is_open(&self, variable: &str) -> bool {
        self.open.is_some_and(|open| open.contains(variable))
    }

    /// Returns what was applied last under one field.
    pub(super) fn applied_at(&self, keys: &[&str]) -> Option<&serde_json::Value> {
        keys.iter()
            .try_fold(self.applied?, |value, key| value.get(*key))
    }
}
