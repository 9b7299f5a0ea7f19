//! Objects as the server writes them. Parsed, one takes several times the room, and there are thousands.

use crate::provider::kubernetes::error::Failure;
use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// One object as JSON text. Clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Written(Arc<str>);

/// One page of a list.
#[derive(Default)]
pub(crate) struct Page {
    /// Those of its objects that are to be kept; `None` where the answer is no list.
    pub(crate) items: Option<Vec<Written>>,
    /// What it says of the list.
    pub(crate) metadata: PageMetadata,
}

/// How an object is called.
#[derive(Deserialize)]
struct Named {
    name: Option<String>,
    namespace: Option<String>,
}

/// What a page says of its list.
#[derive(Default, Deserialize)]
pub(crate) struct PageMetadata {
    /// Where the next page begins; empty on the last.
    #[serde(default, rename = "continue")]
    pub(crate) next: String,
    /// The moment of the list, as the server counts.
    #[serde(default, rename = "resourceVersion")]
    pub(crate) version: String,
}

impl Page {
    /// Returns the query of one page; not held over an await, since the serializer is not `Sync`.
    pub(crate) fn query(selector: Option<&str>, from: &str, most: u32) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &most.to_string());
        for (key, text) in [
            ("labelSelector", selector.unwrap_or_default()),
            ("continue", from),
        ] {
            if !text.is_empty() {
                query.append_pair(key, text);
            }
        }
        query.finish()
    }

    /// Reads a page. What is not to be kept takes no room beside the answer.
    ///
    /// # Errors
    /// It is no page.
    pub(crate) fn read(body: &[u8], is_kept: impl Fn(&Written) -> bool) -> Result<Self, Failure> {
        let mut from = serde_json::Deserializer::from_slice(body);
        let page = Keeping(&is_kept).deserialize(&mut from);
        page.map_err(|_| Failure::transient("server-error", "the answer is no list"))
    }
}

/// Reads a page, or its items, and keeps some.
struct Keeping<'f, F>(&'f F);
struct KeepingItems<'f, F>(&'f F);

impl<'de, F: Fn(&Written) -> bool> DeserializeSeed<'de> for Keeping<'_, F> {
    type Value = Page;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Page, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'de, F: Fn(&Written) -> bool> Visitor<'de> for Keeping<'_, F> {
    type Value = Page;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a page of a list")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut fields: M) -> Result<Page, M::Error> {
        let mut page = Page::default();
        while let Some(key) = fields.next_key::<Cow<'de, str>>()? {
            match key.as_ref() {
                "items" => page.items = fields.next_value_seed(KeepingItems(self.0))?,
                "metadata" => page.metadata = fields.next_value()?,
                _ => {
                    fields.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(page)
    }
}

impl<'de, F: Fn(&Written) -> bool> DeserializeSeed<'de> for KeepingItems<'_, F> {
    type Value = Option<Vec<Written>>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de, F: Fn(&Written) -> bool> Visitor<'de> for KeepingItems<'_, F> {
    type Value = Option<Vec<Written>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the objects of a list")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut items: S) -> Result<Self::Value, S::Error> {
        let mut kept = Vec::new();
        while let Some(one) = items.next_element()? {
            if (self.0)(&one) {
                kept.push(one);
            }
        }
        Ok(Some(kept))
    }
}

impl Written {
    /// Writes an object.
    pub(crate) fn of(object: &Json) -> Self {
        Self(object.to_string().into())
    }

    /// Reads it.
    ///
    /// # Errors
    /// What stands there is no object that can be read.
    pub(crate) fn object(&self) -> Result<Json, Failure> {
        let odd = |_| Failure::transient("server-error", "an object in the answer cannot be read");
        serde_json::from_str(&self.0).map_err(odd)
    }

    /// Returns its name, where it has one.
    pub(crate) fn name(&self) -> Option<String> {
        self.named()?.name
    }

    /// Returns its namespace, where it has one.
    pub(crate) fn namespace(&self) -> Option<String> {
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
    pub(crate) fn mentions(&self, word: &str) -> bool {
        self.0.contains(word)
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = Box::<RawValue>::deserialize(from)?;
        Ok(Self(Box::<str>::from(text).into()))
    }
}
