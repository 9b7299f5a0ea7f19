//! What the daemon does with what it hears of Git: new states, broken ones, and silence.

use super::super::follower::Heard;
use super::super::restore::{restore, restore_unread};
use super::super::rollback::instead;
use super::super::schedule::Reason;
use super::super::{Arrival, Claims, Followed, News, beside};
use super::Daemon;
use crate::ledger::LedgerError;
use crate::model::{Diagnostic, EnvironmentName, Snapshot};
use crate::source::{Fetched, SourceError};
use crate::telemetry::chain;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

impl Daemon {
    pub(super) async fn hear(&mut self, heard: Heard) {
        // What was not taken in is asked for again.
        if !self.has_ledger() {
            return;
        }
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
            self.keep_unread(nth, &name).await;
        }
    }

    /// A start while the repository does not answer goes on with the state that was last good.
    async fn keep_unread(&mut self, nth: usize, name: &str) {
        let followed = self.parts.followed[nth].clone();
        // The one in question is what is read now, as far as it can be.
        match self.restore_unread(&followed, nth).await {
            Ok(news) => {
                for news in news {
                    self.act_on(name, news).await;
                }
            }
            Err(error) => {
                tracing::error!(
                    repository = name,
                    error = chain(&error),
                    "Last good state not read, trying again"
                );
            }
        }
    }

    async fn restore_unread(
        &mut self,
        followed: &Followed,
        nth: usize,
    ) -> Result<Vec<News>, LedgerError> {
        let claims = self.claims(nth).await?;
        restore_unread(&self.parts.world, followed, (&mut self.fleet, &claims)).await
    }

    /// Returns what the ledger says while one repository is taken in.
    async fn claims(&self, nth: usize) -> Result<Claims, LedgerError> {
        let read = self
            .view
            .borrow()
            .snapshots
            .keys()
            .copied()
            .collect::<BTreeSet<_>>();
        let unread = self.parts.followed.iter().enumerate();
        let unread = unread.filter(|(other, _)| *other != nth && !read.contains(other));
        let unread = unread.map(|(_, followed)| followed.origin.name().to_owned());
        Claims::read(&self.parts.world.ledger, unread.collect()).await
    }

    async fn take(&mut self, nth: usize, fetched: Fetched) {
        let followed = self.parts.followed[nth].clone();
        let name = followed.origin.name().to_owned();
        self.parts.teller.repository_read(&name, &fetched).await;
        // By what was taken, not by what moved: a state that could not be taken is asked for again.
        let taken = self.view.borrow().snapshots.get(&nth).cloned();
        let settled = taken.is_some_and(|taken| taken.revision == fetched.snapshot.revision)
            && !self.stale.contains(&nth);
        if !settled || self.fleet.is_troubled(&name) {
            if let Err(error) = self.take_in(nth, &followed, &fetched.snapshot).await {
                tracing::error!(
                    repository = name,
                    error = chain(&error),
                    "State not taken, asking again"
                );
                return;
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

    /// Reads a state, and acts on what it changes.
    pub(super) async fn take_in(
        &mut self,
        nth: usize,
        followed: &Followed,
        snapshot: &Arc<Snapshot>,
    ) -> Result<(), LedgerError> {
        let world = self.parts.world.clone();
        let kinds = world.registry.kinds();
        let mut reading = beside::environments(followed, snapshot, kinds).await;
        let claims = self.claims(nth).await?;
        let instead = instead(&world, followed, (&mut reading, snapshot)).await?;
        let newest = (&reading, snapshot);
        let fleet = (&mut self.fleet, &claims);
        let mut news = restore(&world, followed, newest, fleet).await?;
        let repository = followed.origin.name();
        let arrival = Arrival {
            repository,
            snapshot,
            reading,
            outside: &followed.outside,
            instead,
        };
        news.extend(self.fleet.take(arrival, kinds, &claims).await);
        for news in news {
            self.act_on(repository, news).await;
        }
        self.stale.remove(&nth);
        let wrong = trouble_of(self.fleet.unreadable(repository));
        let name = format!("unreadable files in {repository}");
        world.ledger.set_condition(&name, wrong.as_ref()).await
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
                let reason = if self.is_rolled_back(&name) {
                    Reason::Rollback
                } else {
                    Reason::Revision
                };
                self.tell(&name, reason);
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
        let (revision, path) = (kept.pinned.revision(), &kept.pinned.path);
        let recorded = async {
            ledger.set_home(name, &kept.repository).await?;
            ledger.set_last_good(name, revision, path).await?;
            ledger.keeps(name, kept.version()).await
        };
        if let Err(error) = recorded.await {
            tracing::error!(environment = %name, error = chain(&error), "Last good revision not recorded");
        }
    }
}

/// Says what is wrong in files that name no environment, where anything is.
fn trouble_of(wrong: &[Diagnostic]) -> Option<Value> {
    let first = wrong.first()?;
    let at = &first.location;
    let more = match wrong.len() - 1 {
        0 => String::new(),
        more => format!(" (and {more} more)"),
    };
    let place = format!("{}:{}:{}", at.file, at.line, at.column);
    Some(json!({
        "code": first.code,
        "message": format!("{place}: {}{more}", first.message),
        "hint": first.hint.as_deref().unwrap_or("`reconciled validate` shows every mistake."),
    }))
}
