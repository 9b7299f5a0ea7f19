//! Objects as the server writes them. Parsed, one takes several times the room, and there are thousands.

use super::error::Failure;
use serde::Deserialize;
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::sync::Arc;

/// One object as JSON text. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct Written(Arc<str>);

/// One page of a list.
#[derive(Deserialize)]
pub(super) struct Page {
    /// Its objects; `None` where the answer is no list.
    pub(super) items: Option<Vec<Written>>,
    /// What it says of the list.
    #[serde(default)]
    pub(super) metadata: PageMetadata,
}

/// How an object is called.
#[derive(Deserialize)]
struct Named {
    name: Option<String>,
    namespace: Option<String>,
}

/// What a page says of its list.
#[derive(Default, Deserialize)]
pub(super) struct PageMetadata {
    /// Where the next page begins; empty on the last.
    #[serde(default, rename = "continue")]
    pub(super) next: String,
    /// The moment of the list, as the server counts.
    #[serde(default, rename = "resourceVersion")]
    pub(super) version: String,
}

impl Written {
    /// Writes an object.
    pub(super) fn of(object: &Json) -> Self {
        Self(object.to_string().into())
    }

    /// Reads it.
    ///
    /// # Errors
    /// What stands there is no object that can be read.
    pub(super) fn object(&self) -> Result<Json, Failure> {
        let odd = |_| Failure::transient("server-error", "an object in the answer cannot be read");
        serde_json::from_str(&self.0).map_err(odd)
    }

    /// Returns its name, where it has one.
    pub(super) fn name(&self) -> Option<String> {
        self.named()?.name
    }

    /// Returns its namespace, where it has one.
    pub(super) fn namespace(&self) -> Option<String> {
        self.named()?.namespace
    }

    fn named(&self) -> Option<Named> {
        #[derive(Deserialize)]
        struct Object {
            metadata: Named,
        }
        let object: Object = serde_json::from_str(&self.0).ok()?;
        Some(object.metadata)
    }

    /// Tells whether a plain word stands anywhere in it: what is not there need not be read.
    pub(super) fn mentions(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(from)?;
        Ok(Self(Box::<str>::from(text).into()))
    }
}
