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
/// without any of them has nothing to wait for. Beside them those of Gateway API and Crossplane, which
/// many follow: a condition may say which generation it is about, `Synced` means that it was taken in,
/// and `Programmed` or `Available` stand for `Ready`.
pub(super) fn by_conditions(object: &Json) -> Health {
    let generation = number(object, "/metadata/generation");
    let is_behind = |of: &Json, pointer: &str| {
        let observed = of.pointer(pointer).and_then(Json::as_i64);
        observed.is_some_and(|observed| observed < generation)
    };
    if is_behind(object, "/status/observedGeneration") {
        return Health::Progressing(super::UNSEEN.to_owned());
    }
    if let Some(("True", reason, message)) = condition(object, "Stalled") {
        return Health::Failed(told("it is stalled", reason, message));
    }
    if let Some(("True", reason, message)) = condition(object, "Reconciling") {
        return Health::Progressing(told("it is being reconciled", reason, message));
    }
    if let Some(("False", reason, message)) = condition(object, "Synced") {
        return Health::Progressing(told("it was not taken in", reason, message));
    }
    for kind in ["Ready", "Available", "Programmed"] {
        let conditions = object["status"]["conditions"].as_array();
        let mut conditions = conditions.into_iter().flatten();
        let Some(found) = conditions.find(|one| one["type"] == kind) else {
            continue;
        };
        if is_behind(found, "/observedGeneration") {
            return Health::Progressing(super::UNSEEN.to_owned());
        }
        let text = |key: &str| found[key].as_str().unwrap_or_default();
        if text("status") == "True" {
            return Health::Ready;
        }
        let what = format!("it is not {}", kind.to_lowercase());
        return Health::Progressing(told(&what, text("reason"), text("message")));
    }
    Health::Ready
}

pub(super) fn told(what: &str, reason: &str, message: &str) -> String {
    let parts: Vec<&str> = [what, reason, message]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(": ")
}
