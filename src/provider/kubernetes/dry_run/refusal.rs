//! What the server refuses, as an answer to a question: why, and which fields cannot change in place.

use super::Question;
use crate::model::{Class, FieldPath, Prediction};
use crate::provider::kubernetes::error::{Cause, Failure};
use crate::provider::kubernetes::fields::{clash, place};
use crate::provider::kubernetes::shape;

impl Question<'_> {
    /// Tells a refusal, which is an answer, from no answer.
    pub(crate) fn refusal(&self, mut failure: Failure) -> Result<Option<Prediction>, Failure> {
        let declared = shape::payload(self.desired)?.object;
        if let Some(more) = clash::told(&failure, &declared, self.live) {
            failure.reason = format!("{}; {more}", failure.reason);
        }
        let failure = self.sealer.scrubbed(failure);
        if failure.reason.contains("does not support dry run") {
            return Ok(None);
        }
        if failure.code == "namespace-missing" && self.namespace_planned {
            let namespace = self.target.namespace();
            return Ok(Some(Prediction::Deferred(format!(
                "the namespace {namespace}"
            ))));
        }
        let known = matches!(failure.class, Class::Refused | Class::User) && failure.status != 401;
        if !known || failure.is_stale() {
            return Err(failure);
        }
        let immutable = immutable(&failure.causes).into_iter();
        let immutable = immutable.flat_map(|path| shape::declared_places(path, self.desired));
        let immutable = immutable.collect();
        Ok(Some(Prediction::Refused {
            reason: failure.said(),
            immutable,
        }))
    }
}

/// Returns the fields that cannot change in place, where the refusal is about nothing else. Every
/// phrase is the API server's own validation text; there is no code for it.
fn immutable(causes: &[Cause]) -> Vec<FieldPath> {
    let cannot_change = |message: &str| {
        let message = message.to_lowercase();
        message.contains("immutable")
            || message.contains("may not change")
            || message.contains("may not be changed")
            || message.contains("cannot change")
            || message.contains("cannot be changed")
            || message.contains("may not be updated")
            || message.contains("updates to") && message.contains("forbidden")
    };
    if causes.is_empty() || !causes.iter().all(|cause| cannot_change(&cause.message)) {
        return Vec::new();
    }
    causes
        .iter()
        .map(|cause| place::plain(&cause.field))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cause(field: &str, message: &str) -> Cause {
        Cause {
            reason: String::new(),
            field: field.to_owned(),
            message: message.to_owned(),
        }
    }

    #[test]
    fn only_a_refusal_about_nothing_else_means_replace() {
        let selector = cause("spec.selector", "invalid value: field is immutable");
        let stateful = cause(
            "spec",
            "Forbidden: updates to statefulset spec for fields other than 'replicas', … are forbidden",
        );
        let cluster_ip = cause(
            "spec.clusterIPs[0]",
            "invalid value: may not change once set",
        );
        let other = cause("spec.replicas", "must be greater than or equal to 0");
        assert_eq!(
            immutable(&[selector.clone(), cluster_ip])[1].to_string(),
            "spec.clusterIPs[0]"
        );
        assert_eq!(immutable(&[stateful])[0].to_string(), "spec");
        assert!(immutable(&[selector, other]).is_empty());
        assert!(immutable(&[]).is_empty());
    }
}
