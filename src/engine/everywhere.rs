//! What all environments of one state declare together, as far as that can be known.

use crate::graph::{self, Graph, Twice};
use crate::model::{Address, Connection, ConnectionName, EnvironmentName, Owned, RepoPath, Secret};
use crate::plan::Beside;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::sync::Arc;

/// What all environments declare.
#[derive(Clone, Default)]
pub struct Everywhere {
    graphs: BTreeMap<EnvironmentName, Arc<Graph>>,
    /// Declared, but not to be resolved now: whatever the ledger owns of these counts as declared,
    /// so that nobody takes it over by mistake. With what can be read of each all the same; nothing
    /// where nobody knows what it may declare.
    unresolved: BTreeMap<EnvironmentName, Vec<Arc<Graph>>>,
    /// Declared by a state that is not the newest, which cannot be used: nobody knows what that declares. With what
    /// can be read of the newest all the same.
    behind: BTreeMap<EnvironmentName, Vec<Arc<Graph>>>,
    /// Files that cannot be read so far as to name their environments.
    nameless: BTreeSet<RepoPath>,
    /// Repositories that were not read yet: every environment may still be declared there.
    unread: BTreeSet<String>,
}

impl Everywhere {
    /// Takes in an environment; `None` where what it declares cannot be known.
    pub fn add(&mut self, name: &EnvironmentName, graph: Option<Arc<Graph>>) {
        self.behind.remove(name);
        match graph {
            Some(graph) => drop(self.graphs.insert(name.clone(), graph)),
            None => self.add_broken(name, Vec::new()),
        }
    }

    /// Takes in an environment that cannot be used, with what can be read of it without its secrets, where that is
    /// all there may be of it.
    pub(super) fn add_broken(&mut self, name: &EnvironmentName, at_hand: Vec<Arc<Graph>>) {
        self.behind.remove(name);
        self.unresolved.insert(name.clone(), at_hand);
    }

    /// Says that the newest state of an environment cannot be used, and an older one is kept; with what can be read of
    /// the newest without its secrets.
    pub(super) fn mark_behind(&mut self, name: &EnvironmentName, at_hand: Vec<Arc<Graph>>) {
        self.behind.insert(name.clone(), at_hand);
    }

    /// Takes out an environment that is declared no more.
    pub fn remove(&mut self, name: &EnvironmentName) {
        self.graphs.remove(name);
        self.unresolved.remove(name);
        self.behind.remove(name);
    }

    /// Finds live objects that two environments declare, each with both addresses.
    pub fn declared_twice(&self) -> Vec<Twice> {
        let graphs: Vec<&Graph> = self.graphs.values().map(AsRef::as_ref).collect();
        graph::declared_twice(&graphs)
    }

    /// Says that a repository was not read yet.
    pub fn mark_unread(&mut self, repository: &str) {
        self.unread.insert(repository.to_owned());
    }

    /// Says that a file cannot be read, and that nobody knows which environment it is of.
    pub(super) fn mark_nameless(&mut self, file: &RepoPath) {
        self.nameless.insert(file.clone());
    }

    /// Takes in what others declare.
    pub fn extend(&mut self, other: Self) {
        self.graphs.extend(other.graphs);
        self.unresolved.extend(other.unresolved);
        self.behind.extend(other.behind);
        self.nameless.extend(other.nameless);
        self.unread.extend(other.unread);
    }

    /// Tells whether an environment is declared, as far as that is known now.
    pub fn may_declare(&self, name: &EnvironmentName) -> bool {
        !self.unread.is_empty()
            || self.graphs.contains_key(name)
            || self.unresolved.contains_key(name)
    }

    /// Tells whether an address counts as declared; `is_known` where the ledger knows it.
    pub fn declares(&self, address: &Address, is_known: bool) -> bool {
        let name = &address.environment;
        match self.graphs.get(name) {
            Some(graph) if graph.has(address) => true,
            known => {
                is_known
                    && (self.unresolved.contains_key(name)
                        || (!self.unread.is_empty() && known.is_none()))
            }
        }
    }

    /// Returns what every environment but one declares.
    pub(super) fn beside(&self, environment: &EnvironmentName) -> Vec<Beside> {
        let others = self.graphs.iter().filter(|(name, _)| *name != environment);
        let objects = others.flat_map(|(_, graph)| graph.objects());
        let beside = objects.map(|object| Beside {
            address: object.address.clone(),
            provider: object.kind.provider().to_owned(),
            connection: Some(Arc::clone(&object.connection)),
            place: object.connection.leads_to(),
            identity: object.identity.clone(),
        });
        beside.collect()
    }

    /// Returns a connection of an environment, where it is declared and all of it known.
    pub(super) fn connection(
        &self,
        environment: &EnvironmentName,
        name: &ConnectionName,
    ) -> Option<Arc<Connection>> {
        let connection = self.graphs.get(environment)?.connections().get(name)?;
        let is_whole = connection.settings.holes().is_empty();
        is_whole.then(|| Arc::clone(connection))
    }

    /// Returns the connection of what is declared under an address.
    pub(super) fn connection_of(&self, address: &Address) -> Option<&Arc<Connection>> {
        self.graphs
            .get(&address.environment)?
            .connection_of(address)
    }

    /// Returns the secrets of an environment that are at hand.
    pub(super) fn secrets(&self, environment: &EnvironmentName) -> impl Iterator<Item = &Secret> {
        let graph = self.graphs.get(environment).into_iter();
        graph.flat_map(|graph| graph.secrets())
    }

    /// Returns what may declare now, in this environment or another, what this one owns: which object it means is not
    /// known yet, or only the live side tells it from that.
    pub(super) fn may_declare_it(&self, by: &Graph, owned: &Owned) -> Vec<&Address> {
        let through = by.connections().get(&owned.connection);
        let all = self.graphs.values();
        all.flat_map(|graph| graph.may_declare(owned, through))
            .collect()
    }

    /// Returns why another environment may declare now what this one owns, where the state it is to be read from cannot
    /// be used or was not read yet.
    pub(super) fn may_declare_unread(&self, by: &Graph, owned: &Owned) -> Option<String> {
        let through = by.connections().get(&owned.connection);
        let mut behind = self.behind.iter();
        // It may come to lead elsewhere than it does by the state that is kept.
        let reaches = |(name, at_hand): &(&EnvironmentName, &Vec<Arc<Graph>>)| {
            let mut graphs = self.graphs.get(*name).into_iter().chain(*at_hand);
            *name != by.environment() && graphs.any(|graph| graph.may_reach(owned, through))
        };
        // Whatever it means to declare, it does so through a connection of its own.
        let may_reach = |graphs: &[Arc<Graph>]| {
            graphs.is_empty() || graphs.iter().any(|graph| graph.may_reach(owned, through))
        };
        let mut broken = self.unresolved.iter();
        let broken = broken.find(|(_, graphs)| may_reach(graphs));
        let reached = behind.find(reaches).or(broken).map(|(name, _)| name);
        let absent = || self.unread.first().map(|name| not_read_yet(name));
        let nameless = || self.nameless.first().map(unread);
        reached.map(unread).or_else(nameless).or_else(absent)
    }

    /// Returns what one environment owns and another declares now, by the owner's address.
    pub fn taken(&self, by: &Graph, owned: &[Owned]) -> BTreeMap<Address, Address> {
        let others = || {
            self.graphs
                .iter()
                .filter(|(name, _)| *name != by.environment())
                .map(|(_, graph)| graph)
        };
        let taken = |owned: &Owned| {
            let connection = by.connections().get(&owned.connection)?;
            let to = others()
                .find_map(|graph| graph.declares(&owned.kind, &owned.identity, connection))?;
            Some((owned.address.clone(), to.clone()))
        };
        owned
            .iter()
            .filter(|owned| !by.has(&owned.address))
            .filter_map(taken)
            .collect()
    }
}

fn unread(what: impl Display) -> String {
    format!("{what} may declare it now, and cannot be read as it is in Git: put that right first")
}

fn not_read_yet(repository: &str) -> String {
    format!(
        "the repository {repository} may declare it now, and was not read yet: it waits until that can be read, or is taken out of the settings"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ResourceId;

    #[test]
    fn what_an_unresolved_environment_owns_counts_as_declared() {
        let address = |environment: &str| {
            Address::new(
                EnvironmentName::new(environment).unwrap(),
                ResourceId::new("api").unwrap(),
            )
        };
        let (broken, gone) = (address("broken"), address("gone"));
        let mut everywhere = Everywhere::default();
        everywhere.add(&EnvironmentName::new("broken").unwrap(), None);
        assert!(everywhere.declares(&broken, true) && !everywhere.declares(&gone, true));
        // A repository that was not read yet may declare all the rest.
        everywhere.mark_unread("other");
        assert!(everywhere.declares(&gone, true) && !everywhere.declares(&gone, false));
    }
}
