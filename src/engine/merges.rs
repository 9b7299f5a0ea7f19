//! Which pull requests brought what was merged: Git says which merges changed some files, the forge whose they were.

use crate::deliver::forge::{Forge, ForgeError};
use crate::model::{Class, Fault, RepoPath, Revision};
use crate::source::{Repository, SourceError, Word};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};

/// How old a commit is before nobody tells of it means that it was pushed: the forge's index of what pull requests
/// brought follows a merge after a while, and nothing says how long that is.
const SETTLED: SignedDuration = SignedDuration::from_mins(2);

/// How soon that is asked again at the soonest.
const SOON: SignedDuration = SignedDuration::from_secs(5);

/// The pull requests that changed some files between two states of a branch.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Merges {
    /// Their numbers, and what was at the head of each when it was merged.
    pub heads: BTreeMap<u64, Revision>,
    /// True where more was merged than was looked at: only the newest are here.
    pub more: bool,
    /// In how long to ask again, where the forge may not know yet whose a commit is.
    pub again: Option<SignedDuration>,
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
    now: Timestamp,
) -> Result<Merges, MergesError> {
    let touching = repository.touching(since, upto, files).await?;
    let mut found = Merges {
        more: touching.more,
        ..Merges::default()
    };
    for commit in &touching.commits {
        let word = repository.word(commit).await?;
        let named = word.as_ref().and_then(Word::pull);
        let merged = forge.merged_as(commit, named).await?.into_iter();
        let here = merged.filter(|pull| pull.base_branch == repository.target().branch);
        let here: Vec<(u64, Revision)> = here.map(|pull| (pull.number, pull.head)).collect();
        if here.is_empty() {
            let again = word.and_then(|word| again(word.at?, now));
            found.again = found.again.into_iter().chain(again).min();
        }
        found.heads.extend(here);
    }
    Ok(found)
}

/// Returns in how long to ask again whose a commit is that nobody tells of; `None` where it is old enough to have been
/// pushed. The pauses grow as it does.
fn again(committed: Timestamp, now: Timestamp) -> Option<SignedDuration> {
    let age = now.duration_since(committed);
    // One from further ahead was made by a clock that tells nothing.
    let is_new = age.abs() < SETTLED;
    is_new.then(|| age.max(SOON).min(SETTLED - age))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whose_a_new_commit_is_may_not_be_known_yet() {
        let committed = Timestamp::from_second(10_000).unwrap();
        let again_after = |age: i64| {
            let now = Timestamp::from_second(10_000 + age).unwrap();
            again(committed, now).map(|wait| wait.as_secs())
        };
        let (mut age, mut asked) = (0, 0);
        while let Some(wait) = again_after(age) {
            age += wait;
            asked += 1;
        }
        assert_eq!((age, asked), (120, 6));
        // By a clock that is ahead, a little and by far.
        assert_eq!(again_after(-30), Some(5));
        assert_eq!(again_after(-100_000), None);
    }
}
