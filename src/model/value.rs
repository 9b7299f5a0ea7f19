//! The tree that desired and live state are made of: JSON, plus secrets and holes.

use super::map::Map;
use super::secret::{MASK, Secret};
use serde::{Serialize, Serializer, ser::SerializeSeq as _};
use std::collections::BTreeSet;

/// What every output shows in a hole's place.
pub const LATER: &str = "(known after apply)";

/// One node of desired or live state.
#[derive(Clone, Debug, PartialEq, Default)]
pub enum Value {
    /// `null`: in desired state, "clear this field".
    #[default]
    Null,
    /// A boolean.
    Bool(bool),
    /// A number as it was written.
    Number(serde_json::Number),
    /// A text.
    String(String),
    /// A sensitive scalar.
    Secret(Secret),
    /// A value that is not known before another resource is applied.
    Hole(Box<Hole>),
    /// A list.
    List(Vec<Self>),
    /// A map of fields.
    Map(Map),
}

/// A place whose value comes from a resource that is yet to be created or changed.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Hole {
    /// The whole scalar as written in the spec, expressions included. Covered by the plan hash.
    pub template: String,
    /// What must be applied first: `resources.<id>` as ids, in order.
    pub needs: BTreeSet<String>,
    /// True where the value will be sensitive.
    pub sensitive: bool,
}

impl Value {
    /// Takes JSON as it is; nothing in it is sealed.
    pub fn from_json(json: serde_json::Value) -> Self {
        match json {
            serde_json::Value::Null => Self::Null,
            serde_json::Value::Bool(value) => Self::Bool(value),
            serde_json::Value::Number(value) => Self::Number(value),
            serde_json::Value::String(value) => Self::String(value),
            serde_json::Value::Array(items) => {
                Self::List(items.into_iter().map(Self::from_json).collect())
            }
            serde_json::Value::Object(fields) => Self::Map(
                fields
                    .into_iter()
                    .map(|(key, value)| (key, Self::from_json(value)))
                    .collect(),
            ),
        }
    }

    /// Opens every secret and gives plain JSON, for the request that is about to be sent.
    /// Returns `None` where a hole is left: such a value cannot be sent.
    pub fn exposed_json(&self) -> Option<serde_json::Value> {
        Some(match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => serde_json::Value::Bool(*value),
            Self::Number(value) => serde_json::Value::Number(value.clone()),
            Self::String(value) => serde_json::Value::String(value.clone()),
            Self::Secret(secret) => secret.expose_json(),
            Self::Hole(_) => return None,
            Self::List(items) => serde_json::Value::Array(
                items
                    .iter()
                    .map(Self::exposed_json)
                    .collect::<Option<_>>()?,
            ),
            Self::Map(fields) => serde_json::Value::Object(
                fields
                    .iter()
                    .map(|(key, value)| Some((key.clone(), value.exposed_json()?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }

    /// Gives JSON for people: secrets and holes masked.
    pub fn masked_json(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => serde_json::Value::Bool(*value),
            Self::Number(value) => serde_json::Value::Number(value.clone()),
            Self::String(value) => serde_json::Value::String(value.clone()),
            Self::Secret(_) => serde_json::Value::String(MASK.to_owned()),
            Self::Hole(_) => serde_json::Value::String(LATER.to_owned()),
            Self::List(items) => {
                serde_json::Value::Array(items.iter().map(Self::masked_json).collect())
            }
            Self::Map(fields) => serde_json::Value::Object(
                fields
                    .iter()
                    .map(|(key, value)| (key.clone(), value.masked_json()))
                    .collect(),
            ),
        }
    }

    /// Returns the text of a string that is not secret.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns the fields of a map.
    pub fn as_map(&self) -> Option<&Map> {
        match self {
            Self::Map(fields) => Some(fields),
            _ => None,
        }
    }

    /// Returns the items of a list.
    pub fn as_list(&self) -> Option<&[Self]> {
        match self {
            Self::List(items) => Some(items),
            _ => None,
        }
    }

    /// Returns one field of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.as_map().and_then(|fields| fields.get(key))
    }

    /// Returns the node under a path of field names.
    pub fn at(&self, keys: &[&str]) -> Option<&Self> {
        keys.iter().try_fold(self, |value, key| value.get(key))
    }

    /// Calls `visit` on every node, parents first.
    pub fn walk<'a>(&'a self, visit: &mut impl FnMut(&'a Self)) {
        visit(self);
        match self {
            Self::List(items) => items.iter().for_each(|item| item.walk(visit)),
            Self::Map(fields) => fields.values().for_each(|field| field.walk(visit)),
            _ => {}
        }
    }

    /// Returns every hole in the tree, in order.
    pub fn holes(&self) -> Vec<&Hole> {
        let mut holes = Vec::new();
        self.walk(&mut |value| {
            if let Self::Hole(hole) = value {
                holes.push(hole.as_ref());
            }
        });
        holes
    }

    /// Seals what stands at a place, given as a pattern's parts: `*` is any field or item.
    #[must_use]
    pub fn sealed_at(mut self, parts: &[String]) -> Self {
        self.seal_at(parts);
        self
    }

    fn seal_at(&mut self, parts: &[String]) {
        let Some((part, rest)) = parts.split_first() else {
            return self.seal();
        };
        match self {
            Self::Map(fields) => {
                let here = |key: &str| part == "*" || part == key;
                let under = fields.into_iter().filter(|(key, _)| here(key));
                under.for_each(|(_, field)| field.seal_at(rest));
            }
            Self::List(items) => {
                let here = |nth| part == "*" || part.parse() == Ok(nth);
                let under = items.iter_mut().enumerate().filter(|(nth, _)| here(*nth));
                under.for_each(|(_, item)| item.seal_at(rest));
            }
            _ => {}
        }
    }

    /// Returns the places of what is secret in it, holes and digests of secrets too, with `*` for items of
    /// lists: order is no reason to show a secret.
    pub fn secret_places(&self) -> Vec<Vec<String>> {
        match self {
            Self::Secret(_) => vec![Vec::new()],
            Self::Hole(hole) if hole.sensitive => vec![Vec::new()],
            Self::Map(fields) if fields.len() == 1 && fields.contains_key("$secret") => {
                vec![Vec::new()]
            }
            Self::Map(fields) => {
                let below = |(key, field): (&String, &Self)| below(key, field);
                fields.iter().flat_map(below).collect()
            }
            Self::List(items) => items.iter().flat_map(|item| below("*", item)).collect(),
            _ => Vec::new(),
        }
    }

    /// Seals every scalar below this node.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.seal();
        self
    }

    /// In place: a tree that is made anew leaves as much behind as it holds.
    fn seal(&mut self) {
        match self {
            Self::List(items) => items.iter_mut().for_each(Self::seal),
            Self::Map(fields) => fields.values_mut().for_each(Self::seal),
            Self::Hole(hole) => hole.sensitive = true,
            Self::Null | Self::Secret(_) => {}
            scalar => *scalar = Self::Secret(Secret::from_json(&scalar.masked_json())),
        }
    }
}

fn below(key: &str, field: &Value) -> Vec<Vec<String>> {
    let mut places = field.secret_places();
    for place in &mut places {
        place.insert(0, key.to_owned());
    }
    places
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<Hole> for Value {
    fn from(hole: Hole) -> Self {
        Self::Hole(Box::new(hole))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

/// Serialises for people: secrets and holes are masked. What must be sent goes through `exposed_json`.
impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Number(value) => value.serialize(serializer),
            Self::String(value) => serializer.serialize_str(value),
            Self::Secret(secret) => secret.serialize(serializer),
            Self::Hole(_) => serializer.serialize_str(LATER),
            Self::List(items) => {
                let mut list = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    list.serialize_element(item)?;
                }
                list.end()
            }
            Self::Map(fields) => fields.serialize(serializer),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sealing_hides_every_scalar_and_keeps_its_type() {
        let plain = serde_json::json!({"uri": "postgres://canary", "port": 5432, "on": true});
        let sealed = Value::from_json(plain.clone()).sealed();
        assert!(!serde_json::to_string(&sealed).unwrap().contains("canary"));
        assert!(!format!("{sealed:?}").contains("5432"));
        assert_eq!(sealed.exposed_json(), Some(plain));
    }

    #[test]
    fn places_of_secrets_are_told_of_digests_too_and_of_any_item() {
        let applied = serde_json::json!({ "data": { "t": { "$secret": "ab" }, "u": "x" }, "env": [{ "v": { "$secret": "cd" } }] });
        let places = Value::from_json(applied).secret_places();
        assert_eq!(places, [["data", "t"].as_slice(), &["env", "*", "v"]]);
    }

    #[test]
    fn a_node_is_no_larger_than_a_text_and_its_tag() {
        // A state of 4,000 objects is some hundred thousand of them.
        assert!(size_of::<Value>() <= size_of::<String>() + size_of::<usize>());
    }

    #[test]
    fn a_value_with_a_hole_cannot_be_sent() {
        let hole = Hole {
            template: "${x}".into(),
            needs: BTreeSet::new(),
            sensitive: false,
        };
        assert_eq!(Value::List(vec![hole.into()]).exposed_json(), None);
    }
}
