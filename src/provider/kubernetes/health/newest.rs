//! Which pods are of what a deployment declares now: those of the revision before may fail on, until
//! they are gone, and say nothing about this one.

use super::is_seen;
use crate::provider::kubernetes::cluster::Cluster;
use crate::provider::kubernetes::discovery::Served;
use serde_json::Value as Json;

const REVISION: &str = "/metadata/annotations/deployment.kubernetes.io~1revision";
const HASH: &str = "/metadata/labels/pod-template-hash";

/// The revision of a pod of a stateful set, and of one of a daemon set.
const CONTROLLER_REVISION: &str = "/metadata/labels/controller-revision-hash";
const GENERATION: &str = "/metadata/labels/pod-template-generation";
const TEMPLATE: &str = "/metadata/annotations/deprecated.daemonset.template.generation";

/// Keeps the pods of the newest revision. An account that may not read replica sets sees all of them.
pub(super) async fn newest(
    cluster: &Cluster,
    object: &Json,
    (namespace, selector): (&str, &str),
    pods: Vec<Json>,
) -> Vec<Json> {
    if object["kind"] != "Deployment" || pods.is_empty() {
        return of_controller(object, pods);
    }
    let served = Served {
        group: "apps".to_owned(),
        version: "v1".to_owned(),
        kind: "ReplicaSet".to_owned(),
        plural: "replicasets".to_owned(),
        namespaced: true,
    };
    match cluster.labelled(&served, namespace, selector).await {
        Some(sets) => of(object, &sets, pods),
        None => pods,
    }
}

/// Keeps the pods whose replica set has the deployment's own revision; none where there is none yet.
pub(super) fn of(object: &Json, sets: &[Json], pods: Vec<Json>) -> Vec<Json> {
    let present = sets.iter().find(|set| {
        is_seen(object)
            && set.pointer("/metadata/ownerReferences/0/uid") == object.pointer("/metadata/uid")
            && set.pointer(REVISION) == object.pointer(REVISION)
    });
    let hash = present.and_then(|set| set.pointer(HASH));
    labelled(HASH, hash, pods)
}

/// Keeps the pods of a stateful or daemon set that its controller made from the newest template.
pub(super) fn of_controller(object: &Json, pods: Vec<Json>) -> Vec<Json> {
    let revision = |pointer: &str| object.pointer(pointer).filter(|_| is_seen(object));
    match object["kind"].as_str() {
        Some("StatefulSet") => labelled(
            CONTROLLER_REVISION,
            revision("/status/updateRevision"),
            pods,
        ),
        Some("DaemonSet") => labelled(GENERATION, revision(TEMPLATE), pods),
        _ => pods,
    }
}

fn labelled(label: &str, revision: Option<&Json>, mut pods: Vec<Json>) -> Vec<Json> {
    pods.retain(|pod| revision.is_some() && pod.pointer(label) == revision);
    pods
}
