//! What the daemon does with what it hears of Git: new states, broken ones, and silence.

use super::super::follower::Heard;
use super::super::restore::restore;
use super::super::schedule::Reason;
use super::super::{Arrival, News};
use super::Daemon;
use crate::model::{Diagnostic, EnvironmentName};
use crate::source::{Fetched, Movement, SourceError};
use crate::spec::{self, ReadOptions};
use crate::telemetry::chain;
use std::sync::Arc;

impl Daemon {
    pub(super) async fn hear(&mut self, heard: Heard) {
        match heard.result {
            Ok(fetched) => self.take(heard.repository, fetched).await,
            Err(error) => self.unreachable(heard.repository, &error).await,
        }
    }

    async fn unreachable(&mut self, nth: usize, error: &SourceError) {
        let name = self.parts.followed[nth].origin.name().to_owned();
        let reason = chain(error);
        self.parts.teller.repository_unreachable(&name, error).await;
        self.view.send_modify(|view| {
            view.unreachable.insert(nth, reason.clone());
        });
        self.parts
            .counts
            .unreachable
            .set(self.view.borrow().unreachable.len() as i64);
        if !self.view.borrow().snapshots.contains_key(&nth) {
            self.parts
                .readiness
                .wait_for(format!("repository {name}"), reason);
        }
    }

    async fn take(&mut self, nth: usize, fetched: Fetched) {
        let followed = self.parts.followed[nth].clone();
        let name = followed.origin.name().to_owned();
        self.parts.teller.repository_read(&name, &fetched).await;
        let known = self.view.borrow().snapshots.contains_key(&nth);
        let settled = known && fetched.movement == Movement::Same;
        if !settled || self.fleet.is_troubled(&name) {
            let kinds = self.parts.world.registry.kinds();
            let options = ReadOptions {
                folder: Some(followed.environments.clone()),
                only: None,
                kinds,
            };
            let reading = spec::read(&fetched.snapshot, &options);
            let newest = (&reading, &fetched.snapshot);
            let restored = restore(&self.parts.world, &followed, newest, &mut self.fleet).await;
            let Ok(mut news) = restored.map_err(|error| {
                tracing::error!(
                    repository = name,
                    error = chain(&error),
                    "State not taken, asking again"
                );
            }) else {
                return;
            };
            let arrival = Arrival {
                repository: &name,
                snapshot: &fetched.snapshot,
                reading,
                outside: &followed.outside,
            };
            news.extend(self.fleet.take(arrival, kinds).await);
            for news in news {
                self.act_on(&name, news).await;
            }
            let revision = &fetched.snapshot.revision;
            self.parts.teller.taken_in(&name, revision).await;
        }
        let (fleet, snapshot) = (Arc::new(self.fleet.clone()), fetched.snapshot);
        self.view.send_modify(|view| {
            view.fleet = fleet;
            view.snapshots.insert(nth, snapshot);
            view.unreachable.remove(&nth);
        });
        self.parts.readiness.done(&format!("repository {name}"));
        self.parts
            .counts
            .unreachable
            .set(self.view.borrow().unreachable.len() as i64);
        self.parts
            .counts
            .environments
            .set(self.fleet.kept().len() as i64);
        // What took another name is the new name's only after a run of that.
        let all_read = self.view.borrow().snapshots.len() == self.parts.followed.len();
        if all_read && self.unsettled.is_empty() {
            self.parts.teller.orphans(&self.fleet).await;
        }
    }

    async fn act_on(&mut self, repository: &str, news: News) {
        let now = self.parts.world.clock.now();
        let intervals = self
            .fleet
            .kept()
            .iter()
            .map(|(name, kept)| (name.clone(), kept.every.clone()))
            .collect();
        self.schedule.declare(&intervals, now);
        match news {
            News::Changed(name) => {
                if let Some(kept) = self.fleet.kept().get(&name) {
                    for one in kept.graph.warnings() {
                        let at = &one.location;
                        let place = format!("{}:{}:{}", at.file, at.line, at.column);
                        tracing::warn!(environment = %name, place, code = one.code, worth = one.message, "Spec is used, but worth a look");
                    }
                    self.parts.teller.changed(kept).await;
                }
                self.remember_good(&name).await;
                self.unsettled.insert(name.clone());
                self.tell(&name, Reason::Revision);
            }
            News::Mended(name) => self.parts.teller.mended(&name).await,
            News::Broken(name, diagnostics) => self.parts.teller.broken(&name, &diagnostics).await,
            News::Gone(name) => {
                if let Some(cancel) = self.cancels.get(&name) {
                    cancel.cancel();
                }
                self.parts.teller.gone(&name).await;
                tracing::warn!(environment = %name, "Environment is declared nowhere, nothing of it is deleted");
                self.unsettled.remove(&name);
            }
            News::Unreadable(diagnostics) => self.unreadable(repository, &diagnostics),
        }
    }

    fn unreadable(&self, repository: &str, diagnostics: &[Diagnostic]) {
        for one in diagnostics {
            let at = &one.location;
            let place = format!("{}:{}:{}", at.file, at.line, at.column);
            tracing::error!(
                repository,
                place,
                code = one.code,
                mistake = one.message,
                "File cannot be used"
            );
        }
    }

    async fn remember_good(&self, name: &EnvironmentName) {
        let Some(kept) = self.fleet.kept().get(name) else {
            return;
        };
        let ledger = &self.parts.world.ledger;
        if let Err(error) = ledger
            .set_last_good(name, kept.pinned.revision(), &kept.pinned.path)
            .await
        {
            tracing::error!(environment = %name, error = chain(&error), "Last good revision not recorded");
        }
    }
}
