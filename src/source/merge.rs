//! What a branch would hold after a merge, worked out in memory: nothing is written to any store.

use super::blobs::Blobs;
use super::store::{commit, corrupt};
use super::{SourceError, Stop, Target, tree};
use crate::model::{Revision, Snapshot};
use git2::{MergeOptions, Oid, Tree};
use std::collections::BTreeSet;

/// What a branch would hold after a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MergePreview {
    /// The merged files. Its revision is `merge:<tree>`.
    pub snapshot: Snapshot,
    /// Where the branch that is merged into stands.
    pub base: Revision,
    /// Where the branch that is merged stands.
    pub head: Revision,
}

/// The two sides of a merge, with the names people know them by.
#[derive(Clone, Debug)]
pub(crate) struct Sides {
    pub(crate) base: (String, Oid),
    pub(crate) head: (String, Oid),
    /// The newest commit both hold.
    pub(crate) common: Oid,
}

/// The error of two branches without a common commit.
pub(crate) fn unrelated(target: &str, base: &str, head: &str) -> SourceError {
    SourceError::Unrelated {
        target: target.to_owned(),
        base: base.to_owned(),
        head: head.to_owned(),
    }
}

/// Merges the head's changes since `common` into the base.
pub(crate) fn preview(
    repository: &git2::Repository,
    target: &Target,
    sides: &Sides,
    blobs: &mut Blobs,
    stop: &Stop,
) -> Result<MergePreview, SourceError> {
    let failed = |error| corrupt(&target.name, "merge the two trees", error);
    // Merged files are new objects: this store in memory, asked first, takes them.
    let odb = repository.odb().map_err(failed)?;
    let _memory = odb.add_new_mempack_backend(1000).map_err(failed)?;
    let tree_of = |id| commit(repository, &target.name, id)?.tree().map_err(failed);
    let trees = [
        tree_of(sides.common)?,
        tree_of(sides.base.1)?,
        tree_of(sides.head.1)?,
    ];
    Ok(MergePreview {
        snapshot: merged(
            repository,
            target,
            (trees, [&sides.base.0, &sides.head.0]),
            blobs,
            stop,
        )?,
        base: Revision::new(sides.base.1.to_string()),
        head: Revision::new(sides.head.1.to_string()),
    })
}

/// Merges trees, the common one first, then the base's and the head's, whose names people know. What is new
/// is written to the store: one in memory has to be asked first.
pub(super) fn merged(
    repository: &git2::Repository,
    target: &Target,
    ([common, base, head], [base_name, head_name]): ([Tree<'_>; 3], [&str; 2]),
    blobs: &mut Blobs,
    stop: &Stop,
) -> Result<Snapshot, SourceError> {
    let failed = |error| corrupt(&target.name, "merge the two trees", error);
    let mut index = repository
        .merge_trees(&common, &base, &head, Some(&MergeOptions::new()))
        .map_err(failed)?;
    if index.has_conflicts() {
        return Err(SourceError::Conflict {
            target: target.name.clone(),
            base: base_name.to_owned(),
            head: head_name.to_owned(),
            paths: conflicts(&index).map_err(failed)?,
        });
    }
    let merged = index.write_tree_to(repository).map_err(failed)?;
    let root = repository.find_tree(merged).map_err(failed)?;
    Ok(Snapshot {
        revision: Revision::new(format!("merge:{merged}")),
        files: tree::files(repository, target, root, blobs, stop)?,
    })
}

fn conflicts(index: &git2::Index) -> Result<Vec<String>, git2::Error> {
    let mut paths = BTreeSet::new();
    for conflict in index.conflicts()? {
        let conflict = conflict?;
        for side in [conflict.ancestor, conflict.our, conflict.their] {
            paths.extend(side.map(|entry| String::from_utf8_lossy(&entry.path).into_owned()));
        }
    }
    Ok(paths.into_iter().collect())
}
