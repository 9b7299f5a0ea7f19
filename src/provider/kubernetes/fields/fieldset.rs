//! Sets of fields as the API server writes them down for each manager. Pure.
//!
//! Source of the notation: "FieldsV1" of the meta/v1 API: `f:` a field, `k:` an item by its keys, `v:`
//! an item of a set, `.` the thing itself. What has nothing below it belongs to the set as a whole.

use crate::model::{FieldPath, ListRule, PathPattern, Segment};
use serde_json::{Map, Value as Json};

/// The thing itself, beside what is below it.
const ITSELF: &str = ".";

/// One step into an object.
pub(crate) enum Key<'a> {
    /// A field.
    Field(&'a str),
    /// An item of a list, by its keys.
    Keys(Json),
    /// A plain value in a set.
    Value(Json),
    /// The thing itself, or an item by its place, which nobody writes.
    Other,
}

/// Reads one step.
pub(crate) fn key(text: &str) -> Key<'_> {
    let json = |text: &str| serde_json::from_str(text).unwrap_or(Json::Null);
    match text.split_once(':') {
        Some(("f", name)) => Key::Field(name),
        Some(("k", keys)) => Key::Keys(json(keys)),
        Some(("v", value)) => Key::Value(json(value)),
        _ => Key::Other,
    }
}

/// Returns what is below, the thing itself apart.
pub(crate) fn below(set: &Json) -> impl Iterator<Item = (&String, &Json)> {
    let all = set.as_object().into_iter().flatten();
    all.filter(|(key, _)| *key != ITSELF)
}

/// Tells whether the thing itself belongs to the set.
pub(super) fn has_itself(set: &Json) -> bool {
    let fields = set.as_object();
    fields.is_some_and(|fields| fields.is_empty() || fields.contains_key(ITSELF))
}

fn of(below: Map<String, Json>, itself: bool) -> Option<Json> {
    let mut set = below;
    if set.is_empty() {
        return itself.then_some(Json::Object(set));
    }
    if itself {
        set.insert(ITSELF.to_owned(), Json::Object(Map::new()));
    }
    Some(Json::Object(set))
}

/// Returns what is in the one and not in the other; `None` where that is nothing.
pub(crate) fn minus(one: &Json, other: &Json) -> Option<Json> {
    let left = below(one).filter_map(|(key, one)| {
        let left = match other.get(key) {
            Some(other) => minus(one, other)?,
            None => one.clone(),
        };
        Some((key.clone(), left))
    });
    of(left.collect(), has_itself(one) && !has_itself(other))
}

/// Adds the other to the one.
pub(crate) fn add(one: &mut Json, other: &Json) {
    let itself = has_itself(one) || has_itself(other);
    let mut all: Map<String, Json> = below(one)
        .map(|(key, set)| (key.clone(), set.clone()))
        .collect();
    for (key, set) in below(other) {
        match all.get_mut(key) {
            Some(known) => add(known, set),
            None => {
                all.insert(key.clone(), set.clone());
            }
        }
    }
    *one = of(all, itself).unwrap_or_default();
}

/// Joins sets; `None` where there are none.
pub(crate) fn joined<'a>(sets: impl Iterator<Item = &'a Json>) -> Option<Json> {
    sets.fold(None, |joined, set| match joined {
        None => Some(set.clone()),
        Some(mut joined) => {
            add(&mut joined, set);
            Some(joined)
        }
    })
}

/// Tells whether a declared item is the one of these keys; it may leave out one that has a default.
pub(crate) fn is_named(item: &Json, keys: &Json) -> bool {
    let mut keys = keys.as_object().into_iter().flatten();
    keys.all(|(key, value)| item.get(key).is_none_or(|own| own == value))
}

/// Tells whether an item has these keys.
pub(super) fn has_keys(item: &Json, keys: &Json) -> bool {
    let mut keys = keys.as_object().into_iter().flatten();
    keys.all(|(key, value)| item.get(key) == Some(value))
}

/// Returns the keys of an item, those it has.
pub(super) fn keys_of(item: &Json, names: &[String]) -> Json {
    let keys = names.iter();
    let keys = keys.filter_map(|name| Some((name.clone(), item.get(name)?.clone())));
    Json::Object(keys.collect())
}

/// Returns the keys that items of a list are known by, where the set holds any.
pub(super) fn key_names(set: &Json) -> Option<Vec<String>> {
    below(set).find_map(|(text, _)| match key(text) {
        Key::Keys(Json::Object(keys)) => Some(keys.into_iter().map(|(name, _)| name).collect()),
        _ => None,
    })
}

/// Tells whether a list is merged as a set of plain values.
pub(super) fn is_of_values(set: &Json) -> bool {
    below(set).any(|(text, _)| matches!(key(text), Key::Value(_)))
}

/// Returns how the lists in a set are merged, as far as their items tell.
pub(crate) fn list_rules(set: &Json) -> Vec<(PathPattern, ListRule)> {
    let mut rules = Vec::new();
    collect_rules(set, "", &mut rules);
    rules
}

fn collect_rules(set: &Json, at: &str, rules: &mut Vec<(PathPattern, ListRule)>) {
    let rule = match key_names(set) {
        Some(names) => Some(ListRule::Keyed(names)),
        None => is_of_values(set).then_some(ListRule::Set),
    };
    if let Some((pattern, rule)) = PathPattern::parse(at).ok().zip(rule) {
        let known = rules.iter().any(|(known, _)| *known == pattern);
        if !known {
            rules.push((pattern, rule));
        }
    }
    for (text, inner) in below(set) {
        match key(text) {
            Key::Field(name) => {
                let name = name.replace('~', "~0").replace('/', "~1");
                collect_rules(inner, &format!("{at}/{name}"), rules);
            }
            Key::Keys(_) => collect_rules(inner, &format!("{at}/*"), rules),
            Key::Value(_) | Key::Other => {}
        }
    }
}

/// Returns the segment that names an item by its keys.
pub(crate) fn segment(keys: &Json) -> Segment {
    let keys = keys.as_object().into_iter().flatten();
    let text = |value: &Json| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    Segment::Item(
        keys.map(|(key, value)| (key.clone(), text(value)))
            .collect(),
    )
}

/// Returns the outermost places that belong to a set.
pub(crate) fn places(set: &Json) -> Vec<FieldPath> {
    let mut places = Vec::new();
    collect_places(set, &FieldPath::default(), &mut places);
    places
}

fn collect_places(set: &Json, at: &FieldPath, places: &mut Vec<FieldPath>) {
    for (text, inner) in below(set) {
        let place = match key(text) {
            Key::Field(name) => at.key(name),
            Key::Keys(keys) => at.then(segment(&keys)),
            Key::Value(_) | Key::Other => at.clone(),
        };
        if has_itself(inner) {
            places.push(place);
        } else {
            collect_places(inner, &place, places);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn env(names: &[&str]) -> Json {
        let items = names.iter().map(|name| {
            let key = format!("k:{{\"name\":\"{name}\"}}");
            (key, json!({ ".": {}, "f:name": {}, "f:value": {} }))
        });
        json!({ "f:spec": { "f:env": Json::Object(items.collect()) } })
    }

    #[test]
    fn sets_are_joined_and_taken_from_each_other() {
        let mut both = env(&["A"]);
        add(&mut both, &env(&["B"]));
        assert_eq!(both, env(&["A", "B"]));
        assert_eq!(minus(&both, &env(&["A"])), Some(env(&["B"])));
        assert_eq!(minus(&both, &both), None);
        // One who owns a map as a whole and one who owns a key in it.
        let mut map = json!({ "f:data": {} });
        add(&mut map, &json!({ "f:data": { "f:a": {} } }));
        assert_eq!(map, json!({ "f:data": { "f:a": {}, ".": {} } }));
    }

    #[test]
    fn lists_tell_how_they_are_merged_and_places_how_they_are_called() {
        let rules = list_rules(&env(&["A"]));
        assert_eq!(rules[0].0.to_string(), "/spec/env");
        assert_eq!(rules[0].1, ListRule::Keyed(vec!["name".to_owned()]));
        assert_eq!(places(&env(&["A"]))[0].to_string(), "spec.env[name=A]");
    }
}
