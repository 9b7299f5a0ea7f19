//! Two resources of which only one can be: one live object declared twice, or a file where another stands or
//! below it. In one environment or in two.

use super::Graph;
use super::node::Node;
use crate::model::{Address, Connection, Diagnostic, Identity, KindName, Owned};
use crate::yaml::Place;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// What helps where one stands in the other's way.
const ANOTHER_PATH: &str = "Name another path in one of the two.";

/// A live object that an environment declares.
#[derive(Clone, Debug)]
pub struct Object {
    /// Where it stands.
    pub address: Address,
    /// What it is.
    pub kind: KindName,
    /// Which live object it is.
    pub identity: Identity,
    /// Where that is.
    pub connection: Arc<Connection>,
    /// The names on the way to it, where it is a file.
    path: Vec<String>,
    place: Place,
}

impl Object {
    pub(super) fn new(node: &Node, identity: Identity, connection: &Arc<Connection>) -> Self {
        Self {
            address: node.address.clone(),
            kind: node.kind.name.clone(),
            path: node.kind.file.as_ref().map_or_else(Vec::new, |field| {
                names_in(identity.get(&field.to_string()).unwrap_or_default())
            }),
            identity,
            connection: Arc::clone(connection),
            place: node.place.clone(),
        }
    }
}

/// Returns an error for each object that cannot be beside another one of its environment.
pub(super) fn within(objects: &[Object]) -> Vec<Diagnostic> {
    let clashes = clashes(objects.iter()).into_iter();
    clashes.map(|clash| clash.told()).collect()
}

fn names_in(path: &str) -> Vec<String> {
    let names = path.split('/').filter(|name| !name.is_empty());
    names.map(str::to_owned).collect()
}

/// One of two resources that cannot both be.
#[derive(Clone, Debug)]
pub struct Twice {
    /// The resource the error is about.
    pub address: Address,
    /// The other one.
    pub other: Address,
    /// What is wrong, where this one stands.
    pub error: Diagnostic,
}

/// Returns an error for each object of one environment that cannot be beside one of another, for both.
pub fn declared_twice(graphs: &[&Graph]) -> Vec<Twice> {
    let objects = graphs.iter().flat_map(|graph| &graph.objects);
    let twice = |clash: &Clash<'_>| Twice {
        address: clash.again.address.clone(),
        other: clash.first.address.clone(),
        error: clash.told(),
    };
    let both = |clash: Clash<'_>| [twice(&clash), twice(&clash.turned())];
    clashes(objects).into_iter().flat_map(both).collect()
}

impl Graph {
    /// Returns every live object that is declared here, as far as Git alone says which.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// Returns what is declared here, and its object nowhere in another graph.
    pub fn dropped_by(&self, other: &Self) -> Vec<&Address> {
        let is_dropped = |one: &&Object| {
            !other.has(&one.address)
                && other
                    .declares(&one.kind, &one.identity, &one.connection)
                    .is_none()
        };
        let dropped = self.objects.iter().filter(is_dropped);
        dropped.map(|one| &one.address).collect()
    }

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
                && (same_place(&object.connection, connection)
                    || object.connection.reaches_object(connection, identity))
        });
        found.map(|object| &object.address)
    }

    /// Returns all that may be, here, the object that a record is of, as far as Git tells: what is called so, then
    /// that of which nobody knows yet how it is called. `through` is what the record's connection is now.
    pub fn may_declare<'g>(
        &'g self,
        owned: &Owned,
        through: Option<&Arc<Connection>>,
    ) -> Vec<&'g Address> {
        let may_lead = |connection: &Arc<Connection>| may_lead(connection, owned, through);
        let named = self.objects.iter().filter(|object| {
            object.address != owned.address
                && object.kind == owned.kind
                && may_be(&object.identity, &owned.identity)
                && may_lead(&object.connection)
        });
        let known: BTreeSet<&Address> = self.objects.iter().map(|one| &one.address).collect();
        let unnamed = self.nodes.iter().filter(|node| {
            node.kind.name == owned.kind
                && !known.contains(&node.address)
                && self.connections.get(&node.connection).is_none_or(may_lead)
        });
        let named = named.map(|object| &object.address);
        named.chain(unnamed.map(|node| &node.address)).collect()
    }

    /// Tells whether something here may lead where a record's object is.
    pub fn may_reach(&self, owned: &Owned, through: Option<&Arc<Connection>>) -> bool {
        let mut connections = self.connections.values();
        connections.any(|connection| may_lead(connection, owned, through))
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

/// Tells whether a connection may lead where a record's object is.
fn may_lead(connection: &Connection, owned: &Owned, through: Option<&Arc<Connection>>) -> bool {
    connection.provider == owned.kind.provider()
        && (connection.may_lead_to(owned.place.as_deref())
            || through.is_some_and(|through| through.reaches(connection)))
}

/// Tells whether two identities may be of one object: where one leaves its namespace to its connection, that may be
/// the other's.
fn may_be(one: &Identity, other: &Identity) -> bool {
    let leaves = !one.names_namespace() || !other.names_namespace();
    let is_namespace = |field: &str| field == Identity::NAMESPACE;
    let mut fields = one.0.iter().zip(&other.0);
    one.0.len() == other.0.len()
        && fields.all(|(one, other)| {
            one == other || (leaves && is_namespace(&one.0) && is_namespace(&other.0))
        })
}

/// Two objects that cannot both be.
struct Clash<'o> {
    first: &'o Object,
    again: &'o Object,
    how: How,
}

/// What they are to each other.
#[derive(Clone, Copy)]
enum How {
    Same,
    /// The second is to stand below the first, which is a file.
    Below,
    Above,
}

impl Clash<'_> {
    /// Returns the same, as it is for the first one.
    fn turned(&self) -> Self {
        Self {
            first: self.again,
            again: self.first,
            how: match self.how {
                How::Same => How::Same,
                How::Below => How::Above,
                How::Above => How::Below,
            },
        }
    }

    /// Says it where the second one stands.
    fn told(&self) -> Diagnostic {
        let (first, again) = (self.first, self.again);
        let error = |code, message| again.place.error(code, message);
        let (error, hint, related) = match self.how {
            How::Same => {
                let object = format!("{} {}", again.kind, again.identity);
                let message = format!("{object} is declared already, as {}", first.address);
                let hint = "A live object belongs to one resource: remove one of the two.";
                (error("declared-twice", message), hint, "declared here too")
            }
            How::Below => {
                let message = format!("{} is a file, so nothing stands below it", first.address);
                let error = error("below-a-file", message);
                (error, ANOTHER_PATH, "the file is declared here")
            }
            How::Above => {
                let message = format!("{} is to stand below this, which is a file", first.address);
                let error = error("below-a-file", message);
                (error, ANOTHER_PATH, "what stands below is declared here")
            }
        };
        let error = error.with_hint(hint);
        error.with_related(first.place.location(), related)
    }
}

/// What no two objects behind one connection have in common.
#[derive(PartialEq, Eq, Hash)]
enum Spot<'o> {
    /// A file's path, whatever its kind and however it is spelled.
    File(&'o [String]),
    Object(&'o KindName, &'o Identity),
}

fn clashes<'o>(objects: impl Iterator<Item = &'o Object>) -> Vec<Clash<'o>> {
    let mut connections: Vec<&Arc<Connection>> = Vec::new();
    let mut seen: HashMap<(usize, Spot<'_>), &Object> = HashMap::new();
    let mut files: Vec<(usize, &Object)> = Vec::new();
    let mut clashes = Vec::new();
    for object in objects {
        let same = |other: &&Arc<Connection>| same_place(other, &object.connection);
        let nth = connections.iter().position(same).unwrap_or_else(|| {
            connections.push(&object.connection);
            connections.len() - 1
        });
        let spot = match object.path.as_slice() {
            [] if object.identity.0.is_empty() => continue,
            [] => Spot::Object(&object.kind, &object.identity),
            path => {
                files.push((nth, object));
                Spot::File(path)
            }
        };
        match seen.entry((nth, spot)) {
            Entry::Occupied(first) => clashes.push(Clash {
                first: first.get(),
                again: object,
                how: How::Same,
            }),
            Entry::Vacant(free) => drop(free.insert(object)),
        }
    }
    for (nth, file) in files {
        let above = |depth: usize| seen.get(&(nth, Spot::File(&file.path[..depth]))).copied();
        if let Some(first) = (1..file.path.len()).find_map(above) {
            clashes.push(Clash {
                first,
                again: file,
                how: How::Below,
            });
        }
    }
    clashes
}
