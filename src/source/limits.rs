//! How much is read at most, and the count that holds it.

use super::SourceError;
use std::time::Duration;

/// How much of a repository is read at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A file over this many bytes is named with its size and not read.
    pub file_bytes: u64,
    /// All files together, in bytes; more is an error.
    pub total_bytes: u64,
    /// This many files and folders; more is an error.
    pub files: u64,
    /// One answer of a server, in bytes; more is an error.
    pub fetch_bytes: u64,
    /// One answer of a server about a fork's branch, in bytes: anybody may offer one.
    pub fork_bytes: u64,
    /// One fetch, from the first byte to the last.
    pub deadline: Duration,
}

impl Default for Limits {
    /// 1 MiB a file, 256 MiB and 100,000 files together, 2 GiB a fetch, 64 MiB a fork's, two minutes.
    fn default() -> Self {
        Self {
            file_bytes: 1 << 20,
            total_bytes: 256 << 20,
            files: 100_000,
            fetch_bytes: 2 << 30,
            fork_bytes: 64 << 20,
            deadline: Duration::from_secs(120),
        }
    }
}

/// Counts what was read against the limits.
pub(crate) struct Meter<'a> {
    target: &'a str,
    limits: Limits,
    files: u64,
    bytes: u64,
}

impl<'a> Meter<'a> {
    /// Starts at nothing.
    pub(crate) fn new(target: &'a str, limits: Limits) -> Self {
        Self {
            target,
            limits,
            files: 0,
            bytes: 0,
        }
    }

    /// Counts a file or a folder. Errors past the limit.
    pub(crate) fn path(&mut self) -> Result<(), SourceError> {
        self.files += 1;
        if self.files > self.limits.files {
            return Err(self.too_large(self.limits.files, "files and folders"));
        }
        Ok(())
    }

    /// Tells whether a file of this size is read at all, and counts it. Errors past the limit.
    pub(crate) fn admits(&mut self, size: u64) -> Result<bool, SourceError> {
        if size > self.limits.file_bytes {
            return Ok(false);
        }
        self.bytes = self.bytes.saturating_add(size);
        if self.bytes > self.limits.total_bytes {
            return Err(self.too_large(self.limits.total_bytes, "bytes in its files"));
        }
        Ok(true)
    }

    fn too_large(&self, limit: u64, what: &'static str) -> SourceError {
        SourceError::TooLarge {
            target: self.target.to_owned(),
            limit,
            what,
        }
    }
}
