//! How live objects are found, and which of them is the one that is meant.

use super::entry::Entry;
use super::paging::Paging;
use super::pointer::ApiPath;
use crate::model::{DigestKey, Identity};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// How live objects are found.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Lookup {
    /// One list of whole objects, of the account or of what the path's gaps name.
    List {
        /// Where the list is; its gaps are identity fields.
        path: ApiPath,
        /// The answer's field that holds the items.
        items: String,
        /// How it goes on.
        paging: Paging,
        /// What it means that there is no such list, gaps and all: never that the object is absent.
        missing: Option<String>,
    },
}

/// Which object is meant.
#[derive(Debug, PartialEq)]
pub(super) enum Picked<'a> {
    /// None of them.
    Nothing,
    /// This one.
    One(&'a Json),
    /// It cannot be told which of these many.
    Several(usize),
}

/// What tells one object from the others.
#[derive(Clone, Copy)]
pub(super) struct Meant<'a> {
    /// Its identity fields.
    pub(super) identity: &'a Identity,
    /// What a secret among them is digested under.
    pub(super) key: &'a DigestKey,
    /// The id the live side made, where known: it is the truth.
    pub(super) id: Option<&'a str>,
    /// True where nothing but the id may choose, because the object carries no mark.
    pub(super) id_only: bool,
    /// What it should say, for choosing among equals.
    pub(super) likely: &'a dyn Fn(&Json) -> bool,
}

/// Picks the object that is meant.
pub(super) fn pick<'a>(entry: &Entry, objects: &'a [Json], meant: Meant<'_>) -> Picked<'a> {
    if let Some(id) = meant.id
        && let Some(known) = objects
            .iter()
            .find(|object| entry.id_of(object).as_deref() == Some(id))
    {
        return Picked::One(known);
    }
    if meant.id_only {
        return Picked::Nothing;
    }
    let same: Vec<&Json> = objects
        .iter()
        .filter(|object| entry.has_identity(object, meant.identity, meant.key))
        .collect();
    let likely: Vec<&Json> = same
        .iter()
        .copied()
        .filter(|object| (meant.likely)(object))
        .collect();
    match (same.as_slice(), likely.as_slice()) {
        ([], _) => Picked::Nothing,
        ([one], _) | (_, [one]) => Picked::One(one),
        (many, _) => Picked::Several(many.len()),
    }
}
