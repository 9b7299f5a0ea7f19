//! `spec.resources`: what an environment declares.

use super::connection::{Connecting, Need};
use super::health_rule;
use super::lifecycle::{self, DependsOn};
use super::manifests::has_members;
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
    /// Where each of the rules of health says what it is for.
    pub(crate) rules: Vec<Place>,
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
    let lifecycle_node = fields.get("lifecycle");
    let lifecycle = lifecycle_node.map(|node| lifecycle::read(node, reader));
    fields.belong_below("lifecycle", &lifecycle::KEYS);
    fields.finish(reader);
    let spec = spec.map(|node| Template::read(node, reader));
    if let (Some(kind), Some(spec)) = (&kind, &spec) {
        check_spec(kind, spec, reader);
    }
    let connection = kind_node.zip(kind.as_ref()).and_then(|(node, kind)| {
        let need = Need {
            what: kind.name.as_str(),
            provider: kind.name.provider(),
        };
        need.chosen((connection_node, &node.place), connections?, reader)
    });
    let lifecycle::Read {
        lifecycle,
        depends_on,
        rules: places,
    } = lifecycle.unwrap_or_default();
    let rules = lifecycle_node.and_then(|node| node.get("health"));
    if let (Some(node), Some(kind)) = (rules.filter(|node| !node.is_null()), &kind) {
        let of = (kind.as_ref(), has_members(kind));
        health_rule::check((node, &lifecycle.health), of, reader);
    }
    Some(Declared {
        id: id.ok()?,
        kind: kind?,
        connection: connection?,
        lifecycle,
        spec: spec?,
        reads: BTreeSet::new(),
        depends_on,
        rules: places,
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
