//! The digest an approval names: what would be written, where, and against which live state.

use super::diff;
use crate::model::{Digest, DigestKey, Step};
use serde_json::json;

/// Digests the steps that write. Not over commit, time, reasons or the order fields were written in;
/// over where each writes, so that what was approved for one cluster or account is not approved for
/// another. Secrets enter as keyed digests, holes by where their value comes from.
pub(super) fn hash(steps: &[Step], key: &DigestKey) -> Digest {
    let writing = steps.iter().filter(|step| step.action.writes());
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
