//! A map of fields. State is small maps within maps, a hundred thousand of them: a few fields stand in one list, and
//! only many are found by an index, which takes more room than a few fields themselves.

use super::value::Value;
use indexmap::{IndexMap, map};
use serde::{Serialize, Serializer};
use std::{slice, vec};

/// Up to this many fields are looked through one by one.
const FEW: usize = 16;

/// Fields in the order they were written. Two maps are equal in any order.
#[derive(Clone, Debug)]
pub struct Map(Fields);

#[derive(Clone, Debug)]
enum Fields {
    Few(Vec<(String, Value)>),
    Many(Box<IndexMap<String, Value>>),
}

impl Map {
    /// Makes one without a field.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many fields it has.
    pub fn len(&self) -> usize {
        match &self.0 {
            Fields::Few(fields) => fields.len(),
            Fields::Many(fields) => fields.len(),
        }
    }

    /// Tells whether it has none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns one field.
    pub fn get(&self, key: &str) -> Option<&Value> {
        match &self.0 {
            Fields::Few(fields) => {
                let mut fields = fields.iter();
                fields.find(|(own, _)| own == key).map(|(_, value)| value)
            }
            Fields::Many(fields) => fields.get(key),
        }
    }

    /// Returns one field, to change it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        match &mut self.0 {
            Fields::Few(fields) => {
                let mut fields = fields.iter_mut();
                fields.find(|(own, _)| own == key).map(|(_, value)| value)
            }
            Fields::Many(fields) => fields.get_mut(key),
        }
    }

    /// Tells whether a field is there, whatever it holds.
    pub fn contains_key(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Puts a field in its place, or after the others; returns what it held.
    pub fn insert(&mut self, key: String, value: Value) -> Option<Value> {
        if let Some(own) = self.get_mut(&key) {
            return Some(std::mem::replace(own, value));
        }
        match &mut self.0 {
            Fields::Few(fields) if fields.len() < FEW => fields.push((key, value)),
            Fields::Few(fields) => {
                let mut many: IndexMap<_, _> = fields.drain(..).collect();
                many.insert(key, value);
                self.0 = Fields::Many(Box::new(many));
            }
            Fields::Many(fields) => drop(fields.insert(key, value)),
        }
        None
    }

    /// Returns a field, to change it; puts this there where it is missing.
    pub fn get_or_insert_with(&mut self, key: &str, make: impl FnOnce() -> Value) -> &mut Value {
        if !self.contains_key(key) {
            self.insert(key.to_owned(), make());
        }
        self.get_mut(key).expect("it was put there just above")
    }

    /// Takes a field out; the others stay in their order.
    pub fn shift_remove(&mut self, key: &str) -> Option<Value> {
        match &mut self.0 {
            Fields::Few(fields) => {
                let nth = fields.iter().position(|(own, _)| own == key)?;
                Some(fields.remove(nth).1)
            }
            Fields::Many(fields) => fields.shift_remove(key),
        }
    }

    /// Keeps just these.
    pub fn retain(&mut self, mut is_kept: impl FnMut(&str, &mut Value) -> bool) {
        match &mut self.0 {
            Fields::Few(fields) => fields.retain_mut(|(key, value)| is_kept(key, value)),
            Fields::Many(fields) => fields.retain(|key, value| is_kept(key, value)),
        }
    }

    /// Returns every field with its name.
    pub fn iter(&self) -> Iter<'_> {
        match &self.0 {
            Fields::Few(fields) => Iter::Few(fields.iter()),
            Fields::Many(fields) => Iter::Many(fields.iter()),
        }
    }

    /// Returns the names of all.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.iter().map(|(key, _)| key)
    }

    /// Returns what all hold.
    pub fn values(&self) -> impl Iterator<Item = &Value> {
        self.iter().map(|(_, value)| value)
    }

    /// Returns what all hold, to change it.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Value> {
        self.into_iter().map(|(_, value)| value)
    }
}

impl Default for Map {
    fn default() -> Self {
        Self(Fields::Few(Vec::new()))
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        let is_there = |(key, value): (&String, &Value)| other.get(key) == Some(value);
        self.len() == other.len() && self.iter().all(is_there)
    }
}

impl FromIterator<(String, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(fields: I) -> Self {
        let fields = fields.into_iter();
        let room = fields.size_hint().0.min(FEW);
        let mut map = Self(Fields::Few(Vec::with_capacity(room)));
        map.extend(fields);
        if let Fields::Few(fields) = &mut map.0 {
            fields.shrink_to_fit();
        }
        map
    }
}

impl<const N: usize> From<[(String, Value); N]> for Map {
    fn from(fields: [(String, Value); N]) -> Self {
        fields.into_iter().collect()
    }
}

impl Extend<(String, Value)> for Map {
    fn extend<I: IntoIterator<Item = (String, Value)>>(&mut self, fields: I) {
        for (key, value) in fields {
            self.insert(key, value);
        }
    }
}

/// Fields by reference.
pub enum Iter<'a> {
    /// From a list.
    Few(slice::Iter<'a, (String, Value)>),
    /// From an index.
    Many(map::Iter<'a, String, Value>),
}

/// Fields that can be changed.
pub enum IterMut<'a> {
    /// From a list.
    Few(slice::IterMut<'a, (String, Value)>),
    /// From an index.
    Many(map::IterMut<'a, String, Value>),
}

/// Fields themselves.
pub enum IntoIter {
    /// From a list.
    Few(vec::IntoIter<(String, Value)>),
    /// From an index.
    Many(map::IntoIter<String, Value>),
}

impl<'a> Iterator for Iter<'a> {
    type Item = (&'a String, &'a Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(fields) => fields.next().map(|(key, value)| (key, value)),
            Self::Many(fields) => fields.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Few(fields) => fields.size_hint(),
            Self::Many(fields) => fields.size_hint(),
        }
    }
}

impl<'a> Iterator for IterMut<'a> {
    type Item = (&'a String, &'a mut Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(fields) => fields.next().map(|(key, value)| (&*key, value)),
            Self::Many(fields) => fields.next(),
        }
    }
}

impl Iterator for IntoIter {
    type Item = (String, Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Few(fields) => fields.next(),
            Self::Many(fields) => fields.next(),
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        match self {
            Self::Few(fields) => fields.size_hint(),
            Self::Many(fields) => fields.size_hint(),
        }
    }
}

impl IntoIterator for Map {
    type Item = (String, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        match self.0 {
            Fields::Few(fields) => IntoIter::Few(fields.into_iter()),
            Fields::Many(fields) => IntoIter::Many(fields.into_iter()),
        }
    }
}

impl<'a> IntoIterator for &'a Map {
    type Item = (&'a String, &'a Value);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

impl<'a> IntoIterator for &'a mut Map {
    type Item = (&'a String, &'a mut Value);
    type IntoIter = IterMut<'a>;

    fn into_iter(self) -> IterMut<'a> {
        match &mut self.0 {
            Fields::Few(fields) => IterMut::Few(fields.iter_mut()),
            Fields::Many(fields) => IterMut::Many(fields.iter_mut()),
        }
    }
}

/// Serialises for people, as [`Value`] does.
impl Serialize for Map {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One thing done to a map.
    #[derive(Clone, Debug)]
    enum Act {
        Insert(String, bool),
        Remove(String),
        Ensure(String),
        Keep(bool),
    }

    fn act() -> impl Strategy<Value = Act> {
        let key = || (0..40_u8).prop_map(|nth| format!("field-{nth}"));
        prop_oneof![
            8 => (key(), any::<bool>()).prop_map(|(key, value)| Act::Insert(key, value)),
            2 => key().prop_map(Act::Remove),
            2 => key().prop_map(Act::Ensure),
            1 => any::<bool>().prop_map(Act::Keep),
        ]
    }

    proptest! {
        /// Few or many, a map is what the library's own is.
        #[test]
        fn it_holds_what_an_indexed_map_holds(acts in prop::collection::vec(act(), 0..120)) {
            let mut map = Map::new();
            let mut other: IndexMap<String, Value> = IndexMap::new();
            for act in acts {
                match act {
                    Act::Insert(key, value) => {
                        let before = map.insert(key.clone(), Value::Bool(value));
                        prop_assert_eq!(before, other.insert(key, Value::Bool(value)));
                    }
                    Act::Remove(key) => {
                        prop_assert_eq!(map.shift_remove(&key), other.shift_remove(&key));
                    }
                    Act::Ensure(key) => {
                        let own = map.get_or_insert_with(&key, || Value::Null).clone();
                        prop_assert_eq!(&own, other.entry(key).or_insert(Value::Null));
                    }
                    Act::Keep(which) => {
                        map.retain(|_, value| *value != Value::Bool(which));
                        other.retain(|_, value| *value != Value::Bool(which));
                    }
                }
                prop_assert_eq!(map.len(), other.len());
                prop_assert!(map.iter().eq(other.iter()));
            }
            let turned: Map = other.iter().rev().map(|(key, value)| (key.clone(), value.clone())).collect();
            prop_assert!(map == turned && map.clone().into_iter().eq(other));
        }
    }

    #[test]
    fn a_field_more_or_less_makes_another_map() {
        let one = Map::from([("a".to_owned(), Value::Null)]);
        let two = Map::from([("b".to_owned(), Value::Null)]);
        assert_ne!(one, two);
        assert_ne!(one, Map::new());
        let last = Map::from([
            ("a".to_owned(), Value::Null),
            ("a".to_owned(), Value::Bool(true)),
        ]);
        assert_eq!(
            last.get("a"),
            Some(&Value::Bool(true)),
            "the last one counts"
        );
    }
}
