//! A private folder with a copy of the files that a program may see, gone when dropped.

use crate::model::{File, Render, RepoPath, Snapshot};
use std::fs::{DirBuilder, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tempfile::TempDir;

/// The folder.
pub(super) struct Scratch(TempDir);

impl Scratch {
    /// Writes the files. Nobody else may look into the folder, and there are no links in it: what the
    /// repository has as a link is left out.
    pub(super) async fn fill(render: &Render, snapshot: &Snapshot) -> std::io::Result<Self> {
        let files: Vec<(RepoPath, Arc<[u8]>)> = render
            .reads
            .iter()
            .flat_map(|path| snapshot.under(path))
            .filter_map(|(path, file)| match file {
                File::Bytes(bytes) => Some((path.clone(), Arc::clone(bytes))),
                _ => None,
            })
            .collect();
        let filled = tokio::task::spawn_blocking(move || fill(&files)).await;
        filled.unwrap_or_else(|error| Err(std::io::Error::other(error)))
    }

    /// Returns where the files are, by their paths in the repository.
    pub(super) fn files(&self) -> PathBuf {
        self.0.path().join("files")
    }

    /// Returns an empty folder.
    pub(super) fn home(&self) -> PathBuf {
        self.0.path().join("home")
    }

    /// Returns the folder itself.
    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }
}

fn fill(files: &[(RepoPath, Arc<[u8]>)]) -> std::io::Result<Scratch> {
    let scratch = Scratch(tempfile::Builder::new().prefix("reconciled-").tempdir()?);
    let folder = |path: &Path| DirBuilder::new().recursive(true).mode(0o700).create(path);
    folder(&scratch.files())?;
    folder(&scratch.home())?;
    for (path, bytes) in files {
        let path = scratch.files().join(path.as_str());
        if let Some(parent) = path.parent() {
            folder(parent)?;
        }
        let mut options = OpenOptions::new();
        let mut file = options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(path)?;
        file.write_all(bytes)?;
    }
    Ok(scratch)
}
