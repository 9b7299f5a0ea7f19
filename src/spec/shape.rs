//! A resource's `spec` against its kind's JSON Schema, and a connection's settings against its provider's,
//! as far as they are known.
//!
//! The keywords that provider schemas use: type, properties, propertyNames, required,
//! additionalProperties, items, those of `scalar`, oneOf / anyOf / allOf, if / then where what `if` asks
//! about is known, `not: {}`, and `$ref` into `$defs`.

mod scalar;

use super::template::{Shape, Template};
use crate::model::{Diagnostic, Kind, Kinds};
use crate::yaml::{Key, Place, nearest};
use serde_json::{Map, Value};

/// References followed inside each other, against a schema that refers to itself.
const DEEPEST: usize = 64;

/// What is checked, in words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'s> {
    /// Its name where a sentence begins: `host/file`.
    pub(crate) name: &'s str,
    /// What `reconciled explain` calls it.
    pub(crate) explained: &'s str,
}

impl<'s> Subject<'s> {
    /// Names a resource of a kind.
    pub(crate) fn of_kind(kind: &'s Kind) -> Self {
        let name = kind.name.as_str();
        Self {
            name,
            explained: name,
        }
    }
}

/// Checks the settings of a connection, where its provider's rows say what they may be.
pub(crate) fn check_settings(
    settings: &Template,
    provider: &str,
    kinds: &Kinds,
    found: &mut Vec<Diagnostic>,
) {
    let Some(schema) = kinds.connection(provider) else {
        return;
    };
    let name = format!("a connection of {provider}");
    let explained = format!("connections.{provider}");
    let subject = Subject {
        name: &name,
        explained: &explained,
    };
    check(settings, schema, subject, found);
}

/// Checks one resource or connection. `null` fits everywhere: it clears a field.
pub(crate) fn check(
    spec: &Template,
    schema: &Value,
    subject: Subject<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let checker = Checker {
        root: schema,
        subject,
    };
    checker.node(spec, schema, &spec.place, 0, found);
}

struct Checker<'s> {
    root: &'s Value,
    subject: Subject<'s>,
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
            let error = wrong_type(node, types);
            found.push(match error.hint {
                Some(_) => error,
                None => scalar::explained(error, schema),
            });
            return;
        }
        if schema
            .get("not")
            .and_then(Value::as_object)
            .is_some_and(Map::is_empty)
        {
            found.push(scalar::refused(node, schema));
            return;
        }
        scalar::check(node, schema, found);
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
        if let (Some(asked), Some(then)) = (schema.get("if"), schema.get("then"))
            && is_known(node, asked)
        {
            let mut misfit = Vec::new();
            self.node(node, asked, at, depth + 1, &mut misfit);
            if misfit.is_empty() {
                self.node(node, then, at, depth + 1, found);
            }
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
        entries: &[(Key, Template)],
        schema: &Map<String, Value>,
        at: &Place,
        depth: usize,
        found: &mut Vec<Diagnostic>,
    ) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (key, value) in entries {
            if let Some(names) = schema.get("propertyNames").and_then(Value::as_object) {
                found.extend(scalar::bad_key(key, names));
            }
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
                let message = format!("`{name}` is missing here: {} needs it", self.subject.name);
                let error = at.error("missing-key", message);
                let about = properties.and_then(|all| all.get(name)?.as_object());
                found.push(match about {
                    Some(about) => scalar::explained(error, about),
                    None => error,
                });
            }
        }
    }

    fn unknown_key(&self, key: &Key, properties: Option<&Map<String, Value>>) -> Diagnostic {
        let known: Vec<&str> = properties
            .into_iter()
            .flat_map(|all| all.keys().map(String::as_str))
            .collect();
        let message = format!("{} has no field `{}` here", self.subject.name, key.text);
        let error = key.place.error("unknown-key", message);
        match nearest(&key.text, known.iter().copied()) {
            Some(near) => error.with_hint(format!("Did you mean `{near}`?")),
            None if known.len() <= 20 => {
                error.with_hint(format!("Known here: {}.", known.join(", ")))
            }
            None => error.with_hint(format!(
                "`reconciled explain {}` lists the fields.",
                self.subject.explained
            )),
        }
    }
}

/// Tells whether the fields that an `if` asks for are there and need no evaluating.
fn is_known(node: &Template, asked: &Value) -> bool {
    let fields = asked.get("required").and_then(Value::as_array);
    let mut fields = fields.into_iter().flatten().filter_map(Value::as_str);
    fields.all(|name| {
        let field = node.get(name).map(|field| &field.content);
        !matches!(
            field,
            None | Some(Shape::Computed(_) | Shape::Withheld(_) | Shape::Null)
        )
    })
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
    if written.contains("${") {
        return match scalar::of(node) {
            Some(value) => error.with_hint(format!("The expression gives {value}.")),
            None => error,
        };
    }
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
