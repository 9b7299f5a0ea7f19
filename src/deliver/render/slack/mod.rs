//! Slack: Block Kit messages for a run and for a drift episode.
//!
//! Source of the limits: Slack's Block Kit reference (50 blocks a message, which the room for all of them keeps;
//! 3,000 characters of a section's text, 150 of a header's). Source of `verbatim`: its page on the text object.

mod about;
mod daily;
mod dropped;
mod episode;
mod escape;
mod going;
mod notice;
mod over;
mod run;

pub use about::{About, Back, Links, RunWords};
pub use daily::daily_slack;
pub use dropped::dropped_slack;
pub use episode::{course_slack, episode_slack};
pub use escape::as_written;
pub use going::{Going, going_slack, so_far_slack};
pub use notice::{Brought, brought_slack, each_slack, notice_slack};
pub use over::over_slack;
pub use run::run_slack;

use super::clean;
use super::words::many;
use crate::deliver::notify::Message;
use crate::model::Mention;
use escape::{clip, code, literal, long, ours, text};
use serde_json::{Value, json};

const LONGEST_SECTION: usize = 3_000;
const LONGEST_HEADER: usize = 150;
/// The longest fallback text: what a notification shows.
const LONGEST_TEXT: usize = 300;
/// The most characters of all blocks together. Slack's reference names none, and refuses from some 12,000 on
/// with `msg_blocks_too_long` (slackapi/bolt-js #2509); the rest is room for whom a message calls.
const MOST_CHARACTERS: usize = 9_000;
/// The most characters that call people.
const MOST_CALLS: usize = 900;

/// A message being written.
struct Draft {
    text: String,
    title: Value,
    /// What stands below the title, in parts that share the room there is.
    parts: Vec<Vec<String>>,
}

impl Draft {
    /// Begins with a title that is also what a notification shows. Plain text: nothing to escape but
    /// what Slack parses in the fallback text too.
    fn new(title: &str) -> Self {
        let header = clip(&clean::line_of(title, LONGEST_HEADER * 2), LONGEST_HEADER);
        Self {
            text: clip(&text(title), LONGEST_TEXT),
            title: json!({ "type": "header", "text": { "type": "plain_text", "text": header, "emoji": false } }),
            parts: Vec::new(),
        }
    }

    /// Begins with a line in bold and without a header: what stands in a thread.
    fn plain(title: &str) -> Self {
        let title = clip(&text(title), LONGEST_TEXT);
        Self {
            title: section(&format!("*{title}*")),
            text: title,
            parts: Vec::new(),
        }
    }

    /// Adds lines, as many sections as they need. What is too much of them is counted.
    fn lines(&mut self, lines: &[String]) {
        if !lines.is_empty() {
            let lines = lines.iter();
            let lines = lines.map(|line| clip(line, LONGEST_SECTION - 1));
            self.parts.push(lines.collect());
        }
    }

    /// Ends with a line in small letters.
    fn finish(self, context: &str) -> Message {
        let context = clip(context, LONGEST_SECTION);
        let used = LONGEST_HEADER + context.chars().count();
        let mut blocks = vec![self.title];
        for lines in within(MOST_CHARACTERS - used, self.parts) {
            blocks.extend(sections(&lines));
        }
        blocks.push(json!({ "type": "context", "elements": [mrkdwn(&context)] }));
        Message {
            text: self.text,
            blocks: Value::Array(blocks),
        }
    }
}

/// Returns text with our own markup, in which Slack looks for nothing else to make a link or a mention of.
fn mrkdwn(text: &str) -> Value {
    json!({ "type": "mrkdwn", "text": text, "verbatim": true })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": mrkdwn(text) })
}

/// Cuts parts down to the room there is for all: a short one stands whole, the long ones share what is left.
fn within(mut room: usize, mut parts: Vec<Vec<String>>) -> Vec<Vec<String>> {
    let length = |part: &Vec<String>| part.iter().map(|line| line.chars().count() + 1).sum();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|nth| -> usize { length(&parts[*nth]) });
    let mut left = parts.len();
    for nth in order {
        let share = room / left;
        if length(&parts[nth]) > share {
            parts[nth] = cut(share, std::mem::take(&mut parts[nth]));
        }
        room = room.saturating_sub(length(&parts[nth]));
        left -= 1;
    }
    parts
}

/// Returns the first lines that there is room for, and how many more there are.
fn cut(mut room: usize, mut lines: Vec<String>) -> Vec<String> {
    // For the line that counts.
    room = room.saturating_sub(LONGEST_HEADER);
    let mut fits = 0;
    for line in &lines {
        let length = line.chars().count() + 1;
        if length > room {
            break;
        }
        room -= length;
        fits += 1;
    }
    let more = many(lines.len() - fits, "more line");
    lines.truncate(fits);
    lines.push(format!("… and {more}, for which a message has no room"));
    lines
}

fn sections(lines: &[String]) -> Vec<Value> {
    let mut sections: Vec<String> = Vec::new();
    for line in lines {
        let length = line.chars().count() + 1;
        match sections.last_mut() {
            Some(last) if last.chars().count() + length <= LONGEST_SECTION => {
                last.push('\n');
                last.push_str(line);
            }
            _ => sections.push(line.clone()),
        }
    }
    sections.iter().map(|lines| section(lines)).collect()
}

/// Returns a message that calls people by name, below its title.
pub fn mentioning(mut message: Message, mentions: &[Mention]) -> Message {
    let mut line = String::new();
    for called in mentions.iter().map(Mention::markup) {
        if line.len() + called.len() < MOST_CALLS {
            let apart = if line.is_empty() { "" } else { " " };
            line = format!("{line}{apart}{called}");
        }
    }
    if let Some(blocks) = message.blocks.as_array_mut().filter(|_| !line.is_empty()) {
        blocks.insert(1.min(blocks.len()), section(&line));
    }
    message
}
