//! A commit's tree as a snapshot: blobs straight from the object store, symlinks and submodules only
//! named, dot-folders left out.

use super::blobs::Blobs;
use super::limits::Meter;
use super::store::{commit, corrupt};
use super::{SourceError, Stop, Target};
use crate::model::{File, RepoPath, Revision, Snapshot};
use git2::{ErrorCode, ObjectType, Oid, Tree};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const SYMLINK: i32 = 0o120_000;

/// How an LFS pointer begins (git-lfs, docs/spec.md); it has fewer than 1024 bytes.
const LFS: &[u8] = b"version https://git-lfs.github.com/spec/";

/// Tells what contents are: a file's own, or an LFS pointer.
pub(crate) fn file_of(bytes: Arc<[u8]>) -> File {
    if bytes.len() < 1024 && bytes.starts_with(LFS) {
        File::LfsPointer
    } else {
        File::Bytes(bytes)
    }
}

/// Reads a commit's files within the target's limits. Contents met before are shared, not read again.
pub(crate) fn snapshot(
    repository: &git2::Repository,
    target: &Target,
    id: Oid,
    blobs: &mut Blobs,
    stop: &Stop,
) -> Result<Snapshot, SourceError> {
    let tree = commit(repository, &target.name, id)?
        .tree()
        .map_err(|error| corrupt(&target.name, &format!("read the tree of {id}"), error))?;
    Ok(Snapshot {
        revision: Revision::new(id.to_string()),
        files: files(repository, target, tree, blobs, stop)?,
    })
}

/// Reads a tree's files, as `snapshot` does.
pub(crate) fn files(
    repository: &git2::Repository,
    target: &Target,
    root: Tree<'_>,
    blobs: &mut Blobs,
    stop: &Stop,
) -> Result<BTreeMap<RepoPath, File>, SourceError> {
    let odb = repository
        .odb()
        .map_err(|error| corrupt(&target.name, "open the object store", error))?;
    let mut reader = Reader {
        target,
        odb,
        meter: Meter::new(&target.name, target.limits),
        blobs: blobs.turn(),
        files: BTreeMap::new(),
    };
    let mut folders = vec![(
        target.folder.as_str().to_owned(),
        start(repository, target, root)?,
    )];
    while let Some((folder, tree)) = folders.pop() {
        stop.check(&target.name)?;
        for entry in &tree {
            let name = reader.name(entry.name_bytes())?;
            let path = if folder.is_empty() {
                name.shown.clone()
            } else {
                format!("{folder}/{}", name.shown)
            };
            if name.bad {
                reader.refuse(&path)?;
            } else if entry.kind() == Some(ObjectType::Tree) {
                if !name.shown.starts_with('.') {
                    reader.meter.path()?;
                    let below = repository.find_tree(entry.id()).map_err(|error| {
                        corrupt(&target.name, &format!("read the folder {path}"), error)
                    })?;
                    folders.push((path, below));
                }
            } else {
                reader.take(&path, &entry)?;
            }
        }
    }
    let Reader { files, blobs, .. } = reader;
    blobs.done();
    Ok(files)
}

/// Returns the tree of the folder that is asked for.
fn start<'r>(
    repository: &'r git2::Repository,
    target: &Target,
    root: Tree<'r>,
) -> Result<Tree<'r>, SourceError> {
    if target.folder.as_str().is_empty() {
        return Ok(root);
    }
    let missing = || SourceError::MissingFolder {
        target: target.name.clone(),
        folder: target.folder.to_string(),
    };
    let entry = root
        .get_path(Path::new(target.folder.as_str()))
        .map_err(|error| match error.code() {
            ErrorCode::NotFound => missing(),
            _ => corrupt(&target.name, &format!("read {}", target.folder), error),
        })?;
    if entry.kind() != Some(ObjectType::Tree) {
        return Err(missing());
    }
    repository
        .find_tree(entry.id())
        .map_err(|error| corrupt(&target.name, &format!("read {}", target.folder), error))
}

/// A file's name, fit to be shown.
pub(crate) struct Name {
    pub(crate) shown: String,
    /// It is not UTF-8, or holds a backslash.
    pub(crate) bad: bool,
}

impl Name {
    pub(crate) fn of(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        Self {
            bad: std::str::from_utf8(bytes).is_err() || text.contains('\\'),
            shown: text.replace('\\', "\u{fffd}"),
        }
    }
}

struct Reader<'a> {
    target: &'a Target,
    odb: git2::Odb<'a>,
    meter: Meter<'a>,
    blobs: super::blobs::Turn<'a>,
    files: BTreeMap<RepoPath, File>,
}

impl Reader<'_> {
    /// Takes one path that is no folder.
    fn take(&mut self, path: &str, entry: &git2::TreeEntry<'_>) -> Result<(), SourceError> {
        self.meter.path()?;
        let file = match entry.kind() {
            Some(ObjectType::Commit) => File::Submodule,
            Some(ObjectType::Blob) if entry.filemode() == SYMLINK => File::Symlink,
            Some(ObjectType::Blob) => self.contents(path, entry.id())?,
            _ => return Err(self.corrupt(format!("{path} is neither a file nor a folder"))),
        };
        // A refused name that looks the same is kept: what is ambiguous is not read.
        self.files.entry(self.key(path)?).or_insert(file);
        Ok(())
    }

    fn contents(&mut self, path: &str, id: Oid) -> Result<File, SourceError> {
        if let Some(bytes) = self.blobs.known(id) {
            return Ok(if self.meter.admits(bytes.len() as u64)? {
                file_of(bytes)
            } else {
                File::TooLarge(bytes.len() as u64)
            });
        }
        let unreadable =
            |error| corrupt(&self.target.name, &format!("read the file {path}"), error);
        // The header first: what is too large is never unpacked.
        let (size, _) = self.odb.read_header(id).map_err(unreadable)?;
        if !self.meter.admits(size as u64)? {
            return Ok(File::TooLarge(size as u64));
        }
        let object = self.odb.read(id).map_err(unreadable)?;
        let bytes: Arc<[u8]> = Arc::from(object.data());
        self.blobs.learn(id, &bytes);
        Ok(file_of(bytes))
    }

    /// Takes a path that no spec can name. Two of them may look alike: neither is read, so one entry
    /// for both says enough.
    fn refuse(&mut self, path: &str) -> Result<(), SourceError> {
        self.meter.path()?;
        let key = self.key(path)?;
        self.files.insert(key, File::BadName);
        Ok(())
    }

    fn name(&self, bytes: &[u8]) -> Result<Name, SourceError> {
        let name = Name::of(bytes);
        if matches!(name.shown.as_str(), "" | "." | "..") || name.shown.contains(['/', '\0']) {
            return Err(self.corrupt(format!("a tree in it names a file {:?}", name.shown)));
        }
        Ok(name)
    }

    fn key(&self, path: &str) -> Result<RepoPath, SourceError> {
        RepoPath::new(path).ok_or_else(|| self.corrupt(format!("{path:?} is no path inside it")))
    }

    fn corrupt(&self, reason: String) -> SourceError {
        SourceError::Corrupt {
            target: self.target.name.clone(),
            reason,
            source: None,
        }
    }
}

/// Lists the paths in which two commits differ, in order; all of the second's where there is no first.
pub(crate) fn changed(
    repository: &git2::Repository,
    target: &str,
    a: Option<Oid>,
    b: Oid,
) -> Result<Vec<RepoPath>, SourceError> {
    let failed = |error| corrupt(target, "compare the two trees", error);
    let tree_of = |id| commit(repository, target, id)?.tree().map_err(failed);
    let diff = repository
        .diff_tree_to_tree(
            a.map(tree_of).transpose()?.as_ref(),
            Some(&tree_of(b)?),
            None,
        )
        .map_err(failed)?;
    let paths: std::collections::BTreeSet<RepoPath> = diff
        .deltas()
        .flat_map(|delta| [delta.old_file().path(), delta.new_file().path()])
        .flatten()
        .filter_map(|path| RepoPath::new(&path.to_string_lossy().replace('\\', "\u{fffd}")))
        .collect();
    Ok(paths.into_iter().collect())
}
