//! One repository, from its settings to snapshots of it. Decides what is asked of whom; reading is
//! `tree`'s, merging `merge`'s.

use super::blobs::Blobs;
use super::cache::Cache;
use super::merge::{self, MergePreview, Sides};
use super::target::full_reference;
use super::{Movement, Place, SourceError, Stop, Target, blocking, store, tree};
use crate::model::{RepoPath, Revision, Snapshot};
use crate::net::Client;
use git2::Oid;
use std::path::{Path, PathBuf};
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

/// One repository. Cloning is cheap and shares the cache.
#[derive(Clone)]
pub struct Repository(Arc<Inner>);

struct Inner {
    client: Client,
    target: Target,
    place: Place,
    cache: Cache,
    /// One fetch at a time; the second finds what the first brought.
    turn: tokio::sync::Mutex<()>,
    memory: Mutex<Memory>,
}

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
        Ok(Self(Arc::new(Inner {
            client: client.clone(),
            place: target.place()?,
            cache: Cache::open(cache_dir, &target)?,
            target,
            turn: tokio::sync::Mutex::default(),
            memory: Mutex::default(),
        })))
    }

    /// Returns what this repository was opened for.
    pub fn target(&self) -> &Target {
        &self.0.target
    }

    /// Asks where the branch stands: one small request, nothing is fetched.
    ///
    /// # Errors
    /// As `fetch`, limits apart.
    pub async fn head(&self) -> Result<Revision, SourceError> {
        let id = self.tip(&self.0.target.reference()).await?;
        Ok(Revision::new(id.to_string()))
    }

    /// Reads the branch as it is now. Where it did not move the last snapshot is handed out again.
    ///
    /// # Errors
    /// Every state of its own (`SourceError`); never an empty snapshot.
    pub async fn fetch(&self) -> Result<Fetched, SourceError> {
        let _turn = self.0.turn.lock().await;
        let reference = self.0.target.reference();
        let id = self.tip(&reference).await?;
        let now = Revision::new(id.to_string());
        let before = self.0.cache.last(&reference);
        let known = self.0.memory().snapshot.clone();
        if let Some(snapshot) = known.filter(|snapshot| snapshot.revision == now)
            && before.as_ref() == Some(&now)
        {
            return Ok(Fetched {
                snapshot,
                movement: Movement::Same,
            });
        }
        let snapshot = Arc::new(self.read(id).await?);
        let movement = match before {
            None => Movement::First,
            Some(before) if before == now => Movement::Same,
            Some(before) => self.movement(before, id).await?,
        };
        self.0.cache.keep(&reference, &now)?;
        self.0.memory().snapshot = Some(Arc::clone(&snapshot));
        Ok(Fetched { snapshot, movement })
    }

    /// Reads the repository as it was at a revision.
    ///
    /// # Errors
    /// `MissingRevision` where it is gone; else as `fetch`.
    pub async fn snapshot_at(&self, revision: &Revision) -> Result<Arc<Snapshot>, SourceError> {
        let _turn = self.0.turn.lock().await;
        let known = self.0.memory().snapshot.clone();
        if let Some(snapshot) = known.filter(|snapshot| snapshot.revision == *revision) {
            return Ok(snapshot);
        }
        let id = store::commit_id(&self.0.target.name, revision.as_str())?;
        self.read(id).await.map(Arc::new)
    }

    /// Works out what `base_branch` would hold after `head_ref` (a branch or a full name such as
    /// `refs/pull/7/head`) is merged into it, without writing anything.
    ///
    /// # Errors
    /// `Conflict` with the files, `Unrelated`; else as `fetch`.
    pub async fn merge_preview(
        &self,
        base_branch: &str,
        head_ref: &str,
    ) -> Result<MergePreview, SourceError> {
        let _turn = self.0.turn.lock().await;
        let base = self.tip(&full_reference(base_branch)).await?;
        let head = self.tip(&full_reference(head_ref)).await?;
        let (base, head) = ((base_branch.to_owned(), base), (head_ref.to_owned(), head));
        self.blocking(move |inner, stop| {
            let repository = inner.store()?;
            let name = &inner.target.name;
            let common = merge::common(&repository, name, base.1, head.1)?
                .ok_or_else(|| merge::unrelated(name, &base.0, &head.0))?;
            let sides = Sides { base, head, common };
            let blobs = &mut inner.memory().blobs;
            merge::preview(&repository, &inner.target, &sides, blobs, stop)
        })
        .await
    }

    /// Lists the paths that differ between two revisions, in order; both names of what was renamed.
    ///
    /// # Errors
    /// `MissingRevision` where one is gone; else as `fetch`.
    pub async fn changed_paths(
        &self,
        a: &Revision,
        b: &Revision,
    ) -> Result<Vec<RepoPath>, SourceError> {
        let name = &self.0.target.name;
        let (a, b) = (
            store::commit_id(name, a.as_str())?,
            store::commit_id(name, b.as_str())?,
        );
        self.blocking(move |inner, _| tree::changed(&inner.store()?, &inner.target.name, a, b))
            .await
    }

    async fn tip(&self, reference: &str) -> Result<Oid, SourceError> {
        let reference = reference.to_owned();
        self.blocking(move |inner, _| store::tip(&inner.store()?, &inner.target.name, &reference))
            .await
    }

    async fn read(&self, id: Oid) -> Result<Snapshot, SourceError> {
        self.blocking(move |inner, stop| {
            let repository = inner.store()?;
            let blobs = &mut inner.memory().blobs;
            tree::snapshot(&repository, &inner.target, id, blobs, stop)
        })
        .await
    }

    async fn movement(&self, from: Revision, new: Oid) -> Result<Movement, SourceError> {
        let old = store::commit_id(&self.0.target.name, from.as_str())?;
        self.blocking(move |inner, _| {
            let repository = inner.store()?;
            // A commit that is gone holds nothing: its branch was rewritten.
            let holds = |a, b| repository.graph_descendant_of(a, b).unwrap_or(false);
            Ok(Movement::of(from, holds(new, old), holds(old, new)))
        })
        .await
    }

    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner, &Stop) -> Result<T, SourceError> + Send + 'static,
    ) -> Result<T, SourceError> {
        let inner = Arc::clone(&self.0);
        blocking(&self.0.target.name, move |stop| work(&inner, stop)).await
    }
}

impl Inner {
    fn store(&self) -> Result<git2::Repository, SourceError> {
        let path: PathBuf = match &self.place {
            Place::Local(path) => path.clone(),
            _ => self.cache.path("tips.git"),
        };
        store::opened(&self.target.name, &path)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        // Memory is only ever replaced whole: a panic elsewhere leaves it usable.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
