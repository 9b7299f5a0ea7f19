//! Whether the program is ready, what it still waits for, and what is in its way though it is. Rooms say
//! it here; `web` shows it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What stands between the program and being ready, and its troubles; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<Said>>);

#[derive(Debug, Default)]
struct Said {
    /// Nothing means ready.
    waits: BTreeMap<String, String>,
    /// It does its work, but not all of it.
    troubles: BTreeMap<String, String>,
}

impl Readiness {
    /// Ready from the start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that something is not ready, under a name, and why, without secrets. A second reason
    /// under one name takes the first's place.
    pub fn wait_for(&self, name: impl Into<String>, reason: impl Into<String>) {
        self.said().waits.insert(name.into(), reason.into());
    }

    /// Says that what had this name is ready, or is no more.
    pub fn done(&self, name: &str) {
        self.said().waits.remove(name);
    }

    /// Returns what is waited for, by name.
    pub fn reasons(&self) -> BTreeMap<String, String> {
        self.said().waits.clone()
    }

    /// Says that a part of the work is not done, under a name, and why, without secrets. The program counts
    /// as ready all the same: another one would fare no better.
    pub fn trouble(&self, name: impl Into<String>, reason: impl Into<String>) {
        self.said().troubles.insert(name.into(), reason.into());
    }

    /// Says that a trouble is over; fine where there was none.
    pub fn trouble_over(&self, name: &str) {
        self.said().troubles.remove(name);
    }

    /// Returns the troubles, by name.
    pub fn troubles(&self) -> BTreeMap<String, String> {
        self.said().troubles.clone()
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        // Only ever changed whole: a panic elsewhere leaves it usable.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Readiness;

    #[test]
    fn ready_means_that_nothing_is_waited_for() {
        let readiness = Readiness::new();
        let engine = readiness.clone();
        engine.wait_for("infrastructure", "the first fetch is under way");
        engine.wait_for("infrastructure", "the server does not answer");
        assert_eq!(
            readiness.reasons()["infrastructure"],
            "the server does not answer"
        );
        engine.done("infrastructure");
        assert!(readiness.reasons().is_empty());
        engine.trouble("slack", "it refuses");
        assert!(readiness.reasons().is_empty());
        assert_eq!(readiness.troubles()["slack"], "it refuses");
        engine.trouble_over("slack");
        assert!(readiness.troubles().is_empty());
    }
}
