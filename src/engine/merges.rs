//! Which pull requests brought what was merged: Git says which merges changed some files, the forge whose they were.

use crate::deliver::forge::{Forge, ForgeError};
use crate::model::{Class, Fault, RepoPath, Revision};
use crate::source::{Repository, SourceError};
use std::collections::BTreeSet;

/// The pull requests that changed some files between two states of a branch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Merges {
    /// Their numbers.
    pub numbers: BTreeSet<u64>,
    /// True where more was merged than was looked at: only the newest are here.
    pub more: bool,
}

/// Why nobody can tell.
#[derive(Debug, thiserror::Error)]
pub(super) enum MergesError {
    /// The forge's doing.
    #[error("ask which pull requests were merged")]
    Forge(#[from] ForgeError),
    /// Git's.
    #[error("find what was merged")]
    Source(#[from] SourceError),
}

impl Fault for MergesError {
    fn code(&self) -> &'static str {
        match self {
            Self::Forge(error) => error.code(),
            Self::Source(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Forge(error) => error.hint(),
            Self::Source(error) => error.hint(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Forge(error) => error.class(),
            Self::Source(error) => error.class(),
        }
    }
}

/// Finds what changed these files, or what is below, after `since` and up to `upto`.
///
/// # Errors
/// Git or the forge cannot be asked; a revision is not there any more.
pub(super) async fn merges(
    (repository, forge): (&Repository, &dyn Forge),
    (since, upto): (&Revision, &Revision),
    files: BTreeSet<RepoPath>,
) -> Result<Merges, MergesError> {
    let touching = repository.touching(since, upto, files).await?;
    let mut found = Merges {
        more: touching.more,
        ..Merges::default()
    };
    for commit in &touching.commits {
        let merged = forge.merged_as(commit).await?.into_iter();
        let here = merged.filter(|pull| pull.base_branch == repository.target().branch);
        found.numbers.extend(here.map(|pull| pull.number));
    }
    Ok(found)
}
