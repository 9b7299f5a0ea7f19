//! Two translations: a declared object into what is sent, and a live object into what is compared.
//!
//! `stringData` is sent as `data` (the server never answers it, and would not take away a key that
//! goes from it), and shown under the name it was declared by.

use super::error::Failure;
use super::marks;
use crate::model::{FieldPath, Hole, Map, Secret, Segment, Value};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map as JsonMap, Value as Json};

/// A declared object as it is sent.
pub(super) struct Payload {
    /// Plain JSON, secrets open: for the request only.
    pub(super) object: Json,
    /// Places that are not known yet; nothing is sent for them.
    pub(super) holes: Vec<(FieldPath, Hole)>,
}

/// Makes what is sent of a declared object.
///
/// # Errors
/// Anything but a map.
pub(super) fn payload(desired: &Value) -> Result<Payload, Failure> {
    let mut holes = Vec::new();
    let whole = without_holes(desired, &FieldPath::default(), &mut holes);
    let mut object = whole
        .and_then(|value| value.exposed_json())
        .filter(Json::is_object)
        .ok_or_else(|| Failure::user("invalid", "an object is declared as a map of fields"))?;
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Json::as_object_mut) {
            for key in marks::BOOKKEEPING {
                metadata.shift_remove(key);
            }
        }
    }
    if is_secret(&object) {
        encode_string_data(&mut object);
    }
    Ok(Payload { object, holes })
}

fn without_holes(
    value: &Value,
    path: &FieldPath,
    holes: &mut Vec<(FieldPath, Hole)>,
) -> Option<Value> {
    match value {
        Value::Hole(hole) => {
            holes.push((path.clone(), hole.as_ref().clone()));
            None
        }
        Value::Map(fields) => {
            let known = fields.iter().filter_map(|(key, field)| {
                Some((key.clone(), without_holes(field, &path.key(key), holes)?))
            });
            Some(Value::Map(known.collect()))
        }
        Value::List(items) => {
            let known = items.iter().enumerate().filter_map(|(nth, item)| {
                without_holes(item, &path.then(Segment::Index(nth)), holes)
            });
            Some(Value::List(known.collect()))
        }
        known => Some(known.clone()),
    }
}

/// Puts holes back where the predicted object has a place for them. Returns `None` where it has none:
/// the prediction then says nothing.
pub(super) fn with_holes(mut value: Value, holes: &[(FieldPath, Hole)]) -> Option<Value> {
    for (path, hole) in holes {
        put(&mut value, &path.0, hole)?;
    }
    Some(value)
}

fn put(value: &mut Value, path: &[Segment], hole: &Hole) -> Option<()> {
    let Some((first, rest)) = path.split_first() else {
        *value = hole.clone().into();
        return Some(());
    };
    match (first, value) {
        (Segment::Key(key), Value::Map(fields)) => {
            let empty = || Value::Map(Map::new());
            put(fields.get_or_insert_with(key, empty), rest, hole)
        }
        // The server keeps the order of declared items in what it merges, so the index holds.
        (Segment::Index(index), Value::List(items)) => put(items.get_mut(*index)?, rest, hole),
        _ => None,
    }
}

fn is_secret(object: &Json) -> bool {
    object["kind"] == "Secret" && object["apiVersion"] == "v1"
}

fn encode_string_data(object: &mut Json) {
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    let Some(Json::Object(texts)) = fields.shift_remove("stringData") else {
        return;
    };
    let data = fields
        .entry("data")
        .or_insert_with(|| Json::Object(JsonMap::new()));
    for (key, text) in texts {
        data[key] = match text {
            Json::String(text) => Json::String(STANDARD.encode(text)),
            // Not a text: the server says so.
            other => other,
        };
    }
}

/// Tells whether a write would change nothing, or changed nothing: two states of one object that
/// differ in the server's bookkeeping alone. Marks count.
pub(super) fn is_same(one: &Json, other: &Json) -> bool {
    let bare = |object: &Json| {
        let mut object = object.clone();
        if let Some(fields) = object.as_object_mut() {
            for key in ["apiVersion", "kind", "status"] {
                fields.shift_remove(key);
            }
            if let Some(metadata) = fields.get_mut("metadata").and_then(Json::as_object_mut) {
                for key in marks::BOOKKEEPING {
                    metadata.shift_remove(key);
                }
            }
        }
        object
    };
    bare(one) == bare(other)
}

/// Gives a live or predicted object as it is compared: without the server's bookkeeping, our marks
/// and the status, under the declared names. Nothing is sealed yet.
pub(super) fn value(mut object: Json, desired: Option<&Value>) -> Value {
    marks::strip(&mut object);
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Json::as_object_mut) {
            for key in marks::BOOKKEEPING {
                metadata.shift_remove(key);
            }
        }
    }
    if is_secret(&object) {
        decode_string_data(&mut object, desired);
    }
    Value::from_json(object)
}

fn decode_string_data(object: &mut Json, desired: Option<&Value>) {
    let Some(declared) = desired.and_then(|desired| desired.get("stringData")?.as_map()) else {
        return;
    };
    let Some(fields) = object.as_object_mut() else {
        return;
    };
    let Some(data) = fields.get_mut("data").and_then(Json::as_object_mut) else {
        return;
    };
    let mut texts = JsonMap::new();
    for key in declared.keys() {
        let text = data
            .get(key)
            .and_then(Json::as_str)
            .and_then(|text| STANDARD.decode(text).ok())
            .and_then(|bytes| String::from_utf8(bytes).ok());
        if let Some(text) = text {
            data.shift_remove(key);
            texts.insert(key.clone(), Json::String(text));
        }
    }
    if data.is_empty() {
        fields.shift_remove("data");
    }
    if !texts.is_empty() {
        fields.insert("stringData".to_owned(), Json::Object(texts));
    }
}

/// Returns the places at which an object declares what the server complains about at one of its own: all the data
/// of a Secret, or the address of a Service, which it keeps in a list as well.
pub(super) fn declared_places(path: FieldPath, desired: &Value) -> Vec<FieldPath> {
    let field = |keys: &[&str]| {
        FieldPath(
            keys.iter()
                .map(|key| Segment::Key((*key).to_owned()))
                .collect(),
        )
    };
    let (named, other): (&[&str], &[&str]) = match path.0.as_slice() {
        [Segment::Key(data)] if data == "data" => (&["data"], &["stringData"]),
        [Segment::Key(spec), Segment::Key(list), ..] if spec == "spec" && list == "clusterIPs" => {
            (&["spec", "clusterIPs"], &["spec", "clusterIP"])
        }
        _ => return vec![path],
    };
    if desired.at(other).is_none() {
        return vec![path];
    }
    match desired.at(named) {
        Some(_) => vec![path, field(other)],
        None => vec![field(other)],
    }
}

/// Returns a place of a Secret under the name it was declared by.
pub(super) fn declared_path(path: FieldPath, desired: Option<&Value>) -> FieldPath {
    let texts = desired.and_then(|desired| desired.get("stringData")?.as_map());
    match (texts, path.0.as_slice()) {
        (Some(texts), [Segment::Key(data), Segment::Key(key), rest @ ..])
            if data == "data" && texts.contains_key(key) =>
        {
            let mut declared = FieldPath::default().key("stringData").key(key);
            declared.0.extend_from_slice(rest);
            declared
        }
        _ => path,
    }
}

/// What expressions can read of a live object. `sealed` is the whole object with its secrets sealed;
/// the keys of a Secret are read decoded.
pub(super) fn outputs(sealed: &Value) -> Map {
    let mut outputs = Map::new();
    for (name, place) in [
        ("name", &["metadata", "name"][..]),
        ("namespace", &["metadata", "namespace"]),
        ("uid", &["metadata", "uid"]),
        ("status", &["status"]),
        ("spec", &["spec"]),
    ] {
        if let Some(found) = sealed.at(place) {
            outputs.insert(name.to_owned(), found.clone());
        }
    }
    let data = sealed
        .get("data")
        .and_then(Value::as_map)
        .into_iter()
        .flatten();
    let opened: Map = data
        .filter_map(|(key, text)| Some((key.clone(), opened(text)?)))
        .collect();
    if !opened.is_empty() {
        outputs.insert("data".to_owned(), Value::Map(opened));
    }
    outputs
}

/// Decodes one key of a Secret, which stays sealed; what is no text has no value in expressions.
fn opened(value: &Value) -> Option<Value> {
    match value {
        Value::Secret(secret) => {
            let text = String::from_utf8(STANDARD.decode(secret.expose()).ok()?).ok()?;
            Some(Value::Secret(Secret::new(text)))
        }
        plain => Some(plain.clone()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeSet;

    fn hole() -> Value {
        Value::from(Hole {
            template: "${x}".to_owned(),
            needs: BTreeSet::new(),
            sensitive: true,
        })
    }

    fn secret(string_data: Value) -> Value {
        let mut value = Value::from_json(
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "x", "creationTimestamp": null } }),
        );
        if let Value::Map(fields) = &mut value {
            fields.insert("stringData".to_owned(), string_data);
        }
        value
    }

    #[test]
    fn string_data_is_sent_as_data_and_compared_as_declared() {
        let desired = secret(Value::from_json(json!({ "a": "text" })));
        let sent = payload(&desired).unwrap().object;
        assert_eq!(
            sent,
            json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "x" }, "data": { "a": "dGV4dA==" } })
        );
        let mut live = sent;
        live["data"]["other"] = json!("AAEC/w==");
        let shown = value(live, Some(&desired)).masked_json();
        assert_eq!(shown["stringData"], json!({ "a": "text" }));
        assert_eq!(shown["data"], json!({ "other": "AAEC/w==" }));
    }

    #[test]
    fn a_hole_is_not_sent_and_stands_in_what_is_predicted() {
        let desired = secret(Value::Map([("a".to_owned(), hole())].into_iter().collect()));
        let sent = payload(&desired).unwrap();
        assert_eq!(sent.object.get("data"), Some(&json!({})));
        let predicted = value(sent.object, Some(&desired));
        let shown = with_holes(predicted, &sent.holes).unwrap().masked_json();
        assert_eq!(shown["stringData"]["a"], "(known after apply)");
    }

    #[test]
    fn the_server_s_bookkeeping_is_neither_sent_nor_compared() {
        let got = json!({ "kind": "Service", "metadata": { "name": "x", "uid": "u", "resourceVersion": "1", "managedFields": [] }, "status": {} });
        let plain = json!({ "kind": "Service", "metadata": { "name": "x" } });
        assert_eq!(
            payload(&Value::from_json(got.clone())).unwrap().object,
            plain
        );
        assert_eq!(value(got, None).masked_json(), plain);
    }
}
