//! A message about a whole environment: a spec that cannot be used, an orphan, live state that
//! cannot be told. And what of each of many it is about, for the thread.

use super::{Draft, code, long, text};
use crate::deliver::notify::Message;
use crate::deliver::render::words::{at, lasted};
use jiff::Timestamp;
use std::time::Duration;

/// Shows a title and lines; `since` and `ended` say when it began and, where it has, ended.
pub fn notice_slack(
    title: &str,
    lines: &[String],
    since: Timestamp,
    ended: Option<Timestamp>,
) -> Message {
    let mut draft = Draft::new(title);
    let lines: Vec<String> = lines.iter().map(|line| long(line)).collect();
    draft.lines(&lines);
    let over = ended.map_or_else(String::new, |ended| {
        let stood = Duration::try_from(ended.duration_since(since));
        let after = lasted(stood.unwrap_or_default());
        format!(" · over {}, after {after}", at(ended))
    });
    draft.finish(&format!("since {}{over}", at(since)))
}

/// Shows what of each environment a message is about, `(environment, what)`, for its thread.
pub fn each_slack(title: &str, lines: &[(String, String)], since: Timestamp) -> Message {
    let mut draft = Draft::plain(title);
    let line = |(name, what): &(String, String)| format!("{}: {}", code(name), text(what));
    draft.lines(&lines.iter().map(line).collect::<Vec<_>>());
    draft.finish(&format!("since {}", at(since)))
}
