//! A parsed YAML value that knows where it stands.

use super::place::Place;

/// A key of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Where it stands.
    pub place: Place,
    /// Its text.
    pub text: String,
}

/// A text scalar.
#[derive(Clone, Debug, PartialEq)]
pub struct Text {
    /// The text, escapes and folding undone.
    pub text: String,
    /// True where it was written without quotes, so that `yes` can be told from `"yes"`.
    pub plain: bool,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A finite number.
    Number(serde_json::Number),
    /// A text.
    Text(Text),
    /// A list.
    List(Vec<Node>),
    /// A map in the order it was written; no key stands twice.
    Map(Vec<(Key, Node)>),
}

/// One value with its place.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub place: Place,
    /// What it holds.
    pub content: Content,
}

impl Node {
    /// Returns one field of a map.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries()
            .iter()
            .find(|(name, _)| name.text == key)
            .map(|(_, node)| node)
    }

    /// Returns the fields of a map; none where it is no map.
    pub fn entries(&self) -> &[(Key, Self)] {
        match &self.content {
            Content::Map(entries) => entries,
            _ => &[],
        }
    }

    /// Returns the text of a text scalar.
    pub fn as_str(&self) -> Option<&str> {
        match &self.content {
            Content::Text(text) => Some(&text.text),
            _ => None,
        }
    }

    /// Tells whether it is `null` or empty.
    pub fn is_null(&self) -> bool {
        matches!(self.content, Content::Null)
    }

    /// Returns what it is, for people: `a text`, `a list` …
    pub fn what(&self) -> &'static str {
        match &self.content {
            Content::Null => "nothing",
            Content::Bool(_) => "a boolean",
            Content::Number(_) => "a number",
            Content::Text(_) => "a text",
            Content::List(_) => "a list",
            Content::Map(_) => "a map",
        }
    }

    /// Returns plain JSON, places left behind.
    pub fn to_json(&self) -> serde_json::Value {
        match &self.content {
            Content::Null => serde_json::Value::Null,
            Content::Bool(value) => serde_json::Value::Bool(*value),
            Content::Number(value) => serde_json::Value::Number(value.clone()),
            Content::Text(text) => serde_json::Value::String(text.text.clone()),
            Content::List(items) => items.iter().map(Self::to_json).collect(),
            Content::Map(entries) => serde_json::Value::Object(
                entries
                    .iter()
                    .map(|(key, node)| (key.text.clone(), node.to_json()))
                    .collect(),
            ),
        }
    }

    /// Returns how many nodes it holds and how many bytes of text.
    pub(super) fn weight(&self) -> (usize, usize) {
        match &self.content {
            Content::Text(text) => (1, text.text.len()),
            Content::List(items) => items.iter().map(Self::weight).fold((1, 0), plus),
            Content::Map(entries) => entries
                .iter()
                .map(|(key, node)| plus(node.weight(), (1, key.text.len())))
                .fold((1, 0), plus),
            _ => (1, 0),
        }
    }
}

fn plus(a: (usize, usize), b: (usize, usize)) -> (usize, usize) {
    (a.0 + b.0, a.1 + b.1)
}
