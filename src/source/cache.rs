//! The folder that belongs to one target: its lock, where its branch stood last, and (for servers)
//! the object stores. Everything in it can be made anew.

use super::{SourceError, Target};
use crate::model::{Digest, Revision};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// One target's folder, held by this process as long as this value lives.
pub(crate) struct Cache {
    target: String,
    folder: PathBuf,
    _lock: File,
}

impl Cache {
    /// Makes the folder below `all` where needed, and takes its lock.
    pub(crate) fn open(all: &Path, target: &Target) -> Result<Self, SourceError> {
        // What is read decides, not the name: another address never meets this one's objects, and two
        // branches of one repository are read side by side.
        let read = [&target.url, &target.reference(), target.folder.as_str()].join("\n");
        let folder = all.join(Digest::of(&read).short());
        let disk = |doing: &str| {
            let doing = format!("{doing} {}", folder.display());
            let target = target.name.clone();
            move |source| SourceError::Disk {
                target,
                doing,
                source,
            }
        };
        fs::create_dir_all(&folder).map_err(disk("make the cache folder"))?;
        let path = folder.join("lock");
        let lock = File::create(&path).map_err(disk("make the lock of"))?;
        flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| {
            SourceError::Locked {
                target: target.name.clone(),
                path: path.display().to_string(),
            }
        })?;
        let cache = Self {
            target: target.name.clone(),
            folder,
            _lock: lock,
        };
        Ok(cache)
    }

    /// Returns a path inside the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Returns where a reference stood when it was last read. What cannot be read was never there.
    pub(crate) fn last(&self, reference: &str) -> Option<Revision> {
        let text = fs::read_to_string(self.last_path(reference)).ok()?;
        let text = text.trim();
        (text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit()))
            .then(|| Revision::new(text))
    }

    /// Keeps where a reference stands.
    pub(crate) fn keep(&self, reference: &str, revision: &Revision) -> Result<(), SourceError> {
        self.replace(&self.last_path(reference), revision.as_str().as_bytes())
    }

    /// Writes a small file whole or not at all.
    pub(crate) fn replace(&self, path: &Path, bytes: &[u8]) -> Result<(), SourceError> {
        let write = || -> io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(&self.folder)?;
            file.write_all(bytes)?;
            file.as_file().sync_all()?;
            file.persist(path)?;
            Ok(())
        };
        write().map_err(|source| self.disk("write", path, source))
    }

    /// The error of a refused write.
    pub(crate) fn disk(&self, doing: &str, path: &Path, source: io::Error) -> SourceError {
        SourceError::Disk {
            target: self.target.clone(),
            doing: format!("{doing} {}", path.display()),
            source,
        }
    }

    fn last_path(&self, reference: &str) -> PathBuf {
        self.path(&format!("last-{}", Digest::of(reference).short()))
    }
}
