//! Why a pod does not work: the cause in the kubelet's or scheduler's own words, and what to do next.

use super::condition;
use super::ended::{Ended, remedy, worst_end};
use crate::model::Health;
use serde_json::Value as Json;
use std::cmp::Reverse;

/// What else may be asked about a pod that does not work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum More {
    /// Its status says all there is.
    Nothing,
    /// What a container said before it ended, `previous` where it was started again since.
    LastWords { container: String, previous: bool },
    /// How much memory a container used when it was measured last.
    Memory { container: String },
    /// What others say about it: a probe, a volume, a network.
    Events,
}

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

/// Returns the worst of the pods, and how it stands; `None` where every one works. One that ended for good
/// counts only where no other is at fault: evicted, say, it stays for weeks, and another was made in its place.
pub(super) fn worst(pods: &[Json]) -> Option<(&Json, Health, More)> {
    let stays = |pod: &&Json| !pod["metadata"]["deletionTimestamp"].is_string();
    let seen = pods.iter().filter(stays).map(|pod| {
        let (health, more) = examined(pod);
        (pod, health, more)
    });
    seen.filter(|(_, health, _)| *health != Health::Ready)
        .min_by_key(|(pod, health, _)| (is_left_over(pod), Reverse(health.badness())))
}

/// A job says by its failed pods why it does not get on.
fn is_left_over(pod: &Json) -> bool {
    let owner = pod.pointer("/metadata/ownerReferences/0/kind");
    pod["status"]["phase"] == "Failed" && owner.is_none_or(|owner| owner != "Job")
}

/// Tells from its status alone how a pod stands.
pub(super) fn pod(object: &Json) -> Health {
    examined(object).0
}

/// Tells how a pod stands, and what else may be asked about it.
pub(super) fn examined(object: &Json) -> (Health, More) {
    let status = &object["status"];
    match status["phase"].as_str() {
        Some("Succeeded") => return (Health::Ready, More::Nothing),
        Some("Failed") => return ended(object),
        _ => {}
    }
    if let Some(("False", "Unschedulable", message)) = condition(object, "PodScheduled") {
        let why = Health::Progressing(format!(
            "Pending: no node takes it: {message}\nMake room, lower its requests, or correct its selectors and tolerations."
        ));
        return (why, More::Nothing);
    }
    let waiting = containers(object).filter_map(|container| waiting(object, container));
    if let Some(worst) = waiting.min_by_key(|(health, _)| Reverse(health.badness())) {
        return worst;
    }
    match condition(object, "Ready") {
        Some(("True", ..)) => (Health::Ready, More::Nothing),
        Some((_, reason, message)) if !message.is_empty() => {
            unready(object, &format!("not ready: {reason}: {message}"))
        }
        _ => {
            let phase = status["phase"].as_str().unwrap_or("Pending");
            unready(object, &format!("it is {phase}"))
        }
    }
}

/// Tells of a pod that nothing holds back any more, and that does not work still: where a container
/// ended before, that may be why.
fn unready(object: &Json, told: &str) -> (Health, More) {
    const PROBED: &str = "Check the readiness probe and what the application waits for.";
    let unready = containers(object).filter(|one| one["ready"] != true);
    let Some(ended) = worst_end(unready) else {
        let is_told = told.starts_with("not ready");
        let next = if is_told {
            format!("\n{PROBED}")
        } else {
            String::new()
        };
        return (Health::Progressing(format!("{told}{next}")), More::Events);
    };
    let restarts = restarts(ended.container);
    let told = format!(
        "{told}; container {} ended: {ended}, {restarts}",
        ended.name()
    );
    // What a probe ends says nothing of itself; what had too little memory needs no probe.
    let (next, more) = if ended.is_memory() {
        remedy(object, &ended)
    } else {
        (PROBED.to_owned(), More::Events)
    };
    (Health::Progressing(format!("{told}\n{next}")), more)
}

/// Tells of a pod that will not run again.
fn ended(object: &Json) -> (Health, More) {
    let text = |key: &str| object["status"][key].as_str().unwrap_or_default();
    let mut why = format!("it failed {} {}", text("reason"), text("message"));
    why = why.trim_end().to_owned();
    let Some(ended) = worst_end(containers(object)) else {
        let next = format!("Read its logs: kubectl logs {}", shown(object));
        return (Health::Failed(format!("{why}\n{next}")), More::Nothing);
    };
    let (next, more) = remedy(object, &ended);
    let why = format!("{why}; container {}: {ended}", ended.name());
    (Health::Failed(format!("{why}\n{next}")), more)
}

fn containers(object: &Json) -> impl Iterator<Item = &Json> {
    ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .flat_map(|key| object["status"][key].as_array().into_iter().flatten())
}

/// Tells why a container waits.
fn waiting(object: &Json, container: &Json) -> Option<(Health, More)> {
    let state = &container["state"]["waiting"];
    let reason = state["reason"].as_str()?;
    let message = state["message"].as_str().unwrap_or_default();
    let name = container["name"].as_str().unwrap_or_default();
    let image = container["image"].as_str().unwrap_or_default();
    let cause = format!("container {name}: {reason}");
    let told = with(&cause, message);
    let health = match reason {
        "ImagePullBackOff" | "ErrImageNeverPull" => Health::Failing(format!(
            "{told}\nCheck that the image {image} exists and that the node may pull it (imagePullSecrets)."
        )),
        // What is no name of an image stays none.
        "InvalidImageName" => Health::Failed(format!("{told}\nCorrect the image {image}.")),
        "CrashLoopBackOff" => return Some(crashing(object, container, &cause)),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" => {
            Health::Progressing(format!(
                "{told}\nCheck the Secrets, ConfigMaps and command that the container names."
            ))
        }
        "ContainerCreating" | "PodInitializing" => return None,
        _ => Health::Progressing(told),
    };
    Some((health, More::Nothing))
}

fn crashing(object: &Json, container: &Json, cause: &str) -> (Health, More) {
    let ended = Ended::of(container).unwrap_or(Ended {
        container,
        reason: "",
        code: 0,
        is_last: true,
    });
    let last = match ended.reason {
        "" => String::new(),
        _ => ended.to_string(),
    };
    let why = format!("{}, {}", with(cause, &last), restarts(container));
    let (next, more) = remedy(object, &ended);
    let words = format!("{why}\n{next}");
    let health = if container["restartCount"].as_i64() >= Some(CRASHES) {
        Health::Failing(words)
    } else {
        Health::Progressing(words)
    };
    (health, more)
}

fn restarts(container: &Json) -> String {
    let restarts = container["restartCount"].as_i64().unwrap_or_default();
    format!("{restarts} restarts")
}

/// The pod as a command line names it.
pub(super) fn shown(object: &Json) -> String {
    let text = |key: &str| object["metadata"][key].as_str().unwrap_or_default();
    format!("-n {} {}", text("namespace"), text("name"))
}

fn with(cause: &str, detail: &str) -> String {
    if detail.is_empty() {
        cause.to_owned()
    } else {
        format!("{cause}: {detail}")
    }
}
