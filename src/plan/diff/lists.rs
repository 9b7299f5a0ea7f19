//! Lists side by side: by place, as sets, or item by item under their keys.

use super::walk::Walk;
use crate::model::{FieldPath, Kind, ListRule, Segment, Value};

pub(super) fn compare(walk: &mut Walk<'_>, path: &FieldPath, before: &[Value], after: &[Value]) {
    match walk.kind.list_rule(path) {
        Some(ListRule::Set) => as_sets(walk, path, before, after),
        Some(ListRule::Keyed(fields)) => {
            let fields = fields.clone();
            match pairs(&fields, before, after) {
                Some(pairs) => by_key(walk, path, pairs),
                None => by_place(walk, path, before, after),
            }
        }
        Some(ListRule::Ordered) | None => by_place(walk, path, before, after),
    }
}

/// Returns the node at a path; items of keyed lists are found by their keys.
pub(in crate::plan) fn at<'v>(root: &'v Value, path: &FieldPath) -> Option<&'v Value> {
    path.0
        .iter()
        .try_fold(root, |value, segment| match segment {
            Segment::Key(key) => value.get(key),
            Segment::Index(index) => value.as_list()?.get(*index),
            Segment::Item(keys) => value.as_list()?.iter().find(|item| has_keys(item, keys)),
        })
}

/// Returns how an item of a list is named: by its keys where the list has them, else by its place.
pub(in crate::plan) fn item_segment(
    kind: &Kind,
    list: &FieldPath,
    nth: usize,
    item: &Value,
) -> Segment {
    let keys = match kind.list_rule(list) {
        Some(ListRule::Keyed(fields)) => key_of(item, fields),
        _ => None,
    };
    keys.map_or(Segment::Index(nth), Segment::Item)
}

/// Returns an item's key fields with their texts, those it has; `None` where it has none of them or
/// one that cannot be told.
pub(super) fn key_of(item: &Value, fields: &[String]) -> Option<Vec<(String, String)>> {
    let mut keys = Vec::new();
    for field in fields {
        match item.get(field) {
            Some(Value::String(text)) => keys.push((field.clone(), text.clone())),
            Some(Value::Number(number)) => keys.push((field.clone(), number.to_string())),
            Some(Value::Bool(value)) => keys.push((field.clone(), value.to_string())),
            Some(Value::Null) | None => {}
            Some(_) => return None,
        }
    }
    (!keys.is_empty()).then_some(keys)
}

fn has_keys(item: &Value, keys: &[(String, String)]) -> bool {
    keys.iter().all(|(field, text)| match item.get(field) {
        Some(Value::String(value)) => value == text,
        Some(Value::Number(number)) => number.to_string() == *text,
        Some(Value::Bool(value)) => value.to_string() == *text,
        _ => false,
    })
}

type Keys = Vec<(String, String)>;
type Pair<'v> = (Keys, Option<&'v Value>, Option<&'v Value>);

/// Matches items by their keys. A key that the declared item leaves out (a port's protocol) matches
/// any. `None` where keys are missing or not unique: then only places can be compared.
fn pairs<'v>(fields: &[String], before: &'v [Value], after: &'v [Value]) -> Option<Vec<Pair<'v>>> {
    let mut left: Vec<(Keys, &Value)> = before
        .iter()
        .map(|item| Some((key_of(item, fields)?, item)))
        .collect::<Option<_>>()?;
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    for item in after {
        let keys = key_of(item, fields)?;
        if pairs.iter().any(|(other, _, _)| *other == keys) {
            return None;
        }
        let place = left.iter().position(|(_, live)| has_keys(live, &keys));
        let live = place.map(|place| left.remove(place).1);
        pairs.push((keys, live, Some(item)));
    }
    pairs.extend(
        left.into_iter()
            .map(|(keys, live)| (keys, Some(live), None)),
    );
    Some(pairs)
}

fn by_key(walk: &mut Walk<'_>, path: &FieldPath, pairs: Vec<Pair<'_>>) {
    for (keys, before, after) in pairs {
        walk.node(&path.then(Segment::Item(keys)), before, after);
    }
}

/// Lists of maps differ item by item, lists of scalars as a whole: that is how people read them.
fn by_place(walk: &mut Walk<'_>, path: &FieldPath, before: &[Value], after: &[Value]) {
    let all_maps = |items: &[Value]| items.iter().all(|item| matches!(item, Value::Map(_)));
    let longest = before.len().max(after.len());
    let places = (0..longest).map(|place| path.then(Segment::Index(place)));
    if all_maps(before) && all_maps(after) {
        for (nth, place) in places.enumerate() {
            walk.item(&place, before.get(nth), after.get(nth));
        }
        return;
    }
    let is_quiet = before.len() == after.len()
        && places
            .zip(before.iter().zip(after))
            .all(|(place, (before, after))| walk.is_quiet(&place, Some(before), Some(after)));
    if !is_quiet {
        walk.note(
            path,
            Some(Value::List(before.to_vec())),
            Some(Value::List(after.to_vec())),
        );
    }
}

/// Sets differ as a whole; what both sides hold stands in the same order in both.
fn as_sets(walk: &mut Walk<'_>, path: &FieldPath, before: &[Value], after: &[Value]) {
    let place = path.then(Segment::Index(0));
    let mut left: Vec<&Value> = before.iter().collect();
    let mut matched = Vec::new();
    for item in after {
        let same = left
            .iter()
            .position(|live| walk.is_quiet(&place, Some(live), Some(item)));
        if let Some(same) = same {
            matched.push(left.remove(same).clone());
        }
    }
    if matched.len() < after.len() || !left.is_empty() {
        matched.extend(left.into_iter().cloned());
        walk.note(
            path,
            Some(Value::List(matched)),
            Some(Value::List(after.to_vec())),
        );
    }
}
