//! Texts, numbers and booleans against enum, const, minimum, maximum, minLength, maxLength, pattern and a
//! `not` with a pattern; keys against the pattern of propertyNames.

use crate::model::Diagnostic;
use crate::spec::template::{Shape, Template};
use crate::yaml::{Key, nearest};
use regex::Regex;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Every pattern that was asked for, read once. Schemas hold few: they come with the binary. `None` where
/// it is none that is understood here; then it refuses nothing, and the live side does.
static PATTERNS: LazyLock<Mutex<HashMap<String, Option<Regex>>>> = LazyLock::new(Mutex::default);

/// Checks one value, where it is one that is known.
pub(super) fn check(node: &Template, schema: &Map<String, Value>, found: &mut Vec<Diagnostic>) {
    let Some(value) = of(node) else {
        return;
    };
    if schema.get("x-secret") == Some(&Value::Bool(true)) {
        found.push(literal_secret(node));
        return;
    }
    let single = schema.get("const").map(std::slice::from_ref);
    let words = schema.get("enum").and_then(Value::as_array);
    if let Some(words) = words.map(Vec::as_slice).or(single)
        && !words.contains(&value)
    {
        found.push(unknown(node, &value, words));
    }
    if let Some(number) = value.as_f64() {
        found.extend(out_of_range(node, number, schema));
    }
    if let Some(text) = value.as_str() {
        found.extend(wrong_text(node, text, schema));
    }
}

/// Returns what stands there, where it is a single value that is known.
pub(super) fn of(node: &Template) -> Option<Value> {
    match &node.content {
        Shape::Bool(value) => Some(Value::Bool(*value)),
        Shape::Number(value) => Some(Value::Number(value.clone())),
        Shape::Text(text) => Some(Value::String(text.clone())),
        _ => None,
    }
}

/// The line is left out of it: it holds the secret.
fn literal_secret(node: &Template) -> Diagnostic {
    let error = node
        .place
        .error("literal-secret", "a secret stands here in the open");
    let hint = "Declare where it lives, `secrets: { token: { env: VARIABLE } }`, and write \"${secrets.token}\" here. Replace the one that stood here: it is in Git.";
    Diagnostic {
        source_line: String::new(),
        ..error.with_hint(hint)
    }
}

/// Says that nothing may stand there, and why by the schema's own words.
pub(super) fn refused(node: &Template, schema: &Map<String, Value>) -> Diagnostic {
    let error = node.place.error("not-here", "nothing may stand here");
    explained(error, schema)
}

/// Checks a key's own text.
pub(super) fn bad_key(key: &Key, names: &Map<String, Value>) -> Option<Diagnostic> {
    let pattern = names.get("pattern").and_then(Value::as_str)?;
    let misfit = !fits(pattern, &key.text);
    misfit.then(|| {
        let message = format!("the key {:?} does not fit {pattern}", key.text);
        explained(key.place.error("wrong-text", message), names)
    })
}

fn unknown(node: &Template, value: &Value, words: &[Value]) -> Diagnostic {
    let texts: Vec<String> = words.iter().map(shown).collect();
    let message = format!("{} is none of {}", shown(value), texts.join(", "));
    let error = node.place.error("unknown-value", message);
    match nearest(&shown(value), texts.iter().map(String::as_str)) {
        Some(near) => error.with_hint(format!("Did you mean {near}?")),
        None => error,
    }
}

fn out_of_range(node: &Template, number: f64, schema: &Map<String, Value>) -> Option<Diagnostic> {
    let bound = |key| schema.get(key).and_then(Value::as_f64);
    let misfit = bound("minimum").is_some_and(|least| number < least)
        || bound("maximum").is_some_and(|most| number > most);
    let range = match (schema.get("minimum"), schema.get("maximum")) {
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("at least {least}"),
        (_, most) => format!("at most {}", most.unwrap_or(&Value::Null)),
    };
    let error = || {
        node.place
            .error("out-of-range", format!("this has to be {range}"))
    };
    misfit.then(error)
}

fn wrong_text(node: &Template, text: &str, schema: &Map<String, Value>) -> Option<Diagnostic> {
    let count = text.chars().count() as u64;
    let bound = |key| schema.get(key).and_then(Value::as_u64);
    if bound("minLength").is_some_and(|least| count < least) {
        return Some(node.place.error("empty", "the text is too short"));
    }
    if bound("maxLength").is_some_and(|most| count > most) {
        let error = node.place.error("out-of-range", "the text is too long");
        return Some(explained(error, schema));
    }
    let pattern = schema.get("pattern").and_then(Value::as_str);
    if let Some(pattern) = pattern.filter(|pattern| !fits(pattern, text)) {
        let message = format!("{text:?} does not fit {pattern}");
        return Some(explained(node.place.error("wrong-text", message), schema));
    }
    let not = schema
        .get("not")
        .and_then(|not| not.get("pattern"))
        .and_then(Value::as_str);
    not.filter(|pattern| fits(pattern, text)).map(|_| {
        let error = node
            .place
            .error("wrong-text", format!("{text:?} cannot stand here"));
        explained(error, schema)
    })
}

/// Adds the first sentence of what the schema says about the field.
pub(super) fn explained(error: Diagnostic, schema: &Map<String, Value>) -> Diagnostic {
    let Some(about) = schema.get("description").and_then(Value::as_str) else {
        return error;
    };
    let first = about.split_inclusive(". ").next().unwrap_or(about);
    error.with_hint(first.trim_end())
}

/// Tells whether a text has what a pattern looks for, anywhere in it.
fn fits(pattern: &str, text: &str) -> bool {
    let mut patterns = PATTERNS.lock().unwrap_or_else(PoisonError::into_inner);
    if !patterns.contains_key(pattern) {
        patterns.insert(pattern.to_owned(), Regex::new(pattern).ok());
    }
    patterns[pattern]
        .as_ref()
        .is_none_or(|regex| regex.is_match(text))
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
