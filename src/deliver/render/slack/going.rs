//! A run that goes on: its message until it ends, and how far it is, for the thread.

use super::about::{About, RunWords, line};
use super::{Draft, code, run, text};
use crate::deliver::notify::Message;
use crate::deliver::render::words::{lasted, many};
use crate::model::{Address, Step};
use std::collections::BTreeMap;
use std::time::Duration;

/// The most that is named of what a run waits for.
const MOST_WAITS: usize = 5;

/// How far a run is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Going {
    /// How many steps it carries out.
    pub all: usize,
    /// How many of them ended well.
    pub good: usize,
    /// How many did not.
    pub bad: usize,
    /// What it waits for, and why it is not ready.
    pub waits: BTreeMap<Address, String>,
}

/// Shows what a run is about to do: how many changes, and the most dangerous of them, in that order.
pub fn going_slack((all, most): (usize, &[Step]), words: &RunWords<'_>, about: &About) -> Message {
    let name = words.environment;
    let mut draft = Draft::new(&format!("⏳ {name}: {} under way", many(all, "change")));
    draft.lines(&run::first_of(all, most.iter().map(run::doing)));
    draft.finish(&line(words, about))
}

/// Shows how far a run is after so long.
pub fn so_far_slack(going: &Going, after: Duration) -> Message {
    let Going {
        all,
        good,
        bad,
        waits,
    } = going;
    let failed = match bad {
        0 => String::new(),
        bad => format!(", {bad} failed"),
    };
    let mut draft = Draft::plain(&format!("{good} of {all} done{failed}"));
    let mut lines: Vec<String> = waits
        .iter()
        .take(MOST_WAITS)
        .map(|(address, why)| {
            let why = why.lines().next().unwrap_or_default();
            format!(
                "{} waits: {}",
                code(&address.resource.to_string()),
                text(why)
            )
        })
        .collect();
    if waits.len() > MOST_WAITS {
        lines.push(format!("… and {} more", waits.len() - MOST_WAITS));
    }
    draft.lines(&lines);
    draft.finish(&format!("after {}", lasted(after)))
}
