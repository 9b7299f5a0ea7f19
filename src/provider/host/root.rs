//! A root folder and what is below it. Every path is walked part by part from an open folder: no
//! symbolic link is followed and nothing outside can be reached, whoever moves folders meanwhile.

use super::error::HostError;
use super::path::HostPath;
use crate::model::DigestKey;
use jiff::Timestamp;
use rustix::fd::OwnedFd;
use rustix::fs::{self, AtFlags, FileType, Gid, Mode, OFlags, Uid};
use rustix::io::Errno;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

/// The largest file whose content is looked at, in bytes; a larger one is known by size and time.
const READ_LIMIT: u64 = 8 * 1024 * 1024;
/// What a new folder above a file may be used for: by all, changed by its owner.
const FOLDER_MODE: u32 = 0o755;
/// What a folder of our own may be used for that nobody else is to enter.
const PRIVATE_MODE: u32 = 0o700;

/// An open root folder.
pub(super) struct Root {
    path: PathBuf,
    folder: OwnedFd,
    seed: Option<DigestKey>,
}

/// A file as it was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    /// Its bytes; `None` where there are more than 8 MiB.
    pub(super) bytes: Option<Vec<u8>>,
    /// Its size in bytes.
    pub(super) size: u64,
    /// Its permission bits.
    pub(super) mode: u32,
    /// Its owner's number.
    pub(super) uid: u32,
    /// Its group's number.
    pub(super) gid: u32,
    /// When its content, mode or owner last changed. The system sets it, nobody can choose it.
    pub(super) changed: Timestamp,
}

/// A file as it is to be.
pub(super) struct NewFile<'a> {
    /// Its bytes.
    pub(super) bytes: &'a [u8],
    /// Its permission bits.
    pub(super) mode: u32,
    /// Its owner, where it is not to be ours.
    pub(super) uid: Option<u32>,
    /// Its group, where it is not to be ours.
    pub(super) gid: Option<u32>,
}

impl Found {
    /// Returns what makes it again as it was: bytes, mode and owner.
    ///
    /// # Errors
    /// It is larger than what is read.
    pub(super) fn whole(&self, path: &HostPath) -> Result<NewFile<'_>, HostError> {
        let bytes = self.bytes.as_ref();
        let bytes = bytes.ok_or_else(|| HostError::TooLargeToKeep {
            path: path.to_string(),
            size: self.size,
        })?;
        Ok(NewFile {
            bytes,
            mode: self.mode,
            uid: Some(self.uid),
            gid: Some(self.gid),
        })
    }
}

impl Root {
    /// Opens a root folder. The way to it is the operator's choice: links in it are followed.
    ///
    /// # Errors
    /// It is not there, is no folder or may not be opened.
    pub(super) fn open(path: &Path) -> Result<Self, HostError> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let folder = fs::open(path, flags, Mode::empty()).map_err(|errno| HostError::Root {
            root: path.display().to_string(),
            source: errno.into(),
        })?;
        Ok(Self {
            path: path.to_owned(),
            folder,
            seed: None,
        })
    }

    /// Returns it with the key for what is below it while none is kept there.
    pub(super) fn seeded(self, seed: Option<DigestKey>) -> Self {
        Self { seed, ..self }
    }

    /// Returns the key for what is below it while none is kept there.
    pub(super) fn seed(&self) -> Option<&DigestKey> {
        self.seed.as_ref()
    }

    /// Returns where it is on this machine.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Reads a file. `None` means that the system said it is not there.
    ///
    /// # Errors
    /// A link or something else than a file stands there or on the way, or it may not be read.
    pub(super) fn read(&self, path: &HostPath) -> Result<Option<Found>, HostError> {
        let Some(folder) = self.folder(path)? else {
            return Ok(None);
        };
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match fs::openat(&folder, path.name(), flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(in_the_way(path, "a symbolic link is there")),
            Err(Errno::NXIO) => return Err(in_the_way(path, "a socket or a pipe is there")),
            Err(errno) => return Err(HostError::io("read", path)(errno)),
        };
        let about = file.metadata().map_err(HostError::std("read", path))?;
        if about.is_dir() {
            return Err(in_the_way(path, "a folder is there"));
        }
        if !about.is_file() {
            return Err(in_the_way(path, "something that is no plain file is there"));
        }
        let mut bytes = Vec::new();
        (&file)
            .take(READ_LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(HostError::std("read", path))?;
        let whole = u64::try_from(bytes.len()).is_ok_and(|length| length <= READ_LIMIT);
        Ok(Some(Found {
            bytes: whole.then_some(bytes),
            size: about.size(),
            mode: about.mode() & 0o7777,
            uid: about.uid(),
            gid: about.gid(),
            changed: Timestamp::new(
                about.ctime(),
                i32::try_from(about.ctime_nsec()).unwrap_or_default(),
            )
            .unwrap_or_default(),
        }))
    }

    /// Puts a file in place in one move: nobody ever sees half of it, and a crash leaves the old or
    /// the new one. Folders above are made.
    ///
    /// # Errors
    /// A link stands on the way, the system refuses, or the disk is full; then nothing changed. Only where the
    /// folder cannot be kept (`keep`) is the new file in place, and a crash may still undo that.
    pub(super) fn write(&self, path: &HostPath, new: &NewFile<'_>) -> Result<(), HostError> {
        let folder = self.folder_made(path)?;
        let beside = beside(path);
        remove_if_there(&folder, &beside, path)?;
        let flags =
            OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let file = fs::openat(&folder, &beside, flags, Mode::from_raw_mode(0o600))
            .map_err(HostError::io("write", path))?;
        let filled = fill(File::from(file), path, new);
        filled
            .and_then(|()| swap(&folder, path))
            .inspect_err(|_| leave_nothing(&folder, path))?;
        fs::fsync(&folder).map_err(HostError::io("keep", path))
    }

    /// Takes a file or a link away. Tells whether there was one.
    ///
    /// # Errors
    /// A link stands on the way, or the system refuses.
    pub(super) fn remove(&self, path: &HostPath) -> Result<bool, HostError> {
        let Some(folder) = self.folder(path)? else {
            return Ok(false);
        };
        let removed = remove_if_there(&folder, path.name(), path)?;
        fs::fsync(&folder).map_err(HostError::io("keep", path))?;
        Ok(removed)
    }

    /// Returns the names of what stands in a folder; `None` where it is not there.
    ///
    /// # Errors
    /// A link stands on the way, or it may not be read.
    pub(super) fn names(&self, path: &HostPath) -> Result<Option<Vec<String>>, HostError> {
        let read = HostError::io("read the folder", path);
        let Some(above) = self.folder(path)? else {
            return Ok(None);
        };
        let entries = match step_into(&above, path.name()) {
            Ok(folder) => fs::Dir::new(folder).and_then(|folder| folder.collect()),
            Err(Errno::NOENT) => return Ok(None),
            Err(errno) => Err(errno),
        };
        let entries: Vec<fs::DirEntry> = entries.map_err(read)?;
        let names = entries
            .iter()
            .map(|entry| entry.file_name().to_string_lossy());
        let names = names.filter(|name| !name.starts_with('.'));
        Ok(Some(names.map(|name| name.into_owned()).collect()))
    }

    /// Returns where a link points, or `None` where nothing is there.
    ///
    /// # Errors
    /// Something else than a link is there, or it may not be read.
    pub(super) fn read_link(&self, path: &HostPath) -> Result<Option<String>, HostError> {
        let Some(folder) = self.folder(path)? else {
            return Ok(None);
        };
        match fs::readlinkat(&folder, path.name(), Vec::new()) {
            Ok(target) => Ok(Some(target.to_string_lossy().into_owned())),
            Err(Errno::NOENT) => Ok(None),
            Err(Errno::INVAL) => Err(in_the_way(path, "something that is no link is there")),
            Err(errno) => Err(HostError::io("read", path)(errno)),
        }
    }

    /// Puts a link in place in one move. Folders above are made.
    ///
    /// # Errors
    /// As [`Root::write`].
    pub(super) fn link(&self, path: &HostPath, target: &str) -> Result<(), HostError> {
        let folder = self.folder_made(path)?;
        let beside = beside(path);
        remove_if_there(&folder, &beside, path)?;
        fs::symlinkat(target, &folder, &beside).map_err(HostError::io("link", path))?;
        swap(&folder, path).inspect_err(|_| leave_nothing(&folder, path))?;
        fs::fsync(&folder).map_err(HostError::io("keep", path))
    }

    /// Makes a folder that only this account may enter. One that is there stays as it is.
    ///
    /// # Errors
    /// As [`Root::write`].
    pub(super) fn make_private(&self, path: &HostPath) -> Result<(), HostError> {
        let above = self.folder_made(path)?;
        match fs::mkdirat(&above, path.name(), Mode::from_raw_mode(PRIVATE_MODE)) {
            Ok(()) => fs::fsync(&above).map_err(HostError::io("keep", path)),
            Err(Errno::EXIST) => Ok(()),
            Err(errno) => Err(HostError::io("make the folder", path)(errno)),
        }
    }

    /// Tells whether every account of this machine may go through all folders above a path, those above
    /// the root among them.
    ///
    /// # Errors
    /// One of them cannot be looked at.
    pub(super) fn everybody_reaches(&self, path: &HostPath) -> Result<bool, HostError> {
        let enter = |mode: u32| mode & 0o001 != 0;
        for above in self.path.ancestors() {
            let about = above
                .metadata()
                .map_err(HostError::std("look at", above.display()))?;
            if !enter(about.mode()) {
                return Ok(false);
            }
        }
        let mut at = self.again()?;
        for (nth, part) in path.folders().iter().enumerate() {
            at = step_into(&at, part).map_err(|errno| blocked(&at, path, nth, errno))?;
            let about = fs::fstat(&at).map_err(HostError::io("look at the folder of", path))?;
            if !enter(about.st_mode) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Opens the folder a path stands in. `None` where it, or one above, is not there.
    fn folder(&self, path: &HostPath) -> Result<Option<OwnedFd>, HostError> {
        let mut at = self.again()?;
        for (nth, part) in path.folders().iter().enumerate() {
            at = match step_into(&at, part) {
                Ok(next) => next,
                Err(Errno::NOENT) => return Ok(None),
                Err(errno) => return Err(blocked(&at, path, nth, errno)),
            };
        }
        Ok(Some(at))
    }

    /// Opens the folder a path stands in, making what is missing.
    fn folder_made(&self, path: &HostPath) -> Result<OwnedFd, HostError> {
        let mut at = self.again()?;
        for (nth, part) in path.folders().iter().enumerate() {
            if let Err(Errno::NOENT) = step_into(&at, part) {
                match fs::mkdirat(&at, part, Mode::from_raw_mode(FOLDER_MODE)) {
                    Ok(()) => fs::fsync(&at).map_err(HostError::io("keep", path))?,
                    Err(Errno::EXIST) => {}
                    Err(errno) => return Err(HostError::io("make the folders above", path)(errno)),
                }
            }
            at = match step_into(&at, part) {
                Ok(next) => next,
                Err(errno) => return Err(blocked(&at, path, nth, errno)),
            };
        }
        Ok(at)
    }

    fn again(&self) -> Result<OwnedFd, HostError> {
        self.folder
            .try_clone()
            .map_err(HostError::std("open", self.path.display()))
    }
}

fn step_into(at: &OwnedFd, part: &str) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    fs::openat(at, part, flags, Mode::empty())
}

/// Says what stands in the way at the nth folder of a path.
fn blocked(at: &OwnedFd, path: &HostPath, nth: usize, errno: Errno) -> HostError {
    let upto: Vec<&str> = path.parts()[..=nth].iter().map(String::as_str).collect();
    let here = HostPath::of(&upto);
    if !matches!(errno, Errno::NOTDIR | Errno::LOOP) {
        return HostError::io("open the folder", here)(errno);
    }
    let kind = fs::statat(at, path.parts()[nth].as_str(), AtFlags::SYMLINK_NOFOLLOW)
        .map(|about| FileType::from_raw_mode(about.st_mode));
    let found = match kind {
        Ok(FileType::Symlink) => format!("{here} is a symbolic link"),
        _ => format!("{here} is no folder"),
    };
    HostError::InTheWay {
        path: path.to_string(),
        found,
    }
}

fn in_the_way(path: &HostPath, found: &str) -> HostError {
    HostError::InTheWay {
        path: path.to_string(),
        found: found.to_owned(),
    }
}

/// Names the file that becomes the new one. Always the same name, so that what a crash left is
/// found; it begins with a dot, so that no `*` of a configuration includes it.
fn beside(path: &HostPath) -> String {
    format!(".{}.reconciled-new", path.name())
}

/// Gives what was made beside a path its name.
fn swap(folder: &OwnedFd, path: &HostPath) -> Result<(), HostError> {
    fs::renameat(folder, beside(path), folder, path.name()).map_err(HostError::io("swap", path))
}

/// Takes away what was made beside a path. What is left all the same is overwritten by the next try; the
/// first error says why.
fn leave_nothing(folder: &OwnedFd, path: &HostPath) {
    let _left_behind = fs::unlinkat(folder, beside(path), AtFlags::empty());
}

fn remove_if_there(folder: &OwnedFd, name: &str, path: &HostPath) -> Result<bool, HostError> {
    match fs::unlinkat(folder, name, AtFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(HostError::io("remove", path)(errno)),
    }
}

fn fill(mut file: File, path: &HostPath, new: &NewFile<'_>) -> Result<(), HostError> {
    file.write_all(new.bytes)
        .map_err(HostError::std("write", path))?;
    if new.uid.is_some() || new.gid.is_some() {
        let (uid, gid) = (new.uid.map(Uid::from_raw), new.gid.map(Gid::from_raw));
        fs::fchown(&file, uid, gid).map_err(HostError::io("give an owner to", path))?;
    }
    // After the owner: the system takes set-user-id bits away when the owner changes.
    fs::fchmod(&file, Mode::from_raw_mode(new.mode))
        .map_err(HostError::io("set the mode of", path))?;
    file.sync_all().map_err(HostError::std("keep", path))
}

#[cfg(test)]
mod tests;
