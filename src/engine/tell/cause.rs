//! What episodes of several environments have in common, so that they are told together. Pure.

use super::super::conditions::{LEFT_ALONE, Through};
use super::trouble::{self, BROKEN};
use crate::deliver::render::Brought;
use crate::ledger::Episode;
use crate::model::Gravity;
use serde::{Deserialize, Serialize};

/// The codes of those who say nothing at all.
const SILENT: [&str; 3] = ["unreachable", "timeout", "connection-lost"];

/// What is wrong with each of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Cause {
    /// The same for just those that are told together.
    pub(super) key: String,
    /// How bad it is.
    pub(super) gravity: Gravity,
    /// What is the matter, after whose matter it is.
    pub(super) now: String,
    /// That it is over, in the same place.
    pub(super) over: String,
    /// Why, and what to do.
    pub(super) lines: Vec<String>,
    /// The commit that brought it.
    #[serde(default)]
    pub(super) brought: Option<Brought>,
}

impl Cause {
    /// Returns what an episode can be told together with; `None` where it is told by itself.
    pub(super) fn of(episode: &Episode) -> Option<Self> {
        let text = |key: &str| episode.details[key].as_str().unwrap_or_default();
        let condition = episode.condition.as_str();
        if condition == BROKEN {
            let mistakes = episode.details["lines"].as_array()?.iter();
            let mistakes = mistakes.filter_map(|one| one.as_str().map(str::to_owned));
            let lines: Vec<String> = mistakes.chain([text("hint").to_owned()]).collect();
            return Some(Self {
                key: format!("{BROKEN} {}", lines.join("\n")),
                gravity: Gravity::Failure,
                now: "their newest specs cannot be used".to_owned(),
                over: "their specs can be used again".to_owned(),
                lines,
                brought: trouble::brought(episode),
            });
        }
        if condition != "unknown" && !condition.starts_with("unknown/") {
            return None;
        }
        let through = episode.details["through"].clone();
        let Through { called, place } = serde_json::from_value(through).ok()?;
        let code = text("code");
        let (key, now, over) = match SILENT.contains(&code) {
            true => (
                "silent",
                format!("{called} does not answer"),
                format!("{called} answers again"),
            ),
            false => (
                code,
                format!("live state cannot be told through {called}"),
                format!("live state can be told through {called} again"),
            ),
        };
        let reason = match text("reason") {
            "" => text("message"),
            reason => reason,
        };
        Some(Self {
            key: format!("{key} {place}"),
            gravity: Gravity::Warning,
            now,
            over,
            lines: vec![reason.to_owned(), LEFT_ALONE.to_owned()],
            brought: None,
        })
    }
}
