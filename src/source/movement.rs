//! How a branch moved since it was last fetched.

use crate::model::Revision;

/// How a branch moved since it was last fetched. `from` is where it stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Movement {
    /// It was never fetched before.
    First,
    /// It stands where it stood.
    Same,
    /// Commits were added to it.
    Forward {
        /// Where it stood.
        from: Revision,
    },
    /// It was set back to an earlier commit of its own.
    Rewound {
        /// Where it stood.
        from: Revision,
    },
    /// Its history was rewritten (a forced push).
    Diverged {
        /// Where it stood.
        from: Revision,
    },
}

impl Movement {
    /// Names a move by the two facts that decide it.
    pub(crate) fn of(from: Revision, new_holds_old: bool, old_holds_new: bool) -> Self {
        match (new_holds_old, old_holds_new) {
            (true, _) => Self::Forward { from },
            (false, true) => Self::Rewound { from },
            (false, false) => Self::Diverged { from },
        }
    }

    /// Tells whether commits left the branch: worth a warning wherever it is shown.
    pub fn rewrote(&self) -> bool {
        matches!(self, Self::Rewound { .. } | Self::Diverged { .. })
    }
}
