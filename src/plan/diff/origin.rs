//! Why a field differs: Git changed since it was last applied, or the live side did.

use super::lists;
use super::walk::Difference;
use crate::model::{DigestKey, FieldPath, Origin, PathPattern, Secret, Value};

/// Returns what was applied as it is told: a digest of a secret as a secret.
pub(super) fn told(applied: &Value) -> Value {
    match applied {
        Value::Map(fields) if fields.contains_key("$secret") => Value::Secret(Secret::new("")),
        Value::Map(fields) => {
            let one = |(key, field): (&String, &Value)| (key.clone(), told(field));
            Value::Map(fields.iter().map(one).collect())
        }
        Value::List(items) => Value::List(items.iter().map(told).collect()),
        scalar => scalar.clone(),
    }
}

pub(super) struct Origins<'a> {
    pub(super) desired: &'a Value,
    /// The declared fields as last applied, secrets as digests; `None` where the ledger knows nothing.
    pub(super) applied: Option<&'a Value>,
    pub(super) key: &'a DigestKey,
    /// Fields that were applied as they were live.
    pub(super) ignore: &'a [PathPattern],
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
        // `stringData` in Git is `data` in a cluster: what Git says nothing about may still follow
        // from what it says.
        let nothing = if said.contains(&Said::Nothing) && self.has_moved_on(applied) {
            Origin::Declared
        } else {
            Origin::Drift
        };
        said.into_iter()
            .map(|said| match said {
                Said::Else => Origin::Declared,
                Said::Same => Origin::Drift,
                Said::Nothing => nothing,
            })
            .collect()
    }

    /// Tells whether Git says anything else than when it was last applied.
    pub(super) fn has_moved_on(&self, applied: &Value) -> bool {
        let now = Value::from_json(self.key.sealed_json(self.desired));
        self.differs(&FieldPath::default(), Some(&now), Some(applied))
    }

    /// Ignored fields were applied as they were live, so they tell nothing.
    fn differs(&self, path: &FieldPath, now: Option<&Value>, then: Option<&Value>) -> bool {
        if self.ignore.iter().any(|pattern| pattern.covers(path)) {
            return false;
        }
        match (now, then) {
            (Some(Value::Map(now)), Some(Value::Map(then))) => {
                let gone = then.keys().filter(|key| !now.contains_key(key));
                now.keys()
                    .chain(gone)
                    .any(|key| self.differs(&path.key(key), now.get(key), then.get(key)))
            }
            (Some(Value::List(_)), Some(Value::List(_)))
                if self.ignore.iter().any(|pattern| pattern.touches(path)) =>
            {
                false
            }
            (now, then) => now != then,
        }
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
