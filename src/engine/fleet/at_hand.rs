//! What can be read of an environment that no state can be used of: where it leads, without its secrets. What leads
//! nowhere near an object declares no such object, whatever is wrong with it.

use super::Fleet;
use crate::graph::Graph;
use crate::model::{Diagnostic, EnvironmentName};
use std::sync::Arc;

/// Why a state cannot be used, and what can be read of it all the same.
pub(super) struct Broken {
    /// What is wrong.
    pub(super) mistakes: Vec<Diagnostic>,
    /// What it declares without secrets and rendered files; `None` where that cannot be told either.
    pub(super) at_hand: Option<Arc<Graph>>,
}

impl From<Vec<Diagnostic>> for Broken {
    fn from(mistakes: Vec<Diagnostic>) -> Self {
        Self {
            mistakes,
            at_hand: None,
        }
    }
}

impl Fleet {
    /// Takes note of what can be read of a repository's environment that is broken now.
    pub(super) fn note_at_hand(
        &mut self,
        repository: &str,
        name: &EnvironmentName,
        at_hand: Option<Arc<Graph>>,
    ) {
        let key = (repository.to_owned(), name.clone());
        self.at_hand.insert(key, at_hand);
    }

    /// Returns all that can be read of a broken environment, in whichever repository; empty where that is not all there
    /// may be.
    pub(super) fn at_hand(&self, name: &EnvironmentName) -> Vec<Arc<Graph>> {
        let of_name = self.at_hand.iter().filter(|((_, own), _)| own == name);
        let graphs: Option<Vec<_>> = of_name.map(|(_, graph)| graph.clone()).collect();
        graphs.unwrap_or_default()
    }
}
