//! `lifecycle` of a resource.

use super::health_rule;
use crate::model::{Lifecycle, PathPattern};
use crate::yaml::{Node, Place, Reader};

/// A `dependsOn` entry: a resource's id and where it stands.
pub(super) type DependsOn = (String, Place);

/// What stands below `lifecycle`.
pub(super) const KEYS: [&str; 7] = [
    "protect",
    "ignore",
    "dependsOn",
    "deadline",
    "replace",
    "adopt",
    "health",
];

/// What `lifecycle` says.
#[derive(Default)]
pub(super) struct Read {
    pub(super) lifecycle: Lifecycle,
    pub(super) depends_on: Vec<DependsOn>,
    /// Where each rule of `health` says what it is for.
    pub(super) rules: Vec<Place>,
}

/// Reads `lifecycle`.
pub(super) fn read(node: &Node, reader: &mut Reader) -> Read {
    let mut lifecycle = Lifecycle::default();
    let Some(mut fields) = reader.fields(node, &node.place) else {
        return Read::default();
    };
    lifecycle.protect = fields.get("protect").and_then(|node| reader.boolean(node));
    if let Some(node) = fields.get("ignore") {
        lifecycle.ignore = reader.list(node, |reader, item| pattern(item, reader));
    }
    let depends_on = match fields.get("dependsOn") {
        Some(node) => reader.list(node, |reader, item| {
            Some((reader.name(item)?.to_owned(), item.place.clone()))
        }),
        None => Vec::new(),
    };
    lifecycle.deadline = fields
        .get("deadline")
        .and_then(|node| reader.duration(node));
    if let Some(replace) = fields.get("replace").and_then(|node| reader.boolean(node)) {
        lifecycle.replace = replace;
    }
    if let Some(adopt) = fields.get("adopt").and_then(|node| reader.boolean(node)) {
        lifecycle.adopt = adopt;
    }
    let rules = match fields.get("health") {
        Some(node) => health_rule::read(node, reader),
        None => Vec::new(),
    };
    fields.finish(reader);
    let (health, rules) = rules.into_iter().unzip();
    lifecycle.health = health;
    Read {
        lifecycle,
        depends_on,
        rules,
    }
}

fn pattern(node: &Node, reader: &mut Reader) -> Option<PathPattern> {
    let text = reader.name(node)?;
    match PathPattern::parse(text) {
        Ok(pattern) if text != "/" => Some(pattern),
        _ => {
            let error = node
                .place
                .error("bad-pointer", format!("{text:?} names no field"));
            let better = text.replace('.', "/");
            let better = better.trim_matches('/');
            reader.report(error.with_hint(format!("Write a pointer from `spec`: /{better}.")));
            None
        }
    }
}
