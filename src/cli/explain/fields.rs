//! A node of a JSON Schema in words: its type, its fields, and the way to one of them.

use crate::model::Kind;
use anyhow::Context as _;
use serde_json::{Map, Value};
use std::fmt::Write as _;

/// The node that says what a value is: references followed, the way out to an expression left aside.
fn meant<'v>(root: &'v Value, node: &'v Value) -> &'v Value {
    let mut node = node;
    // A schema of ours nests few of them.
    for _ in 0..8 {
        let reference = node["$ref"].as_str().and_then(|at| at.strip_prefix('#'));
        node = match (reference.and_then(|at| root.pointer(at)), &node["anyOf"][0]) {
            (Some(next), _) => next,
            (None, Value::Null) => return node,
            (None, first) => first,
        };
    }
    node
}

/// Returns the fields that stand below a node: its own, those of its items, or of each of its entries.
fn properties<'v>(root: &'v Value, node: &'v Value) -> Option<&'v Map<String, Value>> {
    let mut node = meant(root, node);
    loop {
        let own = node["properties"].as_object();
        if let Some(own) = own.or_else(|| node["x-functions"].as_object()) {
            return Some(own);
        }
        let below = [&node["items"], &node["additionalProperties"]];
        node = meant(root, below.into_iter().find(|below| below.is_object())?);
    }
}

/// Returns the names of the fields below a node.
pub(super) fn names<'v>(root: &'v Value, node: &'v Value) -> impl Iterator<Item = &'v str> {
    let fields = properties(root, node).into_iter().flatten();
    fields.map(|(name, _)| name.as_str())
}

/// Follows a path of field names; a function's name may hold a dot.
pub(super) fn of<'v>(
    root: &'v Value,
    topic: &'v Value,
    name: &str,
    field: &str,
) -> anyhow::Result<&'v Value> {
    if properties(root, topic).is_none() && topic.is_null() {
        anyhow::bail!("explain {field:?}: {name} has no schema of its own");
    }
    let mut node = topic;
    if let Some(whole) = properties(root, topic).and_then(|known| known.get(field)) {
        return Ok(whole);
    }
    for part in field.split('.') {
        let known = properties(root, node);
        node = known
            .and_then(|known| known.get(part))
            .with_context(|| no_field(name, field, part, known))?;
    }
    Ok(node)
}

/// Says that a field is not there, and which one may be meant.
fn no_field(name: &str, field: &str, part: &str, known: Option<&Map<String, Value>>) -> String {
    let known: Vec<&String> = known.into_iter().flat_map(|known| known.keys()).collect();
    let near = known
        .iter()
        .map(|name| (strsim::jaro_winkler(name, part), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(likeness, _)| *likeness > 0.75);
    let advice = match near {
        Some((_, near)) => format!("did you mean {near}?"),
        None if known.is_empty() => "it has none there".to_owned(),
        None => {
            let known: Vec<&str> = known.into_iter().map(String::as_str).collect();
            format!("it has {}", known.join(", "))
        }
    };
    format!("explain {field:?}: {name} has no field {part:?}; {advice}")
}

/// Returns what a node is for.
pub(super) fn about<'v>(root: &'v Value, node: &'v Value) -> &'v str {
    let own = node["description"].as_str();
    let own = own.or_else(|| meant(root, node)["description"].as_str());
    own.unwrap_or("No description.")
}

/// Returns what else is known of a value, with its label.
pub(super) fn notes(root: &Value, node: &Value) -> Vec<(String, String)> {
    let meant = meant(root, node);
    let mut notes = Vec::new();
    for (label, key) in [
        ("Default", "default"),
        ("One of", "enum"),
        ("Form", "pattern"),
        ("At least", "minimum"),
        ("At most", "maximum"),
        ("Example", "examples"),
        ("Gives", "x-gives"),
    ] {
        if meant.get("x-functions").is_some() {
            break;
        }
        let Some(value) = node.get(key).or_else(|| meant.get(key)) else {
            continue;
        };
        notes.push((label.to_owned(), told(value)));
    }
    for word in meant["oneOf"].as_array().into_iter().flatten() {
        if let (Some(word), Some(about)) = (word.get("const"), word["description"].as_str()) {
            notes.push((told(word), about.to_owned()));
        }
    }
    notes
}

fn told(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(all) => all.iter().map(told).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// Adds the fields below a node.
pub(super) fn push(text: &mut String, root: &Value, node: &Value, kind: Option<&Kind>) {
    let owner = meant(root, node);
    let required: Vec<&str> = owner["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    for (name, field) in properties(root, node).into_iter().flatten() {
        let mut notes = vec![type_of(root, field)];
        if required.contains(&name.as_str()) {
            notes.push("required".to_owned());
        }
        if let Some(default) = field.get("default") {
            notes.push(format!("{} where left out", told(default)));
        }
        let is_fixed = kind.is_some_and(|kind| {
            let mut fixed = kind.immutable.iter();
            fixed.any(|pattern| pattern.parts() == [name.clone()])
        });
        if is_fixed {
            notes.push("cannot change once created".to_owned());
        }
        let _infallible = writeln!(text, "  {name}  <{}>", notes.join(", "));
        for line in about(root, field)
            .lines()
            .filter(|line| *line != "No description.")
        {
            let _infallible = writeln!(text, "      {line}");
        }
        if let Some(gives) = field.get("x-gives") {
            let example = told(&field["examples"]);
            let _infallible = writeln!(text, "      {example} gives {}", told(gives));
        }
    }
}

/// Returns a value's type in words.
pub(super) fn type_of(root: &Value, node: &Value) -> String {
    let node = meant(root, node);
    for (mark, what) in [("x-gives", "function"), ("x-functions", "functions")] {
        if node.get(mark).is_some() {
            return what.to_owned();
        }
    }
    let alternatives = |all: &Vec<Value>| {
        let all = all.iter().map(|one| match one.get("const") {
            Some(word) => told(word),
            None => type_of(root, one),
        });
        let all: Vec<String> = all.filter(|one| one != "null").collect();
        all.join(" or ")
    };
    if let Some(all) = node["oneOf"].as_array() {
        return alternatives(all);
    }
    let one = |name: &str| match name {
        "array" => format!("list of {}", type_of(root, &node["items"])),
        "object" if node["additionalProperties"].is_object() && node["properties"].is_null() => {
            format!("map of {}", type_of(root, &node["additionalProperties"]))
        }
        other => other.to_owned(),
    };
    match &node["type"] {
        Value::String(name) => one(name),
        Value::Array(several) => {
            let several = several.iter().filter_map(Value::as_str);
            let several: Vec<String> = several.filter(|name| *name != "null").map(one).collect();
            several.join(" or ")
        }
        _ if node.get("enum").is_some() || node.get("const").is_some() => "string".to_owned(),
        _ => "any".to_owned(),
    }
}
