//! What is in the way of what a merge brought and does not work, as far as its pull request is told. Pure.

use super::super::conditions::is_lately;
use crate::deliver::render::RunResult;
use crate::model::{Digest, Outcome};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is in the way, and what was before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Hindrance {
    /// What is now, where anything is known.
    now: Option<Digest>,
    /// What was, and until when.
    passed: BTreeMap<Digest, Timestamp>,
}

impl Hindrance {
    /// Takes in how a run ended. Returns whether something else is in the way than lately: what crashes runs in
    /// between, and is told as the one and the other once.
    pub(super) fn is_another(&mut self, result: &RunResult<'_>) -> bool {
        self.take(seen(result), result.ended_at)
    }

    fn take(&mut self, seen: Option<Digest>, at: Timestamp) -> bool {
        let Some(seen) = seen.filter(|seen| self.now.as_ref() != Some(seen)) else {
            return false;
        };
        self.passed.retain(|_, until| is_lately(*until, at));
        let is_back = self.passed.remove(&seen).is_some();
        let before = self.now.replace(seen);
        self.passed.extend(before.map(|before| (before, at)));
        !is_back
    }
}

/// Returns a digest of what is in the way: of what is to be done about each, which stays while the words of one cause
/// count on. `None` where nothing of the kind is known.
fn seen(result: &RunResult<'_>) -> Option<Digest> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_told_once_and_what_comes_back_after_a_while_again() {
        let mut hindrance = Hindrance::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut takes = |what: &str, second| hindrance.take(Some(Digest::of(what)), at(second));
        assert!(takes("crashes", 0) && takes("is not ready", 1));
        for round in 1..20 {
            assert!(!takes("crashes", round * 300));
            assert!(!takes("is not ready", round * 300 + 10));
        }
        assert!(takes("no such image", 6_000));
        assert!(takes("crashes", 7_000), "that was long ago");
        assert!(!takes("crashes", 7_001));
        assert!(!hindrance.take(None, at(7_002)));
    }
}
