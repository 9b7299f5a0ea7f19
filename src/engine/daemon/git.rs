//! What the daemon does with what it hears of Git: new states, broken ones, and silence.

use super::super::follower::Heard;
use super::super::schedule::Reason;
use super::super::tell::Shortfall;
use super::super::{Everywhere, News};
use super::Daemon;
use super::intake::{Intake, Taken};
use crate::telemetry::chain;
use std::sync::Arc;
use tokio::task::JoinError;

impl Daemon {
    /// Has what was heard taken in beside the loop.
    pub(super) fn hear(&mut self, heard: Heard) {
        // What was not taken in is asked for again.
        if !self.has_ledger() {
            return;
        }
        let (intake, nth) = (self.intake(), heard.repository);
        let again = self.stale.contains(&nth);
        match heard.result {
            Ok(fetched) => drop(self.taking.spawn(intake.read(nth, fetched, again))),
            Err(error) => {
                self.unreachable(nth, &chain(&error));
                self.taking.spawn(intake.unread(nth, error));
            }
        }
    }

    /// Puts together what a state is taken in with.
    pub(super) fn intake(&self) -> Intake {
        Intake {
            world: self.parts.world.clone(),
            teller: Arc::clone(&self.parts.teller),
            followed: Arc::clone(&self.followed),
            view: self.view.borrow().clone(),
            fleet: Arc::clone(&self.fleet),
            settled: self.unsettled.is_empty(),
        }
    }

    fn unreachable(&mut self, nth: usize, reason: &str) {
        self.view.send_modify(|view| {
            view.unreachable.insert(nth, reason.to_owned());
        });
        self.say_unreachable();
    }

    /// Says which repositories cannot be read. One of which something is kept is a condition only: what is
    /// kept is compared and put back as before, and a daemon started in the place of this one would know
    /// less. While nothing is known of one there is nothing to do for it, and this is not ready.
    fn say_unreachable(&self) {
        let view = self.view.borrow();
        for (nth, reason) in &view.unreachable {
            let repository = self.followed[*nth].origin.name();
            let name = condition_of(repository);
            if view.snapshots.contains_key(nth) || self.fleet.keeps_of(repository) {
                self.parts.readiness.done(&name);
                self.parts.readiness.trouble(name, reason);
            } else {
                self.parts.readiness.wait_for(name, reason);
            }
        }
        let count = i64::try_from(view.unreachable.len()).unwrap_or(i64::MAX);
        self.parts.counts.unreachable.set(count);
    }

    /// Takes back what was said of repositories, for whoever comes next.
    pub(super) fn repositories_over(&self) {
        for followed in self.followed.iter() {
            let name = condition_of(followed.origin.name());
            self.parts.readiness.done(&name);
            self.parts.readiness.trouble_over(&name);
        }
    }

    /// Goes on with what came out of a state that was taken in.
    pub(super) fn taken(&mut self, taken: Result<Taken, JoinError>) {
        let taken = match taken {
            Ok(taken) => taken,
            Err(error) => {
                tracing::error!(
                    error = chain(&error),
                    "Taking a state in broke off, trying again"
                );
                return;
            }
        };
        let now = self.parts.world.clock.now();
        if !Arc::ptr_eq(&self.fleet, &taken.fleet) {
            self.fleet = taken.fleet;
            let kept = self.fleet.kept().iter();
            let every = kept.map(|(name, kept)| (name.clone(), kept.every.clone()));
            self.schedule.declare(&every.collect(), now);
        }
        for nth in taken.again {
            self.stale.remove(&nth);
        }
        let fleet = Arc::clone(&self.fleet);
        self.view.send_modify(|view| {
            view.fleet = fleet;
            if let Some((nth, snapshot)) = &taken.read {
                view.snapshots.insert(*nth, Arc::clone(snapshot));
                view.unreachable.remove(nth);
            }
        });
        if let Some((nth, failed)) = taken.ledger {
            self.needed_for(nth, failed);
        }
        if let Some((nth, _)) = taken.read {
            let name = condition_of(self.followed[nth].origin.name());
            self.parts.readiness.done(&name);
            self.parts.readiness.trouble_over(&name);
        }
        self.say_unreachable();
        self.everywhere = self.declared_everywhere();
        for news in taken.news {
            self.act_on(news);
        }
    }

    /// Takes in whether the ledger let a state in. That it did not is said once; the state is asked for again.
    fn needed_for(&mut self, nth: usize, failed: Option<Shortfall>) {
        let repository = self.followed[nth].origin.name().to_owned();
        let is_news = self.needed_ledger(condition_of(&repository), failed.clone());
        if let Some(Shortfall { code, reason, hint }) = failed.filter(|_| is_news) {
            tracing::error!(
                repository,
                error = reason,
                code,
                hint,
                "State not taken, asking again"
            );
        }
    }

    fn declared_everywhere(&self) -> Arc<Everywhere> {
        let mut everywhere = self.fleet.everywhere();
        let view = self.view.borrow();
        for (nth, followed) in self.followed.iter().enumerate() {
            if !view.snapshots.contains_key(&nth) {
                everywhere.mark_unread(followed.origin.name());
            }
        }
        Arc::new(everywhere)
    }

    fn act_on(&mut self, news: News) {
        match news {
            News::Changed(name) => {
                self.unsettled.insert(name.clone());
                let reason = if self.is_rolled_back(&name) {
                    Reason::Rollback
                } else {
                    Reason::Revision
                };
                self.tell(&name, reason);
            }
            News::Gone(name) => {
                if let Some(cancel) = self.cancels.get(&name) {
                    cancel.cancel();
                }
                self.unsettled.remove(&name);
                self.needed_ledger(name.to_string(), None);
            }
            News::Broken(..) | News::Unreadable(_) => {}
        }
    }
}

/// Under what name it is said how a repository stands.
fn condition_of(repository: &str) -> String {
    format!("repository {repository}")
}
