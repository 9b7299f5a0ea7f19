//! Secrets that live in clusters: read at the start of a look, through connections of the environment,
//! never while a Git state is taken in. One that cannot be read is not known, with the reason: what is
//! made of it waits, and nothing else does.

use super::{Pinned, Trust, beside};
use crate::graph::Allowance;
use crate::model::{
    Class, ClusterSecret, Connection, ConnectionName, Kinds, SecretSource, Unknown,
};
use crate::provider::Registry;
use crate::source::secrets::Secrets;
use crate::spec::Environment;
use futures::future::join_all;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Resolved connections, by their names.
pub(super) type Connections = BTreeMap<ConnectionName, Arc<Connection>>;

/// Reads what an environment takes from clusters, as far as it may be read, and adds it to what was
/// fetched already.
pub(super) async fn read(
    (registry, trust): (&Registry, &Trust),
    environment: &Arc<Environment>,
    mut secrets: Secrets,
    allowance: &Arc<Allowance>,
) -> Secrets {
    let mut left = of_clusters(environment);
    // A connection may be made of secrets of another cluster; the spec refuses circles.
    while !left.is_empty() {
        let kinds = registry.kinds();
        let (known, connections) =
            beside::connections(environment, secrets, kinds, allowance).await;
        secrets = known;
        let is_known = |of: &ClusterSecret| {
            let connection = connections.get(&of.connection);
            connection.is_some_and(|one| one.settings.holes().is_empty())
        };
        let (ready, waiting): (BTreeMap<_, _>, BTreeMap<_, _>) =
            left.into_iter().partition(|(_, of)| is_known(of));
        if ready.is_empty() {
            let unread = waiting.into_iter();
            let unread = unread.filter(|(_, of)| trust.is_read(of, None));
            mark_behind(environment, unread.collect(), &mut secrets);
            break;
        }
        let mut by_connection: BTreeMap<&ConnectionName, Vec<(&String, &ClusterSecret)>> =
            BTreeMap::new();
        for (name, of) in &ready {
            if trust.is_read(of, connections.get(&of.connection)) {
                by_connection
                    .entry(&of.connection)
                    .or_default()
                    .push((name, of));
            }
        }
        let reads = by_connection
            .into_iter()
            .filter_map(|(through, asked)| Some((connections.get(through)?, asked)))
            .map(async |(connection, asked)| {
                let of: Vec<_> = asked.iter().map(|(_, of)| *of).collect();
                let found = registry.secrets(&environment.name, connection, &of).await;
                let names = asked.into_iter().map(|(name, _)| name.clone());
                names.zip(found).collect::<Vec<_>>()
            });
        for (name, found) in join_all(reads).await.into_iter().flatten() {
            match found {
                Ok(secret) => drop(secrets.values.insert(name, secret)),
                Err(unknown) => drop(secrets.unread.insert(name, unknown)),
            }
        }
        left = waiting;
    }
    secrets
}

/// Returns the connections of an environment as they are with its secrets at hand; `None` where none of
/// them is made of a cluster's.
pub(super) async fn connections(registry: &Registry, pinned: &Pinned) -> Option<Connections> {
    let environment = &pinned.environment;
    let reads = environment.secret_reads();
    let of_clusters = of_clusters(environment);
    let mut all = environment.connections.values();
    all.find(|one| {
        let names = one.secrets(&reads);
        names.iter().any(|name| of_clusters.contains_key(name))
    })?;
    let sources = environment.secrets.clone();
    let secrets = pinned.outside.secrets(&sources, &pinned.snapshot).await;
    let allowance = Arc::default();
    let of = (registry, &Trust::All);
    let secrets = read(of, environment, secrets, &allowance).await;
    let kinds: &Kinds = registry.kinds();
    let (_, connections) = beside::connections(environment, secrets, kinds, &allowance).await;
    Some(connections)
}

fn of_clusters(environment: &Environment) -> BTreeMap<String, ClusterSecret> {
    let one = |(name, source): (&String, &SecretSource)| match source {
        SecretSource::Kubernetes(of) => Some((name.clone(), of.clone())),
        _ => None,
    };
    environment.secrets.iter().filter_map(one).collect()
}

/// Marks what lives behind connections that are made of what could not be read: for the same reason, be it
/// one that passes.
fn mark_behind(
    environment: &Environment,
    mut waiting: BTreeMap<String, ClusterSecret>,
    secrets: &mut Secrets,
) {
    let reads = environment.secret_reads();
    let behind = |of: &ClusterSecret, unread: &BTreeMap<String, Unknown>| {
        let through = &of.connection;
        let made_of = environment.connections.get(through)?.secrets(&reads);
        let (name, why) = unread.iter().find(|(name, _)| made_of.contains(*name))?;
        let reason = format!(
            "the connection {through} is made of the secret `{name}`: {}",
            why.reason
        );
        Some(Unknown {
            reason,
            ..why.clone()
        })
    };
    // What one is behind may be behind another.
    while let Some((name, why)) = waiting
        .iter()
        .find_map(|(name, of)| Some((name.clone(), behind(of, &secrets.unread)?)))
    {
        waiting.remove(&name);
        secrets.unread.insert(name, why);
    }
    let unknown = |of: &ClusterSecret| Unknown {
        reason: format!("the connection {} is not known", of.connection),
        code: "unknown-connection",
        class: Class::User,
    };
    let rest = waiting.iter();
    secrets
        .unread
        .extend(rest.map(|(name, of)| (name.clone(), unknown(of))));
}
