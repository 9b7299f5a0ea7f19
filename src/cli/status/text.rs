//! `status` for people: a line or two about everything that is wrong, and what to do about it.

use super::{Ordered, Standing};
use crate::cli::history;
use crate::deliver::render::{harmless, harmless_reason, many};
use crate::ledger::Episode;
use crate::model::Revision;
use jiff::Timestamp;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// Returns what stands in the daemon's own way, two lines each.
pub(super) fn in_the_way(conditions: &BTreeMap<String, Value>, now: Timestamp) -> String {
    let mut text = String::new();
    for (name, details) in conditions {
        let said = |key: &str| details[key].as_str().unwrap_or_default();
        let since = said("since").parse();
        let since = since.map_or_else(|_| String::new(), |at| format!(" for {}", ago(now, at)));
        let message = harmless_reason(said("message"));
        let hint = harmless(said("hint"));
        let _infallible = writeln!(text, "{name}{since}: {message}\n  {hint}");
    }
    text
}

/// Returns how repositories and environments stand.
pub(super) fn all(standings: &[Standing], repositories: &[Value], now: Timestamp) -> String {
    let mut text = String::new();
    for state in repositories {
        let said = |key: &str| state[key].as_str().unwrap_or_default().to_owned();
        let (name, state) = (said("name"), said("state"));
        let revision = Revision::new(said("revision")).short();
        let since = said("since").parse();
        let since = since.map_or_else(|_| String::new(), |at| format!(" for {}", ago(now, at)));
        let _infallible = match state.as_str() {
            "read" => writeln!(text, "repository {name}: read {revision}"),
            "never read" => writeln!(text, "repository {name}: never read"),
            _ => {
                let state = state.replace("unreadable", "cannot be read");
                let first = format!(
                    "repository {name}: {state}{since}: failed to {}",
                    said("reason")
                );
                let hint = said("hint");
                writeln!(text, "{}\n  {}", harmless_reason(&first), harmless(&hint))
            }
        };
    }
    for one in standings {
        text.push_str(&of_one(one, now));
    }
    if standings.is_empty() {
        text.push_str("\nNo environment yet.\n");
    }
    text
}

/// Returns how one environment stands.
pub(super) fn of_one(one: &Standing, now: Timestamp) -> String {
    let mut text = String::new();
    let late = if one.overdue {
        ", which is too long"
    } else {
        ""
    };
    let compared = one.compared_at().map_or_else(
        || "never compared".to_owned(),
        |at| format!("compared {} ago{late}", ago(now, at)),
    );
    let differs = if one.differs {
        ", live differs from Git"
    } else {
        ""
    };
    let unknown = match one.unknown {
        0 => String::new(),
        count => format!(", the live state of {} is unknown", many(count, "resource")),
    };
    let health = if one.needs_a_look() {
        "needs a look"
    } else {
        "ok"
    };
    let name = &one.environment;
    let _infallible = writeln!(text, "\n{name}: {health}, {compared}{differs}{unknown}");
    if let Some(pause) = &one.paused {
        let _infallible = writeln!(
            text,
            "  paused by {} for {}: {}",
            pause.by,
            ago(now, pause.since),
            harmless_reason(&pause.why)
        );
    }
    if let Some(rollback) = &one.rolled_back {
        text.push_str(&of_rollback(rollback, now));
    }
    if let Some(run) = &one.last_run {
        let _infallible = write!(text, "  last run {}", history::line(run).trim_start());
    }
    for (resource, why) in &one.waits {
        let (cause, next) = why.split_once('\n').unwrap_or((why, ""));
        let first = format!("waits for {resource}: {cause}");
        let _infallible = writeln!(
            text,
            "  {}\n    {}",
            harmless_reason(&first),
            harmless(next)
        );
    }
    for episode in &one.episodes {
        text.push_str(&of_trouble(episode, now));
    }
    text
}

/// Returns what is wrong: since when, each mistake with its place and what to write instead, and what to do.
pub(in crate::cli) fn of_trouble(episode: &Episode, now: Timestamp) -> String {
    let details = &episode.details;
    let address = episode.address.as_ref();
    let what = address.map_or_else(String::new, |address| format!(" {}", address.resource));
    let message = details["message"].as_str();
    let message = message.map_or_else(String::new, |message| format!(": {message}"));
    let age = ago(now, episode.opened_at);
    let first = format!("{}{what} for {age}{message}", episode.condition);
    let mut text = format!("  {}\n", harmless_reason(&first));
    // What an older daemon wrote down has no mistakes, only their first lines.
    let lines = match &details["mistakes"] {
        Value::Array(mistakes) => mistakes.iter().flat_map(mistake).collect(),
        _ => listed(&details["lines"]),
    };
    // What is done about drift says what a person can do, where that is all.
    let next = details["hint"].as_str().or(details["course"].as_str());
    for line in lines.iter().chain(next.map(str::to_owned).as_ref()) {
        let _infallible = writeln!(text, "    {}", harmless(line));
    }
    text
}

fn listed(lines: &Value) -> Vec<String> {
    let lines = lines.as_array().into_iter().flatten();
    lines
        .filter_map(|line| Some(line.as_str()?.to_owned()))
        .collect()
}

fn mistake(one: &Value) -> Vec<String> {
    let said = |key: &str| one[key].as_str().unwrap_or_default();
    let place = format!("{}:{}:{}", said("file"), one["line"], one["column"]);
    let first = format!("{place}: {}", said("message"));
    let hint = one["hint"].as_str().map(|hint| format!("  {hint}"));
    [Some(first), hint].into_iter().flatten().collect()
}

fn of_rollback(ordered: &Ordered, now: Timestamp) -> String {
    let rollback = &ordered.rollback;
    let refused = rollback.refused.as_ref();
    let from = refused.map_or_else(String::new, |one| format!(" from {}", one.revision.short()));
    let why = rollback.told();
    let colon = if why.is_empty() { "" } else { ": " };
    let how = if ordered.carried_out {
        "rolled back"
    } else {
        "not carried out yet: a rollback"
    };
    format!(
        "  {how}{from} to {} by {} for {}{colon}{}\n",
        rollback.to.short(),
        rollback.by,
        ago(now, rollback.since),
        harmless_reason(&why)
    )
}

/// A time span in its largest whole unit.
fn ago(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs().max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::{RunOutcome, RunRecord, RunSummary};
    use crate::model::{Digest, EnvironmentName, RunId};
    use serde_json::json;

    #[test]
    fn a_revision_is_as_short_as_everywhere_else() {
        let told = |revision: &str| {
            let state = json!({ "name": "shop", "state": "read", "revision": revision });
            let text = all(&[], &[state], Timestamp::UNIX_EPOCH);
            text.lines().next().unwrap_or_default().to_owned()
        };
        assert_eq!(told("0123456789abcdef"), "repository shop: read 0123456789");
        assert_eq!(
            told("folder:0123456789abcdef"),
            "repository shop: read folder:0123456789"
        );
    }

    #[test]
    fn what_pods_and_webhooks_say_moves_no_cursor() {
        let hostile = "\u{1b}[31mred\u{1b}[0m \u{202e}gnp.exe";
        let told = json!({ "message": hostile, "hint": hostile });
        let conditions = BTreeMap::from([("cluster".to_owned(), told)]);
        let run = RunRecord {
            id: RunId(1),
            environment: EnvironmentName::new("shop").unwrap(),
            revision: Revision::new("0123456789"),
            trigger: "revision".to_owned(),
            by: None,
            plan_hash: Digest::of("plan"),
            begun_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            summary: Some(RunSummary {
                note: Some(hostile.to_owned()),
                ..RunSummary::new(RunOutcome::Failed)
            }),
        };
        let said = format!(
            "{}{}",
            in_the_way(&conditions, Timestamp::UNIX_EPOCH),
            history::line(&run)
        );
        assert_eq!(said.matches("\\u{1b}[31mred").count(), 3, "{said}");
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said}");
    }
}
