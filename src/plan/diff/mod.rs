//! The one field-level diff: desired (or what the server predicts) against live. Plan, drift and
//! apply all use it, so that they can never disagree.
//!
//! ```text
//! desired | prediction ┐
//! live                 ├─ shape (seal both sides) -> walk (+ lists) -> origin -> Vec<Change>
//! last applied         ┘
//! ```

mod guess;
mod lists;
mod origin;
mod shape;
mod walk;

use crate::model::{
    Basis, Change, Digest, DigestKey, FieldPath, Kind, Live, Origin, Owned, PathPattern,
    Prediction, Value, Wanted,
};
use guess::Guesses;
pub(super) use lists::{at, item_segment};
use origin::Origins;
use shape::Shape;
use std::borrow::Cow;
use walk::{Difference, Reach, Walk};

/// What stands for a value that the live side never answers.
pub const UNREADABLE: &str = "(not readable)";

/// Returns the declared fields that differ from live, in order of their paths.
///
/// # Guarantees
/// - Where the live side predicted the write, the changes are exactly what it predicted; else the
///   declared fields are compared by the kind's rows: read-only and ignored fields never, write-only
///   ones with what was applied last, lists as ordered, set or keyed.
/// - What is secret on one side is sealed on both.
/// - What a branch guesses of secrets is a change to what is not known, right or wrong.
/// - A change is `Drift` where Git says what was applied last, `Declared` where Git or the ledger
///   does not know better. One that is declared says what was applied last where somebody changed that since.
pub fn changes(
    wanted: &Wanted,
    live: &Live,
    owned: Option<&Owned>,
    key: &DigestKey,
) -> Vec<Change> {
    let (after, reach) = match &live.prediction {
        Some(Prediction::Becomes { value, .. }) if wanted.desired.holes().is_empty() => {
            (&**value, Reach::Whole)
        }
        _ => (&*wanted.desired, Reach::Declared),
    };
    let guesses = Guesses::of(wanted, owned, Some(&live.value));
    // Most of what is kept is as it should be; that is told without walking it.
    let stays = || std::ptr::eq(&*live.value, after) || *live.value == *after;
    if reach == Reach::Whole && guesses.is_empty() && stays() {
        return Vec::new();
    }
    let refused: &[FieldPath] = match &live.prediction {
        Some(Prediction::Refused { immutable, .. }) => immutable,
        _ => &[],
    };
    let mut diff = Diff::new(wanted, owned, key);
    diff.kind = with_lists(&wanted.kind, live);
    let mut changes = diff.changes(Some(&live.value), after, reach, refused);
    // The live side may keep another spelling than it was sent: it takes somebody who was at it.
    let touched = |path: &FieldPath| live.touched_by.iter().any(|touch| touch.concerns(path));
    for change in changes.iter_mut().filter(|change| !touched(&change.path)) {
        change.was = None;
    }
    if guesses.is_empty() {
        return changes;
    }
    let shape = diff.shape(Some(&live.value), after);
    let before = kind_sealed(&wanted.kind, shape.sealed(&live.value));
    guesses.hidden(changes, &before, reach == Reach::Whole)
}

/// Tells whether a branch guesses at secrets of a resource, as far as that shows without looking at it: then
/// nobody may be asked what would come of it.
pub fn is_guessing(wanted: &Wanted, owned: Option<&Owned>) -> bool {
    !Guesses::of(wanted, owned, None).is_empty()
}

/// Tells whether Git says what it said when this was applied, what is ignored apart.
pub(super) fn is_as_applied(wanted: &Wanted, owned: &Owned, key: &DigestKey) -> bool {
    let applied = owned.applied.value();
    let origins = Origins {
        desired: &wanted.desired,
        applied: Some(&applied),
        key,
        ignore: &wanted.lifecycle.ignore,
    };
    !origins.has_moved_on(&applied)
}

/// Returns what creating it sets: every declared field, those without a value apart.
pub(super) fn creation(wanted: &Wanted, owned: Option<&Owned>, key: &DigestKey) -> Vec<Change> {
    Diff::new(wanted, owned, key).changes(None, &wanted.desired, Reach::Declared, &[])
}

/// Returns the kind as it is for this very object: its lists may tell how they are matched.
fn with_lists<'k>(kind: &'k Kind, live: &Live) -> Cow<'k, Kind> {
    if live.lists.is_empty() {
        return Cow::Borrowed(kind);
    }
    let mut kind = kind.clone();
    kind.lists.splice(0..0, live.lists.iter().cloned());
    Cow::Owned(kind)
}

struct Diff<'a> {
    kind: Cow<'a, Kind>,
    wanted: &'a Wanted,
    applied: Option<Value>,
    key: &'a DigestKey,
}

impl<'a> Diff<'a> {
    fn new(wanted: &'a Wanted, owned: Option<&Owned>, key: &'a DigestKey) -> Self {
        let applied = owned.map(|owned| owned.applied.value());
        Self {
            kind: Cow::Borrowed(&wanted.kind),
            wanted,
            applied,
            key,
        }
    }

    fn changes(
        &self,
        live: Option<&Value>,
        after: &Value,
        reach: Reach,
        refused: &[FieldPath],
    ) -> Vec<Change> {
        let kind = &*self.kind;
        let shape = self.shape(live, after);
        let seal = |value| kind_sealed(kind, shape.sealed(value));
        let (before, after) = (live.map(seal), seal(after));
        let mut walk = Walk::new(kind, &self.wanted.lifecycle.ignore, reach);
        if live.is_some() {
            walk = walk.with_applied(self.applied.as_ref(), self.key);
        }
        let mut found = walk.differences(before.as_deref(), &after);
        found.sort_by(|one, other| one.path.cmp(&other.path));
        let origins = Origins {
            desired: &self.wanted.desired,
            applied: self.applied.as_ref(),
            key: self.key,
            ignore: &self.wanted.lifecycle.ignore,
        };
        let origins = origins.of(&found);
        found
            .into_iter()
            .zip(origins)
            .map(|(difference, origin)| Change {
                was: match origin {
                    Origin::Declared => self.was(live.is_some(), &difference),
                    Origin::Drift => None,
                },
                forces_replace: live.is_some()
                    && difference.is_known()
                    && is_immutable(kind, refused, &difference.path),
                path: difference.path,
                before: difference.before,
                after: difference.after,
                origin,
            })
            .collect()
    }

    /// Returns what was applied last at a place that is something else now, live and in Git.
    fn was(&self, is_there: bool, difference: &Difference) -> Option<Value> {
        let mut never_told = self.kind.write_only.iter();
        if never_told.any(|only| only.touches(&difference.path)) {
            return None;
        }
        let applied = self.applied.as_ref().filter(|_| is_there)?;
        let was = lists::at(applied, &difference.path)?;
        let before = difference.before.as_ref();
        let before = before.map(|before| Value::from_json(self.key.sealed_json(before)));
        let ignore = &self.wanted.lifecycle.ignore;
        let walk = Walk::new(&self.kind, ignore, Reach::Declared);
        let same = walk.is_quiet(&difference.path, before.as_ref(), Some(was));
        (!same).then(|| origin::told(was))
    }

    /// What is secret in any of the sides is secret in all of them: a secret that became a literal,
    /// or one that a server answers in the clear, must not be shown as the other side's text.
    fn shape(&self, live: Option<&Value>, after: &Value) -> Shape {
        let kind = &*self.kind;
        let merged = match &self.wanted.basis {
            Basis::Branch { merged, .. } => merged.as_ref(),
            Basis::Merged => None,
        };
        let sides = [
            Some(&*self.wanted.desired),
            Some(after),
            live,
            self.applied.as_ref(),
            merged,
        ];
        let veils = self.wanted.veils.iter().map(|veil| &*veil.said);
        sides
            .into_iter()
            .flatten()
            .chain(veils)
            .fold(Shape::Open, |shape, side| shape.or(Shape::of(kind, side)))
    }
}

fn kind_sealed<'v>(kind: &Kind, value: Cow<'v, Value>) -> Cow<'v, Value> {
    if kind.secret.of(&value).is_empty() {
        value
    } else {
        Cow::Owned(kind.sealed(value.into_owned()))
    }
}

fn is_immutable(kind: &Kind, refused: &[FieldPath], path: &FieldPath) -> bool {
    let on_one_line = |other: &FieldPath| other.0.iter().zip(&path.0).all(|(one, two)| one == two);
    kind.immutable
        .iter()
        .any(|pattern: &PathPattern| pattern.touches(path))
        || refused.iter().any(on_one_line)
}

/// Digests a value's comparable form, whatever the order its fields were written in.
pub(super) fn digest(key: &DigestKey, value: &Value) -> Digest {
    let mut json = key.sealed_json(value);
    json.sort_all_objects();
    Digest::of(json.to_string())
}
