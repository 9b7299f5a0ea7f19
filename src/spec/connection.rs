//! `spec.connections`: where providers reach.

use super::shape;
use super::template::{Shape, Template};
use crate::model::{ConnectionName, Kinds};
use crate::yaml::{Content, Node, Place, Reader, nearest};
use std::collections::{BTreeMap, BTreeSet};

/// One entry of `connections`, expressions not yet resolved.
#[derive(Clone, Debug)]
pub struct Connecting {
    /// The provider it belongs to.
    pub provider: String,
    /// The provider's own settings.
    pub(crate) settings: Template,
    /// Where it stands.
    pub(crate) place: Place,
}

/// Reads `connections`.
pub(super) fn read(
    node: &Node,
    kinds: &Kinds,
    reader: &mut Reader,
) -> BTreeMap<ConnectionName, Connecting> {
    let mut connections = BTreeMap::new();
    for (key, value) in reader.entries(node).unwrap_or_default() {
        let name = match ConnectionName::new(key.text.as_str()) {
            Ok(name) => name,
            Err(error) => {
                reader.report(key.place.error("bad-name", format!("failed to {error}")));
                continue;
            }
        };
        if let Some(connecting) = one(value, &key.place, kinds, reader) {
            connections.insert(name, connecting);
        }
    }
    connections
}

fn one(node: &Node, at: &Place, kinds: &Kinds, reader: &mut Reader) -> Option<Connecting> {
    let entries = reader.entries(node)?;
    let Some((_, provider)) = entries.iter().find(|(key, _)| key.text == "provider") else {
        reader.report(at.error("missing-key", "`provider` is missing here"));
        return None;
    };
    let name = reader.name(provider)?;
    let known: BTreeSet<&str> = kinds.iter().map(|kind| kind.name.provider()).collect();
    if !known.contains(name) {
        let error = provider
            .place
            .error("unknown-value", format!("there is no provider {name:?}"));
        let list: Vec<&str> = known.iter().copied().collect();
        reader.report(match nearest(name, known) {
            Some(near) => error.with_hint(format!("Did you mean {near}?")),
            None => error.with_hint(format!("Providers: {}.", list.join(", "))),
        });
    }
    let settings = Node {
        place: node.place.clone(),
        content: Content::Map(
            entries
                .iter()
                .filter(|(key, _)| key.text != "provider")
                .cloned()
                .collect(),
        ),
    };
    let settings = Template::read(&settings, reader);
    debug_assert!(matches!(settings.content, Shape::Map(_)));
    shape::check_settings(&settings, name, kinds, &mut reader.diagnostics);
    Some(Connecting {
        provider: name.to_owned(),
        settings,
        place: at.clone(),
    })
}
