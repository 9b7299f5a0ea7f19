//! The digest of a plan, and of what an approval names of it: what would be written, where, and against which live state.

use super::{Plan, diff};
use crate::model::{Digest, DigestKey, Step};
use serde_json::json;

/// Returns the digest an approval names: over the steps that do what was merged. What only puts drift back comes
/// and goes with the drift, and obeys `onDrift`.
pub fn approvable(plan: &Plan, key: &DigestKey) -> Digest {
    hash(plan.declared(), key)
}

/// Digests the steps that write. Not over commit, time, reasons or the order fields were written in;
/// over where each writes, so that what was approved for one cluster or account is not approved for
/// another. Secrets enter as keyed digests, holes by where their value comes from.
pub(super) fn hash<'s>(steps: impl IntoIterator<Item = &'s Step>, key: &DigestKey) -> Digest {
    let writing = steps.into_iter().filter(|step| step.action.writes());
    let lines: Vec<serde_json::Value> = writing
        .map(|step| {
            json!([
                step.address,
                step.kind,
                step.connection.provider,
                step.connection.name,
                diff::digest(key, &step.connection.settings),
                step.identity,
                step.action,
                step.desired
                    .as_ref()
                    .map(|desired| diff::digest(key, desired)),
                step.mark,
            ])
        })
        .collect();
    Digest::of(serde_json::Value::Array(lines).to_string())
}
