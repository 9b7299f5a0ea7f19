//! Remembers dry-runs that found nothing to do, so that a quiet cluster is asked no second time.
//!
//! In memory only: forgetting costs one dry-run.

use super::reference::Reference;
use crate::model::{Digest, Mark};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// More than this many are forgotten all at once; they come back by asking.
const MOST: usize = 200_000;

/// A dry-run that gave exactly what is live.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Verdict {
    /// What was declared; over secrets, so it never leaves this process.
    pub(super) desired: Digest,
    /// What was live.
    pub(super) live: Mark,
    /// Fields left to other owners, as the server writes them.
    pub(super) yielded: Vec<(String, String)>,
}

/// Every verdict of one cluster.
#[derive(Debug, Default)]
pub(super) struct Verdicts(Mutex<HashMap<Reference, Verdict>>);

impl Verdicts {
    /// Returns the verdict on this object where neither side has moved since.
    pub(super) fn find(
        &self,
        reference: &Reference,
        desired: &Digest,
        live: &Mark,
    ) -> Option<Verdict> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let verdict = known.get(reference)?;
        (verdict.desired == *desired && verdict.live == *live).then(|| verdict.clone())
    }

    /// Keeps a verdict in place of an older one.
    pub(super) fn keep(&self, reference: &Reference, verdict: Verdict) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(reference.clone(), verdict);
    }
}
