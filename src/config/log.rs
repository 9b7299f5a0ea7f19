//! What is logged, and how it is written.

use super::describe::{object, text_or, words};
use super::element::Reading;
use crate::telemetry::log::{self, Format};
use crate::yaml::Node;
use serde_json::Value;

/// What is logged, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// How it is written.
    pub format: Format,
    /// A level, or directives.
    pub filter: String,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            format: Format::Auto,
            filter: "info".to_owned(),
        }
    }
}

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> Log {
    let formats = [
        ("auto", Format::Auto),
        ("json", Format::Json),
        ("text", Format::Text),
    ];
    reading.element(node, |reading, fields| {
        let format = fields.get("format").and_then(|node| reading.reader.one_of(node, &formats));
        let filter = fields.get("filter").and_then(|node| {
            let text = reading.reader.name(node)?;
            if log::filter(text).is_err() {
                let error = node.place.error("bad-filter", "it is no log filter");
                let hint = "Write a level (error, warn, info, debug, trace) or directives, as in info,reconciled::engine=debug.";
                reading.reader.report(error.with_hint(hint));
            }
            Some(text.to_owned())
        });
        Log {
            format: format.unwrap_or_default(),
            filter: filter.unwrap_or_else(|| Log::default().filter),
        }
    })
}

pub(super) fn schema() -> Value {
    object(
        "The log, on stderr",
        &[],
        vec![
            (
                "format",
                words(
                    "How it is written; auto means text on a terminal, JSON elsewhere",
                    &["auto", "json", "text"],
                ),
            ),
            (
                "filter",
                text_or(
                    "A level, or directives as in info,reconciled::engine=debug",
                    "info",
                ),
            ),
        ],
    )
}
