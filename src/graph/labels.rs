//! The environment's labels on a resource, where the kind's row says how. The resource's own win.

use crate::model::{Labels, Map, PathPattern, Value};

/// Adds the labels that the resource does not have.
pub(super) fn applied(value: Value, rule: &Labels, labels: &[(String, String)]) -> Value {
    if labels.is_empty() {
        return value;
    }
    let mut value = value;
    match rule {
        Labels::Map(at) => {
            if let Some(Value::Map(fields)) = slot(&mut value, at, || Value::Map(Map::new())) {
                for (key, text) in labels {
                    fields.get_or_insert_with(key, || Value::String(text.clone()));
                }
            }
        }
        Labels::Tags(at) => {
            if let Some(Value::List(items)) = slot(&mut value, at, || Value::List(Vec::new())) {
                for (key, text) in labels {
                    let prefix = format!("{key}:");
                    let said =
                        |item: &Value| item.as_str().is_some_and(|own| own.starts_with(&prefix));
                    if !items.iter().any(said) {
                        items.push(Value::String(format!("{prefix}{text}")));
                    }
                }
            }
        }
    }
    value
}

/// Returns the place for labels, made where it is missing or `null`; nothing where something else
/// stands on the way.
fn slot<'v>(
    value: &'v mut Value,
    at: &PathPattern,
    empty: impl Fn() -> Value,
) -> Option<&'v mut Value> {
    let (last, parents) = at.parts().split_last()?;
    let mut here = value;
    for part in parents {
        here = field(here, part, || Value::Map(Map::new()))?;
    }
    field(here, last, empty)
}

fn field<'v>(value: &'v mut Value, key: &str, empty: impl Fn() -> Value) -> Option<&'v mut Value> {
    let Value::Map(fields) = value else {
        return None;
    };
    let field = fields.get_or_insert_with(key, &empty);
    if matches!(field, Value::Null) {
        *field = empty();
    }
    Some(field)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels_and_tags_are_added_and_the_resource_s_own_win() {
        let labels = [
            ("Owner".to_owned(), "platform".to_owned()),
            ("Service".to_owned(), "shop".to_owned()),
        ];
        let with =
            |value, rule: &Labels| applied(Value::from_json(value), rule, &labels).masked_json();
        let map = Labels::Map(PathPattern::known("/metadata/labels"));
        assert_eq!(
            with(json!({ "metadata": { "labels": { "Owner": "me" } } }), &map),
            json!({ "metadata": { "labels": { "Owner": "me", "Service": "shop" } } })
        );
        assert_eq!(
            with(json!({}), &map)["metadata"]["labels"]["Owner"],
            "platform"
        );
        let tags = Labels::Tags(PathPattern::known("/tags"));
        assert_eq!(
            with(json!({ "tags": ["Owner:me"] }), &tags),
            json!({ "tags": ["Owner:me", "Service:shop"] })
        );
    }
}
