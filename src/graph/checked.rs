//! What expressions gave, against the schemas of kinds and of connections. What is written out was
//! checked when it was read; what is not known yet is left to those who will know it.

use super::node::Node;
use crate::model::{Diagnostic, Kinds, Value};
use crate::spec::Connecting;
use crate::spec::shape::{self, Subject};
use crate::spec::template::{Shape, Template};
use crate::yaml::Key;

/// Checks what a resource declares.
pub(super) fn spec(node: &Node, desired: &Value, wrong: &mut Vec<Diagnostic>) {
    let Some(schema) = &node.kind.schema else {
        return;
    };
    if is_computed(&node.spec) {
        let known = known(&node.spec, desired);
        shape::check(&known, schema, Subject::of_kind(&node.kind), wrong);
    }
}

/// Checks a connection's settings.
pub(super) fn settings(
    connecting: &Connecting,
    settings: &Value,
    kinds: &Kinds,
    wrong: &mut Vec<Diagnostic>,
) {
    if !is_computed(&connecting.settings) {
        return;
    }
    let known = known(&connecting.settings, settings);
    shape::check_settings(&known, &connecting.provider, kinds, wrong);
    let schema = kinds.connection(&connecting.provider);
    let properties = schema.and_then(|schema| schema["properties"].as_object());
    for (key, _) in properties
        .into_iter()
        .flatten()
        .filter(|(_, of_key)| of_key["x-shown"] == true)
    {
        let is_secret = match settings.get(key) {
            Some(Value::Secret(_)) => true,
            Some(Value::Hole(hole)) => hole.sensitive,
            _ => false,
        };
        if let (true, Some(at)) = (is_secret, connecting.settings.get(key)) {
            let message = format!("`{key}` is shown and recorded: it cannot be a secret");
            let error = at.place.error("secret-shown", message);
            wrong.push(error.with_hint("Write it out, or read it from vars."));
        }
    }
}

fn is_computed(template: &Template) -> bool {
    let mut computed = false;
    template.walk(&mut |_| computed = true);
    computed
}

/// Puts values in the place of expressions; what is secret or not known fits everywhere.
fn known(template: &Template, value: &Value) -> Template {
    let content = match (&template.content, value) {
        (Shape::Computed(_) | Shape::Withheld(_), value) => return given(template, value),
        (Shape::List(items), Value::List(values)) => Shape::List(
            items
                .iter()
                .zip(values)
                .map(|(item, value)| known(item, value))
                .collect(),
        ),
        (Shape::Map(entries), Value::Map(values)) => Shape::Map(
            entries
                .iter()
                .map(|(key, item)| {
                    let value = values.get(&key.text).unwrap_or(&Value::Null);
                    (key.clone(), known(item, value))
                })
                .collect(),
        ),
        // Sealed as a whole by its kind's row.
        (_, Value::Secret(_) | Value::Hole(_)) => Shape::Null,
        (content, _) => content.clone(),
    };
    Template {
        place: template.place.clone(),
        content,
    }
}

/// Returns what an expression gave, all of it at the expression's place.
fn given(at: &Template, value: &Value) -> Template {
    let content = match value {
        Value::Null | Value::Secret(_) | Value::Hole(_) => Shape::Null,
        Value::Bool(value) => Shape::Bool(*value),
        Value::Number(value) => Shape::Number(value.clone()),
        Value::String(text) => Shape::Text(text.clone()),
        Value::List(items) => Shape::List(items.iter().map(|item| given(at, item)).collect()),
        Value::Map(fields) => Shape::Map(
            fields
                .iter()
                .map(|(key, value)| {
                    let key = Key {
                        text: key.clone(),
                        place: at.place.clone(),
                    };
                    (key, given(at, value))
                })
                .collect(),
        ),
    };
    Template {
        place: at.place.clone(),
        content,
    }
}
