//! What a branch says of secrets where the merged spec says something else: guesses. A plan that showed "no
//! change" for a right one would tell the secret to whoever can push a branch, so that every guess shows as
//! a change to what is not known before the merge.

use super::lists;
use super::shape::Shape;
use crate::model::{Basis, Change, FieldPath, Hole, Kind, Origin, Owned, Segment, Value, Wanted};
use std::collections::BTreeSet;

/// Where a branch guesses, in one resource.
pub(super) struct Guesses {
    places: Vec<FieldPath>,
    applied: Option<Value>,
}

impl Guesses {
    /// Finds the guesses of what is wanted; `live` as far as it is known. Secret is what any side holds for
    /// secret: the branch, the merged spec, the live side, what was applied last, or what others say of it.
    pub(super) fn of(wanted: &Wanted, owned: Option<&Owned>, live: Option<&Value>) -> Self {
        let mut guesses = Self {
            places: Vec::new(),
            applied: None,
        };
        let Basis::Branch { said, merged, .. } = &wanted.basis else {
            return guesses;
        };
        let (kind, merged) = (&*wanted.kind, merged.as_ref());
        guesses.applied = owned.map(|owned| owned.applied.value());
        let sides = [
            Some(&*wanted.desired),
            merged,
            live,
            guesses.applied.as_ref(),
        ];
        let veils = wanted.veils.iter().map(|veil| &*veil.said);
        let shape = sides
            .into_iter()
            .flatten()
            .chain(veils)
            .fold(Shape::Open, |shape, side| shape.or(Shape::of(kind, side)));
        if shape == Shape::Open {
            return guesses;
        }
        let desired = shape.sealed(&wanted.desired);
        let mut secrets = Vec::new();
        secrets_of(kind, &FieldPath::default(), &desired, &mut secrets);
        let is_guess = |path: &FieldPath| match written_out(said, path) {
            None => false,
            written => written != merged.and_then(|merged| written_out(merged, path)),
        };
        secrets.retain(is_guess);
        guesses.places = secrets;
        guesses
    }

    /// Tells whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// Returns the changes as they show whether the guesses are right or wrong. `before` is the live side, sealed;
    /// `whole` says that the changes are a server's prediction, which may have put guesses elsewhere.
    pub(super) fn hidden(
        &self,
        mut changes: Vec<Change>,
        before: &Value,
        whole: bool,
    ) -> Vec<Change> {
        let there = |path: &FieldPath| {
            let applied = self.applied.as_ref();
            let in_list = path.0.iter().any(|one| !matches!(one, Segment::Key(_)));
            let applied = applied.and_then(|applied| lists::at(applied, path));
            in_list || applied.is_some() || lists::at(before, path).is_some()
        };
        let hidden: BTreeSet<&FieldPath> = self.places.iter().filter(|path| there(path)).collect();
        let is_secret = |value: &Option<Value>| {
            let value = value.as_ref();
            value.is_some_and(|value| matches!(value, Value::Secret(_)))
        };
        changes.retain(|change| {
            let on_one_line = |path: &&FieldPath| {
                let pairs = path.0.iter().zip(&change.path.0);
                pairs.into_iter().all(|(one, other)| one == other)
            };
            let predicted = whole && (is_secret(&change.before) || is_secret(&change.after));
            !predicted && !hidden.iter().any(on_one_line)
        });
        changes.extend(hidden.into_iter().map(|path| Change {
            path: path.clone(),
            before: lists::at(before, path).cloned(),
            after: Some(Value::from(Hole {
                template: String::new(),
                needs: BTreeSet::new(),
                sensitive: true,
            })),
            origin: Origin::Declared,
            was: None,
            forces_replace: false,
        }));
        changes.sort_by(|one, other| one.path.cmp(&other.path));
        changes
    }
}

/// Returns what is written out at a place, sealed or not; `None` where it comes from a secret.
fn written_out(said: &Value, path: &FieldPath) -> Option<serde_json::Value> {
    for length in 0..=path.0.len() {
        let part = FieldPath(path.0[..length].to_vec());
        if matches!(lists::at(said, &part), Some(Value::Hole(_))) {
            return None;
        }
    }
    let value = lists::at(said, path);
    value.map_or(Some(serde_json::Value::Null), Value::exposed_json)
}

/// Notes the place of every secret of a sealed value.
fn secrets_of(kind: &Kind, path: &FieldPath, value: &Value, into: &mut Vec<FieldPath>) {
    match value {
        Value::Secret(_) => into.push(path.clone()),
        Value::Map(fields) => {
            for (key, field) in fields {
                secrets_of(kind, &path.key(key), field, into);
            }
        }
        Value::List(items) => {
            for (nth, item) in items.iter().enumerate() {
                let segment = lists::item_segment(kind, path, nth, item);
                secrets_of(kind, &path.then(segment), item, into);
            }
        }
        _ => {}
    }
}
