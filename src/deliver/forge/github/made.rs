//! The commits of our branches, and what each was made from: a commit never changes, so nobody is asked twice.

use crate::model::Digest;
use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many are known; one that is forgotten is asked for once more.
const KNOWN: usize = 512;

/// Commits of ours with what they were made from.
#[derive(Default)]
pub(super) struct Made(Mutex<VecDeque<(String, Digest)>>);

impl Made {
    /// Takes note of what a commit was made from.
    pub(super) fn note(&self, commit: &str, version: &Digest) {
        if self.is_of(commit, version) {
            return;
        }
        let mut known = self.known();
        known.push_back((commit.to_owned(), version.clone()));
        let more = known.len().saturating_sub(KNOWN);
        known.drain(..more);
    }

    /// Tells whether a commit is known to be made from this.
    pub(super) fn is_of(&self, commit: &str, version: &Digest) -> bool {
        let known = self.known();
        known.iter().any(|(one, of)| one == commit && of == version)
    }

    fn known(&self) -> MutexGuard<'_, VecDeque<(String, Digest)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
