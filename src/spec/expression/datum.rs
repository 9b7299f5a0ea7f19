//! What an expression computes with: JSON plus bytes, each node sealed or not.

use super::Stop;
use crate::model::{Secret, Value};
use indexmap::IndexMap;

/// One node of a computed value.
#[derive(Clone, Debug)]
pub(crate) struct Datum {
    pub(crate) content: Content,
    /// True where it was made from a secret.
    pub(crate) sealed: bool,
}

/// What a node holds.
#[derive(Clone)]
pub(crate) enum Content {
    Null,
    Bool(bool),
    Int(i64),
    Uint(u64),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    List(Vec<Datum>),
    Map(IndexMap<String, Datum>),
}

impl std::fmt::Debug for Content {
    /// Says only what it is: it may be a secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.what())
    }
}

impl Content {
    pub(crate) fn what(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Int(_) | Self::Uint(_) => "a whole number",
            Self::Double(_) => "a number with a fraction",
            Self::Text(_) => "a text",
            Self::Bytes(_) => "bytes",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl Datum {
    pub(crate) fn plain(content: Content) -> Self {
        Self {
            content,
            sealed: false,
        }
    }

    pub(crate) fn text(text: impl Into<String>) -> Self {
        Self::plain(Content::Text(text.into()))
    }

    /// Seals it where `also` is true.
    pub(crate) fn sealed_if(mut self, also: bool) -> Self {
        self.sealed |= also;
        self
    }

    /// Tells whether it or anything in it is sealed.
    pub(crate) fn touches_secret(&self) -> bool {
        self.sealed
            || match &self.content {
                Content::List(items) => items.iter().any(Self::touches_secret),
                Content::Map(fields) => fields.values().any(Self::touches_secret),
                _ => false,
            }
    }

    /// Returns how many nodes and 16-byte pieces it holds: what copying it costs.
    pub(crate) fn weight(&self) -> u64 {
        match &self.content {
            Content::Text(text) => 1 + text.len() as u64 / 16,
            Content::Bytes(bytes) => 1 + bytes.len() as u64 / 16,
            Content::List(items) => 1 + items.iter().map(Self::weight).sum::<u64>(),
            Content::Map(fields) => {
                let keys: u64 = fields.keys().map(|key| 1 + key.len() as u64 / 16).sum();
                1 + keys + fields.values().map(Self::weight).sum::<u64>()
            }
            _ => 1,
        }
    }

    /// Takes a value; a hole in it makes it unknown.
    pub(crate) fn from_value(value: &Value) -> Result<Self, Stop> {
        Ok(Self::plain(match value {
            Value::Null => Content::Null,
            Value::Bool(value) => Content::Bool(*value),
            Value::Number(number) => number_of(number),
            Value::String(text) => Content::Text(text.clone()),
            Value::Secret(secret) => {
                let open = Value::from_json(secret.expose_json());
                return Ok(Self::from_value(&open)?.sealed_if(true));
            }
            Value::Hole(_) => return Err(Stop::Unknown),
            Value::List(items) => Content::List(
                items
                    .iter()
                    .map(Self::from_value)
                    .collect::<Result<_, _>>()?,
            ),
            Value::Map(fields) => Content::Map(
                fields
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), Self::from_value(value)?)))
                    .collect::<Result<_, Stop>>()?,
            ),
        }))
    }

    /// Gives the value, sealed where it is. `None` for what JSON cannot hold: bytes, infinity.
    pub(crate) fn into_value(self) -> Option<Value> {
        let value = match self.content {
            Content::Null => Value::Null,
            Content::Bool(value) => Value::Bool(value),
            Content::Int(value) => Value::Number(value.into()),
            Content::Uint(value) => Value::Number(value.into()),
            Content::Double(value) => Value::Number(serde_json::Number::from_f64(value)?),
            Content::Text(text) if self.sealed => return Some(Value::Secret(Secret::new(text))),
            Content::Text(text) => Value::String(text),
            Content::Bytes(_) => return None,
            Content::List(items) => Value::List(
                items
                    .into_iter()
                    .map(Self::into_value)
                    .collect::<Option<_>>()?,
            ),
            Content::Map(fields) => Value::Map(
                fields
                    .into_iter()
                    .map(|(key, value)| Some((key, value.into_value()?)))
                    .collect::<Option<_>>()?,
            ),
        };
        Some(if self.sealed { value.sealed() } else { value })
    }

    /// Returns it as it stands inside a text; `None` for lists, maps, bytes and null.
    pub(crate) fn as_text(&self) -> Option<String> {
        match &self.content {
            Content::Bool(value) => Some(value.to_string()),
            Content::Int(value) => Some(value.to_string()),
            Content::Uint(value) => Some(value.to_string()),
            Content::Double(value) => Some(value.to_string()),
            Content::Text(text) => Some(text.clone()),
            _ => None,
        }
    }
}

fn number_of(number: &serde_json::Number) -> Content {
    if let Some(value) = number.as_i64() {
        Content::Int(value)
    } else if let Some(value) = number.as_u64() {
        Content::Uint(value)
    } else {
        Content::Double(number.as_f64().unwrap_or(f64::NAN))
    }
}
