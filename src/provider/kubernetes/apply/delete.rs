//! Deletes one object that is ours and is what was planned, and waits a while until it is gone.

use super::super::ProviderError;
use super::{Seen, Work};
use crate::model::{Action, Class};
use crate::provider::kubernetes::error::Failure;
use crate::provider::kubernetes::health;
use crate::provider::pause::pause;
use serde_json::Value as Json;
use std::time::Duration;
use tokio::time::Instant;

/// How long a run waits for what the cluster itself does about a delete: pods end in half a minute, and are gone
/// soon after.
const PATIENCE: Duration = Duration::from_secs(45);
/// How long it waits where somebody else holds it back, who may take hours.
const PATIENCE_WITH_OTHERS: Duration = Duration::from_secs(3);
/// How often a delete is tried whose object moved in ways that are no change.
const TRIES: u32 = 5;

/// Deletes the object; `false` where it was gone already.
///
/// # Guarantees
/// The request names uid and resourceVersion, so that another object of that name, or a change
/// nobody has seen, is never deleted, nor what would take along what another environment has in it. Dependants go first (foreground). What is being deleted already is not
/// told to go again.
///
/// # Errors
/// [`ProviderError::UnderWay`] where it is not gone in a while: for long with the cluster itself, for a moment
/// where somebody else's finalizer holds it.
pub(crate) async fn carry_out(work: &Work<'_>) -> Result<bool, ProviderError> {
    let mut tries = 0;
    let uid = loop {
        tries += 1;
        let live = match work.seen().await? {
            Seen::Planned(live) => live,
            Seen::Moved(_) => return Err(ProviderError::Moved { what: work.what() }),
            Seen::Gone => return Ok(false),
        };
        let uid = live["metadata"]["uid"].clone();
        if live["metadata"]["deletionTimestamp"].is_string() {
            break uid;
        }
        work.takes_nobody_elses(&live).await?;
        match work
            .cluster
            .delete(&work.target.served, work.target.namespace(), &live)
            .await
        {
            Ok(true) => break uid,
            Ok(false) => return Ok(true),
            Err(failure) if failure.is_stale() && tries < TRIES => {}
            Err(failure) if failure.is_stale() => {
                return Err(ProviderError::Moved { what: work.what() });
            }
            Err(failure) => return Err(work.failed(failure)),
        }
    };
    gone(work, &uid).await?;
    Ok(true)
}

/// Says what is known of an object that is not gone yet.
fn not_gone(live: &Json) -> String {
    let waits = match health::waits_for(live) {
        Some(waits) => waits,
        None if live["kind"] == "Pod" => {
            "its containers to end, which its node has to say".to_owned()
        }
        None => "the end of its grace period".to_owned(),
    };
    format!("it is being deleted, and waits for {waits}")
}

/// Waits until no object of this uid is there, for as long as that is worth holding up the rest of a run.
async fn gone(work: &Work<'_>, uid: &Json) -> Result<(), ProviderError> {
    let begun = Instant::now();
    let mut length = Duration::from_millis(50);
    loop {
        let target = &work.target;
        let live = work
            .cluster
            .get(&target.served, target.namespace(), &target.reference.name)
            .await;
        let last = match live {
            Ok(Some(live)) if live["metadata"]["uid"] == *uid => Ok(live),
            Ok(_) => return Ok(()),
            Err(failure) if failure.class == Class::Transient => Err(failure),
            Err(failure) => return Err(work.failed(failure)),
        };
        let is_held = last.as_ref().is_ok_and(health::is_held_by_others);
        let patience = if is_held {
            PATIENCE_WITH_OTHERS
        } else {
            PATIENCE
        };
        if begun.elapsed() + length > patience.min(work.step.deadline) {
            return Err(left(work, last));
        }
        if !pause(length, work.stop).await {
            let reason = last.map_or_else(|failure| unknown(&failure), |live| not_gone(&live));
            return Err(ProviderError::Stopped {
                what: work.what(),
                reason,
            });
        }
        length = (length * 2).min(Duration::from_secs(2));
    }
}

/// Ends a delete that goes on without us, or of which nobody knows whether it does.
fn left(work: &Work<'_>, last: Result<Json, Failure>) -> ProviderError {
    match last {
        Ok(live) => {
            let reason = not_gone(&live);
            ProviderError::UnderWay {
                what: work.what(),
                reason: match work.step.action {
                    Action::Replace => format!("{reason}; it is made again once it is gone"),
                    _ => reason,
                },
            }
        }
        Err(failure) => work.failed(Failure::transient(failure.code, unknown(&failure))),
    }
}

fn unknown(failure: &Failure) -> String {
    format!(
        "it was told to go, and whether it is gone cannot be told: {}",
        failure.said()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_gone_says_what_is_known_of_it_and_no_more() {
        let held = json!({ "kind": "Job", "metadata": { "finalizers": ["foregroundDeletion"] } });
        let pod = json!({ "kind": "Pod", "metadata": {} });
        insta::assert_snapshot!([held, pod, json!({ "kind": "Job" })].map(|live| not_gone(&live)).join("\n"), @r"
        it is being deleted, and waits for the finalizers foregroundDeletion (taken off once its dependants are gone)
        it is being deleted, and waits for its containers to end, which its node has to say
        it is being deleted, and waits for the end of its grace period
        ");
    }
}
