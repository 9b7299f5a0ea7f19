//! The digest of a plan, and of what an approval names of it: what would be written, where, and against which live state.

use super::{Plan, diff};
use crate::model::{Action, Address, Change, Digest, DigestKey, Step};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Returns the digest an approval names: over the steps that do what was merged. What only puts drift back comes
/// and goes with the drift, and obeys `onDrift`.
pub fn approvable(plan: &Plan, key: &DigestKey) -> Digest {
    hash(plan.declared(), key)
}

/// Returns what the steps that do what was merged change of what is there, by address: a keyed digest of each field
/// with what it holds now. What is made or made anew has none.
pub fn overwritten(plan: &Plan, key: &DigestKey) -> BTreeMap<Address, BTreeSet<Digest>> {
    let field = |change: &Change| {
        let before = change.before.as_ref();
        let before = before.map(|before| diff::digest(key, before));
        Digest::of(json!([change.path, before]).to_string())
    };
    let keeps = |step: &&Step| matches!(step.action, Action::Update | Action::Adopt);
    let of = |step: &Step| {
        let fields = step.changes.iter().map(field).collect();
        (step.address.clone(), fields)
    };
    plan.declared().filter(keeps).map(of).collect()
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
