//! Parts of a JSON Schema (2020-12), so that each element describes its keys in few lines.

use serde_json::{Value, json};

/// A map with known keys: name, schema. `required` are those that must be there.
pub(super) fn object(about: &str, required: &[&str], keys: Vec<(&str, Value)>) -> Value {
    let properties: serde_json::Map<String, Value> = keys
        .into_iter()
        .map(|(key, schema)| (key.to_owned(), schema))
        .collect();
    let mut schema = json!({
        "type": "object",
        "description": about,
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    schema
}

/// A text, with an example.
pub(super) fn text(about: &str, example: &str) -> Value {
    json!({ "type": "string", "description": about, "examples": [example] })
}

/// A text that has a default.
pub(super) fn text_or(about: &str, default: &str) -> Value {
    json!({ "type": "string", "description": about, "default": default })
}

/// A duration that has a default.
pub(super) fn duration(about: &str, default: &str) -> Value {
    json!({
        "type": "string",
        "description": about,
        "default": default,
        "pattern": "^([0-9]+(ms|s|m|h|d))+$",
    })
}

/// A size that has a default.
pub(super) fn size(about: &str, default: &str) -> Value {
    json!({
        "type": "string",
        "description": about,
        "default": default,
        "pattern": "^[0-9]+(B|KiB|MiB|GiB)$",
    })
}

/// A whole number that has a default.
pub(super) fn number(about: &str, (low, high): (u64, u64), default: u64) -> Value {
    json!({ "type": "integer", "description": about, "minimum": low, "maximum": high, "default": default })
}

/// True or false, with a default.
pub(super) fn boolean(about: &str, default: bool) -> Value {
    json!({ "type": "boolean", "description": about, "default": default })
}

/// One of several words, the first being the default.
pub(super) fn words(about: &str, words: &[&str]) -> Value {
    json!({ "type": "string", "description": about, "enum": words, "default": words.first() })
}

/// A list of texts.
pub(super) fn texts(about: &str, example: &[&str]) -> Value {
    json!({
        "type": "array",
        "description": about,
        "items": { "type": "string" },
        "examples": [example],
    })
}
