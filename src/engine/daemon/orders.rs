//! What people order on the command line, through the ledger: pauses and rollbacks.

use super::super::schedule::Reason;
use super::Daemon;
use crate::model::EnvironmentName;
use crate::telemetry::chain;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
        let repositories: BTreeSet<String> = kept.map(|kept| kept.repository.clone()).collect();
        for nth in 0..self.parts.followed.len() {
            let is_meant = repositories.contains(self.parts.followed[nth].origin.name());
            let taken = self.view.borrow().snapshots.get(&nth).cloned();
            let Some(snapshot) = taken.filter(|_| is_meant) else {
                continue;
            };
            // Until it is taken in: else the next answer of the repository does it.
            self.stale.insert(nth);
            let followed = self.parts.followed[nth].clone();
            if let Err(error) = self.take_in(nth, &followed, &snapshot).await {
                tracing::error!(error = chain(&error), "Rollback not taken up, trying again");
            }
            let fleet = Arc::new(self.fleet.clone());
            self.view.send_modify(|view| view.fleet = fleet);
        }
    }

    /// Tells whether an environment is kept at the state that it was put back to.
    pub(super) fn is_rolled_back(&self, name: &EnvironmentName) -> bool {
        let kept = self.fleet.kept().get(name);
        let to = self.rolled_back.get(name);
        to.is_some() && kept.map(|kept| kept.pinned.revision()) == to
    }
}
