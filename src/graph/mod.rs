//! Environment -> wanted resources, what reads what, and in which order. Pure.
//!
//! ```text
//! build: secrets + vars -> connections, resources, members of folders -> waves
//! resolve: one wave + outputs so far -> Wanted        fill: one step + outputs -> its value, no holes
//! ```

mod allowance;
mod build;
mod checked;
mod connections;
mod derived;
pub mod keep;
mod labels;
mod manifests;
mod members;
mod node;
mod objects;
mod order;
mod protecting;
mod rendered;
mod renders;
mod ruled;
#[cfg(test)]
mod tests;
mod twice;
mod unread;
mod values;
mod wanted;

pub use allowance::Allowance;
pub use build::{build, build_within, connections_of, renders};
pub use order::Wave;
pub use twice::{Object, Twice, declared_twice};

use crate::model::{
    Address, Connection, ConnectionName, Diagnostic, EnvironmentName, Notify, Reconcile, Secret,
    Unknown, Value,
};
use crate::source::secrets::Secrets;
use node::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use values::Values;

/// One environment with its references followed.
#[derive(Clone, Debug)]
pub struct Graph {
    environment: EnvironmentName,
    reconcile: Reconcile,
    notify: Notify,
    labels: Vec<(String, String)>,
    connecting: BTreeMap<ConnectionName, crate::spec::Connecting>,
    connections: BTreeMap<ConnectionName, Arc<Connection>>,
    nodes: Vec<Node>,
    /// The places of nodes, in the order of their addresses.
    sorted: Vec<usize>,
    waves: Vec<Wave>,
    values: Values,
    objects: Vec<twice::Object>,
    warnings: Vec<Diagnostic>,
    waiting: unread::Waiting,
    /// What is made of secrets; computed when somebody asks.
    derived: OnceLock<Vec<Secret>>,
}

impl Graph {
    /// Returns whose graph it is.
    pub fn environment(&self) -> &EnvironmentName {
        &self.environment
    }

    /// Returns how the environment wants to be kept; `destroy` is told there, and then nothing of
    /// what the graph resolves is wanted any more.
    pub fn reconcile(&self) -> &Reconcile {
        &self.reconcile
    }

    /// Returns who is told.
    pub fn notify(&self) -> &Notify {
        &self.notify
    }

    /// Returns what is worth a look but no mistake.
    pub fn warnings(&self) -> &[Diagnostic] {
        &self.warnings
    }

    /// Returns every connection, with holes where it reads outputs.
    pub fn connections(&self) -> &BTreeMap<ConnectionName, Arc<Connection>> {
        &self.connections
    }

    /// Returns why nothing can be told about a resource: it is made of a secret that cannot be read.
    pub fn unread(&self, address: &Address) -> Option<&Unknown> {
        self.waiting.resource(address)
    }

    /// Returns why nothing can be told about what is behind a connection, likewise.
    pub fn unread_behind(&self, connection: &ConnectionName) -> Option<&Unknown> {
        self.waiting.connection(connection)
    }

    /// Tells whether it was built with just these secrets, all of them at hand.
    pub fn is_of(&self, secrets: &Secrets) -> bool {
        secrets.is_whole() && self.values.has(secrets)
    }

    /// Returns the values of the secrets that its spec names, as far as they are at hand, and what it makes of
    /// them.
    pub fn secrets(&self) -> impl Iterator<Item = &Secret> {
        fn secret(value: &Value) -> Option<&Secret> {
            match value {
                Value::Secret(secret) => Some(secret),
                _ => None,
            }
        }
        let derived = self.derived.get_or_init(|| derived::derived(self));
        let named = self.values.secrets.values();
        named.filter_map(secret).chain(derived)
    }

    /// Tells whether it declares an address, members included.
    pub fn has(&self, address: &Address) -> bool {
        self.node(address).is_some()
    }

    /// Returns how many resources it declares, members included.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Tells whether it declares nothing.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Returns the connection of a resource.
    pub fn connection_of(&self, address: &Address) -> Option<&Arc<Connection>> {
        self.connections.get(&self.node(address)?.connection)
    }

    fn node(&self, address: &Address) -> Option<&Node> {
        let place = self
            .sorted
            .binary_search_by(|nth| self.nodes[*nth].address.cmp(address));
        place.ok().map(|place| &self.nodes[self.sorted[place]])
    }

    /// Returns every address it declares, members included.
    pub fn addresses(&self) -> BTreeSet<Address> {
        self.nodes.iter().map(|node| node.address.clone()).collect()
    }

    /// Returns its resources in waves: what one wave answers fills the expressions of the next.
    pub fn waves(&self) -> &[Wave] {
        &self.waves
    }
}
