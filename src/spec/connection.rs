//! `spec.connections`: where providers reach.

use super::secret_reads::SecretReads;
use super::shape;
use super::template::{Shape, Template};
use crate::model::{ConnectionName, Kinds};
use crate::yaml::{Content, Node, Place, Reader, nearest};
use std::collections::{BTreeMap, BTreeSet};

/// One entry of `connections`, expressions not yet resolved.
#[derive(Clone, Debug)]
pub struct Connecting {
    /// The provider it belongs to; empty where that is not said, which is told once, at the connection.
    pub provider: String,
    /// The provider's own settings.
    pub(crate) settings: Template,
    /// Where it stands.
    pub(crate) place: Place,
}

impl Connecting {
    fn is_nobodys(&self) -> bool {
        self.provider.is_empty()
    }

    /// Returns the names of the secrets it is made of.
    pub(crate) fn secrets(&self, reads: &SecretReads) -> BTreeSet<String> {
        reads.of(&self.settings)
    }
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
        let known: BTreeSet<&str> = kinds.iter().map(|kind| kind.name.provider()).collect();
        let known: Vec<&str> = known.into_iter().collect();
        let error = at.error("missing-key", "`provider` is missing here");
        reader.report(error.with_hint(format!("Providers: {}.", known.join(", "))));
        return Some(Connecting {
            provider: String::new(),
            settings: Template::read(node, reader),
            place: at.clone(),
        });
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

/// What needs a connection.
#[derive(Clone, Copy)]
pub(super) struct Need<'a> {
    /// What it is, in words.
    pub(super) what: &'a str,
    /// Whose connections serve it.
    pub(super) provider: &'a str,
}

impl Need<'_> {
    /// Returns the connection that is named, or the only one that serves where none is.
    pub(super) fn chosen(
        self,
        (named, at): (Option<&Node>, &Place),
        connections: &BTreeMap<ConnectionName, Connecting>,
        reader: &mut Reader,
    ) -> Option<ConnectionName> {
        match named {
            Some(node) => self.named(node, connections, reader),
            None => self.only(at, connections, reader),
        }
    }

    fn named(
        self,
        node: &Node,
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
        if connecting.is_nobodys() {
            return None;
        }
        if connecting.provider != self.provider {
            let message = format!(
                "the connection {name} is of {}, and {} needs one of {}",
                connecting.provider, self.what, self.provider
            );
            let error = node.place.error("wrong-connection", message);
            reader.report(error.with_related(connecting.place.location(), "it is declared here"));
            return None;
        }
        Some(name.clone())
    }

    fn only(
        self,
        at: &Place,
        connections: &BTreeMap<ConnectionName, Connecting>,
        reader: &mut Reader,
    ) -> Option<ConnectionName> {
        let serving: Vec<&ConnectionName> = connections
            .iter()
            .filter(|(_, connecting)| connecting.provider == self.provider)
            .map(|(name, _)| name)
            .collect();
        match serving.as_slice() {
            [only] => Some((*only).clone()),
            [] if connections.values().any(Connecting::is_nobodys) => None,
            [] => {
                let error = at.error(
                    "missing-connection",
                    format!("no connection serves {}", self.what),
                );
                let hint = format!(
                    "Declare one under `connections`: {0}: {{ provider: {0} }}.",
                    self.provider
                );
                reader.report(error.with_hint(hint));
                None
            }
            several => {
                let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
                let error = at.error(
                    "missing-connection",
                    format!("several connections serve {}", self.what),
                );
                reader.report(error.with_hint(format!(
                    "Say which with `connection`: {}.",
                    names.join(", ")
                )));
                None
            }
        }
    }
}
