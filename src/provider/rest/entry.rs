//! One entry of the catalogue: all that the engine knows about an API, or about a kind of it.
//!
//! Data only. What an entry cannot say becomes Rust, never a small language in YAML.

use super::auth::Auth;
use super::equality::Equality;
use super::lookup::Lookup;
use super::ownership::Ownership;
use super::pointer::{ApiPath, Pointer};
use super::update::UpdateStyle;
use super::wait::Wait;
use crate::model::{DigestKey, Identity, OnImmutable, Secret};
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::num::NonZeroU32;

/// An API: how it is reached and how fast it may be asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Api {
    /// Its name: the first part of its kinds' names and the `provider` of its connections.
    pub(super) api: String,
    /// Its name for people.
    pub(super) title: String,
    /// Where it is documented.
    #[expect(dead_code, reason = "read by people who maintain the entry")]
    docs: String,
    /// Where it is.
    pub(super) base_url: String,
    /// How a request says who asks.
    pub(super) auth: Auth,
    /// How fast one account may be asked.
    pub(super) pace: Pace,
    /// Where an error's answer says why.
    pub(super) error_message: Pointer,
    /// How tags are put on objects that are there.
    pub(super) tag_calls: Option<TagCalls>,
}

/// How fast one account may be asked.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Pace {
    /// Requests a second on average.
    pub(super) per_second: NonZeroU32,
    /// Requests at once.
    pub(super) burst: NonZeroU32,
}

/// How tags are put on objects that are there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TagCalls {
    /// Where a tag is made.
    pub(super) create: ApiPath,
    /// Where it is put on an object (POST) and taken off (DELETE); `{tag}` is the tag.
    pub(super) assign: ApiPath,
}

/// A kind of an API.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// `api/name`.
    pub(super) kind: String,
    /// One sentence for `explain`.
    pub(super) summary: String,
    /// Where the provider documents it.
    pub(super) docs: String,
    /// The fields that say which object is meant.
    pub(super) identity: Vec<Pointer>,
    /// Fields that also do for some objects.
    pub(super) identity_also: Option<IdentityAlso>,
    /// Where an object holds the id the live side made.
    pub(super) id: Pointer,
    /// How an object says whose it is.
    pub(super) ownership: Ownership,
    /// How objects are found.
    pub(super) lookup: Lookup,
    /// How one is made.
    pub(super) create: Create,
    /// How changed fields are written, in this order.
    pub(super) update: Vec<UpdateStyle>,
    /// How one is deleted.
    pub(super) delete: Delete,
    /// How it is told that it works.
    pub(super) wait: Wait,
    /// How long after a change it may take until it works, in seconds.
    pub(super) deadline_seconds: u64,
    /// True where deleting it loses data.
    pub(super) stateful: bool,
    /// Fields that cannot change once it is there.
    #[serde(default)]
    pub(super) immutable: Vec<Pointer>,
    /// What a change of one of them means.
    pub(super) on_immutable: WhenImmutable,
    /// The list of tags that the environment's labels go to.
    pub(super) labels: Option<Pointer>,
    /// Lists in which order says nothing.
    #[serde(default)]
    pub(super) sets: Vec<Pointer>,
    /// Fields that stand in the path and never in a body.
    #[serde(default)]
    pub(super) path_only: Vec<String>,
    /// Fields that come back in another spelling than they were sent.
    #[serde(default)]
    pub(super) equality: Vec<Equality>,
    /// What expressions can read.
    pub(super) outputs: Vec<OutputEntry>,
    /// The fields that must be declared.
    pub(super) required: Vec<String>,
    /// Every field that can be declared, with its JSON Schema. Nothing else of an answer is kept.
    pub(super) fields: IndexMap<String, Json>,
}

/// Fields that also belong to the identity of some objects.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct IdentityAlso {
    /// The field that chooses.
    pub(super) field: Pointer,
    /// Its texts, and the fields each adds.
    pub(super) rows: BTreeMap<String, Vec<Pointer>>,
}

/// How an object is made: a POST of every declared field.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Create {
    /// Where to.
    pub(super) path: ApiPath,
    /// The answer's field that holds the object.
    pub(super) body: String,
}

/// How an object is deleted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Delete {
    /// Where to.
    pub(super) path: ApiPath,
}

/// What a change of an immutable field means.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum WhenImmutable {
    /// Delete and create again.
    Replace,
    /// Never by itself.
    Refuse,
}

impl From<WhenImmutable> for OnImmutable {
    fn from(rule: WhenImmutable) -> Self {
        match rule {
            WhenImmutable::Replace => Self::Replace,
            WhenImmutable::Refuse => Self::Refuse,
        }
    }
}

/// One thing an expression can read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OutputEntry {
    /// Its name, with dots where it is nested.
    pub(super) name: String,
    /// Where an answer holds it.
    pub(super) at: Pointer,
    /// True where it is a secret.
    #[serde(default)]
    pub(super) sensitive: bool,
    /// One sentence for `explain`.
    pub(super) summary: String,
}

impl Entry {
    /// Returns the id the live side made for an object.
    pub(super) fn id_of(&self, object: &Json) -> Option<String> {
        match self.id.of(object)? {
            Json::String(text) if !text.is_empty() => Some(text.clone()),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Tells whether an object of the right list has these identity fields; one that is secret stands
    /// there as its digest under the key.
    pub(super) fn has_identity(&self, object: &Json, identity: &Identity, key: &DigestKey) -> bool {
        identity.0.iter().all(|(pointer, wanted)| {
            let field = pointer.trim_start_matches('/');
            if self.path_only.iter().any(|name| name == field) {
                return true;
            }
            match object.pointer(pointer) {
                Some(Json::String(text)) => {
                    text == wanted
                        || key.digest(&Secret::new(text)).as_str() == wanted
                        || self.same_spelling(field, object, identity, text, wanted)
                }
                Some(Json::Null) | None => wanted.is_empty(),
                Some(Json::Number(number)) => number.to_string() == wanted.as_str(),
                Some(_) => false,
            }
        })
    }

    /// Tells whether two texts of a field are one value in another spelling.
    pub(super) fn same_spelling(
        &self,
        field: &str,
        object: &Json,
        identity: &Identity,
        one: &str,
        other: &str,
    ) -> bool {
        self.equality
            .iter()
            .filter(|rule| rule.field == field)
            .any(|rule| {
                let chosen = object
                    .get(&rule.only.field)
                    .and_then(Json::as_str)
                    .unwrap_or_default();
                let zone = identity.get(&format!("/{}", rule.zone)).unwrap_or_default();
                rule.is_for(chosen) && rule.holds(one, other, zone)
            })
    }
}
