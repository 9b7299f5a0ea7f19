//! Declared fields as they were applied last, kept as the text that the ledger holds: parsed, they take several times
//! the room, and there is one for each object that is ours.

use super::value::Value;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use std::sync::Arc;

/// One JSON value as text. Clones share it.
#[derive(Clone, Debug)]
pub struct Recorded(Arc<RawValue>);

impl Recorded {
    /// Reads it.
    pub fn json(&self) -> serde_json::Value {
        // It was read or written by the same library before: there is no text here that it does not take.
        serde_json::from_str(self.0.get()).unwrap_or_default()
    }

    /// Reads it as state; nothing in it is sealed.
    pub fn value(&self) -> Value {
        Value::from_json(self.json())
    }

    /// Tells whether a plain word stands anywhere in it: what is not there need not be read.
    pub fn mentions(&self, word: &str) -> bool {
        self.0.get().contains(word)
    }
}

impl From<serde_json::Value> for Recorded {
    fn from(json: serde_json::Value) -> Self {
        let text = serde_json::value::to_raw_value(&json);
        Self(text.unwrap_or_else(|_| RawValue::NULL.to_owned()).into())
    }
}

/// Nothing was applied.
impl Default for Recorded {
    fn default() -> Self {
        Self(RawValue::NULL.to_owned().into())
    }
}

impl Serialize for Recorded {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        RawValue::serialize(&self.0, to)
    }
}

/// From JSON text alone: other formats know no text of a value.
impl<'de> Deserialize<'de> for Recorded {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self(Box::<RawValue>::deserialize(from)?.into()))
    }
}

/// However it is spelt, and in any order of fields.
impl PartialEq for Recorded {
    fn eq(&self, other: &Self) -> bool {
        self.0.get() == other.0.get() || self.json() == other.json()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_recorded_is_read_as_it_was_whatever_its_spelling() {
        let fields = json!({ "replicas": 3, "key": { "$secret": "digest" }, "big": 1.5e300 });
        let recorded = Recorded::from(fields.clone());
        assert_eq!(recorded.json(), fields);
        assert!(recorded.mentions("$secret"));
        let written = serde_json::to_string(&recorded).unwrap();
        assert_eq!(written, fields.to_string());
        let spelt = r#"{ "big": 1.5e300, "key": {"$secret": "digest"}, "replicas": 3 }"#;
        assert_eq!(
            serde_json::from_str::<Recorded>(spelt).unwrap(),
            recorded,
            "the order of fields says nothing"
        );
        assert_ne!(Recorded::default(), recorded);
    }
}
