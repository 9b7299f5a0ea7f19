//! Whether the program is ready, and what it still waits for. Rooms say it here; `web` shows it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What stands between the program and being ready; clones share it. Nothing means ready.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<String, String>>>);

impl Readiness {
    /// Ready from the start.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that something is not ready, under a name, and why, without secrets. A second reason
    /// under one name takes the first's place.
    pub fn wait_for(&self, name: impl Into<String>, reason: impl Into<String>) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.insert(name.into(), reason.into());
    }

    /// Says that what had this name is ready, or is no more.
    pub fn done(&self, name: &str) {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        open.remove(name);
    }

    /// Returns what is waited for, by name.
    pub fn reasons(&self) -> BTreeMap<String, String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
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
    }
}
