//! Walks two trees side by side and notes where they differ.

use super::UNREADABLE;
use super::lists;
use crate::model::{DigestKey, FieldPath, Kind, PathPattern, Value};

/// How far the right side reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It names declared fields only: what it leaves out is the provider's.
    Declared,
    /// It is the whole object: what it leaves out goes.
    Whole,
}

/// One place where two trees differ.
#[derive(Clone, Debug)]
pub(super) struct Difference {
    pub(super) path: FieldPath,
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
}

impl Difference {
    /// Tells whether what comes is known by now.
    pub(super) fn is_known(&self) -> bool {
        self.after
            .as_ref()
            .is_none_or(|after| after.holes().is_empty())
    }
}

pub(super) struct Walk<'a> {
    pub(super) kind: &'a Kind,
    ignore: &'a [PathPattern],
    reach: Reach,
    /// What was applied last and the key of its digests; `None` where nothing is there yet, so that
    /// every declared field is new.
    applied: Option<(Option<&'a Value>, &'a DigestKey)>,
    found: Vec<Difference>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(kind: &'a Kind, ignore: &'a [PathPattern], reach: Reach) -> Self {
        Self {
            kind,
            ignore,
            reach,
            applied: None,
            found: Vec::new(),
        }
    }

    pub(super) fn with_applied(mut self, applied: Option<&'a Value>, key: &'a DigestKey) -> Self {
        self.applied = Some((applied, key));
        self
    }

    pub(super) fn differences(mut self, before: Option<&Value>, after: &Value) -> Vec<Difference> {
        let root = FieldPath::default();
        match (before, after) {
            (None, Value::Map(fields)) => {
                for (key, value) in fields {
                    self.node(&root.key(key), None, Some(value));
                }
            }
            _ => self.node(&root, before, Some(after)),
        }
        self.found
    }

    /// Compares two items at one place of a list, either of which may be missing.
    pub(super) fn item(&mut self, path: &FieldPath, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            // An item counts even where it is empty.
            (None, Some(after)) => self.note(path, None, self.declared(path, after)),
            (Some(before), None) => self.note(path, Some(before.clone()), None),
            _ => self.node(path, before, after),
        }
    }

    /// Tells whether nothing differs below a place.
    pub(super) fn is_quiet(
        &self,
        path: &FieldPath,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> bool {
        let mut probe = Walk {
            found: Vec::new(),
            ..*self
        };
        probe.node(path, before, after);
        probe.found.is_empty()
    }

    pub(super) fn node(&mut self, path: &FieldPath, before: Option<&Value>, after: Option<&Value>) {
        if self.skips(path) {
            return;
        }
        if self.reach == Reach::Declared && self.is_write_only(path) {
            return self.write_only(path, after);
        }
        let before = before.filter(|value| **value != Value::Null);
        let after = after.filter(|value| **value != Value::Null);
        match (before, after) {
            (None, None) => {}
            (Some(before), None) if self.reach == Reach::Declared && is_empty(before) => {}
            (Some(before), None) => self.note(path, Some(before.clone()), None),
            (None, Some(after)) => self.added(path, after),
            (Some(Value::Map(before)), Some(Value::Map(after))) => {
                for (key, after) in after {
                    self.node(&path.key(key), before.get(key), Some(after));
                }
                if self.reach == Reach::Whole {
                    for (key, gone) in before.iter().filter(|(key, _)| !after.contains_key(key)) {
                        self.node(&path.key(key), Some(gone), None);
                    }
                }
            }
            (Some(Value::List(before)), Some(Value::List(after))) => {
                lists::compare(self, path, before, after);
            }
            (Some(before), Some(after)) if is_equal(before, after) => {}
            (Some(before), Some(after)) => {
                self.note(path, Some(before.clone()), self.declared(path, after));
            }
        }
    }

    pub(super) fn note(&mut self, path: &FieldPath, before: Option<Value>, after: Option<Value>) {
        self.found.push(Difference {
            path: path.clone(),
            before,
            after,
        });
    }

    /// A field that is not there yet, as one change, unless part of it is compared in its own way.
    fn added(&mut self, path: &FieldPath, after: &Value) {
        if let Value::Map(fields) = after
            && self.applied.is_some()
            && self.kind.write_only.iter().any(|only| only.touches(path))
        {
            for (key, value) in fields {
                self.node(&path.key(key), None, Some(value));
            }
            return;
        }
        if let Some(after) = self
            .declared(path, after)
            .filter(|after| self.reach == Reach::Whole || !is_empty_tree(after))
        {
            self.note(path, None, Some(after));
        }
    }

    /// What the live side never answers is compared with what was applied last.
    fn write_only(&mut self, path: &FieldPath, after: Option<&Value>) {
        let Some((applied, key)) = self.applied else {
            return self.added(path, after.unwrap_or(&Value::Null));
        };
        let last = applied.and_then(|applied| lists::at(applied, path));
        let after = after.filter(|value| **value != Value::Null);
        let is_same = match (last, after) {
            (None | Some(Value::Null), None) => true,
            (Some(last), Some(after)) => *last == Value::from_json(key.sealed_json(after)),
            _ => false,
        };
        if !is_same {
            let before = Some(Value::from(UNREADABLE));
            self.note(path, before, after.cloned());
        }
    }

    /// Returns a declared subtree without what is cleared or never compared.
    fn declared(&self, path: &FieldPath, value: &Value) -> Option<Value> {
        if self.skips(path) {
            return None;
        }
        match value {
            Value::Null => None,
            Value::Map(fields) => Some(Value::Map(
                fields
                    .iter()
                    .filter_map(|(key, value)| {
                        Some((key.clone(), self.declared(&path.key(key), value)?))
                    })
                    .collect(),
            )),
            other => Some(other.clone()),
        }
    }

    fn skips(&self, path: &FieldPath) -> bool {
        let covers = |patterns: &[PathPattern]| patterns.iter().any(|pattern| pattern.covers(path));
        covers(&self.kind.read_only)
            || covers(&self.kind.ignored)
            // Nothing is there yet: what is declared is what it starts with.
            || (self.applied.is_some() && covers(self.ignore))
    }

    fn is_write_only(&self, path: &FieldPath) -> bool {
        self.kind.write_only.iter().any(|only| only.covers(path))
    }
}

/// An empty list, map or text is what a cleared field leaves behind, where nobody predicted the whole object:
/// there it has a meaning of its own, as `namespaceSelector: {}` has, which selects every namespace.
fn is_empty(value: &Value) -> bool {
    matches!(value, Value::String(text) if text.is_empty()) || is_empty_tree(value)
}

fn is_empty_tree(value: &Value) -> bool {
    match value {
        Value::List(items) => items.is_empty(),
        Value::Map(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Tells whether two scalars mean the same: numbers by value, secrets by their text.
fn is_equal(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            one == other || one.as_f64().is_some() && one.as_f64() == other.as_f64()
        }
        (Value::Secret(one), Value::Secret(other)) => one.expose() == other.expose(),
        (Value::Hole(_), _) | (_, Value::Hole(_)) => false,
        (one, other) => one == other,
    }
}
