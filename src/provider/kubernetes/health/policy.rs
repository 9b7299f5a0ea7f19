//! What steers other objects: autoscalers and disruption budgets.

use super::custom::told;
use super::{UNSEEN, condition, number};
use crate::model::Health;
use serde_json::Value as Json;

/// An autoscaler works that finds its target and its metrics. One that was switched off by a target of
/// no replicas rests, and that is as it should be. It does not say which of its specs it has seen: the
/// API's field for that is never set.
pub(super) fn autoscaler(object: &Json) -> Health {
    if let Some(("False", reason, message)) = condition(object, "AbleToScale") {
        return Health::Progressing(format!(
            "{}\nCheck that scaleTargetRef names a workload that is there.",
            told("it cannot scale its target", reason, message)
        ));
    }
    match condition(object, "ScalingActive") {
        Some(("False", reason, message)) if reason != "ScalingDisabled" => {
            Health::Progressing(format!(
                "{}\nCheck that the cluster serves the metrics it asks for, and that its target's containers have requests.",
                told("it cannot tell how many pods are needed", reason, message)
            ))
        }
        _ => Health::Ready,
    }
}

/// A budget that allows no disruption at present does what it is for.
pub(super) fn budget(object: &Json) -> Health {
    if number(object, "/status/observedGeneration") < number(object, "/metadata/generation") {
        return Health::Progressing(UNSEEN.to_owned());
    }
    match condition(object, "DisruptionAllowed") {
        Some(("False", "SyncFailed", message)) => Health::Progressing(format!(
            "{}\nCheck that its selector meets pods of one workload that can be scaled.",
            told("its pods cannot be counted", "SyncFailed", message)
        )),
        _ => Health::Ready,
    }
}
