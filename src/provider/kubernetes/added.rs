//! Fields that people added by hand: nobody declares them and no controller keeps them, so a
//! server-side apply leaves them, and a dry-run does not show them. Pure.
//!
//! Found from who owns what; taken off in two steps of one write: they are made ours, which changes
//! nothing, and an apply takes off what is ours and not declared. What the object is afterwards is
//! asked beforehand, by a dry-run of the merged object.

use super::cluster::MANAGER;
use super::fields::is_person;
use super::fieldset::{self, Key, has_keys};
use super::marks;
use crate::model::{FieldPath, PathPattern, Touch};
use serde_json::{Map, Value as Json, json};

/// Written by `kubectl rollout restart`: an order, no state.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// What people added.
pub(super) struct Added {
    /// The fields.
    pub(super) fields: Json,
    /// Each with who and when.
    pub(super) touches: Vec<Touch>,
}

/// Finds what people added to an object, fields that are ignored apart. Only what was written in the
/// version of the API that is declared: names in another one may be others.
pub(super) fn find(live: &Json, sent: &Json, ignore: &[PathPattern]) -> Option<Added> {
    let (people, others): (Vec<&Json>, Vec<&Json>) =
        entries(live).iter().partition(|entry| is_by_hand(entry));
    let is_older = |entry: &&Json| is_ours(entry) && entry["apiVersion"] != sent["apiVersion"];
    if people.is_empty() || others.iter().any(is_older) {
        return None;
    }
    let others = fieldset::joined(others.into_iter().map(|entry| &entry["fieldsV1"]));
    let mut touches = Vec::new();
    let mut found = Vec::new();
    for entry in people
        .into_iter()
        .filter(|entry| entry["apiVersion"] == sent["apiVersion"])
    {
        let fields = &entry["fieldsV1"];
        let alone = match &others {
            Some(others) => fieldset::minus(fields, others),
            None => Some(fields.clone()),
        };
        let Some(added) = alone.and_then(|alone| at_root(&alone, sent, ignore)) else {
            continue;
        };
        let at = entry["time"].as_str().and_then(|time| time.parse().ok());
        let by = entry["manager"].as_str().unwrap_or_default();
        touches.extend(fieldset::places(&added).into_iter().map(|path| Touch {
            path: Some(path),
            by: by.to_owned(),
            at,
        }));
        found.push(added);
    }
    let fields = fieldset::joined(found.iter())?;
    Some(Added { fields, touches })
}

fn entries(live: &Json) -> &[Json] {
    let entries = live["metadata"]["managedFields"].as_array();
    entries.map_or(&[], Vec::as_slice)
}

/// Our own name under another operation is what we wrote by another verb.
fn is_by_hand(entry: &Json) -> bool {
    let manager = entry["manager"].as_str().unwrap_or_default();
    entry.get("subresource").is_none()
        && (is_person(manager) || manager == MANAGER && entry["operation"] != "Apply")
}

/// Of the metadata only labels and annotations are anybody's to add.
fn at_root(set: &Json, sent: &Json, ignore: &[PathPattern]) -> Option<Json> {
    let mut set = set.clone();
    let top = set.as_object_mut()?;
    top.shift_remove("f:status");
    if let Some(metadata) = top.get_mut("f:metadata").and_then(Json::as_object_mut) {
        metadata.retain(|key, _| matches!(key.as_str(), "f:labels" | "f:annotations"));
        if metadata.is_empty() {
            top.shift_remove("f:metadata");
        }
    }
    undeclared(&set, Some(sent), &FieldPath::default(), ignore)
}

fn undeclared(
    set: &Json,
    sent: Option<&Json>,
    at: &FieldPath,
    ignore: &[PathPattern],
) -> Option<Json> {
    // An explicit null is declared to be nothing.
    let sent = sent.filter(|sent| !sent.is_null());
    if ignore.iter().any(|pattern| pattern.covers(at)) {
        return None;
    }
    let mut left = Map::new();
    let mut is_all = true;
    for (text, inner) in fieldset::below(set) {
        let (sent, at) = match fieldset::key(text) {
            Key::Field(name) if is_kept(name) => {
                is_all = false;
                continue;
            }
            Key::Field(name) => (sent.and_then(|sent| sent.get(name)), at.key(name)),
            Key::Keys(keys) => {
                let mut items = sent.and_then(Json::as_array).into_iter().flatten();
                let item = items.find(|item| fieldset::is_named(item, &keys));
                (item, at.then(fieldset::segment(&keys)))
            }
            Key::Value(value) => {
                let mut items = sent.and_then(Json::as_array).into_iter().flatten();
                (items.find(|item| **item == value), at.clone())
            }
            Key::Other => continue,
        };
        match undeclared(inner, sent, &at, ignore) {
            Some(inner) => {
                left.insert(text.clone(), inner);
            }
            None => is_all = false,
        }
    }
    // What holds something that stays, stays.
    let itself = fieldset::has_itself(set) && sent.is_none() && is_all;
    if left.is_empty() {
        return itself.then(|| json!({}));
    }
    if itself {
        left.insert(".".to_owned(), json!({}));
    }
    Some(Json::Object(left))
}

/// Names of fields that are nobody's configuration.
fn is_kept(name: &str) -> bool {
    name == RESTARTED || name == marks::LAST_APPLIED || marks::is_restless(name)
}

/// Returns what makes the object what is declared, without what was added: a merge patch.
pub(super) fn patch(live: &Json, sent: &Json, added: &Json) -> Json {
    let others = entries(live).iter().filter(|entry| !is_by_hand(entry));
    let others = fieldset::joined(others.map(|entry| &entry["fieldsV1"]));
    let all = fieldset::joined(entries(live).iter().map(|entry| &entry["fieldsV1"]));
    let mut object = live.clone();
    cut(&mut object, added, others.as_ref());
    merge(&mut object, sent, all.as_ref());
    difference(live, &object)
}

/// Takes a set of fields off; an item that somebody else keeps a field of stays.
pub(super) fn cut(value: &mut Json, set: &Json, others: Option<&Json>) {
    for (text, inner) in fieldset::below(set) {
        let others = others.and_then(|others| others.get(text));
        let goes = fieldset::has_itself(inner) && others.is_none();
        match (fieldset::key(text), &mut *value) {
            (Key::Field(name), Json::Object(fields)) => {
                let Some(field) = fields.get_mut(name) else {
                    continue;
                };
                cut(field, inner, others);
                let is_hollow = match field {
                    Json::Object(fields) => fields.is_empty(),
                    Json::Array(items) => items.is_empty(),
                    _ => true,
                };
                let is_leaf = fieldset::below(inner).next().is_none();
                if others.is_none() && (is_leaf || is_hollow) {
                    fields.shift_remove(name);
                }
            }
            (Key::Keys(keys), Json::Array(items)) => {
                let place = items.iter().position(|item| has_keys(item, &keys));
                match place {
                    Some(place) if goes => {
                        items.remove(place);
                    }
                    Some(place) => cut(&mut items[place], inner, others),
                    None => {}
                }
            }
            (Key::Value(value), Json::Array(items)) => items.retain(|item| *item != value),
            _ => {}
        }
    }
}

/// Puts the declared fields in, as the server would merge them.
fn merge(value: &mut Json, sent: &Json, set: Option<&Json>) {
    let is_whole = set.and_then(Json::as_object).is_some_and(Map::is_empty);
    match (&mut *value, sent) {
        (Json::Object(fields), Json::Object(sent)) if !is_whole => {
            for (key, sent) in sent {
                let set = set.and_then(|set| set.get(format!("f:{key}")));
                match fields.get_mut(key) {
                    _ if sent.is_null() => {
                        fields.shift_remove(key);
                    }
                    Some(field) => merge(field, sent, set),
                    None => {
                        fields.insert(key.clone(), sent.clone());
                    }
                }
            }
        }
        (Json::Array(items), Json::Array(sent)) => {
            let names = set.and_then(fieldset::key_names);
            match names {
                Some(names) => merge_items(items, sent, &names, set),
                None if set.is_some_and(fieldset::is_of_values) => {
                    let missing = sent.iter().filter(|value| !items.contains(value));
                    let missing: Vec<Json> = missing.cloned().collect();
                    items.extend(missing);
                }
                None => items.clone_from(sent),
            }
        }
        _ => value.clone_from(sent),
    }
}

fn merge_items(items: &mut Vec<Json>, sent: &[Json], names: &[String], set: Option<&Json>) {
    let keys_of = |item: &Json| fieldset::keys_of(item, names);
    for one in sent {
        let keys = keys_of(one);
        // A key may be left out where it has a default; what another declared item names is not it.
        let others: Vec<Json> = sent
            .iter()
            .map(keys_of)
            .filter(|other| *other != keys)
            .collect();
        let place = items.iter().position(|item| {
            has_keys(item, &keys) && !others.iter().any(|other| keys_of(item) == *other)
        });
        match place {
            Some(place) => {
                let whole = format!("k:{}", keys_of(&items[place]));
                merge(&mut items[place], one, set.and_then(|set| set.get(&whole)));
            }
            None => items.push(one.clone()),
        }
    }
}

/// Returns the merge patch (RFC 7386) that makes the one of the other.
fn difference(one: &Json, other: &Json) -> Json {
    let (Json::Object(one), Json::Object(other)) = (one, other) else {
        return other.clone();
    };
    let gone = one.keys().filter(|key| !other.contains_key(*key));
    let gone = gone.map(|key| (key.clone(), Json::Null));
    let changed = other
        .iter()
        .filter(|(key, value)| one.get(*key) != Some(*value));
    let changed = changed.map(|(key, value)| {
        let change = match one.get(key) {
            Some(before) => difference(before, value),
            None => value.clone(),
        };
        (key.clone(), change)
    });
    Json::Object(gone.chain(changed).collect())
}

/// Returns the merge patch that makes what was added ours, of this version of the object only.
pub(super) fn takeover(live: &Json, added: &Json, version: &Json) -> Json {
    let mut entries: Vec<Json> = Vec::new();
    let mut has_ours = false;
    for entry in self::entries(live) {
        let mut entry = entry.clone();
        if is_by_hand(&entry) && entry["apiVersion"] == *version {
            match fieldset::minus(&entry["fieldsV1"], added) {
                Some(left) => entry["fieldsV1"] = left,
                None => continue,
            }
        } else if is_ours(&entry) {
            fieldset::add(&mut entry["fieldsV1"], added);
            has_ours = true;
        }
        entries.push(entry);
    }
    if !has_ours {
        entries.push(
            json!({ "manager": MANAGER, "operation": "Apply", "apiVersion": version,
            "fieldsType": "FieldsV1", "fieldsV1": added }),
        );
    }
    let metadata = &live["metadata"];
    json!({ "metadata": { "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"], "managedFields": entries } })
}

fn is_ours(entry: &Json) -> bool {
    entry["manager"] == MANAGER
        && entry["operation"] == "Apply"
        && entry.get("subresource").is_none()
}
