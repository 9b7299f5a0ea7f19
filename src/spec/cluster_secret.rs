//! `{ kubernetes: … }` under `secrets`: a value of a Secret of a cluster, and whether the connection it
//! is read through can be known before it.

use super::connection::{Connecting, Need};
use super::secret::Entry;
use super::secret_reads::SecretReads;
use super::template::{Computed, Template};
use crate::model::{ClusterSecret, ConnectionName, Diagnostic, SecretSource};
use crate::yaml::{Node, Place, Reader};
use std::collections::{BTreeMap, BTreeSet};

/// What such a secret needs.
const NEED: Need<'_> = Need {
    what: "a Secret of a cluster",
    provider: ClusterSecret::PROVIDER,
};

/// The longest name of a Secret, and of a key in it.
const LONGEST: usize = 253;

/// Reads what stands under `kubernetes`.
pub(super) fn read(
    node: &Node,
    connections: &BTreeMap<ConnectionName, Connecting>,
    reader: &mut Reader,
) -> Option<ClusterSecret> {
    let mut fields = reader.fields(node, &node.place)?;
    let connection = fields.get("connection");
    let namespace = fields.get("namespace");
    let name = fields.require(reader, "name");
    let key = fields.require(reader, "key");
    fields.finish(reader);
    let connection = NEED.chosen((connection, &node.place), connections, reader);
    let of_object = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    let namespace = namespace.map(|node| plain(node, "a namespace", of_object, reader));
    let name = name.and_then(|node| plain(node, "a Secret", of_object, reader));
    let of_key = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let key = key.and_then(|node| plain(node, "a key of a Secret", of_key, reader));
    Some(ClusterSecret {
        connection: connection?,
        // One that is written and cannot be used is no namespace left out.
        namespace: match namespace {
            Some(namespace) => Some(namespace?),
            None => None,
        },
        name: name?,
        key: key?,
    })
}

fn plain(
    node: &Node,
    what: &str,
    fits: impl Fn(char) -> bool,
    reader: &mut Reader,
) -> Option<String> {
    let text = reader.name(node)?;
    let only_dots = text.chars().all(|c| c == '.');
    if only_dots || text.len() > LONGEST || !text.chars().all(fits) {
        let error = node
            .place
            .error("bad-name", format!("{text:?} cannot name {what}"));
        reader
            .report(error.with_hint("Write it as the cluster has it; no expression stands here."));
        return None;
    }
    Some(text.to_owned())
}

/// Says which of them can never be read: through a connection that is made of the secret itself, or of
/// what a resource answers.
pub(super) fn check(
    secrets: &BTreeMap<String, Entry>,
    connections: &BTreeMap<ConnectionName, Connecting>,
    vars: &[(String, Template)],
    reader: &mut Reader,
) {
    let reads = SecretReads::through(vars);
    let mut told = BTreeSet::new();
    for (name, entry) in secrets {
        let SecretSource::Kubernetes(of) = &entry.source else {
            continue;
        };
        let Some(connecting) = connections.get(&of.connection) else {
            continue;
        };
        if reads_output(connecting) {
            reader.report(needs_output(&entry.place, of, connecting));
        }
        let circle = circle(name, secrets, connections, &reads);
        if !circle.is_empty() && told.is_disjoint(&circle.iter().cloned().collect()) {
            let steps = circle.iter().filter_map(|name| {
                let SecretSource::Kubernetes(of) = &secrets.get(name)?.source else {
                    return None;
                };
                Some(format!(
                    "secrets.{name} -> connections.{} -> ",
                    of.connection
                ))
            });
            let steps: String = steps.collect();
            let message = format!("it can never be read: {steps}secrets.{name}");
            let error = entry.place.error("secret-cycle", message);
            let error = error.with_related(connecting.place.location(), "it is read through this");
            reader.report(error.with_hint(
                "Let what the connection signs in with live elsewhere: in a variable, a file, or encrypted with sops.",
            ));
            told.extend(circle);
        }
    }
}

fn reads_output(connecting: &Connecting) -> bool {
    let mut reads = false;
    connecting.settings.walk(&mut |computed: &Computed| {
        let mut chains = computed
            .expressions()
            .flat_map(|(expression, _)| expression.chains());
        reads |= chains.any(|chain| chain.first().is_some_and(|root| root == "resources"));
    });
    reads
}

fn needs_output(place: &Place, of: &ClusterSecret, connecting: &Connecting) -> Diagnostic {
    let message = format!(
        "secrets are read before any resource is looked at, and the connection {} reads one",
        of.connection
    );
    let error = place.error("secret-too-late", message);
    error.with_related(connecting.place.location(), "it is read through this")
}

/// Returns the secrets that this one needs in turn until it needs itself; empty where it never does.
fn circle(
    name: &str,
    secrets: &BTreeMap<String, Entry>,
    connections: &BTreeMap<ConnectionName, Connecting>,
    reads: &SecretReads,
) -> Vec<String> {
    let needs = |name: &str| -> BTreeSet<String> {
        let Some(SecretSource::Kubernetes(of)) = secrets.get(name).map(|entry| &entry.source)
        else {
            return BTreeSet::new();
        };
        let connecting = connections.get(&of.connection);
        connecting.map_or_else(BTreeSet::new, |one| one.secrets(reads))
    };
    // Breadth first, so that the shortest way round is told.
    let mut ways = std::collections::VecDeque::from([vec![name.to_owned()]]);
    let mut seen = BTreeSet::new();
    while let Some(way) = ways.pop_front() {
        for next in needs(way.last().map_or("", String::as_str)) {
            if next == name {
                return way;
            }
            if seen.insert(next.clone()) {
                let mut way = way.clone();
                way.push(next);
                ways.push_back(way);
            }
        }
    }
    Vec::new()
}
