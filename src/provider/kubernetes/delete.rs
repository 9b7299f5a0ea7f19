//! Deletes one object that is ours and is what was planned, and waits until it is gone.

use super::super::ProviderError;
use super::super::pause::pause;
use super::apply::{Seen, Work};
use super::error::Failure;
use super::health;
use crate::model::Class;
use serde_json::Value as Json;
use std::time::Duration;
use tokio::time::Instant;

/// How long to wait for it to be gone, where the step does not say.
const LONGEST: Duration = Duration::from_secs(300);
/// How often a delete is tried whose object moved in ways that are no change.
const TRIES: u32 = 5;

/// Deletes the object; `false` where it was gone already.
///
/// # Guarantees
/// The request names uid and resourceVersion, so that another object of that name, or a change
/// nobody has seen, is never deleted. Dependants go first (foreground).
pub(super) async fn carry_out(work: &Work<'_>) -> Result<bool, ProviderError> {
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

/// Says why it is not known to be gone: by what it waits for, or since nobody answers.
fn not_gone(last: &Result<Json, Failure>) -> Failure {
    let refused = |code, waits: &str| Failure {
        class: Class::Refused,
        ..Failure::user(
            code,
            format!("it is being deleted and not gone yet; it waits for {waits}"),
        )
    };
    match last {
        Err(failure) => Failure::transient(
            failure.code,
            format!(
                "it was told to go, and whether it is gone cannot be told: {}",
                failure.said()
            ),
        ),
        Ok(live) => match health::waits_for(live) {
            Some(waits) => refused("finalizers", &waits),
            None if live["kind"] == "Pod" => refused(
                "terminating",
                "its containers to end, which its node has to say",
            ),
            None => refused("terminating", "the end of its grace period"),
        },
    }
}

/// Waits until no object of this uid is there.
async fn gone(work: &Work<'_>, uid: &Json) -> Result<(), ProviderError> {
    let until = Instant::now() + work.step.deadline.min(LONGEST);
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
        if Instant::now() + length > until {
            return Err(work.failed(not_gone(&last)));
        }
        if !pause(length, work.stop).await {
            return Err(ProviderError::Stopped {
                what: work.what(),
                reason: not_gone(&last).said(),
            });
        }
        length = (length * 2).min(Duration::from_secs(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_not_gone_says_what_is_known_of_it_and_no_more() {
        let told = |last: Result<Json, Failure>| {
            let failure = not_gone(&last);
            format!("{} {:?}: {}", failure.code, failure.class, failure.reason)
        };
        let held = json!({ "kind": "Job", "metadata": { "finalizers": ["foregroundDeletion"] } });
        let pod = json!({ "kind": "Pod", "metadata": {} });
        let down = Failure::transient("unreachable", "https://a cannot be reached: refused");
        insta::assert_snapshot!([Ok(held), Ok(pod), Ok(json!({ "kind": "Job" })), Err(down)].map(told).join("\n"), @r"
        finalizers Refused: it is being deleted and not gone yet; it waits for the finalizers foregroundDeletion (taken off once its dependants are gone)
        terminating Refused: it is being deleted and not gone yet; it waits for its containers to end, which its node has to say
        terminating Refused: it is being deleted and not gone yet; it waits for the end of its grace period
        unreachable Transient: it was told to go, and whether it is gone cannot be told: https://a cannot be reached: refused
        ");
    }
}
