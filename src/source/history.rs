//! How commits stand to each other, worked out from whatever part of the history is here. A commit
//! that is not here ends the walk; whether more of it exists elsewhere is the caller's to know.

use super::SourceError;
use super::store::corrupt;
use git2::{ErrorCode, Oid};
use std::collections::{HashMap, HashSet, VecDeque};

/// The part of a commit's history that is here.
pub(crate) struct Walk {
    /// Its commits with their parents and times.
    commits: HashMap<Oid, (Vec<Oid>, i64)>,
    /// The newest commit with a parent that is not here, by its time in seconds.
    edge: Option<i64>,
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
        edge: None,
    };
    let mut met = HashSet::from([from]);
    let mut next = VecDeque::from([(from, i64::MAX)]);
    while let Some((id, child)) = next.pop_front() {
        let commit = match repository.find_commit(id) {
            Ok(commit) => commit,
            Err(error) if error.code() == ErrorCode::NotFound => {
                walk.edge = walk.edge.max(Some(child));
                continue;
            }
            Err(error) => return Err(corrupt(target, &format!("read commit {id}"), error)),
        };
        let (parents, time) = (
            commit.parent_ids().collect::<Vec<_>>(),
            commit.time().seconds(),
        );
        let unmet = parents.iter().filter(|parent| met.insert(**parent));
        next.extend(unmet.map(|parent| (*parent, time)));
        walk.commits.insert(id, (parents, time));
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

    /// Tells whether nothing as new as a commit of `other` can be hidden beyond what is here. A parent
    /// is no newer than its child: git itself counts on that.
    pub(crate) fn reaches_behind(&self, other: &Self, id: Oid) -> bool {
        let time = other.commits.get(&id).map(|(_, time)| *time);
        self.edge
            .is_none_or(|edge| time.is_some_and(|time| edge < time))
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
