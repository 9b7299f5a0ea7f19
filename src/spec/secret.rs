//! `spec.secrets`: where each value lives, never the value.

use super::cluster_secret;
use super::connection::Connecting;
use crate::model::{ConnectionName, Diagnostic, SecretSource};
use crate::yaml::{Node, Place, Reader};
use std::collections::BTreeMap;

/// Where a secret may live, for hints.
const PLACES: &str = "{ env: NAME }, { file: /path }, { sops: FILE, key: PATH } or { kubernetes: { namespace: NS, name: NAME, key: KEY } }";

/// One entry of `secrets`.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) source: SecretSource,
    pub(super) place: Place,
}

/// Reads `secrets`.
pub(super) fn read(
    node: &Node,
    connections: &BTreeMap<ConnectionName, Connecting>,
    reader: &mut Reader,
) -> BTreeMap<String, Entry> {
    let mut secrets = BTreeMap::new();
    for (key, value) in reader.entries(node).unwrap_or_default() {
        if !is_name(&key.text) {
            reader.report(bad_name(&key.place, &key.text));
        }
        if let Some(source) = source(value, &key.place, connections, reader) {
            let place = value.place.clone();
            secrets.insert(key.text.clone(), Entry { source, place });
        }
    }
    secrets
}

fn source(
    node: &Node,
    at: &Place,
    connections: &BTreeMap<ConnectionName, Connecting>,
    reader: &mut Reader,
) -> Option<SecretSource> {
    if node.as_str().is_some() {
        let error = node
            .place
            .error("literal-secret", "a secret's value cannot stand in a spec");
        reader.report(error.with_hint(format!("Say where it lives: {PLACES}.")));
        return None;
    }
    let mut fields = reader.fields(node, at)?;
    let places = ["env", "file", "sops", "kubernetes"];
    let named = places.map(|place| fields.get(place));
    let found = match named {
        [Some(env), None, None, None] => environment_variable(env, reader).map(SecretSource::Env),
        [None, Some(file), None, None] => file_path(file, reader).map(SecretSource::File),
        [None, None, Some(file), None] => {
            let key = fields.require(reader, "key");
            sops_file(file, key, reader)
        }
        [None, None, None, Some(of)] => {
            cluster_secret::read(of, connections, reader).map(SecretSource::Kubernetes)
        }
        [None, None, None, None] => {
            let error = node
                .place
                .error("missing-key", "where this secret lives is not said");
            reader.report(error.with_hint(format!("Write {PLACES}.")));
            None
        }
        _ => {
            let error = node
                .place
                .error("wrong-type", "a secret lives in one place");
            reader.report(error.with_hint("Keep one of `env`, `file`, `sops` and `kubernetes`."));
            None
        }
    };
    fields.finish(reader);
    found
}

fn environment_variable(node: &Node, reader: &mut Reader) -> Option<String> {
    let name = reader.name(node)?;
    if name.contains(['=', '\0']) || name.contains("${") {
        let error = node.place.error(
            "bad-name",
            format!("{name:?} cannot name an environment variable"),
        );
        reader.report(error.with_hint("Write the variable's name, as in DIGITALOCEAN_TOKEN."));
        return None;
    }
    Some(name.to_owned())
}

fn sops_file(node: &Node, key: Option<&Node>, reader: &mut Reader) -> Option<SecretSource> {
    let path = reader.name(node)?;
    let file = node.place.file().folder().resolve(path);
    if file.is_none() {
        let error = node
            .place
            .error("bad-path", "this path names nothing in the repository");
        reader.report(error.with_hint(
            "Write a plain path relative to this file, as in ../secrets/production.yaml.",
        ));
    }
    let key = reader.name(key?)?.to_owned();
    Some(SecretSource::Sops { file: file?, key })
}

/// A relative path counts from a folder that the settings name; where it leads is `source`'s to say.
fn file_path(node: &Node, reader: &mut Reader) -> Option<String> {
    let path = reader.name(node)?;
    if path.contains('\0') || path.contains("${") {
        let error = node.place.error("bad-path", format!("{path:?} is no path"));
        reader.report(
            error.with_hint("Write the path on the daemon's machine, as in /etc/reconciled/token."),
        );
        return None;
    }
    Some(path.to_owned())
}

/// Tells whether a name can follow a dot in an expression.
pub(super) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
        && text.len() <= 63
}

pub(super) fn bad_name(place: &Place, text: &str) -> Diagnostic {
    let error = place.error(
        "bad-name",
        format!("`{text}` cannot be named in an expression"),
    );
    let better: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if is_name(&better) {
        error.with_hint(format!("Use letters, digits and underscores: {better}."))
    } else {
        error.with_hint("Use letters, digits and underscores, beginning with a letter.")
    }
}
