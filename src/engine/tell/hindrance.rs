//! What is in the way of what a merge brought and does not work, as far as its pull request is told. Pure.

use crate::deliver::render::RunResult;
use crate::model::{Digest, Outcome};
use std::collections::BTreeMap;

/// Returns a digest of what is in the way: of what is to be done about each, which stays while the words of one cause
/// count on. `None` where nothing of the kind is known.
pub(super) fn hindrance(result: &RunResult<'_>) -> Option<Digest> {
    let failed = result.failed().filter_map(|(step, outcome)| match outcome {
        Outcome::Failed { hint, .. } => Some((step, hint.as_deref()?)),
        _ => None,
    });
    let unready = result.unready().filter_map(|step| {
        let (_, next) = step.reason.as_deref()?.split_once('\n')?;
        Some((step, next))
    });
    let next = failed.chain(unready);
    let next: BTreeMap<String, &str> = next
        .map(|(step, next)| (step.address.to_string(), next))
        .collect();
    let known = serde_json::to_vec(&next).unwrap_or_default();
    (!next.is_empty()).then(|| Digest::of(known))
}
