//! What a definition fills in where a field is left out, as the cluster publishes it. A field that holds just that need
//! not be declared. Only schemas that stand in full count: those of the server's own types point at each other, and
//! what they call a default is Go's zero.

use crate::provider::kubernetes::cluster::Cluster;
use crate::provider::kubernetes::discovery::Served;
use serde_json::{Map, Value as Json};
use std::collections::BTreeMap;

/// What names and marks an object, or is not declared, is not filled in by a definition.
const NOT_OURS: [&str; 4] = ["apiVersion", "kind", "metadata", "status"];

/// What is published of groups, each in one version, as far as it was asked for.
#[derive(Default)]
pub(super) struct Published(BTreeMap<String, Option<Json>>);

impl Published {
    /// Returns the schema of a kind; `None` where none can be read: then nothing is known to be filled in.
    pub(crate) async fn schema(&mut self, cluster: &Cluster, served: &Served) -> Option<&Json> {
        // The rest is the server's own.
        if !served.group.contains('.') {
            return None;
        }
        let path = format!("/openapi/v3/apis/{}/{}", served.group, served.version);
        if !self.0.contains_key(&path) {
            let read = cluster.read(&path).await.ok();
            self.0.insert(path.clone(), read);
        }
        let document = self.0.get(&path)?.as_ref()?;
        let schemas = document.pointer("/components/schemas")?.as_object()?;
        schemas.values().find(|schema| is_of(schema, served))
    }
}

fn is_of(schema: &Json, served: &Served) -> bool {
    let kinds = schema["x-kubernetes-group-version-kind"].as_array();
    kinds.into_iter().flatten().any(|one| {
        one["group"] == served.group
            && one["version"] == served.version
            && one["kind"] == served.kind
    })
}

/// Takes off an object what its definition would fill in again.
pub(super) fn take_off(object: &mut Json, schema: &Json) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    for (key, of) in properties(schema) {
        if !NOT_OURS.contains(&key.as_str()) {
            take_field(fields, key, of, schema);
        }
    }
}

fn properties(schema: &Json) -> impl Iterator<Item = (&String, &Json)> {
    schema["properties"].as_object().into_iter().flatten()
}

/// Takes one field off, or what is filled in below it.
fn take_field(fields: &mut Map<String, Json>, key: &str, of: &Json, within: &Json) {
    let Some(field) = fields.get_mut(key) else {
        return;
    };
    let is_filled = of
        .get("default")
        .is_some_and(|default| *field == filled(default, of));
    let is_asked_for = names(&within["required"], key);
    if is_filled && !is_asked_for && !points_elsewhere(of) {
        fields.shift_remove(key);
    } else {
        take_below(field, of, &Json::Null);
    }
}

/// Takes off what is filled in within a value. `keys` are fields that tell an item of a list from others: they stay.
fn take_below(value: &mut Json, schema: &Json, keys: &Json) {
    match value {
        Json::Object(fields) => {
            for (key, of) in properties(schema).filter(|(key, _)| !names(keys, key)) {
                take_field(fields, key, of, schema);
            }
            let others = fields.iter_mut();
            let others = others.filter(|(key, _)| schema["properties"].get(key.as_str()).is_none());
            for (_, other) in others {
                take_below(other, &schema["additionalProperties"], &Json::Null);
            }
        }
        Json::Array(items) => {
            let keys = &schema["x-kubernetes-list-map-keys"];
            for item in items {
                take_below(item, &schema["items"], keys);
            }
        }
        _ => {}
    }
}

/// Returns a default as it is live: with the defaults that stand below it.
fn filled(default: &Json, schema: &Json) -> Json {
    let mut value = default.clone();
    if let Json::Object(fields) = &mut value {
        for (key, of) in properties(schema) {
            let own = fields.get(key).or_else(|| of.get("default"));
            if let Some(own) = own.map(|own| filled(own, of)) {
                fields.insert(key.clone(), own);
            }
        }
    }
    value
}

fn names(list: &Json, key: &str) -> bool {
    list.as_array()
        .is_some_and(|names| names.iter().any(|name| name == key))
}

fn points_elsewhere(schema: &Json) -> bool {
    schema.get("$ref").is_some() || schema.get("allOf").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn left_of(spec: Json, schema: Json) -> Json {
        let mut object = json!({ "kind": "quick", "spec": spec });
        let root = json!({ "properties": { "kind": { "default": "quick" }, "spec": schema } });
        take_off(&mut object, &root);
        assert_eq!(object["kind"], "quick");
        object["spec"].take()
    }

    #[test]
    fn what_holds_its_default_goes_and_what_has_a_value_of_its_own_stays() {
        let schema = json!({ "required": ["must"], "properties": {
            "mode": { "default": "quick" }, "must": { "default": 1 }, "size": {},
            "limits": { "default": {}, "properties": { "burst": { "default": 5 }, "rate": {} } },
            "own": { "properties": { "burst": { "default": 5 } } },
        } });
        let spec = json!({ "mode": "quick", "must": 1, "size": 2, "limits": { "burst": 5 }, "own": { "burst": 5 } });
        // What is there without a default of its own is what has it filled in below.
        let left = json!({ "must": 1, "size": 2, "own": {} });
        assert_eq!(left_of(spec, schema.clone()), left);
        let spec = json!({ "mode": "slow", "limits": { "burst": 5, "rate": 1 } });
        let left = json!({ "mode": "slow", "limits": { "rate": 1 } });
        assert_eq!(left_of(spec, schema), left);
    }

    #[test]
    fn lists_and_maps_are_gone_through_and_keys_stay() {
        let port = json!({ "properties": { "port": {}, "protocol": { "default": "TCP" }, "weight": { "default": 1 } } });
        let schema = json!({ "properties": {
            "ports": { "items": port, "x-kubernetes-list-map-keys": ["port", "protocol"] },
            "named": { "additionalProperties": port },
        } });
        let full = json!({ "port": 80, "protocol": "TCP", "weight": 1 });
        let spec = json!({ "ports": [full], "named": { "http": full } });
        let left = json!({ "ports": [{ "port": 80, "protocol": "TCP" }], "named": { "http": { "port": 80 } } });
        assert_eq!(left_of(spec, schema), left);
    }

    #[test]
    fn what_the_server_s_own_types_call_a_default_is_none() {
        let schema =
            json!({ "properties": { "spec": { "default": {}, "allOf": [{ "$ref": "#/x" }] } } });
        let spec = json!({ "spec": {} });
        assert_eq!(left_of(spec.clone(), schema), spec);
    }
}
