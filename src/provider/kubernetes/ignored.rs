//! Declared fields that `lifecycle.ignore` leaves to the live side: sent as they are live, so that
//! neither a dry-run nor a write touches them. Pure.

use super::fieldset;
use crate::model::{FieldPath, PathPattern, Segment};
use serde_json::Value as Json;

/// Returns the object with ignored fields as they are live, or without those that are not there.
pub(super) fn as_live(sent: &Json, live: &Json, ignore: &[PathPattern]) -> Json {
    let entries = live["metadata"]["managedFields"].as_array();
    let entries = entries.into_iter().flatten();
    let owned = fieldset::joined(entries.map(|entry| &entry["fieldsV1"]));
    let keep = Keep { ignore };
    let kept = keep.node(&FieldPath::default(), sent, Some(live), owned.as_ref());
    kept.unwrap_or_else(|| sent.clone())
}

struct Keep<'a> {
    ignore: &'a [PathPattern],
}

impl Keep<'_> {
    fn node(
        &self,
        at: &FieldPath,
        sent: &Json,
        live: Option<&Json>,
        owned: Option<&Json>,
    ) -> Option<Json> {
        if self.ignore.iter().any(|pattern| pattern.covers(at)) {
            return live.cloned();
        }
        if !self.ignore.iter().any(|pattern| pattern.touches(at)) {
            return Some(sent.clone());
        }
        Some(match sent {
            Json::Object(fields) => {
                let fields = fields.iter().filter_map(|(key, sent)| {
                    let live = live.and_then(|live| live.get(key));
                    let owned = owned.and_then(|owned| owned.get(format!("f:{key}")));
                    Some((key.clone(), self.node(&at.key(key), sent, live, owned)?))
                });
                Json::Object(fields.collect())
            }
            Json::Array(items) => {
                let names = owned.and_then(fieldset::key_names);
                let items = items.iter().enumerate().filter_map(|(nth, sent)| {
                    self.item(at, nth, sent, live, owned.zip(names.as_deref()))
                });
                Json::Array(items.collect())
            }
            other => other.clone(),
        })
    }

    /// An item is the live one of the same keys or, in lists without keys, of the same place.
    fn item(
        &self,
        list: &FieldPath,
        nth: usize,
        sent: &Json,
        live: Option<&Json>,
        owned: Option<(&Json, &[String])>,
    ) -> Option<Json> {
        let live = live.and_then(Json::as_array);
        let Some((owned, names)) = owned else {
            let live = live.and_then(|items| items.get(nth));
            return self.node(&list.then(Segment::Index(nth)), sent, live, None);
        };
        let keys = fieldset::keys_of(sent, names);
        let live = live.and_then(|items| items.iter().find(|item| fieldset::has_keys(item, &keys)));
        let whole = live.map(|live| format!("k:{}", fieldset::keys_of(live, names)));
        let owned = whole.and_then(|whole| owned.get(whole));
        self.node(&list.then(fieldset::segment(&keys)), sent, live, owned)
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
}
