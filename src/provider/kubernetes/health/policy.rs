//! What steers other objects: autoscalers and disruption budgets.

use super::custom::told;
use super::{UNSEEN, condition, number};
use crate::model::Health;
use serde_json::Value as Json;

/// An autoscaler works that finds its target. Metrics come late, or from nowhere in a cluster that
/// measures nothing: its target then keeps the number it has, and nobody waits for that.
pub(super) fn autoscaler(object: &Json) -> Health {
    match condition(object, "AbleToScale") {
        Some(("False", reason, message)) => Health::Progressing(format!(
            "{}\nCheck that scaleTargetRef names a workload that is there.",
            told("it cannot scale its target", reason, message)
        )),
        _ => Health::Ready,
    }
}

/// A budget that allows no disruption at present does what it is for.
pub(super) fn budget(object: &Json) -> Health {
    // Its controller, where it fails, notes that and not which generation it saw.
    if let Some(("False", "SyncFailed", message)) = condition(object, "DisruptionAllowed") {
        return Health::Progressing(format!(
            "{}\nCheck that its selector meets pods of one workload that can be scaled.",
            told("its pods cannot be counted", "SyncFailed", message)
        ));
    }
    if number(object, "/status/observedGeneration") < number(object, "/metadata/generation") {
        return Health::Progressing(UNSEEN.to_owned());
    }
    Health::Ready
}
