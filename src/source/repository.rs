//! One repository, from its settings to snapshots of it. Decides what is asked of whom; reading is
//! `tree`'s, merging `merge`'s, bringing objects here `origin`'s.

mod preview;

use super::blobs::Blobs;
use super::cache::Cache;
use super::merge::{self, MergePreview};
use super::origin::Origin;
use super::remote::{OURS, Remote, Stores};
use super::{Movement, Place, SourceError, Stop, Target, Word, blocking, store, tree};
use crate::model::{RepoPath, Revision, Snapshot};
use crate::net::Client;
use git2::Oid;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a fetch brought.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// The branch's files. Zero of them is a valid answer (the branch has no files); whether
    /// anything follows from that is the engine's to say.
    pub snapshot: Arc<Snapshot>,
    /// How the branch moved since the last fetch, restarts included.
    pub movement: Movement,
}

/// How many commits are looked at for who changed a file: each costs its whole tree once.
const LOOKED_AT: usize = 20;

/// The commits that changed certain files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Touching {
    /// The commits, newest first.
    pub commits: Vec<Revision>,
    /// True where there are older ones that were not looked at.
    pub more: bool,
}

/// One repository. Cloning is cheap and shares the cache.
#[derive(Clone)]
pub struct Repository(Arc<Inner>);

struct Inner {
    client: Client,
    target: Target,
    place: Place,
    cache: Cache,
    /// The same, but less is taken at once.
    forks: Target,
    /// One piece of work at a time; the second finds what the first brought.
    turn: Turn,
    /// Forks have a turn of their own: nobody waits for what a stranger offers.
    forks_turn: Turn,
    memory: Mutex<Memory>,
}

/// Whose turn it is.
type Turn = Arc<tokio::sync::Mutex<()>>;

/// What was read last.
#[derive(Default)]
struct Memory {
    snapshot: Option<Arc<Snapshot>>,
    blobs: Blobs,
}

impl Repository {
    /// Takes the target's cache folder below `cache_dir`, and holds it as long as this value lives.
    ///
    /// # Errors
    /// `Setting` for an address that cannot be used, `Locked` where another process holds the
    /// folder, `Disk` where it cannot be made.
    pub fn open(cache_dir: &Path, target: Target, client: &Client) -> Result<Self, SourceError> {
        let mut forks = target.clone();
        let limits = &mut forks.limits;
        limits.fetch_bytes = limits.fetch_bytes.min(limits.fork_bytes);
        Ok(Self(Arc::new(Inner {
            client: client.clone(),
            place: target.place()?,
            cache: Cache::open(cache_dir, &target)?,
            target,
            forks,
            turn: Arc::default(),
            forks_turn: Arc::default(),
            memory: Mutex::default(),
        })))
    }

    /// Returns what this repository was opened for.
    pub fn target(&self) -> &Target {
        &self.0.target
    }

    /// Reads the branch as it is now. Where it did not move the last snapshot is handed out again.
    ///
    /// # Errors
    /// Every state of its own (`SourceError`); never an empty snapshot.
    pub async fn fetch(&self) -> Result<Fetched, SourceError> {
        self.work(Inner::fetch).await
    }

    /// Reads the repository as it was at a revision.
    ///
    /// # Errors
    /// `MissingRevision` where it is gone; else as `fetch`.
    pub async fn snapshot_at(&self, revision: &Revision) -> Result<Arc<Snapshot>, SourceError> {
        let revision = revision.clone();
        self.work(move |inner, stop| {
            let known = inner.memory().snapshot.clone();
            if let Some(snapshot) = known.filter(|snapshot| snapshot.revision == revision) {
                return Ok(snapshot);
            }
            let id = store::commit_id(&inner.target.name, revision.as_str())?;
            inner.read(&mut inner.origin(stop), id, stop).map(Arc::new)
        })
        .await
    }

    /// Reads the repository as it was at a revision out of the copy on this machine, asking nobody; `None`
    /// where the copy does not hold it.
    pub async fn kept(&self, revision: &Revision) -> Option<Arc<Snapshot>> {
        let revision = revision.clone();
        let kept = self.work(move |inner, stop| {
            let id = store::commit_id(&inner.target.name, revision.as_str())?;
            let mut origin = inner.origin(stop);
            match origin.holds(id)? {
                true => inner.read(&mut origin, id, stop).map(Arc::new).map(Some),
                false => Ok(None),
            }
        });
        kept.await.ok().flatten()
    }

    /// Returns what a commit says of itself, out of the copy on this machine; `None` where that does not hold it.
    ///
    /// # Errors
    /// The copy cannot be read.
    pub async fn word(&self, revision: &Revision) -> Result<Option<Word>, SourceError> {
        let revision = revision.clone();
        let word = self.work(move |inner, stop| {
            let name = &inner.target.name;
            let id = store::commit_id(name, revision.as_str())?;
            let mut origin = inner.origin(stop);
            if !origin.holds(id)? {
                return Ok(None);
            }
            let store = origin.store(&[id])?;
            Ok(Some(Word::of(&store::commit(&store, name, id)?)))
        });
        word.await
    }

    /// Works out what `base_branch` would hold after `head_ref` (a branch or a full name such as
    /// `refs/pull/7/head`, and the commit it has to be at, where one is named) is merged into it, without
    /// writing anything.
    ///
    /// # Errors
    /// `Elsewhere` where the head is at another commit; `Conflict` with the files, `Unrelated`; else as `fetch`.
    pub async fn merge_preview(
        &self,
        base_branch: &str,
        (head_ref, at): (&str, Option<&Revision>),
    ) -> Result<MergePreview, SourceError> {
        let names = (base_branch.to_owned(), head_ref.to_owned());
        let at = at.cloned();
        self.work(move |inner, stop| {
            let mut origin = inner.origin(stop);
            let (sides, store) = inner.sides(&mut origin, names, at.as_ref())?;
            let blobs = &mut inner.memory().blobs;
            merge::preview(&store, &inner.target, &sides, blobs, stop)
        })
        .await
    }

    /// As `merge_preview`, of a head that anybody may have made: no more of it is taken than `Limits::fork_bytes`, it is
    /// kept apart, and nothing else waits for it.
    ///
    /// # Errors
    /// As `merge_preview`.
    pub async fn fork_preview(
        &self,
        base_branch: &str,
        (head_ref, at): (&str, Option<&Revision>),
    ) -> Result<MergePreview, SourceError> {
        let names = (base_branch.to_owned(), head_ref.to_owned());
        let at = at.cloned();
        let preview = move |inner: &Inner, stop: &Stop| inner.fork_preview(names, at, stop);
        self.work_in(&self.0.forks_turn, preview).await
    }

    /// Lists the commits that came onto a branch between two of its states and changed one of these
    /// files or folders, newest first. Merges, squashed commits and rebased ones count each for what
    /// it changed; what a merge brought is not listed beside it. Only the newest 20 are looked at,
    /// whatever they changed.
    ///
    /// # Errors
    /// `MissingRevision` where one is gone; else as `fetch`.
    pub async fn touching(
        &self,
        from: &Revision,
        to: &Revision,
        paths: BTreeSet<RepoPath>,
    ) -> Result<Touching, SourceError> {
        let name = &self.0.target.name;
        let (from, to) = (
            store::commit_id(name, from.as_str())?,
            store::commit_id(name, to.as_str())?,
        );
        self.work(move |inner, stop| inner.touching((from, to), &paths, stop))
            .await
    }

    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &Stop) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        self.work_in(&self.0.turn, work).await
    }

    async fn work_in<T: Send + 'static>(
        &self,
        turn: &Turn,
        work: impl FnOnce(&Inner, &Stop) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let inner = Arc::clone(&self.0);
        let turn = Arc::clone(turn).lock_owned().await;
        let deadline = self.0.target.limits.deadline;
        blocking(&self.0.target.name, deadline, move |stop| {
            // Until the work has really ended: where the caller is gone it may take a moment.
            let _turn = turn;
            work(&inner, stop)
        })
        .await
    }
}

impl Inner {
    fn origin<'a>(&'a self, stop: &'a Stop) -> Origin<'a> {
        self.origin_in(&OURS, &self.target, stop)
    }

    fn origin_in<'a>(
        &'a self,
        stores: &'static Stores,
        target: &'a Target,
        stop: &'a Stop,
    ) -> Origin<'a> {
        match &self.place {
            Place::Local(path) => Origin::Local {
                target: &target.name,
                path,
            },
            place => Origin::Remote(Box::new(Remote {
                target,
                stores,
                place,
                client: &self.client,
                cache: &self.cache,
                stop,
                session: None,
            })),
        }
    }

    fn tips<const N: usize>(
        &self,
        origin: &mut Origin<'_>,
        references: [&str; N],
    ) -> Result<[Oid; N], SourceError> {
        let valid = |name: &str| name == "HEAD" || git2::Reference::is_valid_name(name);
        if let Some(bad) = references.iter().find(|name| !valid(name)) {
            return Err(SourceError::Setting {
                target: self.target.name.clone(),
                reason: format!("{bad:?} is no name of a branch"),
            });
        }
        let tips = origin.tips(&references)?;
        tips.try_into().map_err(|_| SourceError::Internal {
            target: self.target.name.clone(),
            reason: "it answered another number of references than was asked".to_owned(),
        })
    }

    fn fetch(&self, stop: &Stop) -> Result<Fetched, SourceError> {
        let mut origin = self.origin(stop);
        let reference = self.target.reference();
        let [id] = self.tips(&mut origin, [&reference])?;
        let now = Revision::new(id.to_string());
        let before = self.cache.last(&reference);
        let known = self.memory().snapshot.clone();
        let snapshot = match known.filter(|snapshot| snapshot.revision == now) {
            Some(snapshot) => snapshot,
            None => Arc::new(self.read(&mut origin, id, stop)?),
        };
        let movement = match before {
            None => Movement::First,
            Some(before) if before == now => Movement::Same,
            Some(before) => {
                let old = store::commit_id(&self.target.name, before.as_str())?;
                let (forward, back) = origin.relation(old, id)?;
                Movement::of(before, forward, back)
            }
        };
        if movement != Movement::Same {
            self.cache.keep(&reference, &now)?;
        }
        self.memory().snapshot = Some(Arc::clone(&snapshot));
        Ok(Fetched { snapshot, movement })
    }

    fn read(&self, origin: &mut Origin<'_>, id: Oid, stop: &Stop) -> Result<Snapshot, SourceError> {
        let read = |origin: &mut Origin<'_>| {
            let store = origin.store(&[id])?;
            tree::snapshot(&store, &self.target, id, &mut self.memory().blobs, stop)
        };
        match read(origin) {
            // A damaged copy is ours to throw away, once; a damaged repository stays an error.
            Err(SourceError::Corrupt { .. }) if origin.forget()? => read(origin),
            other => other,
        }
    }

    fn touching(
        &self,
        (from, to): (Oid, Oid),
        paths: &BTreeSet<RepoPath>,
        stop: &Stop,
    ) -> Result<Touching, SourceError> {
        let mut origin = self.origin(stop);
        let mut line = origin.line(from, to)?;
        let more = line.len() > LOOKED_AT;
        line.truncate(LOOKED_AT);
        let ids: BTreeSet<Oid> = line
            .iter()
            .flat_map(|(id, parent)| [Some(*id), *parent])
            .flatten()
            .collect();
        let store = origin.store(&ids.into_iter().collect::<Vec<_>>())?;
        let mut commits = Vec::new();
        for (id, parent) in line {
            let changed = tree::changed(&store, &self.target.name, parent, id)?;
            let counts = |path: &RepoPath| paths.iter().any(|one| path.is_under(one));
            if changed.iter().any(counts) {
                commits.push(Revision::new(id.to_string()));
            }
        }
        Ok(Touching { commits, more })
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Memory is only ever replaced whole: a panic elsewhere leaves it usable.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
