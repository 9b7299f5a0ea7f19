//! Says that a working folder (or one file) changed, once it has been quiet for a moment. Carries no
//! state: whoever is told reads again. Where the system cannot tell, the folder is looked at instead.

use super::SourceError;
use notify::{Config, Event, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::sync::watch::{Receiver, Sender, channel};
use tokio::time::{Instant, timeout, timeout_at};

/// A change is told after this long without another one: an editor writes a file in several steps.
const QUIET: Duration = Duration::from_millis(150);

/// While changes keep coming, one is told this often.
const LONGEST: Duration = Duration::from_secs(2);

/// How often the folder is looked at where the system cannot tell.
const LOOK: Duration = Duration::from_secs(2);

/// Watches as long as it lives. A change that is missed costs the time to the next interval.
pub struct Watch {
    changes: Receiver<u64>,
    _watcher: Box<dyn Watcher + Send>,
}

impl Watch {
    /// Watches a folder and all below it, dot-folders apart.
    ///
    /// # Errors
    /// `MissingFolder` where there is none.
    pub fn folder(root: &Path) -> Result<Self, SourceError> {
        let below = |path: &Path| {
            let folders = path.parent().map(Path::components).into_iter().flatten();
            folders.into_iter().all(|part| !hidden(part.as_os_str()))
        };
        Self::start(root, RecursiveMode::Recursive, below)
    }

    /// Watches one file, whether it is there yet or not; its folder has to be.
    ///
    /// # Errors
    /// `MissingFolder` where the folder is not there.
    pub fn file(path: &Path) -> Result<Self, SourceError> {
        let folder = match path.parent() {
            Some(folder) if folder != Path::new("") => folder,
            _ => Path::new("."),
        };
        // Kubernetes swaps a mounted file's whole folder by a link beside it, so any name counts.
        Self::start(folder, RecursiveMode::NonRecursive, |_| true)
    }

    /// Ends when something changed since it ended last (or since the watch began).
    pub async fn changed(&mut self) {
        if self.changes.changed().await.is_err() {
            // The watcher is ours and tells until it is dropped, so this is never reached.
            return std::future::pending().await;
        }
        let until = Instant::now() + LONGEST;
        while timeout_at(until, timeout(QUIET, self.changes.changed()))
            .await
            .is_ok_and(|more| more.is_ok())
        {}
        self.changes.mark_unchanged();
    }

    fn start(
        root: &Path,
        mode: RecursiveMode,
        counts: impl Fn(&Path) -> bool + Clone + Send + 'static,
    ) -> Result<Self, SourceError> {
        let shown = root.display().to_string();
        let root = root.canonicalize().ok().filter(|root| root.is_dir());
        let root = root.ok_or_else(|| SourceError::MissingFolder {
            target: shown.clone(),
            folder: ".".to_owned(),
        })?;
        let (sender, changes) = channel(0);
        let told = tell(root.clone(), counts, sender);
        let system = RecommendedWatcher::new(told.clone(), config()).and_then(|mut watcher| {
            watcher.watch(&root, mode)?;
            Ok(Box::new(watcher) as Box<dyn Watcher + Send>)
        });
        let watcher = system.or_else(|error| {
            tracing::warn!(folder = shown, %error, "Folder is looked at, for the system cannot watch it");
            let mut watcher = PollWatcher::new(told, config())?;
            watcher.watch(&root, mode)?;
            Ok(Box::new(watcher) as Box<dyn Watcher + Send>)
        });
        let watcher = watcher.map_err(|error: notify::Error| SourceError::Disk {
            target: shown,
            doing: "watch the folder".to_owned(),
            source: std::io::Error::other(error),
        })?;
        Ok(Self {
            changes,
            _watcher: watcher,
        })
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").finish_non_exhaustive()
    }
}

fn config() -> Config {
    Config::default()
        .with_poll_interval(LOOK)
        .with_follow_symlinks(false)
}

/// Counts what concerns us. An error of the watcher (it lost events) counts as a change.
fn tell(
    root: PathBuf,
    counts: impl Fn(&Path) -> bool + Clone + Send + 'static,
    sender: Sender<u64>,
) -> impl Fn(notify::Result<Event>) + Clone + Send + 'static {
    let sender = std::sync::Arc::new(sender);
    move |event| {
        let changed = match event {
            Ok(event) if matches!(event.kind, EventKind::Access(_)) => false,
            Ok(event) => {
                event.paths.is_empty()
                    || event.paths.iter().any(|path| {
                        let below = path.strip_prefix(&root).unwrap_or(path);
                        counts(below)
                    })
            }
            Err(_) => true,
        };
        if changed {
            sender.send_modify(|count| *count += 1);
        }
    }
}

fn hidden(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b".")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    async fn told(watch: &mut Watch) -> bool {
        timeout(Duration::from_secs(20), watch.changed())
            .await
            .is_ok()
    }

    #[tokio::test]
    async fn a_burst_of_changes_is_told_once() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("below")).unwrap();
        let mut watch = Watch::folder(root.path()).unwrap();
        for number in 0..20 {
            let path = root.path().join(format!("below/{number}.yaml"));
            fs::write(path, "x").unwrap();
        }
        assert!(told(&mut watch).await);
        assert!(!watch.changes.has_changed().unwrap());
    }

    #[tokio::test]
    async fn what_git_writes_is_not_told() {
        let root = tempfile::tempdir().unwrap();
        let git = root.path().join(".git/objects");
        fs::create_dir_all(&git).unwrap();
        let mut watch = Watch::folder(root.path()).unwrap();
        fs::write(git.join("x"), "x").unwrap();
        fs::write(root.path().join("seen.yaml"), "x").unwrap();
        assert!(told(&mut watch).await);
        // Events come in order: by now the first file's would have counted too.
        let after = *watch.changes.borrow();
        fs::write(git.join("y"), "y").unwrap();
        fs::write(root.path().join("last.yaml"), "").unwrap();
        assert!(told(&mut watch).await);
        let kinds = *watch.changes.borrow() - after;
        assert!(kinds <= 2, "{kinds} events for one empty file");
    }

    #[tokio::test]
    async fn a_file_that_is_replaced_is_told() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("reconciled.yaml");
        let mut watch = Watch::file(&path).unwrap();
        fs::write(root.path().join("new"), "x").unwrap();
        fs::rename(root.path().join("new"), &path).unwrap();
        assert!(told(&mut watch).await);
        let gone = Watch::folder(&root.path().join("gone"));
        assert!(matches!(gone, Err(SourceError::MissingFolder { .. })));
    }
}
