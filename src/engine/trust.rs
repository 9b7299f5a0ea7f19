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

use super::observe::Seen;
use super::{Everywhere, Fleet, cluster_secrets, veils};
use crate::graph::{Graph, Object};
use crate::model::{
    Address, Basis, Class, ClusterSecret, Connection, EnvironmentName, Identity, KindName, Known,
    Live, Map, Observation, Owned, Owner, ResourceId, Secret, SecretSource, Value, Veil, Wanted,
};
use crate::provider::Registry;
use crate::spec::{Environment, SecretUses};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Why a connection is not used before the merge: what is merged cannot be used, or it is new or changed.
const UNTRIED: [&str; 2] = ["merged-is-broken", "connection-not-merged"];

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
    /// Environments that are merged and whose specs cannot be used.
    broken: BTreeSet<EnvironmentName>,
    /// Whether there are merged specs that cannot even be told whose they are.
    unreadable: bool,
}

impl Trust {
    /// Takes what the environments of a fleet use. Connections that are made of secrets of clusters are
    /// looked up there.
    pub async fn merged(fleet: &Fleet, registry: &Registry) -> Self {
        let mut merged = Merged {
            broken: fleet.lost().cloned().collect(),
            unreadable: fleet.has_unreadable(),
            ..Merged::default()
        };
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
        let merged = merged.graphs.get(graph.environment());
        let before = |one: &Wanted| merged.and_then(|merged| renamed_from(merged, graph, one));
        let before: Vec<Address> = wanted
            .iter()
            .map(|one| before(one).unwrap_or_else(|| one.address.clone()))
            .collect();
        let mut declared = merged.map_or_else(BTreeMap::new, |merged| {
            let addresses = before.iter().cloned().collect();
            merged.without_secrets(&addresses, outputs)
        });
        let addresses: BTreeSet<Address> = wanted.iter().map(|one| one.address.clone()).collect();
        let mut said = graph.without_secrets(&addresses, outputs);
        for (one, before) in wanted.iter_mut().zip(before) {
            one.basis = Basis::Branch {
                said: said.remove(&one.address).unwrap_or_default(),
                merged: declared.remove(&before),
                strange: false,
            };
        }
    }

    /// Notes what was found that a branch has no business with: it may be anybody's.
    pub(super) fn note_strangers(
        &self,
        wanted: &mut [Wanted],
        observed: &BTreeMap<Address, Observation>,
        owned: &BTreeMap<&Address, Arc<Owned>>,
    ) {
        let Self::Merged(merged) = self else {
            return;
        };
        for one in wanted {
            let Some(Observation::Present(live)) = observed.get(&one.address) else {
                continue;
            };
            let is_known = merged.knows(one, live, owned.get(&one.address).map(AsRef::as_ref));
            if let Basis::Branch { strange, .. } = &mut one.basis {
                *strange = !is_known;
            }
        }
    }

    /// Notes what other merged environments declare of the same objects as a branch, and the merged one of its
    /// name under other addresses.
    pub(super) fn said_elsewhere(&self, wanted: &mut [Wanted]) {
        let Self::Merged(merged) = self else {
            return;
        };
        let mut new: HashMap<(&KindName, &Identity), Vec<usize>> = HashMap::new();
        for (nth, one) in wanted.iter().enumerate() {
            if let Some(identity) = &one.identity {
                let object = (&one.kind.name, identity);
                new.entry(object).or_default().push(nth);
            }
        }
        let mut found = Vec::new();
        for graph in merged.graphs.values() {
            let same = |object: &Object| -> Vec<(Address, usize)> {
                let those = new.get(&(&object.kind, &object.identity));
                let is_it = |nth: &&usize| {
                    let one = &wanted[**nth];
                    one.address != object.address && may_be_one(&one.connection, &object.connection)
                };
                let those = those.into_iter().flatten().filter(is_it);
                those.map(|nth| (object.address.clone(), *nth)).collect()
            };
            let same: Vec<_> = graph.objects().iter().flat_map(same).collect();
            if same.is_empty() {
                continue;
            }
            let addresses = same.iter().map(|(address, _)| address.clone()).collect();
            let said = graph.without_secrets(&addresses, &BTreeMap::new());
            found.extend(same.into_iter().filter_map(|(of, nth)| {
                let said = Arc::new(said.get(&of)?.clone());
                Some((nth, Veil { of, said }))
            }));
        }
        for (nth, veil) in found {
            wanted[nth].veils.push(veil);
        }
    }

    /// Returns the secrets that no plan of a graph may tell, wherever they turn up: those of its spec, of what
    /// was read through it, of a branch those of the merged spec too, and of all who have or had one of its objects.
    pub(super) fn secrets_of(
        &self,
        graph: &Graph,
        seen: &Seen,
        everywhere: &Everywhere,
    ) -> Arc<Known> {
        let merged = match self {
            Self::Merged(merged) => Some(&merged.graphs),
            Self::All | Self::Nothing => None,
        };
        let mut secrets: Vec<&Secret> = graph.secrets().collect();
        let mut speakers = veils::speakers(&seen.wanted);
        secrets.extend(speakers.iter().flat_map(|name| everywhere.secrets(name)));
        speakers.insert(graph.environment());
        let merged = speakers
            .iter()
            .filter_map(|name| merged.and_then(|merged| merged.get(*name)));
        secrets.extend(merged.flat_map(|merged| merged.secrets()));
        for value in seen.outputs.values().flat_map(|fields| fields.values()) {
            value.walk(&mut |node| {
                if let Value::Secret(secret) = node {
                    secrets.push(secret);
                }
            });
        }
        Arc::new(Known::of(secrets))
    }

    /// Returns the names of a graph's connections that may not be used.
    pub fn refused<'g>(&self, graph: &'g Graph) -> Vec<&'g str> {
        let connections = graph.connections().values();
        connections
            .filter(|connection| !self.allows(connection))
            .map(|connection| connection.name.as_str())
            .collect()
    }

    /// What stands for the live state behind a connection of an environment that may not be used.
    pub(super) fn unseen(&self, environment: &EnvironmentName) -> Observation {
        let is_read = |merged: &Merged| {
            let is_broken = merged.broken.contains(environment) || merged.unreadable;
            merged.graphs.contains_key(environment) || !is_broken
        };
        let (reason, code) = match self {
            Self::Merged(merged) if !is_read(merged) => (
                "what is merged of it cannot be used for its mistakes, so that nothing says yet which connections may be used: they are after the merge",
                UNTRIED[0],
            ),
            _ => (
                "its connection is new or changed in this pull request, and is used only after the merge",
                UNTRIED[1],
            ),
        };
        Observation::Unknown {
            reason: reason.to_owned(),
            code,
            class: Class::User,
        }
    }
}

impl Merged {
    /// Tells whether what is live is an environment's own: by its mark, by its record, or by being declared.
    fn knows(&self, wanted: &Wanted, live: &Live, owned: Option<&Owned>) -> bool {
        let environment = &wanted.address.environment;
        let is_marked = match &live.owner {
            Some(Owner::Resource(of)) => {
                // Whoever names an environment of another installation has not got what is marked as its.
                let is_merged =
                    self.graphs.contains_key(environment) || self.broken.contains(environment);
                // An environment that takes another name was this one.
                is_merged && of.environment == *environment
                    || self.graphs.values().any(|graph| graph.has(of))
            }
            Some(Owner::Foreign(_)) | None => false,
        };
        let is_recorded = |owned: &Owned| {
            let mut ids = live.external_id.iter().zip(&owned.external_id);
            wanted.identity.as_ref() == Some(&owned.identity)
                && owned.left_behind_by(&wanted.connection).is_none()
                && ids.all(|(live, applied)| live == applied)
        };
        let is_declared = || {
            let (graph, identity) = (self.graphs.get(environment)?, wanted.identity.as_ref()?);
            graph.declares(&wanted.kind.name, identity, &wanted.connection)
        };
        is_marked || owned.is_some_and(is_recorded) || is_declared().is_some()
    }
}

/// Tells whether an observation stands for what may not be looked at before the merge.
pub(super) fn is_untried(observation: &Observation) -> bool {
    matches!(observation, Observation::Unknown { code, .. } if UNTRIED.contains(code))
}

/// Returns the address under which the merged spec declares the same object, where the branch gives it another.
fn renamed_from(merged: &Graph, branch: &Graph, wanted: &Wanted) -> Option<Address> {
    if merged.has(&wanted.address) {
        return None;
    }
    let identity = wanted.identity.as_ref()?;
    let old = merged.declares(&wanted.kind.name, identity, &wanted.connection)?;
    (!branch.has(old)).then(|| old.clone())
}

/// Tells whether two connections may lead to one place, as whoever.
fn may_be_one(one: &Connection, other: &Connection) -> bool {
    // Another secret may be another place, whatever else is told.
    let is_told =
        |one: &Connection| one.leads_to().is_some() && one.settings.secret_places().is_empty();
    let both = is_told(one) && is_told(other) && one.provider == other.provider;
    one.reaches(other) || both && one.may_lead_to(other.leads_to().as_deref())
}

/// Tells whether two connections lead to one place as one account, whatever they are called.
fn leads_alike(one: &Connection, other: &Connection) -> bool {
    one.provider == other.provider && one.settings == other.settings
}
