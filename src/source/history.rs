//! How commits stand to each other, worked out from whatever part of the history is here. A commit
//! that is not here ends the walk; whether more of it exists elsewhere is the caller's to know.

use super::SourceError;
use super::store::corrupt;
use git2::{ErrorCode, Oid};
use std::collections::{HashMap, HashSet, VecDeque};

/// The part of a commit's history that is here.
pub(crate) struct Walk {
    /// Its commits with their parents and times; the first is the commit itself.
    commits: HashMap<Oid, (Vec<Oid>, i64)>,
    /// All of it is here.
    pub(crate) whole: bool,
}

/// Walks back from a commit, nearest first, until `until` is met or there is no more.
pub(crate) fn walk(
    repository: &git2::Repository,
    target: &str,
    from: Oid,
    until: Option<Oid>,
) -> Result<Walk, SourceError> {
    let mut walk = Walk {
        commits: HashMap::new(),
        whole: true,
    };
    let mut met = HashSet::from([from]);
    let mut next = VecDeque::from([from]);
    while let Some(id) = next.pop_front() {
        let commit = match repository.find_commit(id) {
            Ok(commit) => commit,
            Err(error) if error.code() == ErrorCode::NotFound => {
                walk.whole = false;
                continue;
            }
            Err(error) => return Err(corrupt(target, &format!("read commit {id}"), error)),
        };
        let parents: Vec<Oid> = commit.parent_ids().collect();
        next.extend(parents.iter().filter(|parent| met.insert(**parent)));
        walk.commits.insert(id, (parents, commit.time().seconds()));
        if Some(id) == until {
            break;
        }
    }
    Ok(walk)
}

impl Walk {
    /// Tells whether a commit was met.
    pub(crate) fn holds(&self, id: Oid) -> bool {
        self.commits.contains_key(&id)
    }

    /// Returns the newest commit both hold that no other such commit descends from.
    pub(crate) fn common(&self, other: &Self) -> Option<Oid> {
        let shared: HashSet<&Oid> = self.commits.keys().filter(|id| other.holds(**id)).collect();
        // What both hold is closed under "parent of", so a parent of a shared commit is never best.
        let older: HashSet<&Oid> = shared.iter().flat_map(|id| &self.commits[*id].0).collect();
        shared
            .into_iter()
            .filter(|id| !older.contains(id))
            .max_by_key(|id| (self.commits[*id].1, **id))
            .copied()
    }
}
