//! A path as the source of environments: no daemon, no settings file and no Git needed.

use crate::config::Settings;
use crate::engine::Pinned;
use crate::model::{Diagnostic, Digest, Kinds, RepoPath, Severity, Snapshot};
use crate::source::{Limits, Outside, SourceError, folder};
use crate::spec::{self, ReadOptions, Reading};
use anyhow::{Context as _, bail};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Its folder is one whole.
const SETTINGS: &str = super::settings::FILE;

/// What stands at a path.
pub(super) struct Place {
    /// The folder that counts as the repository.
    pub root: PathBuf,
    /// The folder its ledger is named after: it stays when a file begins to read what stands further up.
    home: PathBuf,
    /// The path inside it.
    pub only: RepoPath,
    /// Its files.
    pub snapshot: Arc<Snapshot>,
}

impl Place {
    /// Reads the folder around a path: the Git repository it is in, else the folder with settings above
    /// it, else the working folder where it holds the path, else the path's own folder. No file of it reaches
    /// further up than that.
    ///
    /// # Errors
    /// There is nothing at the path, or it cannot be read.
    pub(super) fn read(path: &Path) -> anyhow::Result<Self> {
        let full = path.canonicalize().map_err(|error| match error.kind() {
            ErrorKind::NotFound => anyhow::anyhow!(
                "find {}: there is nothing of that name\n\
                 next: name a file that declares an environment or a folder with some, as in `reconciled validate environments/`",
                path.display()
            ),
            _ => anyhow::Error::new(error).context(format!("read {}", path.display())),
        })?;
        let own = if full.is_dir() {
            full.as_path()
        } else {
            full.parent().unwrap_or(&full)
        };
        let whole = whole_around(own);
        let (root, below) = match whole {
            Some(whole) => (whole.to_owned(), RepoPath::default()),
            None => reach(own, highest(&full)),
        };
        let home = whole.unwrap_or(own).to_owned();
        let inside = full
            .strip_prefix(&root)
            .context("find the path in its own folder")?;
        let Some(only) = inside.to_str().and_then(RepoPath::new) else {
            bail!("read {}: its name is not plain text", path.display());
        };
        let snapshot = match folder::snapshot_below(&root, &below, Limits::default()) {
            Err(error @ SourceError::TooLarge { .. }) => bail!(
                "{error}\nnext: put the specs into a Git repository, or beside a {SETTINGS}; that folder alone is read then"
            ),
            read => read?,
        };
        Ok(Self {
            root,
            home,
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
        let digest = Digest::of(self.home.to_string_lossy().as_bytes());
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

/// Returns the folder that is one whole: that of the Git repository or of the settings above.
fn whole_around(own: &Path) -> Option<&Path> {
    let marked = |mark: &str| own.ancestors().find(|above| above.join(mark).exists());
    marked(".git").or_else(|| marked(SETTINGS))
}

/// Returns what paths count from, and the folder below it that is read: the path's own, and as many further
/// up as its files say `../`, inside the working folder. What leaves that is a mistake, as it is in Git.
fn reach(own: &Path, steps: usize) -> (PathBuf, RepoPath) {
    let here = std::env::current_dir().and_then(|here| here.canonicalize());
    let inside = here.ok().and_then(|here| {
        let above = own.ancestors().take(steps + 1);
        let read = above.filter(|above| above.starts_with(&here)).last()?;
        let below = RepoPath::new(read.strip_prefix(&here).ok()?.to_str()?)?;
        Some((here.clone(), below))
    });
    inside.unwrap_or_else(|| (own.to_owned(), RepoPath::default()))
}

/// Returns how many folders up the specs at a path reach, by the longest `../../` written in them.
fn highest(path: &Path) -> usize {
    let beside = std::fs::read_dir(path).into_iter().flatten().flatten();
    let files = beside.map(|entry| entry.path()).chain([path.to_owned()]);
    let yaml = files.filter(|file| {
        let end = file.extension().unwrap_or_default();
        end == "yaml" || end == "yml"
    });
    let texts = yaml.filter_map(|file| std::fs::read_to_string(file).ok());
    texts.map(|text| climbs(&text)).max().unwrap_or(0)
}

fn climbs(text: &str) -> usize {
    let (mut most, mut run) = (0, 0);
    for (nth, part) in text.split('/').enumerate() {
        run = match part {
            ".." if run > 0 => run + 1,
            // It climbs out of the folder named before it, or of the host's own root.
            ".." if nth > 0 => 0,
            begun => usize::from(begun.ends_with("..")),
        };
        most = most.max(run);
    }
    most
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outside_git_as_much_is_read_as_the_files_reach() {
        assert_eq!(climbs("extends: [../a.yaml, ../../b/c.yaml]\nx: a/../b"), 2);
        assert_eq!(climbs("nothing: 'a...b'"), 0);
        assert_eq!(climbs("spec: { path: /../b }"), 0);
        let folder = tempfile::tempdir().unwrap();
        let own = folder.path().join("shop/environments");
        std::fs::create_dir_all(&own).unwrap();
        let file = own.join("a.yaml");
        std::fs::write(&file, "extends: [../layers/a.yaml]\n").unwrap();
        let place = Place::read(&file).unwrap();
        assert_eq!(place.root, own.canonicalize().unwrap(), "and no further");
        assert_eq!(place.only.as_str(), "a.yaml");
        std::fs::write(folder.path().join(SETTINGS), "").unwrap();
        assert_eq!(
            Place::read(&own).unwrap().root,
            folder.path().canonicalize().unwrap()
        );
    }
}
