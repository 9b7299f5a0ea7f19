//! Whether a live object works, and why not: rules in the manner of kstatus, one file per family of
//! kinds. Pure, but for the look at a failing workload's pods.

mod custom;
mod newest;
mod pods;
mod storage;
mod workload;

use super::cluster::Cluster;
use super::discovery::Served;
use super::target::Target;
use crate::model::Health;
use serde_json::Value as Json;

/// Tells from the object alone whether it works.
pub(super) fn of(object: &Json) -> Health {
    if object["metadata"]["deletionTimestamp"].is_string() {
        return Health::Progressing(deleting(object));
    }
    let api_version = object["apiVersion"].as_str().unwrap_or_default();
    let group = api_version.split_once('/').map_or("", |(group, _)| group);
    match (group, object["kind"].as_str().unwrap_or_default()) {
        ("apps", "Deployment") => workload::deployment(object),
        ("apps", "StatefulSet") => workload::stateful_set(object),
        ("apps", "DaemonSet") => workload::daemon_set(object),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => workload::replica_set(object),
        ("batch", "Job") => workload::job(object),
        ("", "Pod") => pods::pod(object),
        ("", "Service") => storage::service(object),
        ("", "PersistentVolumeClaim") => storage::claim(object),
        ("", "Namespace") => Health::Ready,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => custom::definition(object),
        ("autoscaling", "HorizontalPodAutoscaler") | ("policy", "PodDisruptionBudget") => {
            Health::Ready
        }
        (
            "" | "batch" | "networking.k8s.io" | "rbac.authorization.k8s.io" | "storage.k8s.io",
            _,
        ) => Health::Ready,
        _ => custom::by_conditions(object),
    }
}

/// Adds what a workload's pods say where it does not work.
pub(super) async fn explained(
    cluster: &Cluster,
    object: &Json,
    target: &Target,
    health: Health,
) -> Health {
    let words = match &health {
        Health::Ready => return health,
        Health::Progressing(words) | Health::Failed(words) => words.clone(),
    };
    let Some(selector) = pods::selector(object) else {
        return health;
    };
    let served = Served {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        plural: "pods".to_owned(),
        namespaced: true,
    };
    // An account that may not read pods still learns that the workload does not work.
    let Ok(Some(pods)) = cluster
        .list(&served, target.namespace(), Some(&selector))
        .await
    else {
        return health;
    };
    let pods = newest::newest(cluster, object, (target.namespace(), &selector), pods).await;
    match (pods::worst(&pods), health) {
        (None, health) => health,
        (Some(Health::Failed(pod)), _) => Health::Failed(joined(&words, &pod)),
        (Some(Health::Progressing(pod)), Health::Failed(_)) => Health::Failed(joined(&words, &pod)),
        (Some(Health::Progressing(pod)), _) => Health::Progressing(joined(&words, &pod)),
        (Some(Health::Ready), health) => health,
    }
}

/// Joins what the workload says and what its pod says, which may end in a next step on its own line.
fn joined(workload: &str, pod: &str) -> String {
    let first = workload.lines().next().unwrap_or_default();
    format!("{first}: {pod}")
}

fn deleting(object: &Json) -> String {
    match finalizers(object) {
        None => "it is being deleted".to_owned(),
        Some(finalizers) => format!("it is being deleted, and waits for {finalizers}"),
    }
}

/// Returns an object's finalizers for people; `None` where it has none.
pub(super) fn finalizers(object: &Json) -> Option<String> {
    let names: Vec<&str> = object["metadata"]["finalizers"]
        .as_array()?
        .iter()
        .filter_map(Json::as_str)
        .collect();
    (!names.is_empty()).then(|| format!("the finalizers {}", names.join(", ")))
}

/// Returns a number of the object; 0 where it is not there, as the API means it.
fn number(object: &Json, pointer: &str) -> i64 {
    object
        .pointer(pointer)
        .and_then(Json::as_i64)
        .unwrap_or_default()
}

/// Returns a condition's status, reason and message.
fn condition<'a>(object: &'a Json, kind: &str) -> Option<(&'a str, &'a str, &'a str)> {
    let conditions = object["status"]["conditions"].as_array()?;
    let found = conditions
        .iter()
        .find(|condition| condition["type"] == kind)?;
    let text = |key: &str| found[key].as_str().unwrap_or_default();
    Some((text("status"), text("reason"), text("message")))
}

/// Tells whether the controller has seen the latest change.
fn is_seen(object: &Json) -> bool {
    number(object, "/status/observedGeneration") >= number(object, "/metadata/generation")
}

const UNSEEN: &str = "its controller has not seen the change yet";

#[cfg(test)]
mod tests;
