//! Slack: Block Kit messages for a run and for a drift episode.
//!
//! Source of the limits: Slack's Block Kit reference (50 blocks a message, 3,000 characters of a
//! section's text, 150 of a header's) and "formatting text for app surfaces" (escape `& < >`).

mod about;
mod daily;
mod dropped;
mod episode;
mod going;
mod notice;
mod run;

pub use about::{About, Back, Links, RunWords};
pub use daily::daily_slack;
pub use dropped::dropped_slack;
pub use episode::{course_slack, episode_slack};
pub use going::{Going, going_slack, so_far_slack};
pub use notice::notice_slack;
pub use run::run_slack;

use super::clean;
use crate::deliver::notify::Message;
use crate::model::Mention;
use serde_json::{Value, json};

const MOST_BLOCKS: usize = 50;
const LONGEST_SECTION: usize = 3_000;
const LONGEST_HEADER: usize = 150;
/// The longest fallback text: what a notification shows.
const LONGEST_TEXT: usize = 300;
/// The longest single line of a section.
const LONGEST_LINE: usize = 400;

/// Returns text that Slack takes for nothing but itself: no mention, no link, no date.
fn text(text: &str) -> String {
    escaped(&clean::line_of(text, LONGEST_LINE))
}

/// Like [`text`], for why something is as it is. What to do next stays on a line of its own.
fn long(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<String> = lines.map(|line| escaped(&clean::reason(line))).collect();
    lines.join("\n      ")
}

fn escaped(clean: &str) -> String {
    let mut escaped = String::with_capacity(clean.len());
    for c in clean.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // Markup has no escape of its own; its look-alikes mean nothing to Slack.
            '*' => escaped.push('∗'),
            '~' => escaped.push('∼'),
            '`' => escaped.push('ˋ'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns text as inline code.
fn code(text_: &str) -> String {
    format!("`{}`", text(text_))
}

/// A message being written.
struct Draft {
    text: String,
    blocks: Vec<Value>,
}

impl Draft {
    /// Begins with a title that is also what a notification shows. Plain text: nothing to escape but
    /// what Slack parses in the fallback text too.
    fn new(title: &str) -> Self {
        let header = clip(&clean::line_of(title, LONGEST_HEADER * 2), LONGEST_HEADER);
        let block = json!({ "type": "header", "text": { "type": "plain_text", "text": header, "emoji": true } });
        Self {
            text: clip(&text(title), LONGEST_TEXT),
            blocks: vec![block],
        }
    }

    /// Begins with a line in bold and without a header: what stands in a thread.
    fn plain(title: &str) -> Self {
        let title = clip(&text(title), LONGEST_TEXT);
        let line = format!("*{title}*");
        Self {
            text: title,
            blocks: vec![json!({ "type": "section", "text": { "type": "mrkdwn", "text": line } })],
        }
    }

    /// Adds lines, as many sections as they need.
    fn lines(&mut self, lines: &[String]) {
        let mut section = String::new();
        for line in lines {
            let line = clip(line, LONGEST_SECTION - 1);
            if section.chars().count() + line.chars().count() + 1 > LONGEST_SECTION {
                self.section(&std::mem::take(&mut section));
            }
            if !section.is_empty() {
                section.push('\n');
            }
            section.push_str(&line);
        }
        if !section.is_empty() {
            self.section(&section);
        }
    }

    fn section(&mut self, section: &str) {
        self.blocks
            .push(json!({ "type": "section", "text": { "type": "mrkdwn", "text": section } }));
    }

    /// Ends with a line in small letters. Blocks past the limit make room for it and say so.
    fn finish(mut self, context: &str) -> Message {
        let mut context = clip(context, LONGEST_SECTION);
        if self.blocks.len() > MOST_BLOCKS - 1 {
            self.blocks.truncate(MOST_BLOCKS - 1);
            context = clip(
                &format!("There is more than a message can hold. {context}"),
                LONGEST_SECTION,
            );
        }
        self.blocks.push(
            json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": context }] }),
        );
        Message {
            text: self.text,
            blocks: Value::Array(self.blocks),
        }
    }
}

/// Returns a message that calls people by name, below its title.
pub fn mentioning(mut message: Message, mentions: &[Mention]) -> Message {
    let called: Vec<String> = mentions.iter().map(Mention::markup).collect();
    if let Some(blocks) = message.blocks.as_array_mut().filter(|_| !called.is_empty()) {
        let line = called.join(" ");
        let block = json!({ "type": "section", "text": { "type": "mrkdwn", "text": line } });
        // In a full message it takes the place of what comes last before the small print.
        if blocks.len() >= MOST_BLOCKS {
            blocks.remove(blocks.len() - 2);
        }
        blocks.insert(1.min(blocks.len()), block);
    }
    message
}

/// Cuts at a number of characters, never inside an escape such as `&amp;`.
fn clip(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(longest - 1).collect();
    if let Some(start) = cut.rfind('&')
        && !cut[start..].contains(';')
    {
        cut.truncate(start);
    }
    cut.push('…');
    cut
}
