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

/// A comment being written.
#[derive(Default)]
pub(super) struct Paper(Vec<Part>);

enum Part {
    Open(String),
    Folded {
        summary: String,
        blocks: Vec<Vec<String>>,
    },
}

impl Paper {
    /// Adds text that stands in the open, whole.
    pub(super) fn open(&mut self, text: impl Into<String>) {
        self.0.push(Part::Open(text.into()));
    }

    /// Adds a list in the open. Where it is too long for any comment, its end is counted, not named.
    pub(super) fn list(&mut self, title: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        let mut text = format!("**{title}**\n\n");
        let mut room = LIMIT / 3;
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
        if shown < items.len() {
            let _infallible = writeln!(
                text,
                "- **and {} more, too many to name here**",
                items.len() - shown
            );
        }
        text.push('\n');
        self.open(text);
    }

    /// Adds blocks of diff lines that are folded away under a summary.
    pub(super) fn folded(&mut self, summary: impl Into<String>, blocks: Vec<Vec<String>>) {
        if !blocks.is_empty() {
            self.0.push(Part::Folded {
                summary: summary.into(),
                blocks,
            });
        }
    }

    /// Returns the comment, `closing` as its last line.
    pub(super) fn finish(self, closing: &str) -> String {
        let open: usize = self.0.iter().map(Part::least).sum();
        let mut room = LIMIT.saturating_sub(open + closing.chars().count() + CLOSING);
        let mut text = String::new();
        let mut length = closing.chars().count() + CLOSING;
        for part in self.0 {
            let part = match part {
                Part::Open(part) => part,
                Part::Folded { summary, blocks } => fold(&summary, &blocks, &mut room),
            };
            length += part.chars().count();
            if length > LIMIT {
                text.push_str("\n**There is more than a comment can hold.**\n\n");
                break;
            }
            text.push_str(&part);
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
            Self::Folded { summary, .. } => summary.chars().count() + CLOSING,
        }
    }
}

/// Writes as many blocks as there is room for; a block that is too long is left out whole.
fn fold(summary: &str, blocks: &[Vec<String>], room: &mut usize) -> String {
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
    text
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
}
