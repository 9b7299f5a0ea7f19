//! A message about a whole environment: a spec that cannot be used, an orphan, live state that
//! cannot be told. And what of each of many it is about, for the thread.

use super::{Draft, Links, code, long, text};
use crate::deliver::notify::Message;
use crate::deliver::render::words::{at, lasted};
use crate::model::Revision;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The commit that brought what a message is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Brought {
    /// The commit.
    pub revision: Revision,
    /// Who made it.
    pub by: Option<String>,
    /// Where to read more.
    pub links: Links,
}

/// Shows a title and lines; `since` and `ended` say when it began and, where it has, ended.
pub fn notice_slack(
    title: &str,
    lines: &[String],
    since: Timestamp,
    ended: Option<Timestamp>,
) -> Message {
    brought_slack(title, lines, (since, ended), None)
}

/// Like [`notice_slack`], with the commit that brought it.
pub fn brought_slack(
    title: &str,
    lines: &[String],
    (since, ended): (Timestamp, Option<Timestamp>),
    brought: Option<&Brought>,
) -> Message {
    let mut draft = Draft::new(title);
    let lines: Vec<String> = lines.iter().map(|line| placed(line)).collect();
    draft.lines(&lines);
    let over = ended.map_or_else(String::new, |ended| {
        let stood = Duration::try_from(ended.duration_since(since));
        let after = lasted(stood.unwrap_or_default());
        format!(" · over {}, after {after}", at(ended))
    });
    let mut parts = brought.map_or_else(Vec::new, |brought| {
        let by = brought.by.as_ref().map(|by| format!(" by {}", text(by)));
        let commit = brought.links.at(&brought.revision);
        let mut parts = vec![format!("{commit}{}", by.unwrap_or_default())];
        parts.extend(brought.links.others());
        parts
    });
    parts.push(format!("since {}{over}", at(since)));
    draft.finish(&parts.join(" · "))
}

/// Shows a line; the place that it begins with, `file:line:column`, as code: there no part of it is an emoji, and it
/// can be copied.
fn placed(line: &str) -> String {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|one| one.is_ascii_digit());
    let is_place = |place: &str| {
        let mut parts = place.rsplitn(3, ':');
        let numbers = (parts.next(), parts.next());
        let is_there =
            matches!(numbers, (Some(column), Some(line)) if is_number(column) && is_number(line));
        is_there && parts.next().is_some_and(|file| !file.is_empty())
    };
    match line.split_once(": ") {
        Some((place, rest)) if is_place(place) => format!("{}: {}", code(place), long(rest)),
        _ => long(line),
    }
}

/// Shows what of each environment a message is about, `(environment, what)`, for its thread.
pub fn each_slack(title: &str, lines: &[(String, String)], since: Timestamp) -> Message {
    let mut draft = Draft::plain(title);
    let line = |(name, what): &(String, String)| format!("{}: {}", code(name), text(what));
    draft.lines(&lines.iter().map(line).collect::<Vec<_>>());
    draft.finish(&format!("since {}", at(since)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_a_mistake_stands_is_code() {
        let line = "a b/shop.yaml:100:7: key `x` is no :fire:";
        assert_eq!(placed(line), "`a b/shop.yaml:100:7`: key ˋxˋ is no ∶fire:");
        for line in [
            "failed: 7",
            "at 10:30: late",
            ":1:2: x",
            "see http://a:1:b: x",
        ] {
            assert_eq!(placed(line), long(line));
        }
    }
}
