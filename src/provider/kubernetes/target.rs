//! From a question or a step to an address in a cluster, or why there is none.

use super::cluster::Cluster;
use super::discovery::{Lookup, Served, Types};
use super::error::Failure;
use super::reference::{Reference, declared_version};
use crate::model::{Class, Identity, Value};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How old an answer of discovery may be where it is good.
pub(super) const GOOD: Duration = Duration::from_secs(600);
/// How old it may be where something was missing: a CRD may just have been made.
const DOUBTFUL: Duration = Duration::from_secs(2);
/// How long a kind may take to be served once its definition is there.
pub(super) const NEW_KIND: Duration = Duration::from_secs(15);

/// Where an object is reached.
#[derive(Clone, Debug)]
pub(super) struct Target {
    /// Who it is, its namespace filled in.
    pub(super) reference: Reference,
    /// How its kind is served.
    pub(super) served: Served,
}

impl Target {
    /// The namespace in addresses; empty for what has none.
    pub(super) fn namespace(&self) -> &str {
        &self.reference.namespace
    }
}

/// Why an object has no address.
#[derive(Debug)]
pub(super) enum NoTarget {
    /// The cluster does not serve its kind.
    NotServed(Reference),
    /// It could not be told, or the question is wrong.
    Failed(Failure),
}

/// Finds the address in what the cluster serves.
pub(super) fn locate(
    types: &Types,
    cluster: &Cluster,
    identity: &Identity,
    desired: Option<&Value>,
) -> Result<Target, NoTarget> {
    let mut reference = Reference::of(identity).map_err(NoTarget::Failed)?;
    let version = desired.and_then(declared_version);
    match types.find(&reference.group, &reference.kind, version) {
        Lookup::Served(served) => {
            if !served.namespaced {
                reference.namespace.clear();
            } else if reference.namespace.is_empty() {
                reference.namespace.clone_from(&cluster.namespace);
            }
            Ok(Target {
                reference,
                served: served.clone(),
            })
        }
        Lookup::Down => Err(NoTarget::Failed(Failure::transient(
            "api-group-unavailable",
            format!(
                "the server of the API group {} is down, so its kinds cannot be read",
                reference.group
            ),
        ))),
        Lookup::NotServed => Err(NoTarget::NotServed(reference)),
    }
}

/// Returns what the cluster serves, fresh enough for these objects.
pub(super) async fn types_for<'a>(
    cluster: &Cluster,
    objects: impl Iterator<Item = (&'a Identity, Option<&'a Value>)>,
) -> Result<Arc<Types>, Failure> {
    let types = cluster.types(GOOD).await?;
    let mut objects = objects;
    let doubtful =
        objects.any(
            |(identity, desired)| match locate(&types, cluster, identity, desired) {
                Ok(_) => false,
                Err(NoTarget::NotServed(_)) => true,
                Err(NoTarget::Failed(failure)) => failure.class == Class::Transient,
            },
        );
    if doubtful {
        cluster.types(DOUBTFUL).await
    } else {
        Ok(types)
    }
}

/// Finds the address of something that is to be made, and waits for its kind: the definition it needs
/// was just made, and the server takes a moment to serve it.
pub(super) async fn locate_new(
    cluster: &Cluster,
    identity: &Identity,
    desired: Option<&Value>,
) -> Result<Target, NoTarget> {
    let until = Instant::now() + NEW_KIND;
    let mut types = cluster.types(GOOD).await.map_err(NoTarget::Failed)?;
    loop {
        match locate(&types, cluster, identity, desired) {
            Err(NoTarget::NotServed(_)) if Instant::now() < until => {}
            told => return told,
        }
        sleep(Duration::from_millis(300)).await;
        types = cluster
            .types(Duration::ZERO)
            .await
            .map_err(NoTarget::Failed)?;
    }
}

/// Says that a kind is not served.
pub(super) fn not_served(reference: &Reference, desired: Option<&Value>) -> Failure {
    let version = desired.and_then(declared_version).unwrap_or("any version");
    let group = if reference.group.is_empty() {
        "the core group"
    } else {
        &reference.group
    };
    Failure::user(
        "not-served",
        format!(
            "the cluster serves no kind {} in {version} of {group}; declare its CRD here, or correct apiVersion and kind",
            reference.kind
        ),
    )
}
