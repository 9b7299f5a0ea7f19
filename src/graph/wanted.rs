//! What a graph wants once outputs are known: resources of a wave, declared fields, connections.

use super::node::Node;
use super::order::Wave;
use super::values::opened;
use super::{Graph, connections};
use crate::model::{Address, Basis, Connection, ConnectionName, Map, ResourceId, Value, Wanted};
use crate::spec::expression::Fuel;
use crate::spec::names::Known;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

impl Graph {
    /// Returns every connection, filled as far as outputs are known.
    pub fn connections_with(
        &self,
        outputs: &BTreeMap<ResourceId, Map>,
    ) -> BTreeMap<ConnectionName, Arc<Connection>> {
        let known = self.values.known(outputs);
        connections::resolve(&self.connecting, &known, &Fuel::full(), &mut Vec::new())
    }

    /// Returns the resources of a wave as Git wants them, filled as far as outputs are known. What an
    /// expression cannot compute from these outputs stays a hole; `fill` says why.
    pub fn resolve(&self, wave: &Wave, outputs: &BTreeMap<ResourceId, Map>) -> Vec<Wanted> {
        let known = self.values.known(outputs);
        let fuel = Fuel::full();
        let connections = connections::resolve(&self.connecting, &known, &fuel, &mut Vec::new());
        let nodes = wave.0.iter().filter_map(|nth| self.nodes.get(*nth));
        let wanted = |node| self.wanted(node, &connections, (&known, &fuel));
        nodes.filter_map(wanted).collect()
    }

    /// Returns these of its resources as Git wants them, where each stands for itself: it reads no output,
    /// and none of its own is read. `None` where one does not, or is not declared.
    pub fn alone(&self, addresses: &BTreeSet<Address>) -> Option<Vec<Wanted>> {
        let nothing = BTreeMap::new();
        let (known, fuel) = (self.values.known(&nothing), Fuel::full());
        let connections = connections::resolve(&self.connecting, &known, &fuel, &mut Vec::new());
        let one = |address| {
            let node = self.node(address).filter(|node| !node.is_read)?;
            let wanted = self.wanted(node, &connections, (&known, &fuel))?;
            let connection = &wanted.connection.settings;
            let is_whole = wanted.desired.holes().is_empty() && connection.holes().is_empty();
            is_whole.then_some(wanted)
        };
        addresses.iter().map(one).collect()
    }

    fn wanted(
        &self,
        node: &Node,
        connections: &BTreeMap<ConnectionName, Arc<Connection>>,
        (known, fuel): (&Known<'_>, &Fuel),
    ) -> Option<Wanted> {
        let desired = node.desired(&self.labels, known, fuel, &mut Vec::new());
        let mut lifecycle = node.lifecycle.clone();
        if lifecycle.protect.is_none() && self.reconcile.protects(&node.kind.name, &desired) {
            lifecycle.protect = Some(true);
        }
        Some(Wanted {
            address: node.address.clone(),
            kind: Arc::clone(&node.kind),
            connection: Arc::clone(connections.get(&node.connection)?),
            identity: self.values.kinds.identity(&node.kind, &desired),
            desired: Arc::new(desired),
            after: node.after.clone(),
            is_read: node.is_read,
            lifecycle,
            location: node.place.location(),
            basis: Basis::Merged,
            veils: Vec::new(),
        })
    }

    /// Returns the declared fields of these of its resources with holes for all that comes from a secret.
    pub fn without_secrets(
        &self,
        addresses: &BTreeSet<Address>,
        outputs: &BTreeMap<ResourceId, Map>,
    ) -> BTreeMap<Address, Value> {
        let open = |(id, outputs): (&ResourceId, &Map)| (id.clone(), opened(outputs));
        let outputs = outputs.iter().map(open).collect();
        let values = self.values.without_secrets();
        let (known, fuel) = (values.known(&outputs), Fuel::full());
        let those = self.nodes.iter();
        those
            .filter(|node| addresses.contains(&node.address))
            .map(|node| {
                let desired = node.desired(&self.labels, &known, &fuel, &mut Vec::new());
                (node.address.clone(), desired)
            })
            .collect()
    }

    /// Returns the declared fields of one resource with every hole filled.
    ///
    /// # Errors
    /// What is still not known, or why an expression cannot be computed, as a sentence fragment.
    pub fn fill(
        &self,
        address: &Address,
        outputs: &BTreeMap<ResourceId, Map>,
    ) -> Result<Value, String> {
        let node = self.node(address);
        let node = node.ok_or_else(|| format!("{address} is not declared"))?;
        let known = self.values.known(outputs);
        let mut wrong = Vec::new();
        let desired = node.desired(&self.labels, &known, &Fuel::full(), &mut wrong);
        if let Some(first) = wrong.first() {
            return Err(format!("{} ({})", first.message, first.location));
        }
        match desired.holes().first() {
            Some(hole) => Err(format!("`{}` is not known yet", hole.template)),
            None => Ok(desired),
        }
    }
}
