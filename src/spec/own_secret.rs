//! A Secret of a cluster that this environment both reads and writes: one that is made of itself would be
//! written anew at each look.

use super::connection::Connecting;
use super::resource::Declared;
use super::secret::Entry;
use super::secret_reads::SecretReads;
use super::template::{Shape, Template};
use crate::model::{ClusterSecret, ConnectionName, SecretSource};
use crate::yaml::Reader;
use std::collections::BTreeMap;

/// Says which secrets are read from a Secret that a resource here makes of that very secret.
pub(super) fn check(
    secrets: &BTreeMap<String, Entry>,
    resources: &[Declared],
    connections: &BTreeMap<ConnectionName, Connecting>,
    vars: &[(String, Template)],
    reader: &mut Reader,
) {
    let reads = SecretReads::through(vars);
    for declared in resources {
        for name in reads.of(&declared.spec) {
            let Some(entry) = secrets.get(&name) else {
                continue;
            };
            let SecretSource::Kubernetes(of) = &entry.source else {
                continue;
            };
            if !is_written(of, declared, connections) {
                continue;
            }
            let message = format!(
                "it is made of itself: secrets.{name} -> resources.{} -> secrets.{name}",
                declared.id
            );
            let error = entry.place.error("secret-cycle", message);
            let error = error.with_related(declared.place.location(), "this writes it");
            reader.report(error.with_hint(
                "Read it from a Secret that nothing here writes, or leave it out of this one.",
            ));
        }
    }
}

fn is_written(
    of: &ClusterSecret,
    declared: &Declared,
    connections: &BTreeMap<ConnectionName, Connecting>,
) -> bool {
    let at = |keys: &[&str]| keys.iter().try_fold(&declared.spec, |at, key| at.get(key));
    let says = |keys: &[&str]| at(keys).and_then(text);
    let connecting = connections.get(&of.connection);
    let default = connecting
        .and_then(|one| one.settings.get("namespace"))
        .and_then(text);
    let namespace = |written: Option<&str>| written.or(default).map(str::to_owned);
    declared.connection == of.connection
        && says(&["kind"]) == Some("Secret")
        && says(&["metadata", "name"]) == Some(&of.name)
        && namespace(says(&["metadata", "namespace"])) == namespace(of.namespace.as_deref())
}

fn text(template: &Template) -> Option<&str> {
    match &template.content {
        Shape::Text(text) => Some(text),
        _ => None,
    }
}
