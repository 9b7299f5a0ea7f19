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
    /// The names on the way to it, where it is a file.
    path: Vec<String>,
    place: Place,
}

impl Object {
    pub(super) fn new(node: &Node, identity: Identity, connection: &Arc<Connection>) -> Self {
        Self {
            address: node.address.clone(),
            kind: node.kind.name.clone(),
            path: match node.kind.is_file {
                true => names_in(identity.get("/path").unwrap_or_default()),
                false => Vec::new(),
            },
            identity,
            connection: Arc::clone(connection),
            place: node.place.clone(),
        }
    }
}

/// Returns an error for each object that is declared again in one environment.
pub(super) fn within(objects: &[Object]) -> Vec<Diagnostic> {
    let twice = pairs(objects.iter()).into_iter();
    let twice = twice.map(|(first, again)| told(first, again));
    twice.chain(files(objects)).collect()
}

fn names_in(path: &str) -> Vec<String> {
    let names = path.split('/').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// Returns an error for each file that cannot stand beside another: at the same path as one of another kind
/// or spelling, or below one.
fn files(objects: &[Object]) -> Vec<Diagnostic> {
    let mut at: HashMap<&[String], Vec<&Object>> = HashMap::new();
    let files = objects.iter().filter(|object| !object.path.is_empty());
    for file in files.clone() {
        at.entry(&file.path).or_default().push(file);
    }
    let mut wrong = Vec::new();
    for file in files {
        let above = (1..file.path.len()).filter_map(|depth| at.get(&file.path[..depth]));
        let beside = |other: &&&Object| same_place(&other.connection, &file.connection);
        if let Some(above) = above.flatten().find(beside) {
            let message = format!("{} is a file, so nothing stands below it", above.address);
            wrong.push(cannot_stand(file, above, message));
        }
        let same = at.get(file.path.as_slice()).into_iter().flatten();
        let earlier = same.take_while(|other| other.address != file.address);
        let is_other = |other: &&&Object| {
            beside(other) && (&other.kind, &other.identity) != (&file.kind, &file.identity)
        };
        if let Some(first) = earlier.copied().find(|other| is_other(&other)) {
            wrong.push(told(first, file));
        }
    }
    wrong
}

fn cannot_stand(file: &Object, above: &Object, message: String) -> Diagnostic {
    let error = file.place.error("below-a-file", message);
    let error = error.with_hint("Name another path in one of the two.");
    error.with_related(above.place.location(), "the file is declared here")
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
