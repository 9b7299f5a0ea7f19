//! What people order on the command line, through the ledger: pauses, rollbacks, and that a plan is carried out now.

use super::super::schedule::Reason;
use super::Daemon;
use crate::ledger::{Answer, LedgerError, Order};
use crate::model::EnvironmentName;
use crate::telemetry::chain;
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

    /// A plan that somebody saw and said yes to is carried out by a run soon, and that run answers.
    pub(super) async fn check_applies(&mut self) {
        let ledger = self.parts.world.ledger.clone();
        let Ok(orders) = ledger.orders().await else {
            return;
        };
        let waiting = orders.into_iter().filter(|order| order.answer.is_none());
        let waiting: Vec<Order> = waiting.collect();
        // Those that were answered are nobody's any more.
        self.asked.retain(|_, (order, _)| waiting.contains(order));
        let now = self.parts.world.clock.now();
        let is_in_hand = |order: &Order| {
            let name = &order.environment;
            // One that a run took is that run's to answer, however long it takes. An environment may have gone while
            // another waited for its turn.
            let known = self.asked.get(name);
            known.is_some_and(|(_, is_taken)| *is_taken || self.fleet.kept().contains_key(name))
        };
        let mut new = waiting.clone();
        new.retain(|order| !is_in_hand(order));
        for order in new {
            let name = order.environment.clone();
            let refused = if self.fleet.kept().contains_key(&name) {
                order
                    .is_stale(now)
                    .then_some("It came too late. Ask again.")
            } else {
                Some("The daemon keeps no environment of that name.")
            };
            if let Some(why) = refused {
                let answer = Answer::Refused(why.to_owned());
                log_unanswered(ledger.answer(&order, answer).await);
            } else {
                self.asked.insert(name.clone(), (order, false));
                self.tell(&name, Reason::Asked);
            }
        }
    }

    /// Takes the order about an environment that no run has taken yet.
    pub(super) fn take_order(&mut self, name: &EnvironmentName) -> Option<Order> {
        let (order, is_taken) = self.asked.get_mut(name)?;
        let first = !std::mem::replace(is_taken, true);
        first.then(|| order.clone())
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

/// Whoever waits for the answer gives up by themselves.
pub(super) fn log_unanswered(answered: Result<(), LedgerError>) {
    if let Err(error) = answered {
        tracing::warn!(error = chain(&error), "Order not answered");
    }
}
