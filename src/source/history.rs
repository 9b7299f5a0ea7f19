//! How commits stand to each other, worked out from whatever part of the history is here. A commit
//! that is not here ends the walk; whether more of it exists elsewhere is the caller's to know.

use super::SourceError;
use super::store::{corrupt, missing_revision};
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

/// Commits of a branch, newest first, each with its first parent.
pub(crate) type Line = Vec<(Oid, Option<Oid>)>;

/// Returns a commit and the first parents before it that `from` does not hold: what came onto a branch
/// since it stood at `from`. `None` where more of the
/// history is needed to tell; `last` says that there is no more.
pub(crate) fn line(
    repository: &git2::Repository,
    target: &str,
    (from, to): (Oid, Oid),
    last: bool,
) -> Result<Option<Line>, SourceError> {
    let held = walk(repository, target, from, None)?;
    if !held.holds(from) {
        return if last {
            Err(missing_revision(target, &from.to_string()))
        } else {
            Ok(None)
        };
    }
    let mut line = Vec::new();
    let mut next = to;
    while !held.holds(next) {
        let parent = match repository.find_commit(next) {
            Ok(commit) => commit.parent_ids().next(),
            // Beyond it could be anything, also what `from` holds.
            Err(error) if error.code() == ErrorCode::NotFound => {
                return Ok(last.then(Vec::new));
            }
            Err(error) => return Err(corrupt(target, &format!("read commit {next}"), error)),
        };
        line.push((next, parent));
        match parent {
            Some(parent) => next = parent,
            // Two histories without a common commit: nothing came onto the first.
            None => return Ok((last || held.edge.is_none()).then(Vec::new)),
        }
    }
    Ok(Some(line))
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

#[cfg(test)]
mod tests {
    use super::*;
    use git2::{Repository, Signature, Time};

    /// Makes an empty commit of this time, in seconds.
    fn commit(repository: &Repository, time: i64, parents: &[Oid]) -> Oid {
        let who = Signature::new("Ada", "ada@example.com", &Time::new(time, 0)).unwrap();
        let tree = repository.treebuilder(None).unwrap().write().unwrap();
        let tree = repository.find_tree(tree).unwrap();
        let parents: Vec<_> = parents
            .iter()
            .map(|id| repository.find_commit(*id).unwrap())
            .collect();
        let parents: Vec<_> = parents.iter().collect();
        repository
            .commit(None, &who, &who, "x", &tree, &parents)
            .unwrap()
    }

    #[test]
    fn the_best_shared_commit_is_the_one_nothing_shared_descends_from() {
        let folder = tempfile::tempdir().unwrap();
        let store = Repository::init_bare(folder.path()).unwrap();
        let root = commit(&store, 1, &[]);
        let shared = commit(&store, 2, &[root]);
        let ours = commit(&store, 3, &[shared, root]);
        // The clock of the other side runs behind.
        let theirs = commit(&store, 0, &[root, shared]);
        let walk = |id| walk(&store, "shop", id, None).unwrap();
        assert_eq!(walk(ours).common(&walk(theirs)), Some(shared));
        assert_eq!(walk(ours).common(&walk(shared)), Some(shared));
        assert_eq!(walk(ours).common(&walk(commit(&store, 9, &[]))), None);
    }

    #[test]
    fn what_is_missing_could_hide_only_what_is_older() {
        let folder = tempfile::tempdir().unwrap();
        let store = Repository::init_bare(folder.path()).unwrap();
        let chain = [5, 6, 7].iter().fold(vec![], |mut chain: Vec<Oid>, time| {
            let parents: Vec<Oid> = chain.last().copied().into_iter().collect();
            chain.push(commit(&store, *time, &parents));
            chain
        });
        let (older, newer) = (commit(&store, 5, &[]), commit(&store, 8, &[]));
        let gone = chain[0].to_string();
        std::fs::remove_file(
            folder
                .path()
                .join("objects")
                .join(&gone[..2])
                .join(&gone[2..]),
        )
        .unwrap();
        let store = Repository::open(folder.path()).unwrap();
        let walk = |id| walk(&store, "shop", id, None).unwrap();
        let cut = walk(chain[2]);
        assert!(!cut.reaches_behind(&walk(older), older));
        assert!(cut.reaches_behind(&walk(newer), newer));
        assert!(!cut.reaches_behind(&walk(chain[0]), chain[0]));
        assert!(walk(newer).reaches_behind(&walk(older), older));
    }
}
