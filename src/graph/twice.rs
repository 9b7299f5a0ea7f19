//! One live object, declared twice: in one environment or in two.

use super::Graph;
use super::node::Node;
use crate::model::{Address, Connection, Diagnostic, Identity, KindName};
use crate::yaml::Place;
use std::collections::HashMap;
use std::sync::Arc;

/// A live object that an environment declares.
#[derive(Clone, Debug)]
pub(super) struct Object {
    address: Address,
    kind: KindName,
    identity: Identity,
    connection: Arc<Connection>,
    place: Place,
}

impl Object {
    pub(super) fn new(node: &Node, identity: Identity, connection: &Arc<Connection>) -> Self {
        Self {
            address: node.address.clone(),
            kind: node.kind.name.clone(),
            identity,
            connection: Arc::clone(connection),
            place: node.place.clone(),
        }
    }
}

/// Returns an error for each object that is declared again in one environment.
pub(super) fn within(objects: &[Object]) -> Vec<Diagnostic> {
    pairs(objects.iter())
        .into_iter()
        .map(|(first, again)| told(first, again))
        .collect()
}

/// One of two resources that declare the same live object.
#[derive(Clone, Debug)]
pub struct Twice {
    /// The resource the error is about.
    pub address: Address,
    /// The other one.
    pub other: Address,
    /// What is wrong, where this one stands.
    pub error: Diagnostic,
}

/// Returns an error for each object that two environments declare, for both.
pub fn declared_twice(graphs: &[&Graph]) -> Vec<Twice> {
    let objects = graphs.iter().flat_map(|graph| &graph.objects);
    let twice = |one: &Object, other: &Object| Twice {
        address: one.address.clone(),
        other: other.address.clone(),
        error: told(other, one),
    };
    let both = |(first, again)| [twice(again, first), twice(first, again)];
    pairs(objects).into_iter().flat_map(both).collect()
}

fn told(first: &Object, again: &Object) -> Diagnostic {
    let object = format!("{} {}", again.kind, again.identity);
    let message = format!("{object} is declared already, as {}", first.address);
    let error = again.place.error("declared-twice", message);
    let error = error.with_hint("A live object belongs to one resource: remove one of the two.");
    error.with_related(first.place.location(), "declared here too")
}

impl Graph {
    /// Returns the address that declares a live object here, where one does.
    pub fn declares(
        &self,
        kind: &KindName,
        identity: &Identity,
        connection: &Arc<Connection>,
    ) -> Option<&Address> {
        let found = self.objects.iter().find(|object| {
            object.kind == *kind
                && object.identity == *identity
                && same_place(&object.connection, connection)
        });
        found.map(|object| &object.address)
    }
}

/// Connections are the same where they reach the same place, whatever they are called. One with holes
/// may turn out to be any other, so it is only equal to itself.
fn same_place(one: &Arc<Connection>, other: &Arc<Connection>) -> bool {
    Arc::ptr_eq(one, other)
        || (one.provider == other.provider
            && one.settings == other.settings
            && one.settings.holes().is_empty())
}

fn pairs<'o>(objects: impl Iterator<Item = &'o Object>) -> Vec<(&'o Object, &'o Object)> {
    let mut connections: Vec<&Arc<Connection>> = Vec::new();
    let mut seen: HashMap<(usize, &KindName, &Identity), &Object> = HashMap::new();
    let mut pairs = Vec::new();
    for object in objects {
        let same = |other: &&Arc<Connection>| same_place(other, &object.connection);
        let nth = connections.iter().position(same).unwrap_or_else(|| {
            connections.push(&object.connection);
            connections.len() - 1
        });
        match seen.get(&(nth, &object.kind, &object.identity)) {
            Some(first) => pairs.push((*first, object)),
            None if object.identity.0.is_empty() => {}
            None => {
                seen.insert((nth, &object.kind, &object.identity), object);
            }
        }
    }
    pairs
}
