//! A resource's `spec` against its kind's JSON Schema, as far as it is known without evaluating.
//!
//! The keywords that provider schemas use: type, properties, required, additionalProperties, items,
//! enum, const, pattern lengths and bounds, oneOf / anyOf / allOf, and `$ref` into `$defs`.

use super::template::{Shape, Template};
use crate::model::{Diagnostic, Kind};
use crate::yaml::{Place, nearest};
use serde_json::{Map, Value};

/// References followed inside each other, against a schema that refers to itself.
const DEEPEST: usize = 64;

/// Checks one resource. `null` fits everywhere: it clears a field.
pub(crate) fn check(spec: &Template, schema: &Value, kind: &Kind, found: &mut Vec<Diagnostic>) {
    let checker = Checker { root: schema, kind };
    checker.node(spec, schema, &spec.place, 0, found);
}

struct Checker<'s> {
    root: &'s Value,
    kind: &'s Kind,
}

impl Checker<'_> {
    fn node(
        &self,
        node: &Template,
        schema: &Value,
        at: &Place,
        depth: usize,
        found: &mut Vec<Diagnostic>,
    ) {
        let Some(schema) = self.followed(schema) else {
            return;
        };
        if depth > DEEPEST || matches!(node.content, Shape::Null) {
            return;
        }
        if let Shape::Computed(computed) = &node.content
            && computed.is_whole()
        {
            // Its type is known only when it is evaluated.
            return;
        }
        if let Some(types) = schema.get("type")
            && !fits(node, types)
        {
            found.push(wrong_type(node, types));
            return;
        }
        self.value(node, schema, found);
        self.branches(node, schema, at, depth, found);
        match &node.content {
            Shape::Map(entries) => self.map(node, entries, schema, at, depth, found),
            Shape::List(items) => {
                if let Some(of_items) = schema.get("items") {
                    for item in items {
                        self.node(item, of_items, &item.place, depth + 1, found);
                    }
                }
            }
            _ => {}
        }
    }

    fn followed<'v>(&'v self, schema: &'v Value) -> Option<&'v Map<String, Value>> {
        let mut at = schema.as_object()?;
        for _ in 0..DEEPEST {
            let Some(reference) = at.get("$ref").and_then(Value::as_str) else {
                return Some(at);
            };
            at = self
                .root
                .pointer(reference.strip_prefix('#')?)?
                .as_object()?;
        }
        None
    }

    fn value(&self, node: &Template, schema: &Map<String, Value>, found: &mut Vec<Diagnostic>) {
        let Some(value) = scalar(node) else {
            return;
        };
        if let Some(words) = schema.get("enum").and_then(Value::as_array)
            && !words.contains(&value)
        {
            let texts: Vec<String> = words.iter().map(shown).collect();
            let message = format!("{} is none of {}", shown(&value), texts.join(", "));
            let error = node.place.error("unknown-value", message);
            let near = nearest(&shown(&value), texts.iter().map(String::as_str)).map(str::to_owned);
            found.push(match near {
                Some(near) => error.with_hint(format!("Did you mean {near}?")),
                None => error,
            });
        }
        if let Some(number) = value.as_f64() {
            let bound = |key| schema.get(key).and_then(Value::as_f64);
            if bound("minimum").is_some_and(|least| number < least)
                || bound("maximum").is_some_and(|most| number > most)
            {
                let range = match (schema.get("minimum"), schema.get("maximum")) {
                    (Some(least), Some(most)) => format!("from {least} to {most}"),
                    (Some(least), None) => format!("at least {least}"),
                    (_, most) => format!("at most {}", most.unwrap_or(&Value::Null)),
                };
                found.push(
                    node.place
                        .error("out-of-range", format!("this has to be {range}")),
                );
            }
        }
        if let Some(text) = value.as_str() {
            let count = text.chars().count() as u64;
            let bound = |key| schema.get(key).and_then(Value::as_u64);
            if bound("minLength").is_some_and(|least| count < least) {
                found.push(node.place.error("empty", "the text is too short"));
            }
            if bound("maxLength").is_some_and(|most| count > most) {
                found.push(node.place.error("out-of-range", "the text is too long"));
            }
        }
    }

    /// Where one of several shapes has to fit, only a misfit with all of them is told, as that of the
    /// one that fits best.
    fn branches(
        &self,
        node: &Template,
        schema: &Map<String, Value>,
        at: &Place,
        depth: usize,
        found: &mut Vec<Diagnostic>,
    ) {
        for all in schema
            .get("allOf")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            self.node(node, all, at, depth + 1, found);
        }
        for key in ["oneOf", "anyOf"] {
            let Some(branches) = schema.get(key).and_then(Value::as_array) else {
                continue;
            };
            let misfits = branches.iter().map(|branch| {
                let mut misfit = Vec::new();
                self.node(node, branch, at, depth + 1, &mut misfit);
                misfit
            });
            if let Some(best) = misfits.min_by_key(Vec::len) {
                found.extend(best);
            }
        }
    }

    fn map(
        &self,
        node: &Template,
        entries: &[(crate::yaml::Key, Template)],
        schema: &Map<String, Value>,
        at: &Place,
        depth: usize,
        found: &mut Vec<Diagnostic>,
    ) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, value) in entries {
            if let Some(of_key) = properties.and_then(|all| all.get(&key.text)) {
                self.node(value, of_key, &key.place, depth + 1, found);
                continue;
            }
            match schema.get("additionalProperties") {
                Some(Value::Bool(false)) => found.push(self.unknown_key(key, properties)),
                Some(of_rest @ Value::Object(_)) => {
                    self.node(value, of_rest, &key.place, depth + 1, found);
                }
                _ => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array);
        for name in required.into_iter().flatten().filter_map(Value::as_str) {
            if node.get(name).is_none() {
                let message = format!("`{name}` is missing here: {} needs it", self.kind.name);
                found.push(at.error("missing-key", message));
            }
        }
    }

    fn unknown_key(
        &self,
        key: &crate::yaml::Key,
        properties: Option<&Map<String, Value>>,
    ) -> Diagnostic {
        let known: Vec<&str> = properties
            .into_iter()
            .flat_map(|all| all.keys().map(String::as_str))
            .collect();
        let message = format!("{} has no field `{}` here", self.kind.name, key.text);
        let error = key.place.error("unknown-key", message);
        match nearest(&key.text, known.iter().copied()) {
            Some(near) => error.with_hint(format!("Did you mean `{near}`?")),
            None if known.len() <= 20 => {
                error.with_hint(format!("Known here: {}.", known.join(", ")))
            }
            None => error.with_hint(format!(
                "`reconciled explain {}` lists the fields.",
                self.kind.name
            )),
        }
    }
}

fn scalar(node: &Template) -> Option<Value> {
    match &node.content {
        Shape::Bool(value) => Some(Value::Bool(*value)),
        Shape::Number(value) => Some(Value::Number(value.clone())),
        Shape::Text(text) => Some(Value::String(text.clone())),
        _ => None,
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn names(types: &Value) -> Vec<&str> {
    match types {
        Value::String(one) => vec![one],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

fn fits(node: &Template, types: &Value) -> bool {
    let names = names(types);
    names.is_empty()
        || names.iter().any(|name| match (*name, &node.content) {
            ("null", Shape::Null)
            | ("boolean", Shape::Bool(_))
            | ("number", Shape::Number(_))
            | ("string", Shape::Text(_) | Shape::Computed(_))
            | ("array", Shape::List(_))
            | ("object", Shape::Map(_)) => true,
            ("integer", Shape::Number(number)) => {
                number.is_i64()
                    || number.is_u64()
                    || number.as_f64().is_some_and(|n| n.fract() == 0.0)
            }
            _ => false,
        })
}

fn wrong_type(node: &Template, types: &Value) -> Diagnostic {
    let wanted: Vec<&str> = names(types)
        .into_iter()
        .map(|name| match name {
            "boolean" => "true or false",
            "number" => "a number",
            "integer" => "a whole number",
            "string" => "a text",
            "array" => "a list",
            "object" => "a map",
            other => other,
        })
        .collect();
    let message = format!(
        "{} has to stand here, not {}",
        wanted.join(" or "),
        node.what()
    );
    let error = node.place.error("wrong-type", message);
    let written = node.place.written();
    match &node.content {
        Shape::Number(_) | Shape::Bool(_) if wanted.contains(&"a text") => {
            error.with_hint(format!("Quote it: \"{written}\"."))
        }
        Shape::Text(text) if wanted.contains(&"true or false") => {
            match text.to_lowercase().as_str() {
                "yes" | "on" | "y" | "true" => error.with_hint("Write true."),
                "no" | "off" | "n" | "false" => error.with_hint("Write false."),
                _ => error,
            }
        }
        Shape::Text(text)
            if text.parse::<f64>().is_ok()
                && (wanted.contains(&"a number") || wanted.contains(&"a whole number")) =>
        {
            error.with_hint(format!("Leave the quotes out: {text}."))
        }
        Shape::Text(_) | Shape::Computed(_) | Shape::Number(_) | Shape::Bool(_)
            if wanted.contains(&"a list") =>
        {
            error.with_hint(format!("Write it as a list: [{written}]."))
        }
        _ => error,
    }
}
