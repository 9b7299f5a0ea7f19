//! What a look may use. A merged spec may use all it names; a pull request's branch only secrets and
//! connections that merged environments use already: else whoever can push a branch could send a
//! secret of the daemon's machine wherever they like, before anybody has looked.
//!
//! And a branch may do nothing with a secret but what the merged environment of its name does: else a
//! plan would answer questions about it ("is its first letter an S?"). A text of a spec gets the value
//! of a secret where the merged environment has the same text in the same place of the same
//! resource, and all that it is computed from and compared with is the same. In any other a secret is
//! not known before the merge: the plan shows `(sensitive) (known after apply)`, whatever is live. So does
//! what a branch writes out where a secret is live: it may be a guess.

use super::{Fleet, cluster_secrets};
use crate::graph::Graph;
use crate::model::{
    Address, Basis, Class, ClusterSecret, Connection, EnvironmentName, Map, Observation,
    ResourceId, SecretSource, Wanted,
};
use crate::provider::Registry;
use crate::spec::{Environment, SecretUses};
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
    /// Secrets of clusters, each with what it is read through.
    of_clusters: Vec<(ClusterSecret, Arc<Connection>)>,
    /// What each environment does with secrets.
    uses: BTreeMap<EnvironmentName, SecretUses>,
    /// What connections of all of them do with secrets.
    connecting: SecretUses,
    /// What each declares.
    graphs: BTreeMap<EnvironmentName, Arc<Graph>>,
}

impl Trust {
    /// Takes what the environments of a fleet use. Connections that are made of secrets of clusters are
    /// looked up there.
    pub async fn merged(fleet: &Fleet, registry: &Registry) -> Self {
        let mut merged = Merged::default();
        for (name, kept) in fleet.kept() {
            let uses = kept.pinned.environment.secret_uses();
            merged.connecting.connect_as(&uses);
            merged.uses.insert(name.clone(), uses);
            merged.graphs.insert(name.clone(), Arc::clone(&kept.graph));
            merged
                .secrets
                .extend(kept.pinned.environment.secrets.values().cloned());
            let live = cluster_secrets::connections(registry, &kept.pinned).await;
            let connections = live.as_ref().unwrap_or(kept.graph.connections());
            merged.connections.extend(connections.values().cloned());
            for source in kept.pinned.environment.secrets.values() {
                if let SecretSource::Kubernetes(of) = source
                    && let Some(connection) = connections.get(&of.connection)
                {
                    let one = (of.clone(), Arc::clone(connection));
                    merged.of_clusters.push(one);
                }
            }
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

    /// Tells whether a secret of a cluster may be read through this connection, or, where that is not
    /// known, through some.
    pub(super) fn is_read(&self, of: &ClusterSecret, through: Option<&Arc<Connection>>) -> bool {
        match self {
            Self::All => true,
            Self::Nothing => false,
            Self::Merged(merged) => merged.of_clusters.iter().any(|(known, by)| {
                let same = ClusterSecret {
                    connection: of.connection.clone(),
                    ..known.clone()
                };
                same == *of && through.is_none_or(|through| leads_alike(by, through))
            }),
        }
    }

    /// Returns an environment without what it may not do with secrets.
    pub fn bounded(&self, environment: &Arc<Environment>) -> Arc<Environment> {
        match self {
            // Without any secret there is nothing to withhold.
            Self::All | Self::Nothing => Arc::clone(environment),
            Self::Merged(merged) => {
                let uses = merged.uses.get(&environment.name).cloned();
                let mut uses = uses.unwrap_or_default();
                uses.connect_as(&merged.connecting);
                Arc::new(environment.withheld(&uses))
            }
        }
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
            Self::Merged(merged) => {
                let mut known = merged.connections.iter();
                known.any(|known| leads_alike(known, connection))
            }
        }
    }

    /// Puts what the merged spec declares beside what a branch wants, so that a plan can tell what is a guess.
    pub(super) fn base(
        &self,
        graph: &Graph,
        wanted: &mut [Wanted],
        outputs: &BTreeMap<ResourceId, Map>,
    ) {
        let Self::Merged(merged) = self else {
            return;
        };
        let addresses: BTreeSet<Address> = wanted.iter().map(|one| one.address.clone()).collect();
        let merged = merged.graphs.get(graph.environment());
        let mut merged = merged.map_or_else(BTreeMap::new, |merged| {
            merged.without_secrets(&addresses, outputs)
        });
        let mut said = graph.without_secrets(&addresses, outputs);
        for one in wanted {
            one.basis = Basis::Branch {
                said: said.remove(&one.address).unwrap_or_default(),
                merged: merged.remove(&one.address),
            };
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

/// Tells whether two connections lead to one place as one account, whatever they are called.
fn leads_alike(one: &Connection, other: &Connection) -> bool {
    one.provider == other.provider && one.settings == other.settings
}
