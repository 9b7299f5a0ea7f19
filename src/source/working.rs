//! A working folder that is part of a Git repository, as merging it would leave a branch: what is committed
//! there and what is not yet. Nothing is written to the repository, and nothing is fetched.

use super::blobs::Blobs;
use super::merge::{self, merged};
use super::store::{commit, corrupt, missing_revision, opened};
use super::{Limits, SourceError, Target, blocking, folder, tree};
use crate::model::{File, RepoPath, Revision, Snapshot};
use git2::{Index, IndexEntry, IndexTime, ObjectType, Oid, Repository, Tree};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How a regular file's entry stands in a tree.
const REGULAR: u32 = 0o100_644;

/// A working folder against a revision.
#[derive(Clone, Debug)]
pub struct Working {
    /// What it would be merged into.
    pub base: Snapshot,
    /// What that would hold after the merge.
    pub merged: Snapshot,
    /// What is merged: the commit, where nothing was changed since; else the merged state.
    pub head: Revision,
}

impl Working {
    /// Works out what `against`, as Git names revisions, would hold after the folder's own state is merged
    /// into it. `root` is where the repository's `.git` stands.
    ///
    /// # Errors
    /// `MissingRevision` where there is no such commit here, `Unrelated` where the two share none here,
    /// `Conflict` with the files; else as a read of a folder or a repository.
    pub async fn against(root: &Path, against: &str, limits: Limits) -> Result<Self, SourceError> {
        let (root, against): (PathBuf, String) = (root.to_owned(), against.to_owned());
        let mut target = Target::new(
            root.display().to_string(),
            root.display().to_string(),
            "HEAD",
        );
        target.limits = limits;
        let name = target.name.clone();
        blocking(&name, limits.deadline, move |stop| {
            let repository = opened(&target.name, &root)?;
            let work = Work {
                repository: &repository,
                target: &target,
            };
            let (base, head) = (work.commit_of(&against)?, work.commit_of("HEAD")?);
            let odb = repository.odb().map_err(|error| work.failed(error))?;
            let _memory = odb
                .add_new_mempack_backend(1000)
                .map_err(|error| work.failed(error))?;
            let common = repository
                .merge_base(base, head)
                .map_err(|_| merge::unrelated(&target.name, &against, "HEAD"))?;
            let folder = folder::snapshot(&root, limits)?;
            let head_tree = work.tree(head)?;
            let own = work.tree_of_folder(&head_tree, &folder, &root)?;
            let is_committed = own.id() == head_tree.id();
            let trees = [work.tree(common)?, work.tree(base)?, own];
            let (mut blobs, names) = (Blobs::default(), [against.as_str(), "HEAD"]);
            let merged = merged(&repository, &target, (trees, names), &mut blobs, stop)?;
            Ok(Self {
                base: tree::snapshot(&repository, &target, base, &mut blobs, stop)?,
                head: match is_committed {
                    true => Revision::new(work.proposed(head, base)?.to_string()),
                    false => merged.revision.clone(),
                },
                merged,
            })
        })
        .await
    }
}

struct Work<'w> {
    repository: &'w Repository,
    target: &'w Target,
}

impl<'w> Work<'w> {
    fn failed(&self, error: git2::Error) -> SourceError {
        corrupt(&self.target.name, "read the working folder", error)
    }

    fn commit_of(&self, name: &str) -> Result<Oid, SourceError> {
        let found = self.repository.revparse_single(name);
        let commit = found.and_then(|found| found.peel_to_commit());
        match commit {
            Ok(commit) => Ok(commit.id()),
            Err(_) => Err(missing_revision(&self.target.name, name)),
        }
    }

    fn tree(&self, id: Oid) -> Result<Tree<'w>, SourceError> {
        let commit = commit(self.repository, &self.target.name, id)?;
        commit.tree().map_err(|error| self.failed(error))
    }

    /// Returns the commit people pushed: a forge's own trial merge of it into the base stands for it.
    fn proposed(&self, head: Oid, base: Oid) -> Result<Oid, SourceError> {
        let commit = commit(self.repository, &self.target.name, head)?;
        let is_trial = commit.parent_count() == 2 && commit.parent_id(0) == Ok(base);
        Ok(match commit.parent_id(1) {
            Ok(pushed) if is_trial => pushed,
            _ => head,
        })
    }

    /// Returns the head's tree with what the folder holds in its place. What was not read there (a link, what
    /// is too large, dot-folders) stays as it is committed.
    fn tree_of_folder(
        &self,
        head: &Tree<'_>,
        folder: &Snapshot,
        root: &Path,
    ) -> Result<Tree<'w>, SourceError> {
        let failed = |error| self.failed(error);
        let mut index = Index::new().map_err(failed)?;
        index.read_tree(head).map_err(failed)?;
        let mut committed: BTreeMap<RepoPath, IndexEntry> = BTreeMap::new();
        for entry in index.iter() {
            let path = str::from_utf8(&entry.path).ok().and_then(RepoPath::new);
            committed.extend(path.map(|path| (path, entry)));
        }
        for path in committed.keys() {
            let is_there = std::fs::symlink_metadata(root.join(path.as_str())).is_ok();
            if !is_there {
                index
                    .remove_path(Path::new(path.as_str()))
                    .map_err(failed)?;
            }
        }
        for (path, file) in &folder.files {
            let File::Bytes(bytes) = file else {
                continue;
            };
            let before = committed.get(path);
            let id = Oid::hash_object(ObjectType::Blob, bytes).map_err(failed)?;
            if before.is_some_and(|before| before.id == id) {
                continue;
            }
            self.repository.blob(bytes).map_err(failed)?;
            index
                .add(&entry(
                    path,
                    id,
                    before.map_or(REGULAR, |before| before.mode),
                ))
                .map_err(failed)?;
        }
        let tree = index.write_tree_to(self.repository).map_err(failed)?;
        self.repository.find_tree(tree).map_err(failed)
    }
}

fn entry(path: &RepoPath, id: Oid, mode: u32) -> IndexEntry {
    let never = IndexTime::new(0, 0);
    IndexEntry {
        ctime: never,
        mtime: never,
        dev: 0,
        ino: 0,
        mode,
        uid: 0,
        gid: 0,
        file_size: 0,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_str().as_bytes().to_vec(),
    }
}
