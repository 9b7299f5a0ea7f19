//! What a look may use. A merged spec may use all it names; a pull request's branch only secrets and
//! connections that merged environments use already: else whoever can push a branch could send a
//! secret of the daemon's machine wherever they like, before anybody has looked.

use super::Fleet;
use crate::graph::Graph;
use crate::model::{Class, Connection, Observation, SecretSource};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What a look may use.
#[derive(Clone, Debug, Default)]
pub enum Trust {
    /// All that the spec names.
    #[default]
    All,
    /// Only what merged environments use.
    Merged(Arc<Merged>),
    /// Nothing: no secret is read, no connection used, no program started.
    Nothing,
}

/// What merged environments use.
#[derive(Clone, Debug, Default)]
pub struct Merged {
    secrets: BTreeSet<SecretSource>,
    connections: Vec<Arc<Connection>>,
}

impl Trust {
    /// Takes what the environments of a fleet use.
    pub fn merged(fleet: &Fleet) -> Self {
        let mut merged = Merged::default();
        for kept in fleet.kept().values() {
            merged
                .secrets
                .extend(kept.pinned.environment.secrets.values().cloned());
            let connections = kept.graph.connections().values();
            merged.connections.extend(connections.cloned());
        }
        Self::Merged(Arc::new(merged))
    }

    /// Keeps the secrets that may be read. The others are not known before the merge.
    pub fn secrets(
        &self,
        mut sources: BTreeMap<String, SecretSource>,
    ) -> BTreeMap<String, SecretSource> {
        match self {
            Self::All => {}
            Self::Merged(merged) => sources.retain(|_, source| merged.secrets.contains(source)),
            Self::Nothing => sources.clear(),
        }
        sources
    }

    /// Tells whether programs may render what the spec points at.
    pub fn renders(&self) -> bool {
        !matches!(self, Self::Nothing)
    }

    /// Tells whether a connection may be used.
    pub fn allows(&self, connection: &Connection) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Merged(merged) => merged.connections.iter().any(|known| {
                known.provider == connection.provider && known.settings == connection.settings
            }),
        }
    }

    /// Returns the names of a graph's connections that may not be used.
    pub fn refused<'g>(&self, graph: &'g Graph) -> Vec<&'g str> {
        let connections = graph.connections().values();
        connections
            .filter(|connection| !self.allows(connection))
            .map(|connection| connection.name.as_str())
            .collect()
    }

    /// What stands for the live state behind a connection that may not be used.
    pub(super) fn unseen() -> Observation {
        Observation::Unknown {
            reason: "its connection is new or changed in this pull request, and is used only after the merge".to_owned(),
            code: "connection-not-merged",
            class: Class::User,
        }
    }
}
