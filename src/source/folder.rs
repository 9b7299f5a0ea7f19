//! A working folder on this machine as a snapshot, for trying specs out before they are committed.
//! No link is followed on the way, so nothing outside the folder can be read through it.

use super::limits::Meter;
use super::tree::{Name, file_of};
use super::{Limits, SourceError};
use crate::model::{File, RepoPath, Revision, Snapshot};
use rustix::fs::{AtFlags, Dir, FileType, Mode, OFlags, openat, statat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

/// How the revision of a working folder begins; a digest of its names and contents follows.
pub const FOLDER_REVISION: &str = "folder:";

const HERE: OFlags = OFlags::CLOEXEC
    .union(OFlags::NOFOLLOW)
    .union(OFlags::RDONLY);

/// Reads a working folder whole, dot-folders apart, and (inside a Git working folder) without the
/// folders that its ignore rules name. Two equal folders have equal revisions. Blocking.
///
/// # Errors
/// `MissingFolder` where there is none, `TooLarge` past a limit, `Disk` where something is not readable.
pub fn snapshot(root: &Path, limits: Limits) -> Result<Snapshot, SourceError> {
    snapshot_below(root, &RepoPath::default(), limits)
}

/// As [`snapshot`], of only what stands below one folder in it.
///
/// # Errors
/// As [`snapshot`].
pub fn snapshot_below(
    root: &Path,
    below: &RepoPath,
    limits: Limits,
) -> Result<Snapshot, SourceError> {
    let begin = root.join(below.as_str());
    let shown = begin.display().to_string();
    // The folder itself is the user's own words: a link there is followed.
    let opened = rustix::fs::open(
        &begin,
        OFlags::CLOEXEC | OFlags::RDONLY | OFlags::DIRECTORY,
        Mode::empty(),
    );
    let opened = opened.map_err(|error| match error {
        Errno::NOENT | Errno::NOTDIR => SourceError::MissingFolder {
            target: shown.clone(),
            folder: ".".to_owned(),
        },
        _ => disk(&shown, "open", error),
    })?;
    let mut walk = Walk {
        meter: Meter::new(&shown, limits),
        ignore: git2::Repository::discover(root).ok(),
        root,
        shown: &shown,
        files: BTreeMap::new(),
    };
    let mut folders = vec![(below.as_str().to_owned(), opened)];
    while let Some((path, folder)) = folders.pop() {
        walk.folder(&path, &folder, &mut folders)?;
    }
    let files = walk.files;
    Ok(Snapshot {
        revision: revision(&files),
        files,
    })
}

struct Walk<'a> {
    meter: Meter<'a>,
    ignore: Option<git2::Repository>,
    root: &'a Path,
    shown: &'a str,
    files: BTreeMap<RepoPath, File>,
}

impl Walk<'_> {
    fn folder(
        &mut self,
        path: &str,
        folder: &OwnedFd,
        folders: &mut Vec<(String, OwnedFd)>,
    ) -> Result<(), SourceError> {
        let entries = Dir::read_from(folder).map_err(|error| disk(self.shown, path, error))?;
        for entry in entries {
            let entry = entry.map_err(|error| disk(self.shown, path, error))?;
            let name = Name::of(entry.file_name().to_bytes());
            if matches!(name.shown.as_str(), "." | "..") {
                continue;
            }
            let path = match path {
                "" => name.shown.clone(),
                _ => format!("{path}/{}", name.shown),
            };
            let kind = match entry.file_type() {
                FileType::Unknown => statat(folder, entry.file_name(), AtFlags::SYMLINK_NOFOLLOW)
                    .map(|about| FileType::from_raw_mode(about.st_mode))
                    .map_err(|error| disk(self.shown, &path, error))?,
                known => known,
            };
            if kind == FileType::Directory && name.shown.starts_with('.') {
                continue;
            }
            // `.git` in a linked working folder is a file.
            if name.shown == ".git" || (kind == FileType::Directory && self.ignored(&path)) {
                continue;
            }
            self.meter.path()?;
            if name.bad {
                self.put(&path, File::BadName)?;
                continue;
            }
            match kind {
                FileType::Directory => {
                    let flags = HERE | OFlags::DIRECTORY;
                    match openat(folder, entry.file_name(), flags, Mode::empty()) {
                        Ok(below) => folders.push((path, below)),
                        Err(error) => self.vanished(&path, error)?,
                    }
                }
                FileType::RegularFile => {
                    match openat(folder, entry.file_name(), HERE, Mode::empty()) {
                        Ok(file) => self.file(&path, std::fs::File::from(file))?,
                        Err(error) => self.vanished(&path, error)?,
                    }
                }
                FileType::Symlink => self.put(&path, File::Symlink)?,
                // Sockets, pipes and devices are nothing a repository could hold.
                _ => {}
            }
        }
        Ok(())
    }

    fn file(&mut self, path: &str, file: std::fs::File) -> Result<(), SourceError> {
        let failed = |source| SourceError::Disk {
            target: self.shown.to_owned(),
            doing: format!("read {path}"),
            source,
        };
        let size = file.metadata().map_err(failed)?.len();
        if !self.meter.admits(size)? {
            return self.put(path, File::TooLarge(size));
        }
        let mut bytes = Vec::new();
        // It may grow while it is read: what came later is the next snapshot's.
        file.take(size).read_to_end(&mut bytes).map_err(failed)?;
        self.put(path, file_of(Arc::from(bytes)))
    }

    /// What went away between listing and opening was not there; what turned into a link is one.
    fn vanished(&mut self, path: &str, error: Errno) -> Result<(), SourceError> {
        match error {
            Errno::NOENT | Errno::NOTDIR => Ok(()),
            Errno::LOOP => self.put(path, File::Symlink),
            _ => Err(disk(self.shown, path, error)),
        }
    }

    fn put(&mut self, path: &str, file: File) -> Result<(), SourceError> {
        let key = RepoPath::new(path).ok_or_else(|| SourceError::Internal {
            target: self.shown.to_owned(),
            reason: format!("{path:?} is no path inside it"),
        })?;
        self.files.entry(key).or_insert(file);
        Ok(())
    }

    fn ignored(&self, path: &str) -> bool {
        let Some(repository) = &self.ignore else {
            return false;
        };
        // A folder's rule may end with a slash, so the question has to.
        let path = self.root.join(path).join("");
        let path = std::path::absolute(&path).unwrap_or(path);
        repository.status_should_ignore(&path).unwrap_or(false)
    }
}

/// Names a folder's state: a digest over every path, what stands there, and the contents.
fn revision(files: &BTreeMap<RepoPath, File>) -> Revision {
    let mut hash = Sha256::new();
    for (path, file) in files {
        let (kind, bytes): (u8, &[u8]) = match file {
            File::Bytes(bytes) => (0, bytes),
            File::TooLarge(_) => (1, &[]),
            File::Symlink => (2, &[]),
            File::Submodule => (3, &[]),
            File::LfsPointer => (4, &[]),
            File::BadName => (5, &[]),
        };
        hash.update((path.as_str().len() as u64).to_be_bytes());
        hash.update(path.as_str());
        hash.update([kind]);
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    }
    let mut text = FOLDER_REVISION.to_owned();
    for byte in hash.finalize().iter().take(20) {
        write!(text, "{byte:02x}").expect("a text takes any text");
    }
    Revision::new(text)
}

fn disk(target: &str, path: &str, error: Errno) -> SourceError {
    SourceError::Disk {
        target: target.to_owned(),
        doing: format!("read {}", if path.is_empty() { "." } else { path }),
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::ffi::OsStrExt as _;
    use std::os::unix::fs::symlink;

    fn path(text: &str) -> RepoPath {
        RepoPath::new(text).unwrap()
    }

    #[test]
    fn a_link_reads_nothing_outside() {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "canary").unwrap();
        let root = tempfile::tempdir().unwrap();
        symlink(outside.path().join("secret"), root.path().join("file.yaml")).unwrap();
        symlink(outside.path(), root.path().join("folder")).unwrap();
        fs::write(root.path().join("own.yaml"), "own").unwrap();
        let found = snapshot(root.path(), Limits::default()).unwrap();
        assert_eq!(found.files[&path("file.yaml")], File::Symlink);
        assert_eq!(found.files[&path("folder")], File::Symlink);
        assert_eq!(found.bytes(&path("own.yaml")), Some(&b"own"[..]));
        assert_eq!(found.files.len(), 3);
    }

    #[test]
    fn dot_folders_and_ignored_folders_are_left_out() {
        let root = tempfile::tempdir().unwrap();
        git2::Repository::init(root.path()).unwrap();
        for folder in ["target", ".cache", "environments/build"] {
            fs::create_dir_all(root.path().join(folder)).unwrap();
            fs::write(root.path().join(folder).join("x.yaml"), "x").unwrap();
        }
        fs::write(root.path().join(".gitignore"), "target/\n").unwrap();
        let found = snapshot(root.path(), Limits::default()).unwrap();
        let paths: Vec<&str> = found.files.keys().map(RepoPath::as_str).collect();
        assert_eq!(paths, [".gitignore", "environments/build/x.yaml"]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("large"), vec![0; 11]).unwrap();
        let name = std::ffi::OsStr::from_bytes(b"bad\xff.yaml");
        fs::write(root.path().join(name), "x").unwrap();
        let limits = Limits {
            file_bytes: 10,
            ..Limits::default()
        };
        let found = snapshot(root.path(), limits).unwrap();
        assert_eq!(found.files[&path("large")], File::TooLarge(11));
        assert_eq!(found.files[&path("bad\u{fffd}.yaml")], File::BadName);
    }

    #[test]
    fn the_revision_follows_the_contents() {
        let root = tempfile::tempdir().unwrap();
        let read = || snapshot(root.path(), Limits::default()).unwrap().revision;
        fs::write(root.path().join("a"), "1").unwrap();
        let (one, same) = (read(), read());
        fs::write(root.path().join("a"), "2").unwrap();
        assert_eq!(one, same);
        assert_ne!(one, read());
        assert!(one.as_str().starts_with(FOLDER_REVISION));
    }

    #[test]
    fn no_folder_is_no_empty_folder() {
        let root = tempfile::tempdir().unwrap();
        let gone = snapshot(&root.path().join("gone"), Limits::default());
        assert!(matches!(gone, Err(SourceError::MissingFolder { .. })));
        let limits = Limits {
            files: 1,
            ..Limits::default()
        };
        fs::write(root.path().join("a"), "").unwrap();
        fs::write(root.path().join("b"), "").unwrap();
        let many = snapshot(root.path(), limits);
        assert!(matches!(many, Err(SourceError::TooLarge { .. })));
    }
}
