//! Whether a live object works, and why not: rules in the manner of kstatus, one file per family of
//! kinds. Pure, but for what `explain` asks about an object that does not work.

mod custom;
mod ended;
mod events;
mod explain;
mod finalizers;
mod network;
mod newest;
mod pods;
mod policy;
mod ruled;
#[cfg(test)]
mod scrubbed;
mod storage;
mod words;
mod workload;

pub(super) use explain::explained;
pub(super) use finalizers::{is_held_by_others, waits_for};
pub(super) use ruled::ruled;

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
        ("", "Service") => network::service(object),
        ("", "PersistentVolumeClaim") => storage::claim(object),
        ("", "PersistentVolume") => storage::volume(object),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => custom::definition(object),
        ("apiregistration.k8s.io", "APIService") => network::api_service(object),
        ("autoscaling", "HorizontalPodAutoscaler") => policy::autoscaler(object),
        ("policy", "PodDisruptionBudget") => policy::budget(object),
        ("gateway.networking.k8s.io", kind) if kind.ends_with("Route") => network::route(object),
        ("networking.k8s.io", "ServiceCIDR") => custom::by_conditions(object),
        // These have no status that says whether they work: an Ingress may be served by a controller that
        // reports no address, a CronJob works between its runs.
        (
            ""
            | "batch"
            | "networking.k8s.io"
            | "rbac.authorization.k8s.io"
            | "storage.k8s.io"
            | "admissionregistration.k8s.io"
            | "scheduling.k8s.io"
            | "node.k8s.io",
            _,
        ) => Health::Ready,
        _ => custom::by_conditions(object),
    }
}

fn deleting(object: &Json) -> String {
    match waits_for(object) {
        None => "it is being deleted".to_owned(),
        Some(waits) => format!("it is being deleted, and waits for {waits}"),
    }
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
