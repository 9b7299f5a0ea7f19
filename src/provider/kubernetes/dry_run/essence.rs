//! What of a live object can change what a write of ours would make of it.
//!
//! Pure. Left out is only what has no say: the status, the server's bookkeeping, when somebody wrote,
//! and annotations that controllers keep for themselves. Everything else counts, whoever wrote it.

use crate::provider::kubernetes::cluster::MANAGER;
use crate::provider::kubernetes::marks;
use serde_json::{Map, Value as Json};

/// Gives an object without what has no say, its fields in one order.
///
/// A server-side apply is made from the live fields, from who owns which of them, and from what is
/// sent. So every field counts but the status, which the server keeps as it is in such a write, and so
/// do the fields each manager owns: an owner decides what is in conflict, what is left to whom, and
/// what goes from the object when it goes from Git. Of the owners the status is left out as well, and
/// the times.
pub(crate) fn essence(live: &Json) -> Json {
    let mut object = live.clone();
    let Some(fields) = object.as_object_mut() else {
        return object;
    };
    // Items of a list do not say what they are.
    for key in ["status", "apiVersion", "kind"] {
        fields.shift_remove(key);
    }
    if let Some(metadata) = fields.get_mut("metadata").and_then(Json::as_object_mut) {
        let managers = metadata.get("managedFields").and_then(Json::as_array);
        let managers = managers.map(Vec::as_slice).unwrap_or_default();
        let declared: Vec<String> = managers
            .iter()
            .filter(|entry| is_ours(entry))
            .flat_map(|entry| annotations(&entry["fieldsV1"]))
            .collect();
        let restless =
            |key: &str| marks::is_restless(key) && !declared.iter().any(|one| one == key);
        let mut owners: Vec<Json> = managers
            .iter()
            .filter_map(|entry| owner(entry, &restless))
            .collect();
        owners.sort_by_key(Json::to_string);
        let kept = [
            ("uid", metadata.get("uid").cloned()),
            (
                "leaves",
                metadata.get("deletionTimestamp").map(|_| true.into()),
            ),
            ("owners", Some(Json::Array(owners))),
        ];
        for key in marks::BOOKKEEPING {
            metadata.shift_remove(key);
        }
        if let Some(Json::Object(entries)) = metadata.get_mut("annotations") {
            entries.retain(|key, _| !restless(key));
        }
        for (key, value) in kept {
            if let Some(value) = value {
                metadata.insert(key.to_owned(), value);
            }
        }
    }
    object.sort_all_objects();
    object
}

fn is_ours(entry: &Json) -> bool {
    entry["manager"] == MANAGER && entry["operation"] == "Apply"
}

/// Gives what a manager owns, as far as it has a say; `None` where that is nothing.
fn owner(entry: &Json, restless: &impl Fn(&str) -> bool) -> Option<Json> {
    let mut fields = entry["fieldsV1"].clone();
    if let Some(top) = fields.as_object_mut() {
        top.shift_remove("f:status");
        if let Some(Json::Object(metadata)) = top.get_mut("f:metadata") {
            if let Some(Json::Object(annotations)) = metadata.get_mut("f:annotations") {
                annotations.retain(|key, _| !key.strip_prefix("f:").is_some_and(restless));
            }
            drop_hollow(metadata, "f:annotations");
        }
        drop_hollow(top, "f:metadata");
        if top.is_empty() {
            return None;
        }
    }
    let text = |key: &str| entry[key].clone();
    let (manager, operation) = (text("manager"), text("operation"));
    let (version, part) = (text("apiVersion"), text("subresource"));
    Some(serde_json::json!([
        manager, operation, version, part, fields
    ]))
}

/// Takes a set of fields away that names none any more; `.` is the map itself.
fn drop_hollow(fields: &mut Map<String, Json>, key: &str) {
    let inner = fields.get(key).and_then(Json::as_object);
    if inner.is_some_and(|inner| inner.keys().all(|key| key == ".")) {
        fields.shift_remove(key);
    }
}

/// Returns the annotations that a set of fields names.
fn annotations(fields: &Json) -> Vec<String> {
    let names = fields["f:metadata"]["f:annotations"].as_object();
    let names = names.into_iter().flat_map(Map::keys);
    names
        .filter_map(|key| Some(key.strip_prefix("f:")?.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Json {
        json!({
            "metadata": {
                "name": "api", "uid": "u", "resourceVersion": "1", "generation": 1, "labels": { "a": "b" },
                "annotations": { "reconciled.dev/address": "x/y" },
                "managedFields": [{ "manager": MANAGER, "operation": "Apply", "apiVersion": "apps/v1",
                    "time": "2026-01-01T00:00:00Z", "fieldsV1": { "f:spec": { "f:replicas": {} } } }],
            },
            "spec": { "replicas": 2, "paused": false },
        })
    }

    fn after(change: impl FnOnce(&mut Json)) -> Json {
        let mut object = object();
        object["metadata"]["resourceVersion"] = json!("2");
        change(&mut object);
        object
    }

    fn counts(change: impl FnOnce(&mut Json)) -> bool {
        essence(&object()) != essence(&after(change))
    }

    fn owned_by(object: &mut Json, manager: &str, part: &str, fields: Json) {
        let entry = json!({ "manager": manager, "operation": "Update", "apiVersion": "apps/v1",
            "subresource": part, "time": "2026-01-02T00:00:00Z", "fieldsV1": fields });
        let entries = object["metadata"]["managedFields"].as_array_mut();
        entries.unwrap().push(entry);
    }

    #[test]
    fn what_controllers_note_for_themselves_does_not_count() {
        assert!(!counts(
            |object| object["status"] = json!({ "readyReplicas": 2 })
        ));
        assert!(!counts(|object| {
            object["metadata"]["generation"] = json!(2);
            object["metadata"]["managedFields"][0]["time"] = json!("2026-01-03T00:00:00Z");
        }));
        assert!(!counts(|object| {
            object["metadata"]["annotations"]["deployment.kubernetes.io/revision"] = json!("1");
            let fields = json!({ "f:metadata": { "f:annotations": { ".": {}, "f:deployment.kubernetes.io/revision": {} } },
                "f:status": { "f:replicas": {} } });
            owned_by(object, "kube-controller-manager", "status", fields);
        }));
    }

    #[test]
    fn every_field_and_every_owner_counts() {
        assert!(counts(|object| object["spec"]["replicas"] = json!(3)));
        assert!(counts(|object| object["spec"]["minReadySeconds"] = json!(3)));
        assert!(counts(
            |object| object["metadata"]["labels"]["by"] = json!("hand")
        ));
        assert!(counts(
            |object| object["metadata"]["annotations"]["by"] = json!("hand")
        ));
        assert!(counts(|object| object["metadata"]["uid"] = json!("another")));
        assert!(counts(|object| {
            object["metadata"]["managedFields"][0]["fieldsV1"] = json!({});
        }));
        assert!(counts(|object| {
            let fields = json!({ "f:spec": { "f:replicas": {} } });
            owned_by(object, "kube-controller-manager", "scale", fields);
        }));
    }

    #[test]
    fn a_controller_s_annotation_that_is_declared_counts() {
        let of = |revision: &str| {
            after(|object| {
                object["metadata"]["managedFields"][0]["fieldsV1"] = json!({ "f:metadata": { "f:annotations": { "f:deployment.kubernetes.io/revision": {} } } });
                object["metadata"]["annotations"]["deployment.kubernetes.io/revision"] =
                    json!(revision);
            })
        };
        assert_ne!(essence(&of("1")), essence(&of("2")));
    }
}
