//! How a list goes on after its first page, and how it is known to be whole.

use super::pointer::Pointer;
use crate::net::http::Url;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// The most pages that one list is read over; more is an error, never a shorter list.
pub(super) const MOST_PAGES: usize = 500;

/// How a list goes on.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Paging {
    /// The answer's `links.pages.next` is the address of the next page; the last page has none.
    Links {
        /// How many items to ask for at once; left out, the API decides.
        per_page: Option<u32>,
        /// Where the answer says how many items there are over all pages.
        total: Option<Pointer>,
    },
}

impl Paging {
    /// Returns the query of the first page.
    pub(super) fn first(&self) -> Option<String> {
        let Self::Links { per_page, .. } = self;
        per_page.map(|count| format!("per_page={count}"))
    }

    /// Returns the query of the page after this answer. Only the query is taken over: the token goes
    /// nowhere but to the address it was given for.
    pub(super) fn next(&self, answer: &Json) -> Result<Option<String>, String> {
        let Self::Links { .. } = self;
        let Some(next) = answer
            .pointer("/links/pages/next")
            .filter(|next| !next.is_null())
        else {
            return Ok(None);
        };
        next.as_str()
            .and_then(|text| Url::parse(text).ok())
            .and_then(|url| url.query().map(str::to_owned))
            .map(Some)
            .ok_or_else(|| "the address of the next page cannot be read".to_owned())
    }

    /// Tells what is missing of a list that was read to its end.
    pub(super) fn shortfall(&self, answer: &Json, read: usize) -> Option<String> {
        let Self::Links { total, .. } = self;
        let total = total.as_ref()?.of(answer).and_then(Json::as_u64);
        match total {
            Some(total) if total == read as u64 => None,
            Some(total) => Some(format!(
                "the list has {total} items and its pages hold {read}"
            )),
            None => Some("the list does not say how many items it has".to_owned()),
        }
    }
}
