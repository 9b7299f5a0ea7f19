//! `spec.resources`: what an environment declares.

use super::connection::Connecting;
use super::lifecycle::{self, DependsOn};
use super::shape;
use super::template::{Shape, Template};
use crate::model::{ConnectionName, Kind, KindName, Kinds, Lifecycle, RepoPath, ResourceId};
use crate::yaml::{Key, Node, Place, Reader, nearest};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One entry of `resources`, expressions not yet resolved.
#[derive(Clone, Debug)]
pub struct Declared {
    /// Its key.
    pub id: ResourceId,
    /// What it is.
    pub kind: Arc<Kind>,
    /// Where its provider reaches.
    pub connection: ConnectionName,
    /// What the spec says about its life.
    pub lifecycle: Lifecycle,
    pub(crate) spec: Template,
    /// The files and folders beside the spec that it is made of; set once all is read.
    pub(crate) reads: BTreeSet<RepoPath>,
    pub(crate) depends_on: Vec<DependsOn>,
    pub(crate) place: Place,
}

/// Reads `resources`.
pub(super) fn read(
    node: &Node,
    connections: Option<&BTreeMap<ConnectionName, Connecting>>,
    kinds: &Kinds,
    reader: &mut Reader,
) -> Vec<Declared> {
    let mut resources = Vec::new();
    for (key, value) in reader.entries(node).unwrap_or_default() {
        // `null` removes a resource of a layer; in the lowest layer there is nothing to remove.
        if value.is_null() {
            let error = key
                .place
                .error("missing-value", format!("`{}` declares nothing", key.text));
            reader.report(error.with_hint("Give it `kind` and `spec`, or remove it."));
            continue;
        }
        resources.extend(one(key, value, connections, kinds, reader));
    }
    resources
}

fn one(
    key: &Key,
    node: &Node,
    connections: Option<&BTreeMap<ConnectionName, Connecting>>,
    kinds: &Kinds,
    reader: &mut Reader,
) -> Option<Declared> {
    let id = ResourceId::new(key.text.as_str());
    if let Err(error) = &id {
        reader.report(key.place.error("bad-name", format!("failed to {error}")));
    }
    let mut fields = reader.fields(node, &key.place)?;
    let kind_node = fields.require(reader, "kind");
    let kind = kind_node.and_then(|node| kind(node, kinds, reader));
    let connection_node = fields.get("connection");
    let spec = fields.require(reader, "spec");
    let lifecycle = fields
        .get("lifecycle")
        .map(|node| lifecycle::read(node, reader));
    fields.finish(reader);
    let spec = spec.map(|node| Template::read(node, reader));
    if let (Some(kind), Some(spec)) = (&kind, &spec) {
        check_spec(kind, spec, reader);
    }
    let connection = kind_node.zip(kind.as_ref()).and_then(|(node, kind)| {
        let connections = connections?;
        match connection_node {
            Some(named) => named_connection(named, kind, connections, reader),
            None => only_connection(&node.place, kind, connections, reader),
        }
    });
    let (lifecycle, depends_on) = lifecycle.unwrap_or_default();
    Some(Declared {
        id: id.ok()?,
        kind: kind?,
        connection: connection?,
        lifecycle,
        spec: spec?,
        reads: BTreeSet::new(),
        depends_on,
        place: key.place.clone(),
    })
}

fn kind(node: &Node, kinds: &Kinds, reader: &mut Reader) -> Option<Arc<Kind>> {
    let name = reader.name(node)?;
    if let Some(kind) = kinds.get(&KindName::new(name)) {
        return Some(Arc::clone(kind));
    }
    let error = node
        .place
        .error("unknown-kind", format!("there is no kind {name:?}"));
    let known: Vec<&str> = kinds.iter().map(|kind| kind.name.as_str()).collect();
    reader.report(match nearest(name, known.iter().copied()) {
        Some(near) => error.with_hint(format!("Did you mean {near}?")),
        None => error.with_hint(format!("Kinds: {}.", known.join(", "))),
    });
    None
}

fn check_spec(kind: &Kind, spec: &Template, reader: &mut Reader) {
    if !matches!(spec.content, Shape::Map(_)) {
        let message = format!("a map has to stand here, not {}", spec.what());
        reader.report(spec.place.error("wrong-type", message));
        return;
    }
    if let Some(schema) = &kind.schema {
        shape::check(
            spec,
            schema,
            shape::Subject::of_kind(kind),
            &mut reader.diagnostics,
        );
    }
}

fn named_connection(
    node: &Node,
    kind: &Kind,
    connections: &BTreeMap<ConnectionName, Connecting>,
    reader: &mut Reader,
) -> Option<ConnectionName> {
    let text = reader.name(node)?;
    let found = ConnectionName::new(text)
        .ok()
        .and_then(|name| connections.get_key_value(&name));
    let Some((name, connecting)) = found else {
        let error = node.place.error(
            "unknown-connection",
            format!("there is no connection {text:?}"),
        );
        let known: Vec<&str> = connections.keys().map(ConnectionName::as_str).collect();
        reader.report(match nearest(text, known.iter().copied()) {
            Some(near) => error.with_hint(format!("Did you mean {near}?")),
            None if known.is_empty() => error.with_hint("Declare it under `connections`."),
            None => error.with_hint(format!("Connections: {}.", known.join(", "))),
        });
        return None;
    };
    if connecting.provider != kind.name.provider() {
        let message = format!(
            "the connection {name} is of {}, and {} needs one of {}",
            connecting.provider,
            kind.name,
            kind.name.provider()
        );
        let error = node.place.error("wrong-connection", message);
        reader.report(error.with_related(connecting.place.location(), "it is declared here"));
        return None;
    }
    Some(name.clone())
}

fn only_connection(
    at: &Place,
    kind: &Kind,
    connections: &BTreeMap<ConnectionName, Connecting>,
    reader: &mut Reader,
) -> Option<ConnectionName> {
    let provider = kind.name.provider();
    let serving: Vec<&ConnectionName> = connections
        .iter()
        .filter(|(_, connecting)| connecting.provider == provider)
        .map(|(name, _)| name)
        .collect();
    match serving.as_slice() {
        [only] => Some((*only).clone()),
        [] => {
            let error = at.error(
                "missing-connection",
                format!("no connection serves {}", kind.name),
            );
            let hint =
                format!("Declare one under `connections`: {provider}: {{ provider: {provider} }}.");
            reader.report(error.with_hint(hint));
            None
        }
        several => {
            let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
            let error = at.error(
                "missing-connection",
                format!("several connections serve {}", kind.name),
            );
            reader.report(error.with_hint(format!(
                "Say which with `connection`: {}.",
                names.join(", ")
            )));
            None
        }
    }
}
