//! Where the secrets of a tree are, so that both sides of a difference can be sealed alike.

use super::lists;
use crate::model::{FieldPath, Kind, ListRule, Segment, Value};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Which places of a tree are secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing below is.
    Open,
    /// Everything below is.
    Sealed,
    /// Some fields are.
    Fields(BTreeMap<String, Self>),
    /// Some items of a list are, by their keys.
    Items(Vec<String>, BTreeMap<Vec<(String, String)>, Self>),
    /// Something in an item is, and any item may be that one.
    Each(Box<Self>),
}

impl Shape {
    /// Returns where the secrets of a value are; digests of secrets count.
    pub(super) fn of(kind: &Kind, value: &Value) -> Self {
        Self::below(kind, &FieldPath::default(), value)
    }

    fn below(kind: &Kind, path: &FieldPath, value: &Value) -> Self {
        match value {
            Value::Secret(_) => Self::Sealed,
            Value::Hole(hole) if hole.sensitive => Self::Sealed,
            Value::Map(fields) if fields.len() == 1 && fields.contains_key("$secret") => {
                Self::Sealed
            }
            Value::Map(fields) => {
                let shapes: BTreeMap<String, Self> = fields
                    .iter()
                    .map(|(key, field)| (key.clone(), Self::below(kind, &path.key(key), field)))
                    .filter(|(_, shape)| *shape != Self::Open)
                    .collect();
                if shapes.is_empty() {
                    Self::Open
                } else {
                    Self::Fields(shapes)
                }
            }
            Value::List(items) => Self::of_list(kind, path, items),
            _ => Self::Open,
        }
    }

    fn of_list(kind: &Kind, path: &FieldPath, items: &[Value]) -> Self {
        let nth = |nth: usize| path.then(Segment::Index(nth));
        let shapes: Vec<Self> = items
            .iter()
            .enumerate()
            .map(|(place, item)| Self::below(kind, &nth(place), item))
            .collect();
        if shapes.iter().all(|shape| *shape == Self::Open) {
            return Self::Open;
        }
        let keyed = match kind.list_rule(path) {
            Some(ListRule::Keyed(fields)) => items
                .iter()
                .map(|item| lists::key_of(item, fields))
                .collect::<Option<Vec<_>>>()
                .map(|keys| (fields.clone(), keys)),
            _ => None,
        };
        match keyed {
            Some((fields, keys)) => {
                let shapes = keys.into_iter().zip(shapes);
                Self::Items(fields, shapes.filter(|(_, s)| *s != Self::Open).collect())
            }
            None => Self::Each(Box::new(shapes.into_iter().fold(Self::Open, Self::or))),
        }
    }

    /// Returns what is secret in either.
    pub(super) fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Open, shape) | (shape, Self::Open) => shape,
            (Self::Fields(mut one), Self::Fields(other)) => {
                merge(&mut one, other);
                Self::Fields(one)
            }
            (Self::Items(fields, mut one), Self::Items(_, other)) => {
                merge(&mut one, other);
                Self::Items(fields, one)
            }
            (Self::Each(one), Self::Each(other)) => Self::Each(Box::new(one.or(*other))),
            (Self::Each(each), Self::Items(_, items))
            | (Self::Items(_, items), Self::Each(each)) => {
                Self::Each(Box::new(items.into_values().fold(*each, Self::or)))
            }
            // Two sides that do not even agree on what stands there: all of it.
            _ => Self::Sealed,
        }
    }

    /// Returns the value with these places sealed.
    pub(super) fn sealed<'v>(&self, value: &'v Value) -> Cow<'v, Value> {
        match self {
            Self::Open => Cow::Borrowed(value),
            _ => Cow::Owned(self.seal(value.clone())),
        }
    }

    fn seal(&self, value: Value) -> Value {
        match (self, value) {
            (Self::Open, value) => value,
            (Self::Fields(shapes), Value::Map(fields)) => Value::Map(
                fields
                    .into_iter()
                    .map(|(key, field)| {
                        let shape = shapes.get(&key).unwrap_or(&Self::Open);
                        let field = shape.seal(field);
                        (key, field)
                    })
                    .collect(),
            ),
            (Self::Items(fields, shapes), Value::List(items)) => Value::List(
                items
                    .into_iter()
                    .map(|item| match lists::key_of(&item, fields) {
                        Some(keys) => shapes
                            .iter()
                            .filter(|(other, _)| is_one_item(other, &keys))
                            .fold(item, |item, (_, shape)| shape.seal(item)),
                        None => item.sealed(),
                    })
                    .collect(),
            ),
            (Self::Each(shape), Value::List(items)) => {
                Value::List(items.into_iter().map(|item| shape.seal(item)).collect())
            }
            // What stands there is of another form than the secret was: all of it.
            (_, value) => value.sealed(),
        }
    }
}

/// Keys may be left out on one side (a port's protocol).
fn is_one_item(one: &[(String, String)], other: &[(String, String)]) -> bool {
    let within = |small: &[_], large: &[_]| small.iter().all(|key| large.contains(key));
    within(one, other) || within(other, one)
}

fn merge<K: Ord>(into: &mut BTreeMap<K, Shape>, other: BTreeMap<K, Shape>) {
    for (key, shape) in other {
        let known = into.remove(&key).unwrap_or(Shape::Open);
        into.insert(key, known.or(shape));
    }
}
