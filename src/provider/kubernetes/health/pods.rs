//! Why a pod does not work: the cause in the kubelet's or scheduler's own words, and what to do next.

use super::condition;
use crate::model::Health;
use serde_json::Value as Json;
use std::cmp::Reverse;
use std::fmt::Write as _;

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

/// Returns the worst of the pods, and how it stands; `None` where every one works.
pub(super) fn worst(pods: &[Json]) -> Option<(&Json, Health, More)> {
    let stays = |pod: &&Json| !pod["metadata"]["deletionTimestamp"].is_string();
    let seen = pods.iter().filter(stays).map(|pod| {
        let (health, more) = examined(pod);
        (pod, health, more)
    });
    seen.filter(|(_, health, _)| *health != Health::Ready)
        .min_by_key(|(_, health, _)| Reverse(health.badness()))
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
            let why = Health::Progressing(format!(
                "not ready: {reason}: {message}\nCheck the readiness probe and what the application waits for."
            ));
            (why, More::Events)
        }
        _ => {
            let phase = status["phase"].as_str().unwrap_or("Pending");
            (Health::Progressing(format!("it is {phase}")), More::Events)
        }
    }
}

/// Tells of a pod that will not run again.
fn ended(object: &Json) -> (Health, More) {
    let text = |key: &str| object["status"][key].as_str().unwrap_or_default();
    let mut why = format!("it failed {} {}", text("reason"), text("message"));
    why = why.trim_end().to_owned();
    let mut more = More::Nothing;
    if let Some((container, ended)) =
        containers(object).find_map(|one| Some((one, terminated(one)?)))
    {
        let _infallible = write!(why, "; {ended}");
        more = More::LastWords {
            container: container["name"].as_str().unwrap_or_default().to_owned(),
            previous: false,
        };
    }
    let next = format!("Read its logs: kubectl logs {}", shown(object));
    (Health::Failed(format!("{why}\n{next}")), more)
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
    let restarts = container["restartCount"].as_i64().unwrap_or_default();
    let last = terminated(container).unwrap_or_default();
    let why = format!("{}, {restarts} restarts", with(cause, &last));
    let name = container["name"].as_str().unwrap_or_default();
    let container = name.to_owned();
    let (next, more) = if last.contains("OOMKilled") {
        let limit = limit(object, name);
        let next = format!("Raise the memory limit of the container{limit}, or find what uses it.");
        (next, More::Memory { container })
    } else {
        let next = format!(
            "Read its last words: kubectl logs {} -c {name} --previous",
            shown(object)
        );
        (
            next,
            More::LastWords {
                container,
                previous: true,
            },
        )
    };
    let words = format!("{why}\n{next}");
    let health = if restarts >= CRASHES {
        Health::Failing(words)
    } else {
        Health::Progressing(words)
    };
    (health, more)
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
    let specs = ["initContainers", "containers"]
        .into_iter()
        .flat_map(|key| object["spec"][key].as_array().into_iter().flatten());
    let limit = specs
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
