//! Definitions of custom kinds, and custom objects by the conditions they keep.

use super::{condition, number};
use crate::model::Health;
use serde_json::Value as Json;

pub(super) fn definition(object: &Json) -> Health {
    if let Some(("False", reason, message)) = condition(object, "NamesAccepted") {
        return Health::Failed(format!(
            "its names are not accepted: {reason}: {message}\nChoose names that no other CRD has."
        ));
    }
    match condition(object, "Established") {
        Some(("True", ..)) => Health::Ready,
        _ => Health::Progressing("the server does not serve it yet".to_owned()),
    }
}

/// The conventions of kstatus: `Reconciling` and `Stalled` are abnormal, `Ready` is normal; an object
/// without any of them has nothing to wait for.
pub(super) fn by_conditions(object: &Json) -> Health {
    let observed = object["status"]["observedGeneration"].as_i64();
    if observed.is_some_and(|observed| observed < number(object, "/metadata/generation")) {
        return Health::Progressing(super::UNSEEN.to_owned());
    }
    if let Some(("True", reason, message)) = condition(object, "Stalled") {
        return Health::Failed(told("it is stalled", reason, message));
    }
    if let Some(("True", reason, message)) = condition(object, "Reconciling") {
        return Health::Progressing(told("it is being reconciled", reason, message));
    }
    for kind in ["Ready", "Available"] {
        match condition(object, kind) {
            Some(("True", ..)) => return Health::Ready,
            Some((_, reason, message)) => {
                return Health::Progressing(told(
                    &format!("it is not {}", kind.to_lowercase()),
                    reason,
                    message,
                ));
            }
            None => {}
        }
    }
    Health::Ready
}

fn told(what: &str, reason: &str, message: &str) -> String {
    let parts: Vec<&str> = [what, reason, message]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(": ")
}
