//! Places inside an object as the server writes them (`.spec.containers[name="api"].image`), found
//! in the object they are about. Field names are not escaped in that notation, so only the object
//! tells where one ends.

use crate::model::{FieldPath, Segment};
use serde_json::Value as Json;

/// One step into an object, with what it looks like to people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// A field.
    Key(String),
    /// An item of a list, and the segment that names it.
    Item(usize, Segment),
}

/// Where a field stands in one object.
pub(crate) type Place = Vec<Turn>;

/// Finds a field in an object; `None` where the object does not have it.
pub(crate) fn find(object: &Json, field: &str) -> Option<Place> {
    let mut place = Vec::new();
    walk(object, field, &mut place).then_some(place)
}

fn walk(value: &Json, rest: &str, place: &mut Place) -> bool {
    if rest.is_empty() {
        return true;
    }
    if let Some(named) = rest.strip_prefix('.') {
        let Some(fields) = value.as_object() else {
            return false;
        };
        let mut keys: Vec<&String> = fields
            .keys()
            .filter(|key| named.starts_with(key.as_str()))
            .collect();
        // The longest name first: `a.b` before `a` for `.a.b`.
        keys.sort_by_key(|key| std::cmp::Reverse(key.len()));
        return keys.into_iter().any(|key| {
            place.push(Turn::Key(key.clone()));
            let found = walk(&fields[key], &named[key.len()..], place);
            if !found {
                place.pop();
            }
            found
        });
    }
    let (Some((item, used)), Some(items)) = (selector(rest), value.as_array()) else {
        return false;
    };
    let Some(nth) = items
        .iter()
        .enumerate()
        .position(|(nth, candidate)| item.is(nth, candidate))
    else {
        return false;
    };
    place.push(Turn::Item(nth, item.segment(nth)));
    let found = walk(&items[nth], &rest[used..], place);
    if !found {
        place.pop();
    }
    found
}

/// What stands between brackets.
enum Selector {
    Index(usize),
    Keys(Vec<(String, Json)>),
    Scalar(Json),
}

impl Selector {
    fn is(&self, nth: usize, item: &Json) -> bool {
        match self {
            Self::Index(index) => *index == nth,
            Self::Scalar(value) => item == value,
            // A key may be left out where it has a default, e.g. a port's protocol.
            Self::Keys(keys) => {
                keys.iter()
                    .all(|(key, value)| item.get(key).is_none_or(|own| own == value))
                    && keys.iter().any(|(key, _)| item.get(key).is_some())
            }
        }
    }

    fn segment(&self, nth: usize) -> Segment {
        match self {
            Self::Keys(keys) => Segment::Item(
                keys.iter()
                    .map(|(key, value)| (key.clone(), text_of(value)))
                    .collect(),
            ),
            Self::Index(_) | Self::Scalar(_) => Segment::Index(nth),
        }
    }
}

/// Writes a key's value as people read it.
fn text_of(value: &Json) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// Reads `[0]`, `[="text"]` or `[name="x",port=80]`, and how many bytes it took.
fn selector(text: &str) -> Option<(Selector, usize)> {
    let mut rest = text.strip_prefix('[')?;
    let used = |rest: &str| text.len() - rest.len();
    if let Some(scalar) = rest.strip_prefix('=') {
        let (value, left) = scalar_at(scalar)?;
        let left = left.strip_prefix(']')?;
        return Some((Selector::Scalar(value), used(left)));
    }
    if let Some((digits, left)) = rest.split_once(']')
        && let Ok(index) = digits.parse()
    {
        return Some((Selector::Index(index), used(left)));
    }
    let mut keys = Vec::new();
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, left) = scalar_at(after)?;
        keys.push((key.to_owned(), value));
        match left.strip_prefix(',') {
            Some(more) => rest = more,
            None => return Some((Selector::Keys(keys), used(left.strip_prefix(']')?))),
        }
    }
}

/// Reads one JSON scalar from the beginning of a text.
fn scalar_at(text: &str) -> Option<(Json, &str)> {
    let mut stream = serde_json::Deserializer::from_str(text).into_iter::<Json>();
    let value = stream.next()?.ok()?;
    Some((value, &text[stream.byte_offset()..]))
}

/// Returns the place as it is shown.
pub(crate) fn path(place: &Place) -> FieldPath {
    FieldPath(
        place
            .iter()
            .map(|turn| match turn {
                Turn::Key(key) => Segment::Key(key.clone()),
                Turn::Item(_, segment) => segment.clone(),
            })
            .collect(),
    )
}

/// Returns what stands at a place.
pub(crate) fn get<'v>(object: &'v Json, place: &[Turn]) -> Option<&'v Json> {
    place.iter().try_fold(object, |value, turn| match turn {
        Turn::Key(key) => value.get(key),
        Turn::Item(nth, _) => value.get(*nth),
    })
}

/// Puts a value in a place as another object has it, maps on the way made; nowhere where an item on the
/// way is not there.
pub(crate) fn put(object: &mut Json, place: &[Turn], value: Json) {
    let Some((first, rest)) = place.split_first() else {
        *object = value;
        return;
    };
    let inner = match (first, object) {
        (Turn::Key(key), Json::Object(fields)) => {
            let empty = || Json::Object(serde_json::Map::new());
            Some(fields.entry(key.clone()).or_insert_with(empty))
        }
        (Turn::Item(_, Segment::Item(keys)), Json::Array(items)) => {
            let is_named = |item: &&mut Json| {
                let mut keys = keys.iter();
                keys.all(|(key, text)| item.get(key).is_some_and(|own| text_of(own) == *text))
            };
            items.iter_mut().find(is_named)
        }
        (Turn::Item(nth, _), Json::Array(items)) => items.get_mut(*nth),
        _ => None,
    };
    if let Some(inner) = inner {
        put(inner, rest, value);
    }
}

/// Takes a field out of the object, and maps that hold nothing else with it: an empty map would
/// still claim its place.
pub(crate) fn cut(object: &mut Json, place: &[Turn]) {
    let Some((first, rest)) = place.split_first() else {
        return;
    };
    match first {
        Turn::Key(key) => {
            let Some(fields) = object.as_object_mut() else {
                return;
            };
            if rest.is_empty() {
                fields.shift_remove(key);
                return;
            }
            if let Some(inner) = fields.get_mut(key) {
                cut(inner, rest);
                if inner.as_object().is_some_and(serde_json::Map::is_empty) {
                    fields.shift_remove(key);
                }
            }
        }
        Turn::Item(nth, _) => {
            let Some(items) = object.as_array_mut() else {
                return;
            };
            if rest.is_empty() && *nth < items.len() {
                items.remove(*nth);
            } else if let Some(inner) = items.get_mut(*nth) {
                cut(inner, rest);
            }
        }
    }
}

/// Reads a field path of a validation error (`spec.clusterIPs[0]`), which names no object's keys.
pub(crate) fn plain(field: &str) -> FieldPath {
    let mut path = FieldPath::default();
    for part in field.split(['.', '[']).filter(|part| !part.is_empty()) {
        path = match part.strip_suffix(']') {
            Some(index) => match index.parse() {
                Ok(index) => path.then(Segment::Index(index)),
                Err(_) => path.key(index),
            },
            None => path.key(part),
        };
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Json {
        json!({
            "metadata": { "annotations": { "a": "0", "a.b/c.d": "1" } },
            "spec": {
                "containers": [{ "name": "web" }, { "name": "api", "resources": { "limits": { "cpu": "1" } },
                    "ports": [{ "containerPort": 80 }] }],
                "finalizers": ["x", "y.z/w"],
            },
        })
    }

    fn shown(field: &str) -> Option<String> {
        find(&object(), field).map(|place| path(&place).to_string())
    }

    #[test]
    fn a_place_is_found_though_names_are_not_escaped() {
        assert_eq!(
            shown(".metadata.annotations.a.b/c.d").unwrap(),
            r#"metadata.annotations["a.b/c.d"]"#
        );
        assert_eq!(
            shown(r#".spec.containers[name="api"].resources.limits.cpu"#).unwrap(),
            "spec.containers[name=api].resources.limits.cpu"
        );
        assert_eq!(
            shown(r#".spec.containers[name="api"].ports[containerPort=80,protocol="TCP"].containerPort"#).unwrap(),
            "spec.containers[name=api].ports[containerPort=80,protocol=TCP].containerPort"
        );
        assert_eq!(
            shown(r#".spec.finalizers[="y.z/w"]"#).unwrap(),
            "spec.finalizers[1]"
        );
        assert_eq!(shown(".spec.replicas"), None);
        assert_eq!(shown("no place at all"), None);
    }

    #[test]
    fn a_cut_leaves_no_empty_map_behind() {
        let mut object = object();
        let place = find(
            &object,
            r#".spec.containers[name="api"].resources.limits.cpu"#,
        )
        .unwrap();
        cut(&mut object, &place);
        assert_eq!(
            object["spec"]["containers"][1],
            json!({ "name": "api", "ports": [{ "containerPort": 80 }] })
        );
    }

    #[test]
    fn a_path_of_a_validation_error_is_read() {
        assert_eq!(
            plain("spec.clusterIPs[0]").to_string(),
            "spec.clusterIPs[0]"
        );
        assert_eq!(plain("spec.template").to_string(), "spec.template");
    }
}
