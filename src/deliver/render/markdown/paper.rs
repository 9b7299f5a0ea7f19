//! A comment within GitHub's limit: what must be said stands whole, details fill the room that is
//! left, and are never broken inside a fence.

use super::escape;
use crate::deliver::render::clean;
use std::fmt::Write as _;

/// The most characters a comment may have. Source: GitHub takes 65,536; the rest is our margin.
pub(super) const LIMIT: usize = 60_000;
/// Room for what one folded part takes besides its lines: two fences, each at most one backtick
/// longer than the longest line that is shown, and its tags.
const CLOSING: usize = 2 * (clean::LONGEST_LINE + 1) + 200;
/// Room for what one list takes besides its title and its items.
const LIST: usize = 80;

/// A comment being written.
#[derive(Default)]
pub(super) struct Paper {
    parts: Vec<Part>,
    /// Where the rest is, for a comment that cannot hold all.
    rest: Option<String>,
}

enum Part {
    Open(String),
    List {
        title: String,
        items: Vec<String>,
    },
    Folded {
        summary: String,
        blocks: Vec<Vec<String>>,
    },
}

impl Paper {
    /// Adds text that stands in the open, whole.
    pub(super) fn open(&mut self, text: impl Into<String>) {
        self.parts.push(Part::Open(text.into()));
    }

    /// Adds a list in the open. Lists share the room there is; the end of one that is too long is counted, not named.
    pub(super) fn list(&mut self, title: &str, items: &[String]) {
        if !items.is_empty() {
            self.parts.push(Part::List {
                title: title.to_owned(),
                items: items.to_vec(),
            });
        }
    }

    /// Says where the rest is, in a sentence, if not all fits.
    pub(super) fn rest(&mut self, rest: String) {
        self.rest = Some(rest);
    }

    /// Adds blocks of diff lines that are folded away under a summary.
    pub(super) fn folded(&mut self, summary: impl Into<String>, blocks: Vec<Vec<String>>) {
        if !blocks.is_empty() {
            self.parts.push(Part::Folded {
                summary: summary.into(),
                blocks,
            });
        }
    }

    /// Returns the comment, `closing` as its last line.
    pub(super) fn finish(self, closing: &str) -> String {
        let mut cut = false;
        let rest = self.rest.unwrap_or_default();
        let closing_room = closing.chars().count() + rest.chars().count() + CLOSING;
        let open: usize = self.parts.iter().map(Part::least).sum();
        let mut room = LIMIT.saturating_sub(open + closing_room);
        let is_list = |part: &&Part| matches!(part, Part::List { .. });
        let mut lists = self.parts.iter().filter(is_list).count();
        let mut written = Vec::new();
        // Lists take their share before details fill what is left.
        for part in &self.parts {
            if let Part::List { title, items } = part {
                let share = (room / lists).min(LIMIT / 3);
                let (list, is_cut) = listed(title, items, share);
                (room, lists, cut) = (
                    room.saturating_sub(list.chars().count()),
                    lists - 1,
                    cut || is_cut,
                );
                written.push(list);
            }
        }
        let mut written = written.into_iter();
        let mut text = String::new();
        let mut length = closing_room;
        for part in self.parts {
            let part = match part {
                Part::Open(part) => part,
                Part::List { .. } => written.next().unwrap_or_default(),
                Part::Folded { summary, blocks } => {
                    let (folded, left_out) = fold(&summary, &blocks, &mut room);
                    cut |= left_out > 0;
                    folded
                }
            };
            length += part.chars().count();
            if length > LIMIT {
                text.push_str("\n**There is more than a comment can hold.**\n\n");
                break;
            }
            text.push_str(&part);
        }
        if cut && !rest.is_empty() {
            let _infallible = write!(text, "{rest}\n\n");
        }
        text.push_str(closing);
        text
    }
}

impl Part {
    /// Returns the characters it takes whatever is left out.
    fn least(&self) -> usize {
        match self {
            Self::Open(text) => text.chars().count(),
            Self::List { title, .. } => title.chars().count() + LIST,
            Self::Folded { summary, .. } => summary.chars().count() + CLOSING,
        }
    }
}

/// Writes as many items as there is room for, and counts the others. Returns whether there are any.
fn listed(title: &str, items: &[String], mut room: usize) -> (String, bool) {
    let mut text = format!("**{title}**\n\n");
    let fits = items.iter().take_while(|item| {
        let length = item.chars().count() + 3;
        let fits = length <= room;
        room = room.saturating_sub(length);
        fits
    });
    let shown = fits.count();
    for item in &items[..shown] {
        let _infallible = writeln!(text, "- {item}");
    }
    let more = items.len() - shown;
    if more > 0 {
        let _infallible = writeln!(text, "- **and {more} more, too many to name here**");
    }
    text.push('\n');
    (text, more > 0)
}

/// Writes as many blocks as there is room for; a block that is too long is left out whole. Returns how many are.
fn fold(summary: &str, blocks: &[Vec<String>], room: &mut usize) -> (String, usize) {
    let mut lines: Vec<String> = Vec::new();
    let mut left_out = 0;
    for block in blocks {
        let length: usize = block.iter().map(|line| line.chars().count() + 1).sum();
        if length + 1 > *room {
            left_out += 1;
            continue;
        }
        *room -= length + 1;
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.extend_from_slice(block);
    }
    let mut text = format!("<details><summary>{summary}</summary>\n\n");
    if !lines.is_empty() {
        text.push_str(&escape::fenced("diff", &lines));
    }
    if left_out > 0 {
        let _infallible = writeln!(text, "\n{left_out} more are too long to be shown here.");
    }
    text.push_str("\n</details>\n\n");
    (text, left_out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stays_within_the_limit_and_closes_what_it_opens() {
        let mut paper = Paper::default();
        paper.open("### verdict\n\n");
        paper.list("Deletes", &vec!["`x`".repeat(20); 4_000]);
        let block = |nth: usize| vec![format!("+ {nth} {}", "y".repeat(250)); 30];
        paper.folded("details", (0..40).map(block).collect());
        let text = paper.finish("closing\n");
        assert!(text.chars().count() <= LIMIT, "{}", text.chars().count());
        assert!(text.starts_with("### verdict") && text.ends_with("closing\n"));
        assert_eq!(text.matches("```").count(), 2);
        assert_eq!(
            text.matches("<details>").count(),
            text.matches("</details>").count()
        );
        assert!(text.contains("more are too long") && text.contains("too many to name here"));
    }

    #[test]
    fn lists_share_the_room_and_none_goes_without_a_word() {
        let mut paper = Paper::default();
        let items: Vec<String> = (0..400).map(|nth| format!("{nth:0>100}")).collect();
        for name in ["one", "two", "three", "four", "five"] {
            paper.open(format!("#### {name}\n\n"));
            paper.list(&format!("Deletes in {name}"), &items);
        }
        paper.rest("The rest: elsewhere".to_owned());
        let text = paper.finish("closing\n");
        assert!(text.chars().count() <= LIMIT, "{}", text.chars().count());
        for name in ["one", "two", "three", "four", "five"] {
            assert!(text.contains(&format!("**Deletes in {name}**")), "{name}");
        }
        assert_eq!(text.matches("more, too many to name here").count(), 5);
        assert!(text.ends_with("The rest: elsewhere\n\nclosing\n"));
    }
}
