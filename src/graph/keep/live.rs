//! What may be written of a live value, and what a template says as it is written.

use crate::model::secret::MASK;
use crate::model::{Change, FieldPath, Kind, Value};
use crate::spec::template::{Shape, Template};
use serde_json::Value as Json;

/// Returns what is to be written for a change; `None` where the field goes.
///
/// # Errors
/// Why nothing of it may be written.
pub(super) fn of(kind: &Kind, change: &Change) -> Result<Option<Json>, String> {
    if [&change.before, &change.after]
        .into_iter()
        .flatten()
        .any(is_secret)
    {
        return Err("it is sensitive, and no secret is ever written into Git".to_owned());
    }
    if change.before.as_ref().is_some_and(hides) {
        return Err(
            "it holds what is secret elsewhere, and no secret is ever written into Git".to_owned(),
        );
    }
    let touches = |path: &FieldPath| kind.write_only.iter().any(|only| only.touches(path));
    if touches(&change.path) {
        return Err("its live value cannot be read".to_owned());
    }
    let Some(live) = &change.before else {
        return Ok(None);
    };
    let mut notes = false;
    live.walk(&mut |value| notes |= value.as_str().is_some_and(is_note));
    if notes {
        return Err(
            "what is live is told only in parentheses, for it cannot be shown as it is".to_owned(),
        );
    }
    let json = live.exposed_json();
    json.map(Some)
        .ok_or_else(|| "its live value is not known".to_owned())
}

fn is_secret(value: &Value) -> bool {
    let mut found = false;
    value.walk(&mut |value| {
        found |= match value {
            Value::Secret(_) => true,
            Value::Hole(hole) => hole.sensitive,
            _ => false,
        };
    });
    found
}

/// Tells whether a plan has taken a known secret out of a text.
fn hides(value: &Value) -> bool {
    let mut found = false;
    value.walk(&mut |value| found |= value.as_str().is_some_and(|text| text.contains(MASK)));
    found
}

/// `(3072 bytes that are no text)`: what providers say in the place of what they do not show.
fn is_note(text: &str) -> bool {
    text.starts_with('(') && text.trim_end().ends_with(')') && !text.contains('\n')
}

/// Writes `${` as a spec has to.
pub(super) fn escaped(json: Json) -> Json {
    match json {
        Json::String(text) => Json::String(text.replace("${", "$${")),
        Json::Array(items) => items.into_iter().map(escaped).collect(),
        Json::Object(fields) => {
            let one = |(key, value)| (key, escaped(value));
            Json::Object(fields.into_iter().map(one).collect())
        }
        scalar => scalar,
    }
}

/// Returns a template as it is written; of a manifest, nothing is escaped.
pub(super) fn written(template: &Template, literal: bool) -> Json {
    match &template.content {
        Shape::Null => Json::Null,
        Shape::Bool(value) => Json::Bool(*value),
        Shape::Number(value) => Json::Number(value.clone()),
        Shape::Text(text) if literal => Json::String(text.clone()),
        Shape::Text(text) => Json::String(text.replace("${", "$${")),
        Shape::Computed(computed) | Shape::Withheld(computed) => {
            Json::String(computed.text.clone())
        }
        Shape::List(items) => items.iter().map(|item| written(item, literal)).collect(),
        Shape::Map(entries) => {
            let one = |(key, value): &(crate::yaml::Key, Template)| {
                (key.text.clone(), written(value, literal))
            };
            Json::Object(entries.iter().map(one).collect())
        }
    }
}
