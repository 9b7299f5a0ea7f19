//! What is done about a wanted resource that is not there.

use super::draft::{deferred, refusal, waiting};
use crate::model::{Action, DigestKey, Owned, Prediction, Step, Wanted};
use crate::plan::diff;

pub(super) fn create(
    step: Step,
    wanted: &Wanted,
    prediction: Option<&Prediction>,
    owned: Option<&Owned>,
    key: &DigestKey,
) -> Step {
    let is_done = |owned: &Owned| owned.done && diff::is_as_applied(wanted, owned, key);
    if step.passing && owned.is_some_and(is_done) {
        let reason = "it has done its work and is gone, as it says itself; it is made anew when Git changes it";
        return Step {
            reason: Some(reason.to_owned()),
            ..step
        };
    }
    let changes = diff::creation(wanted, owned, key);
    let mut step = Step { changes, ..step };
    let mut reason =
        owned.map(|_| "it is gone from the live side, though it was applied".to_owned());
    match prediction {
        Some(Prediction::Refused { reason, .. }) => return waiting(step, refusal(reason)),
        Some(Prediction::Deferred(what)) => reason = Some(deferred(what)),
        Some(Prediction::Becomes {
            payload, yielded, ..
        }) => {
            step.payload.clone_from(payload);
            step.yielded.clone_from(yielded);
        }
        None => {}
    }
    Step {
        action: Action::Create,
        reason,
        ..step
    }
}
