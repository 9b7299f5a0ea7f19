//! What makes a live object the declared one, as a merge patch (RFC 7386). Pure.

use super::fieldset::{self, Key, has_keys};
use super::managed;
use serde_json::{Map, Value as Json};

/// Returns the patch that takes a set of fields off, as far as none of the `others` keeps them, and puts the
/// declared ones in.
pub(crate) fn of<'a>(
    live: &Json,
    sent: &Json,
    gone: &Json,
    others: impl Iterator<Item = &'a Json>,
) -> Json {
    let others = fieldset::joined(others.map(|entry| &entry["fieldsV1"]));
    let all = managed::entries(live).iter();
    let all = fieldset::joined(all.map(|entry| &entry["fieldsV1"]));
    let mut object = live.clone();
    cut(&mut object, gone, others.as_ref());
    merge(&mut object, sent, all.as_ref());
    difference(live, &object)
}

/// Takes a set of fields off; an item that somebody else keeps a field of stays.
pub(crate) fn cut(value: &mut Json, set: &Json, others: Option<&Json>) {
    for (text, inner) in fieldset::below(set) {
        let others = others.and_then(|others| others.get(text));
        let goes = fieldset::has_itself(inner) && others.is_none();
        match (fieldset::key(text), &mut *value) {
            (Key::Field(name), Json::Object(fields)) => {
                let Some(field) = fields.get_mut(name) else {
                    continue;
                };
                cut(field, inner, others);
                let is_hollow = match field {
                    Json::Object(fields) => fields.is_empty(),
                    Json::Array(items) => items.is_empty(),
                    _ => true,
                };
                let is_leaf = fieldset::below(inner).next().is_none();
                if others.is_none() && (is_leaf || is_hollow) {
                    fields.shift_remove(name);
                }
            }
            (Key::Keys(keys), Json::Array(items)) => {
                let place = items.iter().position(|item| has_keys(item, &keys));
                match place {
                    Some(place) if goes => {
                        items.remove(place);
                    }
                    Some(place) => cut(&mut items[place], inner, others),
                    None => {}
                }
            }
            (Key::Value(value), Json::Array(items)) => items.retain(|item| *item != value),
            _ => {}
        }
    }
}

/// Puts the declared fields in, as the server would merge them.
fn merge(value: &mut Json, sent: &Json, set: Option<&Json>) {
    let is_whole = set.and_then(Json::as_object).is_some_and(Map::is_empty);
    match (&mut *value, sent) {
        (Json::Object(fields), Json::Object(sent)) if !is_whole => {
            for (key, sent) in sent {
                let set = set.and_then(|set| set.get(format!("f:{key}")));
                match fields.get_mut(key) {
                    _ if sent.is_null() => {
                        fields.shift_remove(key);
                    }
                    Some(field) => merge(field, sent, set),
                    None => {
                        fields.insert(key.clone(), sent.clone());
                    }
                }
            }
        }
        (Json::Array(items), Json::Array(sent)) => {
            let names = set.and_then(fieldset::key_names);
            match names {
                Some(names) => merge_items(items, sent, &names, set),
                None if set.is_some_and(fieldset::is_of_values) => {
                    let missing = sent.iter().filter(|value| !items.contains(value));
                    let missing: Vec<Json> = missing.cloned().collect();
                    items.extend(missing);
                }
                None => items.clone_from(sent),
            }
        }
        _ => value.clone_from(sent),
    }
}

fn merge_items(items: &mut Vec<Json>, sent: &[Json], names: &[String], set: Option<&Json>) {
    let keys_of = |item: &Json| fieldset::keys_of(item, names);
    for one in sent {
        let keys = keys_of(one);
        // A key may be left out where it has a default; what another declared item names is not it.
        let others: Vec<Json> = sent
            .iter()
            .map(keys_of)
            .filter(|other| *other != keys)
            .collect();
        let place = items.iter().position(|item| {
            has_keys(item, &keys) && !others.iter().any(|other| keys_of(item) == *other)
        });
        match place {
            Some(place) => {
                let whole = format!("k:{}", keys_of(&items[place]));
                merge(&mut items[place], one, set.and_then(|set| set.get(&whole)));
            }
            None => items.push(one.clone()),
        }
    }
}

/// Returns the merge patch (RFC 7386) that makes the one of the other.
fn difference(one: &Json, other: &Json) -> Json {
    let (Json::Object(one), Json::Object(other)) = (one, other) else {
        return other.clone();
    };
    let gone = one.keys().filter(|key| !other.contains_key(*key));
    let gone = gone.map(|key| (key.clone(), Json::Null));
    let changed = other
        .iter()
        .filter(|(key, value)| one.get(*key) != Some(*value));
    let changed = changed.map(|(key, value)| {
        let change = match one.get(key) {
            Some(before) => difference(before, value),
            None => value.clone(),
        };
        (key.clone(), change)
    });
    Json::Object(gone.chain(changed).collect())
}
