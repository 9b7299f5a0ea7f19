//! Where objects come from: a repository on this machine is read in place, a server's are brought
//! into the cache first. Everything after that is the same for both.

use super::history::{Line, line, walk};
use super::remote::Remote;
use super::{SourceError, store};
use git2::Oid;
use std::path::Path;

/// Where objects come from.
pub(crate) enum Origin<'a> {
    /// A repository on this machine.
    Local {
        /// The target's name.
        target: &'a str,
        /// Where it stands.
        path: &'a Path,
    },
    /// A server.
    Remote(Box<Remote<'a>>),
}

impl Origin<'_> {
    /// Returns the commits that references stand at, in their order.
    pub(crate) fn tips(&mut self, references: &[&str]) -> Result<Vec<Oid>, SourceError> {
        match self {
            Self::Local { target, path } => {
                let store = store::opened(target, path)?;
                let tip = |reference: &&str| store::tip(&store, target, reference);
                references.iter().map(tip).collect()
            }
            Self::Remote(remote) => remote.tips(references),
        }
    }

    /// Returns a store that holds these commits with all their files.
    pub(crate) fn store(&mut self, ids: &[Oid]) -> Result<git2::Repository, SourceError> {
        match self {
            Self::Local { target, path } => store::opened(target, path),
            Self::Remote(remote) => {
                remote.bring(ids)?;
                remote.store()
            }
        }
    }

    /// Tells whether a commit is on this machine with all its files.
    pub(crate) fn holds(&self, id: Oid) -> Result<bool, SourceError> {
        match self {
            Self::Local { target, path } => {
                let store = store::opened(target, path)?;
                Ok(store.find_commit(id).is_ok())
            }
            Self::Remote(remote) => remote.holds(&remote.store()?, id),
        }
    }

    /// Throws away what may be damaged; `false` where there is nothing of ours.
    pub(crate) fn forget(&mut self) -> Result<bool, SourceError> {
        match self {
            Self::Local { .. } => Ok(false),
            Self::Remote(remote) => remote.forget().map(|()| true),
        }
    }

    /// Throws away all that may be damaged and is ours.
    pub(crate) fn forget_all(&mut self) -> Result<(), SourceError> {
        match self {
            Self::Local { .. } => Ok(()),
            Self::Remote(remote) => remote.forget_all(),
        }
    }

    /// Tells whether `new` holds `old` in its history, and the other way round.
    pub(crate) fn relation(&mut self, old: Oid, new: Oid) -> Result<(bool, bool), SourceError> {
        match self {
            Self::Local { target, path } => {
                let store = store::opened(target, path)?;
                let forward = walk(&store, target, new, Some(old))?.holds(old);
                let back = !forward && walk(&store, target, old, Some(new))?.holds(new);
                Ok((forward, back))
            }
            Self::Remote(remote) => remote.relation(old, new),
        }
    }

    /// Returns what came onto a branch between two of its states, newest first, as `history::line`.
    pub(crate) fn line(&mut self, from: Oid, to: Oid) -> Result<Line, SourceError> {
        match self {
            Self::Local { target, path } => {
                let store = store::opened(target, path)?;
                Ok(line(&store, target, (from, to), true)?.unwrap_or_default())
            }
            Self::Remote(remote) => remote.line(from, to),
        }
    }

    /// Returns the newest commit both hold; `None` where there is none.
    pub(crate) fn common(&mut self, base: Oid, head: Oid) -> Result<Option<Oid>, SourceError> {
        match self {
            Self::Local { target, path } => {
                let store = store::opened(target, path)?;
                let base = walk(&store, target, base, None)?;
                Ok(base.common(&walk(&store, target, head, None)?))
            }
            Self::Remote(remote) => remote.common(base, head),
        }
    }
}
