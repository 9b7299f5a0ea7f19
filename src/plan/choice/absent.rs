//! What is done about a wanted resource that is not there.

use super::draft::{deferred, refuse};
use crate::model::{Action, DigestKey, Owned, Prediction, Step, Wanted};
use crate::plan::diff;

pub(super) fn create(
    step: Step,
    wanted: &Wanted,
    prediction: Option<&Prediction>,
    owned: Option<&Owned>,
    key: &DigestKey,
) -> Step {
    let is_over = step.passing && owned.is_some_and(|owned| owned.done);
    if is_over && owned.is_some_and(|owned| diff::is_as_applied(wanted, owned, key)) {
        let reason = "it has done its work and is gone, as it says itself; it is made anew when Git changes it";
        return Step {
            reason: Some(reason.to_owned()),
            ..step
        };
    }
    let was_taken = owned.is_some_and(|owned| owned.leaving);
    // What went by itself, or by us, is missed by nobody: that it is made is Git's doing alone.
    let missed = owned.filter(|_| !is_over && !was_taken);
    let changes = diff::creation(wanted, missed, key);
    let mut step = Step { changes, ..step };
    let mut reason = owned.map(|_| match (was_taken, is_over) {
        (true, _) => "an earlier run took it away, and did not come to make it again".to_owned(),
        (_, true) => "it had done its work and was gone, and Git changes it".to_owned(),
        _ => "it is gone from the live side, though it was applied".to_owned(),
    });
    match prediction {
        Some(Prediction::Refused { reason, .. }) => {
            refuse(&mut step, wanted, reason);
            return step;
        }
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
