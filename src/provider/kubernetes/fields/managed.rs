//! Whose a field is, as `metadata.managedFields` tells: what we own or declare differs, or it does not.
//!
//! A dry-run answers with the whole object, and not all that differs in it is ours: admission may
//! stamp every request anew. Source of the notation: "FieldsV1" of the meta/v1 API (`f:` a field,
//! `k:` an item by its keys, `v:` an item of a set, `.` the thing itself).

use super::fieldset::{self, Key, is_named};
use crate::model::{ListRule, PathPattern};
use crate::provider::kubernetes::cluster::MANAGER;
use crate::provider::kubernetes::marks::BOOKKEEPING;
use serde_json::{Map, Value as Json, json};

/// Returns what a write gives as far as it is ours: the live object where nothing differs that we
/// declare or own, else the told one, with what others keep in its metadata as it is live. What people
/// `added` and is to be taken off is ours as well.
pub(crate) fn as_far_as_ours(live: &Json, told: Json, sent: &Json, added: Option<&Json>) -> Json {
    let Some(mut ours) = ours(live, sent) else {
        return told;
    };
    if let Some(added) = added {
        fieldset::add(&mut ours, added);
    }
    let pair = Pair {
        live: Some(live),
        told: Some(&told),
        sent: Some(sent),
        ours: Some(&ours),
    };
    if !pair.root_differs() {
        return live.clone();
    }
    without_stamps(live, told, sent, &ours)
}

/// Returns who wrote an object, with what.
pub(crate) fn entries(live: &Json) -> &[Json] {
    let entries = live["metadata"]["managedFields"].as_array();
    entries.map_or(&[], Vec::as_slice)
}

/// Tells our own entry: what we applied.
pub(crate) fn is_ours(entry: &Json) -> bool {
    entry["manager"] == MANAGER
        && entry["operation"] == "Apply"
        && entry.get("subresource").is_none()
}

/// Returns the merge patch that changes who wrote what, of exactly this version of the object.
pub(super) fn entered(live: &Json, entries: Vec<Json>) -> Json {
    let metadata = &live["metadata"];
    json!({ "metadata": { "uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"], "managedFields": entries } })
}

/// Returns how the object's lists are merged, as far as their owners tell.
pub(crate) fn list_rules(live: &Json) -> Vec<(PathPattern, ListRule)> {
    let all = fieldset::joined(entries(live).iter().map(|entry| &entry["fieldsV1"]));
    all.map(|all| fieldset::list_rules(&all))
        .unwrap_or_default()
}

/// Our own entry's fields. `None` where they were written in another version of the API, whose
/// names may be others.
fn ours(live: &Json, sent: &Json) -> Option<Json> {
    match entries(live).iter().find(|entry| is_ours(entry)) {
        None => Some(Json::Object(Map::new())),
        Some(entry) if entry["apiVersion"] == sent["apiVersion"] => Some(entry["fieldsV1"].clone()),
        Some(_) => None,
    }
}

/// The server itself derives nothing in an object's labels and annotations: what differs there and is
/// not ours was put there by admission.
fn without_stamps(live: &Json, mut told: Json, sent: &Json, ours: &Json) -> Json {
    for field in ["labels", "annotations"] {
        let (live, sent) = (&live["metadata"][field], &sent["metadata"][field]);
        let ours = &ours["f:metadata"][format!("f:{field}")];
        let Some(entries) = told["metadata"][field].as_object_mut() else {
            continue;
        };
        let is_theirs =
            |key: &str| sent.get(key).is_none() && ours.get(format!("f:{key}")).is_none();
        entries.retain(|key, _| !is_theirs(key) || live.get(key).is_some());
        for (key, value) in live.as_object().into_iter().flatten() {
            if is_theirs(key) {
                entries.insert(key.clone(), value.clone());
            }
        }
    }
    told
}

/// One place of an object: live, as told, as sent, and what we own below it.
#[derive(Clone, Copy)]
struct Pair<'a> {
    live: Option<&'a Json>,
    told: Option<&'a Json>,
    sent: Option<&'a Json>,
    ours: Option<&'a Json>,
}

impl<'a> Pair<'a> {
    fn root_differs(self) -> bool {
        let is_kept = |key: &str| matches!(key, "apiVersion" | "kind" | "status" | "metadata");
        if self
            .field("metadata")
            .fields_differ(&|key| BOOKKEEPING.contains(&key))
        {
            return true;
        }
        self.fields_differ(&is_kept)
    }

    fn field(self, key: &str) -> Self {
        Self {
            live: self.live.and_then(|live| live.get(key)),
            told: self.told.and_then(|told| told.get(key)),
            sent: self.sent.and_then(|sent| sent.get(key)),
            ours: self.ours.and_then(|ours| ours.get(format!("f:{key}"))),
        }
    }

    fn is_ours(self) -> bool {
        self.sent.is_some() || self.ours.is_some()
    }

    fn fields_differ(self, skips: &dyn Fn(&str) -> bool) -> bool {
        let keys = |side: Option<&'a Json>| side.and_then(Json::as_object).into_iter().flatten();
        let told_only = keys(self.told).filter(|(key, _)| {
            let live = self.live.and_then(|live| live.get(key.as_str()));
            live.is_none()
        });
        keys(self.live)
            .chain(told_only)
            .filter(|(key, _)| !skips(key))
            .map(|(key, _)| self.field(key))
            .any(|field| field.is_ours() && field.differs())
    }

    fn differs(self) -> bool {
        if self.live == self.told {
            return false;
        }
        match (self.live, self.told) {
            // Owned as a whole: an atomic map, or one of which nothing more is said.
            (Some(Json::Object(_)), Some(Json::Object(_))) => {
                self.is_whole() || self.fields_differ(&|_| false)
            }
            (Some(Json::Array(live)), Some(Json::Array(told))) => self.items_differ(live, told),
            _ => true,
        }
    }

    fn is_whole(self) -> bool {
        self.ours
            .and_then(Json::as_object)
            .is_some_and(|ours| ours.keys().all(|key| key == "."))
            && self.sent.is_some()
    }

    /// Lists that the server merges item by item tell it in what is owned of them: only those items
    /// count, and their order does not. Every other list is one value.
    fn items_differ(self, live: &'a [Json], told: &'a [Json]) -> bool {
        let ours = self.ours.unwrap_or(&Json::Null);
        if fieldset::is_of_values(ours) {
            let own = fieldset::below(ours).filter_map(|(text, _)| match fieldset::key(text) {
                Key::Value(value) => Some(value),
                _ => None,
            });
            let mut values = own.chain(self.sent_items().iter().cloned());
            return values.any(|value| live.contains(&value) != told.contains(&value));
        }
        let Some(names) = fieldset::key_names(ours) else {
            return true;
        };
        let keys_of = |item: &Json| fieldset::keys_of(item, &names);
        let gone = live
            .iter()
            .filter(|live| item(told, &keys_of(live)).is_none());
        gone.chain(told).any(|one| {
            let keys = keys_of(one);
            let ours = ours.get(format!("k:{keys}"));
            let sent = self.sent_item(&keys);
            let pair = Self::of_item(live, told, &keys, sent, ours);
            pair.is_ours() && pair.differs()
        })
    }

    /// Finds the declared item of these keys: one that leaves none of them out, if there is one.
    fn sent_item(self, keys: &Json) -> Option<&'a Json> {
        let sent = self.sent_items();
        let whole = item(sent, keys);
        whole.or_else(|| sent.iter().find(|sent| is_named(sent, keys)))
    }

    fn of_item(
        live: &'a [Json],
        told: &'a [Json],
        keys: &Json,
        sent: Option<&'a Json>,
        ours: Option<&'a Json>,
    ) -> Self {
        Self {
            live: item(live, keys),
            told: item(told, keys),
            sent,
            ours,
        }
    }

    fn sent_items(self) -> &'a [Json] {
        self.sent
            .and_then(Json::as_array)
            .map_or(&[], Vec::as_slice)
    }
}

/// Finds the item that has these keys.
fn item<'a>(items: &'a [Json], keys: &Json) -> Option<&'a Json> {
    items.iter().find(|item| fieldset::has_keys(item, keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A container of ours with one variable; another variable and a stamp are somebody else's.
    fn live() -> Json {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "resourceVersion": "1", "annotations": { "own": "1", "stamp": "a" }, "managedFields": [{
                "manager": "reconciled", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": {
                    "f:metadata": { "f:annotations": { "f:own": {} }, "f:finalizers": { "v:\"x\"": {} } },
                    "f:spec": { "f:list": {}, "f:old": {}, "f:containers": { "k:{\"name\":\"app\"}": { ".": {}, "f:name": {}, "f:env": {
                        "k:{\"name\":\"OWN\"}": { ".": {}, "f:name": {}, "f:value": {} } } } } } } }],
                "finalizers": ["x"] },
            "spec": { "list": [1], "old": 1, "containers": [{ "name": "app", "env": [
                { "name": "OWN", "value": "1" }, { "name": "ZONE", "value": "a" }] }] } })
    }

    fn sent() -> Json {
        json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "annotations": { "own": "1" }, "finalizers": ["x"] },
            "spec": { "list": [1], "containers": [{ "name": "app", "env": [{ "name": "OWN", "value": "1" }] }] } })
    }

    fn is_live(pointer: &str, value: Json) -> bool {
        let mut told = live();
        *told.pointer_mut(pointer).unwrap() = value;
        as_far_as_ours(&live(), told, &sent(), None) == live()
    }

    #[test]
    fn what_we_neither_declare_nor_own_is_no_difference() {
        assert!(is_live("/metadata/annotations/stamp", json!("b")));
        assert!(is_live("/metadata/finalizers", json!(["z", "x"])));
        let env = "/spec/containers/0/env";
        let own = json!({ "name": "OWN", "value": "1" });
        assert!(is_live(env, json!([{ "name": "ZONE", "value": "b" }, own])));
        assert!(is_live(
            "/spec/containers/0",
            json!({ "name": "app", "tty": true, "env": [own] })
        ));
    }

    #[test]
    fn what_we_declare_or_own_is() {
        assert!(!is_live("/metadata/annotations/own", json!("2")));
        assert!(!is_live("/metadata/finalizers", json!([])));
        assert!(!is_live("/spec/list", json!([1, 2])));
        assert!(!is_live("/spec/old", json!(2)));
        assert!(!is_live("/spec/containers/0/env/0/value", json!("2")));
        assert!(!is_live("/spec/containers", json!([])));
        // A key with a default: what is live under the other value of it is another item.
        let (own, other) = (
            json!({ "port": 53, "protocol": "TCP" }),
            json!({ "port": 53, "protocol": "UDP" }),
        );
        let mut object = live();
        let ours = object
            .pointer_mut("/metadata/managedFields/0/fieldsV1/f:spec")
            .unwrap();
        ours["f:ports"] =
            json!({ "k:{\"port\":53,\"protocol\":\"UDP\"}": { ".": {}, "f:port": {} } });
        object["spec"]["ports"] = json!([other]);
        let mut sent = sent();
        sent["spec"]["ports"] = json!([{ "port": 53 }, other]);
        let mut told = object.clone();
        told["spec"]["ports"] = json!([own, other]);
        assert_ne!(as_far_as_ours(&object, told, &sent, None), object);
    }

    #[test]
    fn beside_a_difference_of_ours_consequences_stay_and_stamps_do_not() {
        let mut told = live();
        told["spec"]["list"] = json!([2]);
        told["spec"]["follows"] = json!(1);
        told["metadata"]["annotations"] = json!({ "own": "1", "stamp": "b", "more": "x" });
        let kept = as_far_as_ours(&live(), told, &sent(), None);
        assert_eq!(
            kept["metadata"]["annotations"],
            live()["metadata"]["annotations"]
        );
        assert_eq!(
            (&kept["spec"]["list"], &kept["spec"]["follows"]),
            (&json!([2]), &json!(1))
        );
    }
}
