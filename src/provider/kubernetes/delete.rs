//! Deletes one object that is ours and is what was planned, and waits until it is gone.

use super::super::ProviderError;
use super::super::pause::pause;
use super::apply::{Seen, Work};
use super::error::Failure;
use super::health;
use crate::model::Class;
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

/// Waits until no object of this uid is there.
async fn gone(work: &Work<'_>, uid: &serde_json::Value) -> Result<(), ProviderError> {
    let until = Instant::now() + work.step.deadline.min(LONGEST);
    let mut length = Duration::from_millis(50);
    loop {
        let target = &work.target;
        let live = work
            .cluster
            .get(&target.served, target.namespace(), &target.reference.name)
            .await;
        let last = match live {
            Ok(Some(live)) if live["metadata"]["uid"] == *uid => live,
            Ok(_) => return Ok(()),
            Err(failure) if failure.class == Class::Transient => serde_json::Value::Null,
            Err(failure) => return Err(work.failed(failure)),
        };
        let reason = || {
            let waits = health::waits_for(&last).unwrap_or_else(|| "its dependants".to_owned());
            format!("it is being deleted and not gone yet; it waits for {waits}")
        };
        if Instant::now() + length > until {
            let reason = reason();
            let failure = Failure {
                class: Class::Refused,
                ..Failure::user("finalizers", reason)
            };
            return Err(work.failed(failure));
        }
        if !pause(length, work.stop).await {
            return Err(ProviderError::Stopped {
                what: work.what(),
                reason: reason(),
            });
        }
        length = (length * 2).min(Duration::from_secs(2));
    }
}
