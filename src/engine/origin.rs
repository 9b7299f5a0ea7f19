//! Where a repository's states come from: a Git branch, or a folder that is read as it stands.

use crate::model::{Revision, Snapshot};
use crate::source::{
    Fetched, Limits, Movement, Repository, SourceError, Watch, Word, blocking, folder,
};
use crate::telemetry::chain;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Where states come from.
#[derive(Clone)]
pub enum Origin {
    /// A branch.
    Git(Repository),
    /// A folder of this machine, for trying specs out.
    Folder(Arc<Folder>),
}

/// A folder that is read as it stands.
pub struct Folder {
    name: String,
    root: PathBuf,
    limits: Limits,
    last: Mutex<Option<Revision>>,
}

impl Folder {
    /// Takes a folder; reads nothing yet.
    pub fn new(name: String, root: PathBuf, limits: Limits) -> Self {
        Self {
            name,
            root,
            limits,
            last: Mutex::default(),
        }
    }

    fn fetch(&self) -> Result<Fetched, SourceError> {
        let snapshot = Arc::new(folder::snapshot(&self.root, self.limits)?);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let movement = match last.replace(snapshot.revision.clone()) {
            None => Movement::First,
            Some(before) if before == snapshot.revision => Movement::Same,
            Some(from) => Movement::Forward { from },
        };
        Ok(Fetched { snapshot, movement })
    }
}

impl Origin {
    /// Returns what people call it.
    pub fn name(&self) -> &str {
        match self {
            Self::Git(repository) => &repository.target().name,
            Self::Folder(folder) => &folder.name,
        }
    }

    /// Reads it as it is now.
    ///
    /// # Errors
    /// Every state of its own; never an empty snapshot.
    pub async fn fetch(&self) -> Result<Fetched, SourceError> {
        match self {
            Self::Git(repository) => repository.fetch().await,
            Self::Folder(folder) => {
                let read = Arc::clone(folder);
                blocking(&folder.name, folder.limits.deadline, move |_| read.fetch()).await
            }
        }
    }

    /// Watches a folder. What cannot be watched, and a branch, is only asked at its interval.
    pub fn watch(&self) -> Option<Watch> {
        let Self::Folder(folder) = self else {
            return None;
        };
        let watch = Watch::folder(&folder.root);
        if let Err(error) = &watch {
            tracing::warn!(
                error = chain(error),
                "Folder cannot be watched, looking at it at its interval"
            );
        }
        watch.ok()
    }

    /// Reads it as it was out of the copy on this machine, asking nobody; `None` where that does not hold it.
    pub async fn kept(&self, revision: &Revision) -> Option<Arc<Snapshot>> {
        match self {
            Self::Git(repository) => repository.kept(revision).await,
            Self::Folder(_) => None,
        }
    }

    /// Returns what a commit says of itself, asking nobody; `None` where that is not known here.
    pub async fn word(&self, revision: &Revision) -> Option<Word> {
        match self {
            Self::Git(repository) => repository.word(revision).await.ok().flatten(),
            Self::Folder(_) => None,
        }
    }

    /// Reads it as it was; a folder has no past.
    ///
    /// # Errors
    /// As [`Origin::fetch`].
    pub async fn at(&self, revision: &Revision) -> Result<Option<Arc<Snapshot>>, SourceError> {
        match self {
            Self::Git(repository) => repository.snapshot_at(revision).await.map(Some),
            Self::Folder(_) => Ok(None),
        }
    }
}
