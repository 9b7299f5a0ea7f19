//! Takes states in beside the loop: reads, builds, writes down and tells. A large state takes its time, and
//! signals, live changes and people do not wait for it. Starts no run: that is the loop's, of what comes out.

use super::super::fleet::mistakes::{place, told};
use super::super::restore::{restore, restore_unread};
use super::super::rollback::instead;
use super::super::tell::Shortfall;
use super::super::{Arrival, Claims, Fleet, Followed, News, Teller, World, beside};
use super::View;
use crate::ledger::{Keeping, LedgerError};
use crate::model::{Diagnostic, Revision, Snapshot};
use crate::source::{Fetched, SourceError};
use futures::stream::{self, StreamExt as _};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// How many environments are spoken of at once: the ledger writes in one go what comes side by side.
const TOLD_AT_ONCE: usize = 64;

/// What one state of one repository is taken in with.
pub(super) struct Intake {
    pub world: World,
    pub teller: Arc<Teller>,
    /// Every repository.
    pub followed: Arc<[Followed]>,
    /// What was seen up to now.
    pub view: View,
    /// What was kept up to now.
    pub fleet: Arc<Fleet>,
    /// Nothing that changed in Git still waits for its run.
    pub settled: bool,
}

/// What came out of it.
pub(super) struct Taken {
    /// What is kept from now on.
    pub fleet: Arc<Fleet>,
    /// What that changed.
    pub news: Vec<News>,
    /// What was read of a repository that answered, and is taken in now.
    pub read: Option<(usize, Arc<Snapshot>)>,
    /// Repositories whose state was taken in though it did not move.
    pub again: BTreeSet<usize>,
    /// The repository for whose state the ledger was needed, and what it did not do.
    pub ledger: Option<(usize, Option<Shortfall>)>,
}

impl Intake {
    /// Takes in what a repository answered; what is known already, unless it is to be taken `again`, is not
    /// looked at any further.
    pub(super) async fn read(mut self, nth: usize, fetched: Fetched, again: bool) -> Taken {
        let name = self.name(nth).to_owned();
        self.teller.repository_read(&name, &fetched).await;
        let snapshot = fetched.snapshot;
        // By what was taken, not by what moved: a state that could not be taken is asked for again.
        let known = self.view.snapshots.get(&nth);
        let is_known = known.is_some_and(|known| known.revision == snapshot.revision);
        let mut news = Vec::new();
        if !is_known || again || self.fleet.is_troubled(&name) {
            match self.take_in(nth, &snapshot).await {
                Ok(some) => news = some,
                Err(error) => return self.untaken(nth, &error),
            }
            self.teller.taken_in(&name, &snapshot.revision).await;
        }
        self.view.snapshots.insert(nth, Arc::clone(&snapshot));
        // What took another name is the new name's only after a run of that.
        let all_read = self.view.snapshots.len() == self.followed.len();
        let is_changed = |news: &News| matches!(news, News::Changed(_));
        if all_read && self.settled && !news.iter().any(is_changed) {
            self.teller.orphans(&self.fleet).await;
        }
        self.taken(news, Some((nth, snapshot)), true)
    }

    /// Takes the newest states of these repositories in again.
    pub(super) async fn again(mut self, repositories: BTreeSet<usize>) -> Taken {
        let mut taken = self.taken(Vec::new(), None, false);
        for nth in repositories {
            let Some(snapshot) = self.view.snapshots.get(&nth).cloned() else {
                continue;
            };
            match self.take_in(nth, &snapshot).await {
                Ok(news) => {
                    taken.news.extend(news);
                    taken.again.insert(nth);
                    taken.ledger.get_or_insert((nth, None));
                }
                Err(error) => taken.ledger = self.untaken(nth, &error).ledger,
            }
        }
        taken.fleet = self.fleet;
        taken
    }

    /// A repository does not answer. At a start that goes on with the state that was last good.
    pub(super) async fn unread(mut self, nth: usize, error: SourceError) -> Taken {
        let name = self.name(nth).to_owned();
        self.teller.repository_unreachable(&name, &error).await;
        if self.view.snapshots.contains_key(&nth) {
            return self.taken(Vec::new(), None, false);
        }
        // The one in question is what is read now, as far as it can be.
        match self.restore_unread(nth).await {
            Ok(news) => Taken {
                ledger: Some((nth, None)),
                ..self.taken(news, None, false)
            },
            Err(error) => self.untaken(nth, &error),
        }
    }

    /// The ledger did not let a state in: that is tried again.
    fn untaken(&self, nth: usize, error: &LedgerError) -> Taken {
        Taken {
            ledger: Some((nth, Some(Shortfall::of(error)))),
            ..self.taken(Vec::new(), None, false)
        }
    }

    fn taken(&self, news: Vec<News>, read: Option<(usize, Arc<Snapshot>)>, again: bool) -> Taken {
        let again = read.iter().filter(|_| again).map(|(nth, _)| *nth);
        Taken {
            again: again.collect(),
            fleet: Arc::clone(&self.fleet),
            news,
            ledger: read.as_ref().map(|(nth, _)| (*nth, None)),
            read,
        }
    }

    fn name(&self, nth: usize) -> &str {
        self.followed[nth].origin.name()
    }

    async fn restore_unread(&mut self, nth: usize) -> Result<Vec<News>, LedgerError> {
        let claims = self.claims(nth).await?;
        let mut fleet = Fleet::clone(&self.fleet);
        let followed = self.followed[nth].clone();
        let news = restore_unread(&self.world, &followed, (&mut fleet, &claims)).await?;
        self.keep(fleet, &news).await?;
        self.tell((followed.origin.name(), None), &news).await;
        Ok(news)
    }

    /// Returns what the ledger says while one repository is taken in.
    async fn claims(&self, nth: usize) -> Result<Claims, LedgerError> {
        let unread = self.followed.iter().enumerate();
        let unread =
            unread.filter(|(other, _)| *other != nth && !self.view.snapshots.contains_key(other));
        let unread = unread.map(|(_, followed)| followed.origin.name().to_owned());
        Claims::read(&self.world.ledger, unread.collect()).await
    }

    /// Reads a state, writes down what is kept of it, and tells what it changes.
    async fn take_in(
        &mut self,
        nth: usize,
        snapshot: &Arc<Snapshot>,
    ) -> Result<Vec<News>, LedgerError> {
        let (world, followed) = (self.world.clone(), self.followed[nth].clone());
        let kinds = world.registry.kinds();
        let mut reading = beside::environments(&followed, snapshot, kinds).await;
        let claims = self.claims(nth).await?;
        let instead = instead(&world, &followed, (&mut reading, snapshot)).await?;
        let mut fleet = Fleet::clone(&self.fleet);
        let newest = (&reading, snapshot);
        let mut news = restore(&world, &followed, newest, (&mut fleet, &claims)).await?;
        let repository = followed.origin.name();
        let arrival = Arrival {
            repository,
            snapshot,
            reading,
            outside: &followed.outside,
            instead,
        };
        news.extend(fleet.take(arrival, kinds, &claims).await);
        // Before it counts as kept: after that the same state is no news any more.
        let wrong = trouble_of(fleet.unreadable(repository));
        let name = format!("unreadable files in {repository}");
        world.ledger.set_condition(&name, wrong.as_ref()).await?;
        self.keep(fleet, &news).await?;
        self.tell((repository, Some(&snapshot.revision)), &news)
            .await;
        self.teller.mended(&self.fleet, repository).await;
        Ok(news)
    }

    /// Writes down what is kept from now on, all that changed at once. Killed before that, the state is taken
    /// in again; nothing of it ran.
    async fn keep(&mut self, fleet: Fleet, news: &[News]) -> Result<(), LedgerError> {
        let changed = news.iter().filter_map(|news| match news {
            News::Changed(name) => fleet.kept().get_key_value(name),
            _ => None,
        });
        let keeping = changed.map(|(name, kept)| Keeping {
            environment: name.clone(),
            repository: kept.repository.clone(),
            revision: kept.pinned.revision().clone(),
            path: kept.pinned.path.clone(),
            version: kept.version(),
        });
        let keeping: Vec<Keeping> = keeping.collect();
        self.world.ledger.keep(&keeping).await?;
        self.fleet = Arc::new(fleet);
        Ok(())
    }

    /// Tells what a state of a repository changes; of what was kept of another it is not known which that was.
    async fn tell(&self, (repository, revision): (&str, Option<&Revision>), news: &[News]) {
        let of = (repository, revision);
        let all = stream::iter(news);
        all.for_each_concurrent(TOLD_AT_ONCE, |news| self.tell_one(of, news))
            .await;
    }

    async fn tell_one(&self, (repository, revision): (&str, Option<&Revision>), news: &News) {
        match news {
            News::Changed(name) => {
                let Some(kept) = self.fleet.kept().get(name) else {
                    return;
                };
                for one in kept.graph.warnings() {
                    let (place, worth) = (place(one), &one.message);
                    tracing::warn!(environment = %name, place, code = one.code, worth, "Spec is used, but worth a look");
                }
                self.teller.changed(kept).await;
            }
            News::Broken(name, diagnostics) => {
                let is_kept = self.fleet.kept().contains_key(name);
                let at = revision.map(|revision| (repository, revision));
                self.teller.broken((name, at), diagnostics, is_kept).await;
            }
            News::Gone(name) => {
                self.teller.gone(name).await;
                tracing::warn!(environment = %name, "Environment is declared nowhere, nothing of it is deleted");
            }
            News::Unreadable(diagnostics) => {
                for one in diagnostics {
                    let (place, mistake) = (place(one), &one.message);
                    tracing::error!(
                        repository,
                        place,
                        code = one.code,
                        mistake,
                        "File cannot be used"
                    );
                }
            }
        }
    }
}

/// Says what is wrong in files that name no environment, where anything is.
fn trouble_of(wrong: &[Diagnostic]) -> Option<Value> {
    let first = wrong.first()?;
    Some(json!({
        "code": first.code,
        "message": told(wrong),
        "hint": first.hint.as_deref().unwrap_or("`reconciled validate` shows every mistake."),
    }))
}
