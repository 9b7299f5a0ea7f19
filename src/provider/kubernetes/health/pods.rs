//! Why a pod does not work: the cause in the kubelet's or scheduler's own words, and what to do next.

use super::condition;
use crate::model::Health;
use serde_json::Value as Json;
use std::fmt::Write as _;

/// So many restarts are no start-up in the wrong order any more, but an application that cannot run.
const CRASHES: i64 = 3;

/// Returns the label selector of a workload's pods; `None` for what has none.
pub(super) fn selector(object: &Json) -> Option<String> {
    if ![
        "Deployment",
        "StatefulSet",
        "DaemonSet",
        "ReplicaSet",
        "Job",
    ]
    .iter()
    .any(|kind| object["kind"] == *kind)
        && object["spec"]["template"]["spec"]["containers"]
            .as_array()
            .is_none()
    {
        return None;
    }
    let labels = object["spec"]["selector"]["matchLabels"]
        .as_object()
        .filter(|labels| !labels.is_empty())?;
    let parts: Vec<String> = labels
        .iter()
        .filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)))
        .collect();
    Some(parts.join(","))
}

/// Returns the worst of the pods, named; `None` where every one works.
pub(super) fn worst(pods: &[Json]) -> Option<Health> {
    let mut worst: Option<Health> = None;
    for object in pods
        .iter()
        .filter(|pod| !pod["metadata"]["deletionTimestamp"].is_string())
    {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        match pod(object) {
            Health::Ready => {}
            Health::Failed(why) => return Some(Health::Failed(format!("pod {name}: {why}"))),
            Health::Progressing(why) if worst.is_none() => {
                worst = Some(Health::Progressing(format!("pod {name}: {why}")));
            }
            Health::Progressing(_) => {}
        }
    }
    worst
}

pub(super) fn pod(object: &Json) -> Health {
    let status = &object["status"];
    match status["phase"].as_str() {
        Some("Succeeded") => return Health::Ready,
        Some("Failed") => {
            let text = |key: &str| status[key].as_str().unwrap_or_default();
            let mut why = format!("it failed {} {}", text("reason"), text("message"));
            why = why.trim_end().to_owned();
            if let Some(ended) = containers(object).find_map(terminated) {
                let _infallible = write!(why, "; {ended}");
            }
            return Health::Failed(format!(
                "{why}\nRead its logs: kubectl logs {}",
                shown(object)
            ));
        }
        _ => {}
    }
    if let Some(("False", "Unschedulable", message)) = condition(object, "PodScheduled") {
        return Health::Progressing(format!(
            "Pending: no node takes it: {message}\nMake room, lower its requests, or correct its selectors and tolerations."
        ));
    }
    let mut pending = None;
    for container in containers(object) {
        match waiting(object, container) {
            Some(failed @ Health::Failed(_)) => return failed,
            Some(other) => pending = pending.or(Some(other)),
            None => {}
        }
    }
    if let Some(pending) = pending {
        return pending;
    }
    match condition(object, "Ready") {
        Some(("True", ..)) => Health::Ready,
        Some((_, reason, message)) if !message.is_empty() => Health::Progressing(format!(
            "not ready: {reason}: {message}\nCheck the readiness probe and what the application waits for."
        )),
        _ => Health::Progressing(format!(
            "it is {}",
            status["phase"].as_str().unwrap_or("Pending")
        )),
    }
}

fn containers(object: &Json) -> impl Iterator<Item = &Json> {
    ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .flat_map(|key| object["status"][key].as_array().into_iter().flatten())
}

fn shown(object: &Json) -> String {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    format!("-n {} {}", text("namespace"), text("name"))
}

/// Tells why a container waits.
fn waiting(object: &Json, container: &Json) -> Option<Health> {
    let state = &container["state"]["waiting"];
    let reason = state["reason"].as_str()?;
    let message = state["message"].as_str().unwrap_or_default();
    let name = container["name"].as_str().unwrap_or_default();
    let image = container["image"].as_str().unwrap_or_default();
    let cause = format!("container {name}: {reason}");
    let failed = |next: &str| Some(Health::Failed(format!("{}\n{next}", with(&cause, message))));
    match reason {
        "ImagePullBackOff" | "InvalidImageName" | "ErrImageNeverPull" => failed(&format!(
            "Check that the image {image} exists and that the node may pull it (imagePullSecrets)."
        )),
        "CrashLoopBackOff" => Some(crashing(object, container, &cause)),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            Some(Health::Progressing(format!(
                "{}\nCheck the Secrets, ConfigMaps and command that the container names.",
                with(&cause, message)
            )))
        }
        "ContainerCreating" | "PodInitializing" => None,
        _ => Some(Health::Progressing(with(&cause, message))),
    }
}

fn crashing(object: &Json, container: &Json, cause: &str) -> Health {
    let restarts = container["restartCount"].as_i64().unwrap_or_default();
    let last = terminated(container).unwrap_or_default();
    let why = format!("{}, {restarts} restarts", with(cause, &last));
    let name = container["name"].as_str().unwrap_or_default();
    let next = if last.contains("OOMKilled") {
        format!(
            "Raise the memory limit of the container{}, or find what uses it.",
            limit(object, name)
        )
    } else {
        format!(
            "Read its last words: kubectl logs {} -c {name} --previous",
            shown(object)
        )
    };
    let words = format!("{why}\n{next}");
    if restarts >= CRASHES {
        Health::Failed(words)
    } else {
        Health::Progressing(words)
    }
}

/// Tells how a container ended.
fn terminated(container: &Json) -> Option<String> {
    let ended = [
        &container["state"]["terminated"],
        &container["lastState"]["terminated"],
    ]
    .into_iter()
    .find(|ended| ended.is_object())?;
    let reason = ended["reason"].as_str().unwrap_or("Error");
    let code = ended["exitCode"].as_i64().unwrap_or_default();
    (reason != "Completed").then(|| format!("{reason} (exit code {code})"))
}

fn limit(object: &Json, container: &str) -> String {
    let spec = object["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten();
    let limit = spec
        .filter(|spec| spec["name"] == container)
        .find_map(|spec| spec["resources"]["limits"]["memory"].as_str());
    limit
        .map(|limit| format!(" (it is {limit})"))
        .unwrap_or_default()
}

fn with(cause: &str, detail: &str) -> String {
    if detail.is_empty() {
        cause.to_owned()
    } else {
        format!("{cause}: {detail}")
    }
}
