//! Why the ledger could not be opened, read or written, and what to do about it.

use crate::model::{Class, Fault};
use std::fmt;
use std::path::{Path, PathBuf};

/// Which ledger: a file, or memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place(Option<PathBuf>);

impl Place {
    /// A ledger in memory.
    pub(super) fn memory() -> Self {
        Self(None)
    }

    /// A ledger in a file.
    pub(super) fn file(path: &Path) -> Self {
        Self(Some(path.to_owned()))
    }
}

impl Place {
    /// Tells whether the file, or what SQLite writes beside it, may be read and not written.
    fn is_read_only(&self) -> bool {
        let Some(file) = &self.0 else { return false };
        let beside = |end: &str| {
            let mut name = file.as_os_str().to_owned();
            name.push(end);
            PathBuf::from(name)
        };
        // Asked of the system and not tried: to open and close the file would let SQLite's locks on it go.
        let refused = |path: PathBuf| {
            let writes = rustix::fs::access(path, rustix::fs::Access::WRITE_OK);
            writes.is_err_and(|error| error != rustix::io::Errno::NOENT)
        };
        ["", "-wal", "-shm"].into_iter().map(beside).any(refused)
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(path) => write!(f, "the ledger {}", path.display()),
            None => f.write_str("the ledger in memory"),
        }
    }
}

/// Why the ledger did not do what it was asked for. Whatever it is, nothing it held is lost.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// There is no such file.
    #[error("find {0}")]
    NotFound(Place),
    /// The file was taken from under the one that has it open.
    #[error("use {place}: it was {what} while it was in use")]
    Lost {
        /// Which.
        place: Place,
        /// What happened to it.
        what: &'static str,
    },
    /// Another process writes it: a daemon, mostly.
    #[error("open {place}: another process uses it{}", holder(*.pid))]
    Locked {
        /// Which.
        place: Place,
        /// The other process, where it said.
        pid: Option<u32>,
    },
    /// The folder or the file cannot be made or opened.
    #[error("open {place}")]
    Open {
        /// Which.
        place: Place,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a ledger, or is damaged.
    #[error("read {place}: it is damaged, or not a ledger")]
    Corrupt {
        /// Which.
        place: Place,
        /// What was seen.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A newer binary wrote it in a form this one does not know.
    #[error("read {place}: it has form {found}, and this binary knows up to {known}")]
    Newer {
        /// Which.
        place: Place,
        /// The form it has.
        found: i64,
        /// The newest form known here.
        known: i64,
    },
    /// The disk is full, over quota, or gone.
    #[error("write {place}: the disk takes nothing more")]
    Full {
        /// Which.
        place: Place,
        /// What was seen.
        source: sqlx::Error,
    },
    /// The file, or the disk it is on, is read-only.
    #[error("write {place}: it is read-only")]
    Unwritable {
        /// Which.
        place: Place,
        /// What was seen.
        source: sqlx::Error,
    },
    /// Anything else the database said.
    #[error("use {place}")]
    Database {
        /// Which.
        place: Place,
        /// What was seen.
        source: sqlx::Error,
    },
    /// It was opened for reading only.
    #[error("write {0}: it was opened for reading")]
    ReadOnly(Place),
    /// It was closed.
    #[error("use {0}: it is closed")]
    Closed(Place),
    /// The record's chain does not hold.
    #[error("trust {place}: {what}")]
    Broken {
        /// Which.
        place: Place,
        /// What does not fit.
        what: String,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map_or_else(String::new, |pid| format!(" (process {pid})"))
}

impl LedgerError {
    /// Sorts what the database said. Source of the numbers: sqlite.org/rescode.html.
    pub(super) fn from_database(place: &Place, source: sqlx::Error) -> Self {
        const CORRUPT: i64 = 11;
        const FULL: i64 = 13;
        const NOT_A_DATABASE: i64 = 26;
        const IO: i64 = 10;
        const READ_ONLY: i64 = 8;
        const READS: [i64; 2] = [1, 2];
        let place = place.clone();
        let code = match &source {
            sqlx::Error::Database(database) => database.code().and_then(|code| code.parse().ok()),
            _ => None,
        };
        let code: i64 = code.unwrap_or_default();
        let (primary, detail) = (code & 0xff, code >> 8);
        match primary {
            CORRUPT | NOT_A_DATABASE => Self::Corrupt {
                place,
                source: source.into(),
            },
            FULL => Self::Full { place, source },
            READ_ONLY => Self::Unwritable { place, source },
            IO if !READS.contains(&detail) && place.is_read_only() => {
                Self::Unwritable { place, source }
            }
            IO if !READS.contains(&detail) => Self::Full { place, source },
            _ => Self::Database { place, source },
        }
    }

    /// Says that a row holds what this binary cannot read.
    pub(super) fn corrupt(
        place: &Place,
        source: impl Into<Box<dyn std::error::Error + Send + Sync>>,
    ) -> Self {
        Self::Corrupt {
            place: place.clone(),
            source: source.into(),
        }
    }
}

impl Fault for LedgerError {
    fn code(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "ledger-not-found",
            Self::Lost { .. } => "ledger-lost",
            Self::Locked { .. } => "ledger-locked",
            Self::Open { .. } => "ledger-open",
            Self::Corrupt { .. } => "ledger-corrupt",
            Self::Newer { .. } => "ledger-newer",
            Self::Full { .. } => "ledger-full",
            Self::Unwritable { .. } => "ledger-unwritable",
            Self::Database { .. } => "ledger-database",
            Self::ReadOnly(_) => "ledger-read-only",
            Self::Closed(_) => "ledger-closed",
            Self::Broken { .. } => "ledger-broken",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotFound(_) => {
                "The daemon makes it at its first start: check `stateFolder`, or `ledger.path`, in the settings. What `apply PATH` did has a ledger of its own: `reconciled history list --path PATH`."
                    .to_owned()
            }
            Self::Lost { .. } => {
                "Put the file back and it goes on by itself. Where it cannot be had again, restart reconciled: what is owned is found again by its marks, only history is lost."
                    .to_owned()
            }
            Self::Locked { .. } => {
                "One process writes a ledger. Where that is a daemon, `reconciled apply ENVIRONMENT` asks it; a second daemon needs a folder of its own, with `stateFolder` (of the file alone: `ledger.path`) in the settings; and another command is done in a moment."
                    .to_owned()
            }
            Self::Open { .. } => {
                "Name a folder this user may write with `stateFolder` in the settings; of the file alone with `ledger.path`."
                    .to_owned()
            }
            Self::Corrupt { place, .. } => format!(
                "Move {place} aside and start again: what is owned is found again by its marks, only history is lost."
            ),
            Self::Newer { .. } => "Run the newer binary, or give this one another file.".to_owned(),
            Self::Full { place, .. } => format!(
                "Free space at {place}: until then changes are stopped, and nothing is lost."
            ),
            Self::Broken { .. } => {
                "Somebody changed the file by hand: compare it with a backup.".to_owned()
            }
            Self::Unwritable { place, .. } => format!(
                "Let this user write {place} and its folder again; a disk that the system mounted read-only has \
                 usually failed, see `dmesg`. Until then changes are stopped, and nothing is lost; it goes on by itself."
            ),
            Self::Database { place, .. } => format!(
                "It is tried again by itself. Where that does not help, look at {place} and its disk: `reconciled \
                 history verify` tells whether the file is whole."
            ),
            Self::ReadOnly(_) | Self::Closed(_) => return None,
        })
    }

    fn class(&self) -> Class {
        match self {
            Self::NotFound(_)
            | Self::Lost { .. }
            | Self::Open { .. }
            | Self::Corrupt { .. }
            | Self::Newer { .. } => Class::User,
            Self::Locked { .. } | Self::Broken { .. } => Class::Refused,
            Self::Full { .. } | Self::Unwritable { .. } | Self::Database { .. } => Class::Transient,
            Self::ReadOnly(_) | Self::Closed(_) => Class::Internal,
        }
    }
}
