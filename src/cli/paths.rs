//! A path as the source of environments: no daemon, no settings file and no Git needed.

use crate::config::Settings;
use crate::engine::Pinned;
use crate::model::{Diagnostic, Digest, Kinds, RepoPath, Severity, Snapshot};
use crate::source::{Limits, Outside, folder};
use crate::spec::{self, ReadOptions, Reading};
use anyhow::{Context as _, bail};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What stands at a path.
pub(super) struct Place {
    /// The folder that counts as the repository.
    pub root: PathBuf,
    /// The path inside it.
    pub only: RepoPath,
    /// Its files.
    pub snapshot: Arc<Snapshot>,
}

impl Place {
    /// Reads the folder around a path: the Git repository it is in, else the working folder where
    /// that holds it, else the path's own folder.
    ///
    /// # Errors
    /// There is nothing at the path, or it cannot be read.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let full = path
            .canonicalize()
            .with_context(|| format!("read {}", path.display()))?;
        let own = if full.is_dir() {
            full.as_path()
        } else {
            full.parent().unwrap_or(&full)
        };
        let root = root_of(own);
        let inside = full
            .strip_prefix(&root)
            .context("find the path in its own folder")?;
        let Some(only) = inside.to_str().and_then(RepoPath::new) else {
            bail!("read {}: its name is not plain text", path.display());
        };
        let snapshot = folder::snapshot(&root, Limits::default())?;
        Ok(Self {
            root,
            only,
            snapshot: Arc::new(snapshot),
        })
    }

    /// Reads the environments of the path; those beside them too, so that names can be compared.
    pub(super) fn environments(&self, kinds: &Kinds) -> Reading {
        let options = ReadOptions {
            folder: None,
            only: None,
            kinds,
        };
        spec::read(&self.snapshot, &options)
    }

    /// Tells whether a file is part of what was asked for.
    pub(super) fn holds(&self, path: &RepoPath) -> bool {
        path.is_under(&self.only)
    }

    /// Returns where what was done for this folder is recorded: a ledger of its own, so that equal
    /// names in two folders never meet.
    pub(super) fn ledger(&self, settings: &Settings) -> PathBuf {
        let digest = Digest::of(self.root.to_string_lossy().as_bytes());
        settings
            .state_folder
            .join("paths")
            .join(digest.short())
            .join("ledger.db")
    }

    /// Pins what can be read of the path.
    ///
    /// # Errors
    /// Every mistake in it.
    pub(super) fn pinned(
        &self,
        reading: Reading,
        outside: &Outside,
    ) -> Result<Vec<Pinned>, Vec<Diagnostic>> {
        let mut pinned = Vec::new();
        let mut wrong: Vec<Diagnostic> = reading
            .diagnostics
            .into_iter()
            .filter(|one| one.severity == Severity::Error && self.holds(&one.location.file))
            .collect();
        for read in reading
            .environments
            .into_iter()
            .filter(|read| self.holds(&read.path))
        {
            match Pinned::new(read, &self.snapshot, outside) {
                Ok(one) => pinned.push(one),
                Err(diagnostics) => wrong.extend(diagnostics),
            }
        }
        if wrong.is_empty() {
            Ok(pinned)
        } else {
            Err(wrong)
        }
    }
}

fn root_of(folder: &Path) -> PathBuf {
    if let Some(git) = folder.ancestors().find(|above| above.join(".git").exists()) {
        return git.to_owned();
    }
    let here = std::env::current_dir()
        .and_then(|here| here.canonicalize())
        .ok();
    here.filter(|here| folder.starts_with(here))
        .unwrap_or_else(|| folder.to_owned())
}
