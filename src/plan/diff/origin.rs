//! Why a field differs: Git changed since it was last applied, or the live side did.

use super::lists;
use super::walk::Difference;
use crate::model::{DigestKey, FieldPath, Origin, Value};

pub(super) struct Origins<'a> {
    pub(super) desired: &'a Value,
    /// The declared fields as last applied, secrets as digests; `None` where the ledger knows nothing.
    pub(super) applied: Option<&'a Value>,
    pub(super) key: &'a DigestKey,
}

/// What Git says about a field, compared with what it said when it was last applied.
#[derive(PartialEq)]
enum Said {
    Same,
    Else,
    /// Neither then nor now: a consequence of another field, or something added by hand.
    Nothing,
}

impl Origins<'_> {
    /// Returns the origin of each difference, in their order.
    pub(super) fn of(&self, found: &[Difference]) -> Vec<Origin> {
        let Some(applied) = self.applied else {
            return vec![Origin::Declared; found.len()];
        };
        let said: Vec<Said> = found
            .iter()
            .map(|difference| self.said(applied, &difference.path))
            .collect();
        let has_declared = said.contains(&Said::Else);
        said.into_iter()
            .map(|said| match said {
                Said::Else => Origin::Declared,
                Said::Nothing if has_declared => Origin::Declared,
                Said::Same | Said::Nothing => Origin::Drift,
            })
            .collect()
    }

    fn said(&self, applied: &Value, path: &FieldPath) -> Said {
        let now = lists::at(self.desired, path).map(|now| self.key.sealed_json(now));
        match (now.map(Value::from_json), lists::at(applied, path)) {
            (None, None) => Said::Nothing,
            (Some(now), Some(then)) if now == *then => Said::Same,
            _ => Said::Else,
        }
    }
}
