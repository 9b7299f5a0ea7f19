//! What each kind and provider adds to the schema.

use super::{duration, flag, object, text};
use crate::model::{Kind, Kinds};
use crate::spec::expression::reference::{Callable, FUNCTIONS, MACROS};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// A connection: the provider by name, and settings of its own.
pub(super) fn connection(kinds: &Kinds, rows: &[Kind]) -> Value {
    let providers: BTreeSet<&str> = rows.iter().map(|kind| kind.name.provider()).collect();
    let settings = |provider: &&str| {
        kinds.connection(provider)?;
        let reference = format!("#/$defs/{}", escaped(&connections_of(provider)));
        Some(json!({
            "if": { "required": ["provider"], "properties": { "provider": { "const": provider } } },
            "then": { "$ref": reference },
        }))
    };
    let each: Vec<Value> = providers.iter().filter_map(settings).collect();
    let mut connection = json!({
        "type": ["object", "null"],
        "description": "One place a provider reaches. Beside `provider` stand the provider's own settings.",
        "properties": { "provider": provider(json!({ "enum": providers })) },
    });
    if !each.is_empty() {
        connection["allOf"] = json!(each);
    }
    connection
}

fn provider(mut which: Value) -> Value {
    which["description"] = json!("The provider whose kinds this serves.");
    which
}

/// What the schema calls a connection of one provider.
fn connections_of(provider: &str) -> String {
    format!("connections.{provider}")
}

/// A connection of one provider, whole.
fn connection_of(name: &str, settings: &Value) -> Value {
    let at = format!("#/$defs/{}", escaped(&connections_of(name)));
    let mut schema = open(settings, &at);
    let mut properties = Map::new();
    properties.insert("provider".to_owned(), provider(json!({ "const": name })));
    let own = schema["properties"].as_object().into_iter().flatten();
    let keys: Vec<&str> = own.clone().map(|(key, _)| key.as_str()).collect();
    let about = format!("A connection of {name} says: {}.", keys.join(", "));
    properties.extend(own.map(|(key, of_key)| (key.clone(), of_key.clone())));
    schema["description"] = json!(about);
    schema["properties"] = Value::Object(properties);
    schema
}

/// `$defs`: a resource, an expression, and the fields of every kind.
pub(super) fn definitions(kinds: &Kinds, rows: &[Kind]) -> Value {
    let mut definitions = Map::new();
    let providers: BTreeSet<&str> = rows.iter().map(|kind| kind.name.provider()).collect();
    for name in providers {
        if let Some(settings) = kinds.connection(name) {
            definitions.insert(connections_of(name), connection_of(name, settings));
        }
    }
    definitions.insert("resource".to_owned(), resource(rows));
    definitions.insert("expression".to_owned(), expression());
    for kind in rows {
        if let Some(schema) = &kind.schema {
            let mut schema = open(schema, &format!("#/$defs/{}", escaped(kind.name.as_str())));
            if schema.get("description").is_none() {
                schema["description"] = json!(kind.summary);
            }
            definitions.insert(kind.name.as_str().to_owned(), schema);
        }
    }
    Value::Object(definitions)
}

/// A text with an expression. `x-functions` is for `explain`: editors pass over it.
fn expression() -> Value {
    let one = |known: &Callable| {
        let example = format!("${{{}}}", known.example);
        let about =
            json!({ "description": known.about, "examples": [example], "x-gives": known.gives });
        (known.name.to_owned(), about)
    };
    let functions: Map<String, Value> = FUNCTIONS.iter().chain(&MACROS).map(one).collect();
    json!({
        "type": "string",
        "pattern": "\\$\\{",
        "description": "An expression: ${…} over vars, secrets, metadata and resources.<id>.<output>, in CEL: operators as in C, lists in [ ], maps in { }, texts in quotes, x ? y : z.",
        "x-functions": functions,
    })
}

fn resource(rows: &[Kind]) -> Value {
    let kinds: Vec<Value> = rows
        .iter()
        .map(|kind| json!({ "const": kind.name.as_str(), "description": kind.summary }))
        .collect();
    let mut resource = object(
        "One resource.",
        &[],
        [
            (
                "kind",
                json!({ "description": "What it is.", "oneOf": kinds }),
            ),
            (
                "connection",
                json!({ "type": ["string", "null"], "description": "Where its provider reaches. May be left out where exactly one connection serves the kind." }),
            ),
            (
                "spec",
                json!({ "type": ["object", "null"], "description": "The fields, under the provider's own names. A field you leave out is the provider's; null clears." }),
            ),
            ("lifecycle", lifecycle()),
        ],
    );
    let fields = |kind: &Kind| {
        kind.schema.as_ref()?;
        let reference = format!("#/$defs/{}", escaped(kind.name.as_str()));
        Some(json!({
            "if": { "required": ["kind"], "properties": { "kind": { "const": kind.name.as_str() } } },
            "then": { "properties": { "spec": { "$ref": reference } } },
        }))
    };
    let of_kinds: Vec<Value> = rows.iter().filter_map(fields).collect();
    if !of_kinds.is_empty() {
        resource["allOf"] = json!(of_kinds);
    }
    resource
}

fn lifecycle() -> Value {
    object(
        "What may happen to it.",
        &[],
        [
            (
                "protect",
                json!({ "type": ["boolean", "null"], "description": "true: never deleted, never replaced. Left out, kinds that hold data are protected; false lets go of them." }),
            ),
            (
                "ignore",
                json!({ "type": ["array", "null"], "items": { "type": "string", "pattern": "^/." }, "description": "Fields that are neither compared nor written, as JSON pointers from spec; * stands for any one segment.", "examples": [["/spec/replicas"]] }),
            ),
            (
                "dependsOn",
                json!({ "type": ["array", "null"], "items": { "type": "string" }, "description": "Ids of resources that have to be there before. What an expression reads is so without saying." }),
            ),
            (
                "deadline",
                duration("How long after apply it may take to become ready."),
            ),
            (
                "replace",
                flag(
                    "Replaces it where a field changed that cannot change in place and the kind refuses by itself.",
                    false,
                ),
            ),
            (
                "adopt",
                flag(
                    "Takes over an object that is there already where that overwrites what it holds, or where another tool manages it (a Helm release, an Argo CD application, a Flux Kustomization, an apply set). Without it such an object waits; one without a mark that is as declared, only lacks fields, or was applied by kubectl is taken over anyway.",
                    false,
                ),
            ),
            ("health", health()),
        ],
    )
}

fn health() -> Value {
    let about = "When an object of kubernetes works, in the place of what is known of its kind: CEL over the live `object`. The first rule that fits counts; what cannot be computed yet is not ready.";
    let rule = object(
        "One rule.",
        &["ready"],
        [
            (
                "kind",
                text("The kind it is for, as in Database; may be left out for a single object."),
            ),
            (
                "apiVersion",
                text("The version of the kind, where that matters, as in shop.example/v1."),
            ),
            (
                "ready",
                text("Holds where it is ready, as in object.status.phase == 'Ready'."),
            ),
            (
                "failed",
                text("Holds where it will not become ready by itself."),
            ),
        ],
    );
    json!({ "type": ["array", "null"], "items": rule, "description": about,
        "examples": [[{ "kind": "Database", "ready": "object.status.phase == 'Ready'", "failed": "object.status.phase == 'Broken'" }]] })
}

/// Lets an expression stand for every value that is no text, and moves references to where the
/// schema now stands.
fn open(schema: &Value, at: &str) -> Value {
    let Value::Object(fields) = schema else {
        return schema.clone();
    };
    let opened: Map<String, Value> = fields
        .iter()
        .map(|(key, value)| (key.clone(), opened(key, value, at)))
        .collect();
    Value::Object(opened)
}

fn opened(key: &str, value: &Value, at: &str) -> Value {
    match (key, value) {
        ("$ref", Value::String(reference)) => {
            json!(
                reference
                    .strip_prefix('#')
                    .map_or_else(|| reference.clone(), |rest| format!("{at}{rest}"))
            )
        }
        ("properties" | "patternProperties", Value::Object(all)) => Value::Object(
            all.iter()
                .map(|(name, schema)| (name.clone(), or_expression(schema, at)))
                .collect(),
        ),
        ("$defs", Value::Object(all)) => Value::Object(
            all.iter()
                .map(|(name, schema)| (name.clone(), open(schema, at)))
                .collect(),
        ),
        ("items" | "additionalProperties", schema @ Value::Object(_)) => or_expression(schema, at),
        ("allOf" | "oneOf" | "anyOf", Value::Array(all)) => {
            all.iter().map(|schema| open(schema, at)).collect()
        }
        _ => value.clone(),
    }
}

fn or_expression(schema: &Value, at: &str) -> Value {
    let inner = open(schema, at);
    let takes_any_text = inner.get("enum").is_none()
        && inner.get("$ref").is_none()
        && ["pattern", "allOf", "not"]
            .iter()
            .all(|key| inner.get(*key).is_none())
        && inner.get("type").is_none_or(|kind| kind == "string");
    if takes_any_text {
        return inner;
    }
    let mut either = json!({ "anyOf": [inner, { "$ref": "#/$defs/expression" }] });
    for key in ["description", "default", "examples"] {
        if let Some(value) = schema.get(key) {
            either[key] = value.clone();
        }
    }
    either
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
