//! Deployments, stateful sets, daemon sets, replica sets and jobs.

use super::{UNSEEN, condition, is_seen, number};
use crate::model::Health;
use serde_json::Value as Json;

/// Replicas asked for; the API's default is 1.
fn wanted(object: &Json) -> i64 {
    object
        .pointer("/spec/replicas")
        .and_then(Json::as_i64)
        .unwrap_or(1)
}

fn progressing(words: impl Into<String>) -> Health {
    Health::Progressing(words.into())
}

/// What lets a rollout go on.
const RESUME: &str = "Take spec.paused away to let it go on.";

pub(super) fn deployment(object: &Json) -> Health {
    if !is_seen(object) {
        return progressing(UNSEEN);
    }
    if let Some(("False", "ProgressDeadlineExceeded", message)) = condition(object, "Progressing") {
        return Health::Failed(format!(
            "the rollout made no progress in its deadline ({message})\nLook at its newest pods, or go back to the last good revision."
        ));
    }
    if let Some(failing) = no_pods(object) {
        return failing;
    }
    let wanted = wanted(object);
    let count = |name: &str| number(object, &format!("/status/{name}"));
    let (updated, old) = (
        count("updatedReplicas"),
        count("replicas") - count("updatedReplicas"),
    );
    let left = if updated < wanted {
        Some(format!("{updated} of {wanted} pods are updated"))
    } else {
        (old > 0).then(|| format!("{old} old pods are going"))
    };
    if let Some(left) = left {
        return match object["spec"]["paused"] == true {
            // What is paused goes on when somebody says so, which nobody waits for.
            true if count("availableReplicas") >= count("replicas") => {
                Health::Paused(format!("its rollout is paused: {left}\n{RESUME}"))
            }
            true => progressing(format!("{left}, and its rollout is paused\n{RESUME}")),
            false => progressing(left),
        };
    }
    if count("availableReplicas") < wanted {
        return progressing(format!(
            "{} of {wanted} pods are available",
            count("availableReplicas")
        ));
    }
    Health::Ready
}

/// Tells that no pod can be made, which is tried again: a quota may be raised, an account come.
fn no_pods(object: &Json) -> Option<Health> {
    let Some(("True", reason, message)) = condition(object, "ReplicaFailure") else {
        return None;
    };
    Some(Health::Failing(format!(
        "no pod can be made: {reason}: {message}\nCorrect what the message names: a quota, an account, a policy."
    )))
}

pub(super) fn stateful_set(object: &Json) -> Health {
    if !is_seen(object) {
        return progressing(UNSEEN);
    }
    let wanted = wanted(object);
    let count = |name: &str| number(object, &format!("/status/{name}"));
    if count("readyReplicas") < wanted {
        return progressing(format!(
            "{} of {wanted} pods are ready",
            count("readyReplicas")
        ));
    }
    let partition = number(object, "/spec/updateStrategy/rollingUpdate/partition");
    let updated = (wanted - partition).max(0);
    // People update these, by deleting them.
    let is_by_hand = object["spec"]["updateStrategy"]["type"] == "OnDelete";
    if !is_by_hand
        && count("updatedReplicas") < updated
        && object["status"]["currentRevision"] != object["status"]["updateRevision"]
    {
        return progressing(format!(
            "{} of {updated} pods are updated",
            count("updatedReplicas")
        ));
    }
    if count("replicas") > wanted {
        return progressing(format!(
            "{} pods too many are going",
            count("replicas") - wanted
        ));
    }
    // Servers before 1.22 do not count these.
    let available = object["status"]["availableReplicas"].as_i64();
    if available.is_some_and(|available| available < wanted) {
        return progressing(format!(
            "{} of {wanted} pods are available",
            count("availableReplicas")
        ));
    }
    Health::Ready
}

pub(super) fn daemon_set(object: &Json) -> Health {
    if !is_seen(object) {
        return progressing(UNSEEN);
    }
    let count = |name: &str| number(object, &format!("/status/{name}"));
    let wanted = count("desiredNumberScheduled");
    if object["spec"]["updateStrategy"]["type"] != "OnDelete"
        && count("updatedNumberScheduled") < wanted
    {
        return progressing(format!(
            "{} of {wanted} pods are updated",
            count("updatedNumberScheduled")
        ));
    }
    if count("numberAvailable") < wanted {
        return progressing(format!(
            "{} of {wanted} pods are available",
            count("numberAvailable")
        ));
    }
    Health::Ready
}

pub(super) fn replica_set(object: &Json) -> Health {
    if !is_seen(object) {
        return progressing(UNSEEN);
    }
    if let Some(failing) = no_pods(object) {
        return failing;
    }
    let (wanted, available) = (wanted(object), number(object, "/status/availableReplicas"));
    if available < wanted {
        return progressing(format!("{available} of {wanted} pods are available"));
    }
    Health::Ready
}

/// A job is ready when it is done: what hangs on a migration wants it finished. A suspended one waits
/// for somebody else, so nothing waits for it.
pub(super) fn job(object: &Json) -> Health {
    if let Some(("True", reason, message)) = condition(object, "Failed") {
        return Health::Failed(format!(
            "the job failed: {reason}: {message}\nRead its pods' logs; a job is run again by deleting it."
        ));
    }
    if matches!(condition(object, "Complete"), Some(("True", ..)))
        || object["spec"]["suspend"] == true
    {
        return Health::Ready;
    }
    let done = number(object, "/status/succeeded");
    let wanted = object
        .pointer("/spec/completions")
        .and_then(Json::as_i64)
        .unwrap_or(1);
    progressing(format!("{done} of {wanted} pods have finished"))
}
