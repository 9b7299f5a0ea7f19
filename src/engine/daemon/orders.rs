//! What people order on the command line, through the ledger: pauses and rollbacks.

use super::super::schedule::Reason;
use super::Daemon;
use crate::model::EnvironmentName;
use std::collections::{BTreeMap, BTreeSet};

impl Daemon {
    /// A pause or its end on the command line is answered by a look soon.
    pub(super) async fn check_pauses(&mut self) {
        let Ok(pauses) = self.parts.world.ledger.pauses().await else {
            return;
        };
        let paused: BTreeSet<_> = pauses.into_iter().map(|pause| pause.environment).collect();
        for name in paused.symmetric_difference(&self.paused.clone()) {
            self.tell(name, Reason::Asked);
        }
        self.paused = paused;
    }

    /// A rollback or its end is answered by taking the newest state in again.
    pub(super) async fn check_rollbacks(&mut self) {
        // What is being taken in may rest on the orders before: asked again in a moment.
        if !self.taking.is_empty() {
            return;
        }
        let Ok(rollbacks) = self.parts.world.ledger.rollbacks().await else {
            return;
        };
        let ordered: BTreeMap<_, _> = rollbacks
            .into_iter()
            .map(|rollback| (rollback.environment, rollback.to))
            .collect();
        let before = std::mem::replace(&mut self.rolled_back, ordered);
        let named: BTreeSet<&EnvironmentName> =
            before.keys().chain(self.rolled_back.keys()).collect();
        let changed = named
            .into_iter()
            .filter(|name| before.get(*name) != self.rolled_back.get(*name));
        let kept = changed.filter_map(|name| self.fleet.kept().get(name));
        let meant: BTreeSet<&str> = kept.map(|kept| kept.repository.as_str()).collect();
        let all = self.followed.iter().enumerate();
        let meant = all.filter(|(_, followed)| meant.contains(followed.origin.name()));
        let taken = &self.view.borrow().snapshots;
        let meant = meant.filter(|(nth, _)| taken.contains_key(nth));
        let meant: BTreeSet<usize> = meant.map(|(nth, _)| nth).collect();
        if !meant.is_empty() {
            // Until it is taken in: else the next answer of the repository does it.
            self.stale.extend(&meant);
            self.taking.spawn(self.intake().again(meant));
        }
    }

    /// Tells whether an environment is kept at the state that it was put back to.
    pub(super) fn is_rolled_back(&self, name: &EnvironmentName) -> bool {
        let kept = self.fleet.kept().get(name);
        let to = self.rolled_back.get(name);
        to.is_some() && kept.map(|kept| kept.pinned.revision()) == to
    }
}
