//! What was fetched, on disk: blobs by their digest, and what versions meant when they were first looked
//! up. Every blob is checked when it is read, so nothing depends on who else may write here; what
//! cannot be written costs only another fetch.

use crate::model::Digest;
use crate::source::is_ours;
use bytes::Bytes;
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};
use std::fs::{self, DirBuilder, Metadata};
use std::io::{self, Write as _};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// The most that is kept of blobs, in bytes: hundreds of charts.
const MOST: u64 = 256 * 1024 * 1024;

const NOW: Timestamps = {
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW,
    };
    Timestamps {
        last_access: now,
        last_modification: now,
    }
};

/// Where it is kept; nowhere by default.
#[derive(Clone, Default)]
pub(super) struct Store(Option<PathBuf>);

impl Store {
    pub(super) fn new(folder: PathBuf) -> Self {
        Self(Some(folder))
    }

    /// Returns what has a digest, where it is kept and whole.
    pub(super) async fn get(&self, digest: &Digest) -> Option<Bytes> {
        let (path, digest) = (self.blobs()?.join(digest.as_str()), digest.clone());
        let read = tokio::task::spawn_blocking(move || {
            let bytes = fs::read(&path).ok()?;
            let is_whole = Digest::of(&bytes) == digest;
            // The longest unused goes first.
            if let Ok(file) = fs::File::open(&path) {
                let _untouched = futimens(&file, &NOW);
            }
            is_whole.then(|| Bytes::from(bytes))
        });
        read.await.ok()?
    }

    /// Keeps something by its digest, and makes room.
    pub(super) async fn put(&self, bytes: Bytes) {
        let Some(blobs) = self.blobs() else { return };
        let written = tokio::task::spawn_blocking(move || {
            written(&blobs, Digest::of(&bytes).as_str(), &bytes, true)?;
            made_room(&blobs, MOST)
        });
        tell(written.await);
    }

    /// Returns what a version meant when it was first looked up.
    pub(super) async fn version(&self, key: &str) -> Option<Digest> {
        let path = self.versions()?.join(Digest::of(key).as_str());
        let read = tokio::task::spawn_blocking(move || fs::read_to_string(path).ok());
        let text = read.await.ok()??;
        let (digest, said) = text.trim_end().split_once(' ')?;
        (said == key && digest.len() == 64).then(|| Digest::from_hex(digest))
    }

    /// Keeps what a version means, unless somebody did before: returns what holds.
    pub(super) async fn put_version(&self, key: &str, digest: &Digest) -> Digest {
        if let Some(versions) = self.versions() {
            let text = format!("{digest} {key}\n");
            let name = Digest::of(key).as_str().to_owned();
            let written = tokio::task::spawn_blocking(move || {
                written(&versions, &name, text.as_bytes(), false)
            });
            tell(written.await);
        }
        self.version(key).await.unwrap_or_else(|| digest.clone())
    }

    fn blobs(&self) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join("sha256"))
    }

    fn versions(&self) -> Option<PathBuf> {
        Some(self.0.as_ref()?.join("versions"))
    }
}

fn tell(written: Result<io::Result<()>, tokio::task::JoinError>) {
    if let Ok(Err(error)) = written {
        tracing::warn!(%error, "Fetched chart not kept on disk");
    }
}

/// Writes a file whole or not at all. One that is there is replaced, or left as it is.
fn written(folder: &Path, name: &str, bytes: &[u8], replace: bool) -> io::Result<()> {
    if !is_ours(folder) {
        let why = "the folder is another user's";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let mut file = tempfile::Builder::new()
        .prefix(".new-")
        .tempfile_in(folder)?;
    file.write_all(bytes)?;
    let path = folder.join(name);
    if replace {
        file.persist(path)?;
        return Ok(());
    }
    match file.persist_noclobber(path) {
        Err(error) if error.error.kind() != io::ErrorKind::AlreadyExists => Err(error.error),
        _ => Ok(()),
    }
}

/// Deletes what was not used for longest, until what is left is small enough.
fn made_room(blobs: &Path, most: u64) -> io::Result<()> {
    let mut all: Vec<(PathBuf, Metadata)> = fs::read_dir(blobs)?
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.path(), entry.metadata().ok()?))
        })
        .collect();
    let mut bytes: u64 = all.iter().map(|(_, data)| data.len()).sum();
    all.sort_by_key(|(_, data)| data.modified().ok());
    for (path, data) in all {
        if bytes <= most {
            break;
        }
        fs::remove_file(path)?;
        bytes = bytes.saturating_sub(data.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, SystemTime};

    #[tokio::test]
    async fn a_version_stays_what_it_was_first_and_a_damaged_blob_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::new(folder.path().join("charts"));
        let (one, two) = (Digest::of("one"), Digest::of("two"));
        assert_eq!(store.put_version("r/a:1.0.0", &one).await, one);
        assert_eq!(store.put_version("r/a:1.0.0", &two).await, one);
        assert_eq!(
            Store::new(folder.path().join("charts"))
                .version("r/a:1.0.0")
                .await,
            Some(one.clone())
        );
        store.put(Bytes::from_static(b"one")).await;
        assert_eq!(store.get(&one).await.as_deref(), Some(&b"one"[..]));
        fs::write(
            folder.path().join("charts/sha256").join(one.as_str()),
            "other",
        )
        .unwrap();
        assert_eq!(store.get(&one).await, None);
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let folder = tempfile::tempdir().unwrap();
        for (nth, name) in ["older", "old", "new"].into_iter().enumerate() {
            written(folder.path(), name, &[0; 10], true).unwrap();
            let file = fs::File::open(folder.path().join(name)).unwrap();
            let since = Duration::from_secs(60 * nth as u64);
            file.set_modified(SystemTime::UNIX_EPOCH + since).unwrap();
        }
        made_room(folder.path(), 20).unwrap();
        let there = ["new", "old", "older"].map(|name| folder.path().join(name).exists());
        assert_eq!(there, [true, true, false]);
    }
}
