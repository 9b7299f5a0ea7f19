//! Fields that people added by hand: nobody declares them and no controller keeps them, so a
//! server-side apply leaves them, and a dry-run does not show them. Pure.
//!
//! Found from who owns what; taken off in two steps of one write: they are made ours, which changes
//! nothing, and an apply takes off what is ours and not declared. What the object is afterwards is
//! asked beforehand, by a dry-run of the merged object.

use super::bundle;
use super::fieldset::{self, Key};
use super::is_person;
use super::{managed, patch};
use crate::model::{FieldPath, PathPattern, Touch};
use crate::provider::kubernetes::cluster::MANAGER;
use crate::provider::kubernetes::marks;
use serde_json::{Map, Value as Json, json};

/// Written by `kubectl rollout restart`: an order, no state.
const RESTARTED: &str = "kubectl.kubernetes.io/restartedAt";

/// What people added.
pub(crate) struct Added {
    /// The fields.
    pub(crate) fields: Json,
    /// Each with who and when.
    pub(crate) touches: Vec<Touch>,
}

/// Finds what people added to an object, fields that are ignored and certificates to be filled in apart.
///
/// Of what was written in another version of the API than is declared, which kubectl does wherever the server
/// prefers another, only labels and annotations: other names may mean something else, or nothing, in this
/// one. Whether such a field is declared cannot be told without reading the object in that version too; it
/// stays, and nothing is said of it.
pub(crate) fn find(live: &Json, sent: &Json, ignore: &[PathPattern]) -> Option<Added> {
    let (people, others): (Vec<&Json>, Vec<&Json>) = managed::entries(live)
        .iter()
        .partition(|entry| is_by_hand(entry));
    let is_older =
        |entry: &&Json| managed::is_ours(entry) && entry["apiVersion"] != sent["apiVersion"];
    if people.is_empty() || others.iter().any(is_older) {
        return None;
    }
    let mut ignore = ignore.to_vec();
    ignore.extend(bundle::pattern(sent));
    let others = fieldset::joined(others.into_iter().map(|entry| &entry["fieldsV1"]));
    let mut touches = Vec::new();
    let mut found = Vec::new();
    for entry in people {
        let fields = legible(entry, &entry["fieldsV1"], &sent["apiVersion"]);
        let alone = match &others {
            Some(others) => fieldset::minus(&fields, others),
            None => Some(fields),
        };
        let Some(added) = alone.and_then(|alone| undeclared_of(&alone, sent, &ignore)) else {
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

/// Returns what of a set can be told by its names in a version of the API where the entry is of another:
/// the metadata, which is the same in every one.
fn legible(entry: &Json, set: &Json, version: &Json) -> Json {
    if entry["apiVersion"] == *version {
        return set.clone();
    }
    let metadata = set.get("f:metadata").cloned();
    metadata.map_or_else(|| json!({}), |metadata| json!({ "f:metadata": metadata }))
}

/// Our own name under another operation is what we wrote by another verb.
fn is_by_hand(entry: &Json) -> bool {
    let manager = entry["manager"].as_str().unwrap_or_default();
    entry.get("subresource").is_none()
        && (is_person(manager) || manager == MANAGER && entry["operation"] != "Apply")
}

/// Returns what of a set nobody declares. Of the metadata only labels and annotations are anybody's to add.
pub(super) fn undeclared_of(set: &Json, sent: &Json, ignore: &[PathPattern]) -> Option<Json> {
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
pub(crate) fn patch(live: &Json, sent: &Json, added: &Json) -> Json {
    let others = managed::entries(live)
        .iter()
        .filter(|entry| !is_by_hand(entry));
    patch::of(live, sent, added, others)
}

/// Returns the merge patch that makes what was added ours, of this version of the object only.
pub(crate) fn takeover(live: &Json, added: &Json, version: &Json) -> Json {
    let mut entries: Vec<Json> = Vec::new();
    let mut has_ours = false;
    for entry in managed::entries(live) {
        let mut entry = entry.clone();
        if is_by_hand(&entry) {
            let taken = legible(&entry, added, version);
            match fieldset::minus(&entry["fieldsV1"], &taken) {
                Some(left) => entry["fieldsV1"] = left,
                None => continue,
            }
        } else if managed::is_ours(&entry) {
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
    managed::entered(live, entries)
}
