//! Fields that `lifecycle.ignore` leaves to the live side: sent as they are live, so that neither a
//! dry-run nor a write touches them. Pure.
//!
//! That goes for one that is not declared any more as well: while it is ours the server would take it
//! away, or set it to its default.

use super::fieldset::{self, Key};
use crate::model::{FieldPath, PathPattern, Segment};
use crate::provider::kubernetes::cluster::MANAGER;
use crate::provider::kubernetes::marks;
use serde_json::{Map, Value as Json};

/// Returns the object with ignored fields as they are live, or without those that are not there.
pub(crate) fn as_live(sent: &Json, live: &Json, ignore: &[PathPattern]) -> Json {
    if ignore.is_empty() {
        return sent.clone();
    }
    let entries = live["metadata"]["managedFields"].as_array();
    let entries = entries.into_iter().flatten();
    let ours = fieldset::joined(entries.clone().filter_map(|entry| {
        let is_ours = entry["manager"] == MANAGER
            && entry["operation"] == "Apply"
            && entry["apiVersion"] == sent["apiVersion"];
        is_ours.then_some(&entry["fieldsV1"])
    }));
    let owned = fieldset::joined(entries.map(|entry| &entry["fieldsV1"]));
    let side = Side {
        live: Some(live),
        owned: owned.as_ref(),
        ours: ours.as_ref(),
    };
    let kept = Keep { ignore }.node(&FieldPath::default(), sent, side);
    let mut kept = kept.unwrap_or_else(|| sent.clone());
    // Our marks are no field that anybody ignores: without them it would not be ours.
    marks::carry(sent, &mut kept);
    kept
}

/// One place of the live side.
#[derive(Clone, Copy)]
struct Side<'a> {
    live: Option<&'a Json>,
    /// What anybody owns below it.
    owned: Option<&'a Json>,
    /// What we do.
    ours: Option<&'a Json>,
}

impl<'a> Side<'a> {
    fn field(self, key: &str) -> Self {
        let below = |set: Option<&'a Json>| set.and_then(|set| set.get(format!("f:{key}")));
        Self {
            live: self.live.and_then(|live| live.get(key)),
            owned: below(self.owned),
            ours: below(self.ours),
        }
    }

    /// The live item of these keys.
    fn item(self, keys: &Json, names: &[String]) -> Self {
        let mut items = self.live.and_then(Json::as_array).into_iter().flatten();
        let live = items.find(|item| fieldset::has_keys(item, keys));
        let whole = live.map(|live| format!("k:{}", fieldset::keys_of(live, names)));
        let below = |set: Option<&'a Json>| set.and_then(|set| set.get(whole.as_ref()?));
        Self {
            live,
            owned: below(self.owned),
            ours: below(self.ours),
        }
    }
}

struct Keep<'a> {
    ignore: &'a [PathPattern],
}

impl Keep<'_> {
    fn node(&self, at: &FieldPath, sent: &Json, side: Side<'_>) -> Option<Json> {
        if self.ignore.iter().any(|pattern| pattern.covers(at)) {
            return side.live.cloned();
        }
        if !self.ignore.iter().any(|pattern| pattern.touches(at)) {
            return Some(sent.clone());
        }
        Some(match sent {
            Json::Object(fields) => {
                let sent = fields.iter().filter_map(|(key, sent)| {
                    let kept = self.node(&at.key(key), sent, side.field(key))?;
                    Some((key.clone(), kept))
                });
                let mut kept: Map<String, Json> = sent.collect();
                kept.extend(self.dropped(at, fields, side));
                Json::Object(kept)
            }
            Json::Array(items) => {
                let names = side.owned.and_then(fieldset::key_names);
                let items = items
                    .iter()
                    .enumerate()
                    .filter_map(|(nth, sent)| self.item(at, nth, sent, side, names.as_deref()));
                Json::Array(items.collect())
            }
            other => other.clone(),
        })
    }

    /// What is ignored and ours of a map, and not sent any more.
    fn dropped(
        &self,
        at: &FieldPath,
        sent: &Map<String, Json>,
        side: Side<'_>,
    ) -> Vec<(String, Json)> {
        let ours = side.ours.into_iter().flat_map(fieldset::below);
        let gone = ours.filter_map(|(text, _)| match fieldset::key(text) {
            Key::Field(name) if !sent.contains_key(name) => Some(name.to_owned()),
            _ => None,
        });
        let kept = gone.filter_map(|name| {
            let (at, side) = (at.key(&name), side.field(&name));
            let kept = if self.ignore.iter().any(|pattern| pattern.covers(&at)) {
                side.live?.clone()
            } else {
                let inner = self.dropped(&at, &Map::new(), side);
                Json::Object((!inner.is_empty()).then(|| inner.into_iter().collect())?)
            };
            Some((name, kept))
        });
        kept.collect()
    }

    /// An item is the live one of the same keys or, in lists without keys, of the same place.
    fn item(
        &self,
        list: &FieldPath,
        nth: usize,
        sent: &Json,
        side: Side<'_>,
        names: Option<&[String]>,
    ) -> Option<Json> {
        let Some(names) = names else {
            let items = side.live.and_then(Json::as_array);
            let side = Side {
                live: items.and_then(|items| items.get(nth)),
                owned: None,
                ours: None,
            };
            return self.node(&list.then(Segment::Index(nth)), sent, side);
        };
        let keys = fieldset::keys_of(sent, names);
        let at = list.then(fieldset::segment(&keys));
        self.node(&at, sent, side.item(&keys, names))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_ignored_is_sent_as_it_is_live() {
        let live = json!({ "spec": { "replicas": 5, "env": [{ "name": "B", "value": "live" }, { "name": "A", "value": "live" }] },
            "metadata": { "managedFields": [{ "fieldsV1": { "f:spec": { "f:env": { "k:{\"name\":\"A\"}": {} } } } }] } });
        let sent = json!({ "spec": { "replicas": 2, "paused": true, "image": "x",
            "env": [{ "name": "A", "value": "own" }, { "name": "B", "value": "own" }] } });
        let ignore = ["/spec/replicas", "/spec/paused", "/spec/env/B/value"];
        let ignore = ignore.map(|pointer| PathPattern::parse(pointer).unwrap());
        let kept = json!({ "spec": { "replicas": 5, "image": "x",
            "env": [{ "name": "A", "value": "own" }, { "name": "B", "value": "live" }] } });
        assert_eq!(as_live(&sent, &live, &ignore), kept);
    }
    #[test]
    fn our_marks_are_written_whatever_is_ignored() {
        let mark = json!({ marks::ADDRESS: "shop/page" });
        let sent = json!({ "metadata": { "annotations": mark } });
        let ignore = [PathPattern::parse("/metadata/annotations").unwrap()];
        let live = json!({ "metadata": { "annotations": { "theirs": "x", marks::ADDRESS: "before/page" } } });
        let kept = json!({ "metadata": { "annotations": { "theirs": "x", marks::ADDRESS: "shop/page" } } });
        assert_eq!(as_live(&sent, &live, &ignore), kept);
        assert_eq!(as_live(&sent, &json!({}), &ignore), sent);
    }

    #[test]
    fn what_is_ours_and_goes_from_git_stays_where_it_is_ignored() {
        let set = json!({ "f:spec": { "f:replicas": {}, "f:paused": {}, "f:strategy": { "f:type": {} } } });
        let live = json!({ "apiVersion": "apps/v1",
            "spec": { "replicas": 5, "paused": true, "strategy": { "type": "Recreate" }, "others": 1 },
            "metadata": { "managedFields": [{ "manager": MANAGER, "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": set }] } });
        let sent = json!({ "apiVersion": "apps/v1", "spec": { "image": "x" } });
        let ignore = ["/spec/replicas", "/spec/strategy/type", "/spec/others"];
        let ignore = ignore.map(|pointer| PathPattern::parse(pointer).unwrap());
        let kept = json!({ "apiVersion": "apps/v1", "spec": { "image": "x", "replicas": 5, "strategy": { "type": "Recreate" } } });
        assert_eq!(as_live(&sent, &live, &ignore), kept);
        let bare = json!({ "apiVersion": "apps/v1" });
        let spec = json!({ "replicas": 5, "strategy": { "type": "Recreate" } });
        assert_eq!(as_live(&bare, &live, &ignore)["spec"], spec);
        let other = json!({ "apiVersion": "apps/v1beta1" });
        assert_eq!(as_live(&other, &live, &ignore), other);
    }
}
