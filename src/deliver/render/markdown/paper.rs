//! A comment within GitHub's limit: what must be said stands whole, details fill the room that is
//! left, and are never broken inside a fence.

use super::escape;
use crate::deliver::render::clean;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The most characters a comment may have. Source: GitHub takes 65,536; the rest is our margin.
pub(super) const LIMIT: usize = 60_000;
/// Room for what one folded part takes besides its lines: two fences, each at most one backtick
/// longer than the longest line that is shown, and its tags.
const CLOSING: usize = 2 * (clean::LONGEST_LINE + 1) + 200;
/// How many lines of details a comment shows unfolded: what fits on a phone is read before it is tapped on.
const AT_A_GLANCE: usize = 20;
/// Room for what one list takes besides its title and its items.
const LIST: usize = 80;

/// A comment being written.
#[derive(Default)]
pub(super) struct Paper {
    parts: Vec<Part>,
    /// Where the rest is, for a comment that cannot hold all.
    rest: Option<String>,
}

/// What is said of several, and their names.
pub(super) type Names = (String, Vec<String>);

enum Part {
    Open(String),
    List {
        title: String,
        items: Vec<String>,
        /// The names alone, by what is said of them, where none may go without being named: shorter ones later.
        names: Vec<Vec<Names>>,
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
        self.whole(title, items.to_vec(), []);
    }

    /// Adds a list of which none is to go without being named: before that other lists are cut, and of this one
    /// all but the names.
    pub(super) fn whole(
        &mut self,
        title: &str,
        items: Vec<String>,
        names: impl IntoIterator<Item = Vec<Names>>,
    ) {
        let names = names.into_iter().collect();
        if !items.is_empty() {
            self.parts.push(Part::List {
                title: title.to_owned(),
                items,
                names,
            });
        }
    }

    /// Says where the rest is, in a sentence, if not all fits.
    pub(super) fn rest(&mut self, rest: String) {
        self.rest = Some(rest);
    }

    /// Adds blocks of diff lines under a summary, folded away unless they are few.
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
        let rest = self.rest.unwrap_or_default();
        let closing_room = closing.chars().count() + rest.chars().count() + CLOSING;
        let open: usize = self.parts.iter().map(Part::least).sum();
        let mut room = LIMIT.saturating_sub(open + closing_room);
        // Lists take their share before details fill what is left.
        let (mut lists, mut cut) = lists(&self.parts, &mut room);
        let mut text = String::new();
        let mut glance = AT_A_GLANCE;
        let mut length = closing_room;
        for (nth, part) in self.parts.into_iter().enumerate() {
            let part = match part {
                Part::Open(part) => part,
                Part::List { .. } => lists.remove(&nth).unwrap_or_default(),
                Part::Folded { summary, blocks } => {
                    let (folded, left_out) = fold(&summary, &blocks, &mut room, &mut glance);
                    cut |= left_out > 0;
                    folded
                }
            };
            length += part.chars().count();
            if length > LIMIT {
                text.push_str("\n**There is more than a comment can hold.**\n\n");
                cut = true;
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

/// Writes the lists, first those that are to be whole, each in its share of the room. Returns them by where they
/// stand, and whether one is cut.
fn lists(parts: &[Part], room: &mut usize) -> (BTreeMap<usize, String>, bool) {
    let (mut written, mut cut) = (BTreeMap::new(), false);
    for is_whole in [true, false] {
        let these = parts
            .iter()
            .enumerate()
            .filter_map(|(nth, part)| match part {
                Part::List {
                    title,
                    items,
                    names,
                } if names.is_empty() != is_whole => Some((nth, title, items, names)),
                _ => None,
            });
        let these: Vec<_> = these.collect();
        let mut left = these.len();
        for (nth, title, items, names) in these {
            let share = *room / left;
            let (mut list, mut is_cut) = listed(title, items, share.min(LIMIT / 3));
            for names in names.iter() {
                if is_cut {
                    (list, is_cut) = named(title, names, share);
                }
            }
            cut |= is_cut;
            *room = room.saturating_sub(list.chars().count());
            left -= 1;
            written.insert(nth, list);
        }
    }
    (written, cut)
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

/// Writes as many names as there is room for, and counts the others. Returns whether there are any.
fn named(title: &str, names: &[Names], mut room: usize) -> (String, bool) {
    let mut text = format!("**{title}**\n\n");
    let mut more = 0;
    for (what, names) in names {
        let said = what.chars().count() + 8;
        let fits = names.iter().take_while(|name| {
            let length = name.chars().count() + 2;
            let fits = more == 0 && said + length <= room;
            room = room.saturating_sub(if fits { length } else { 0 });
            fits
        });
        let shown = fits.count();
        if shown > 0 {
            room = room.saturating_sub(said);
            let _infallible = writeln!(text, "- {what}: {}", names[..shown].join(", "));
        }
        more += names.len() - shown;
    }
    if more > 0 {
        let _infallible = writeln!(text, "- **and {more} more, too many to name here**");
    }
    text.push('\n');
    (text, more > 0)
}

/// Writes as many blocks as there is room for; a block that is too long is left out whole. Returns how many are.
/// Unfolded where all of it is within the lines that are `left` for that.
fn fold(
    summary: &str,
    blocks: &[Vec<String>],
    room: &mut usize,
    left: &mut usize,
) -> (String, usize) {
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
    let is_open = left_out == 0 && lines.len() <= *left;
    *left = left.saturating_sub(lines.len());
    let tag = if is_open {
        "<details open>"
    } else {
        "<details>"
    };
    let mut text = format!("{tag}<summary>{summary}</summary>\n\n");
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
    fn a_few_lines_are_shown_at_once_and_more_are_folded() {
        let finish = |folds: &[usize]| {
            let mut paper = Paper::default();
            for lines in folds {
                paper.folded("details", vec![vec!["+ line".to_owned(); *lines]]);
            }
            paper.finish("closing\n")
        };
        let opened = |text: &str| {
            (
                text.matches("<details").count(),
                text.matches("open>").count(),
            )
        };
        assert_eq!(opened(&finish(&[AT_A_GLANCE])), (1, 1));
        assert_eq!(opened(&finish(&[AT_A_GLANCE + 1])), (1, 0));
        assert_eq!(opened(&finish(&[5, 5, 11])), (3, 2));
        assert_eq!(
            opened(&finish(&[AT_A_GLANCE + 1, 1])),
            (2, 0),
            "what stands below would be found first"
        );
    }

    #[test]
    fn of_what_is_to_be_whole_the_names_stand_before_anything_is_cut() {
        let names = |of: usize| (0..of).map(|nth| format!("`prod/old-{nth:0>4}`"));
        let items = |of| {
            names(of)
                .map(|name| format!("{name} – no longer declared"))
                .collect()
        };
        let other: Vec<String> = (0..400).map(|nth| format!("{nth:0>100}")).collect();
        let finish = |of: usize| {
            let mut paper = Paper::default();
            paper.list("Waiting", &other);
            let by_reason = vec![("no longer declared".to_owned(), names(of).collect())];
            paper.whole("Deletes", items(of), [by_reason]);
            paper.rest("The rest: elsewhere".to_owned());
            paper.finish("closing\n")
        };
        let text = finish(1_500);
        assert!(text.chars().count() <= LIMIT, "{}", text.chars().count());
        assert!(names(1_500).all(|name| text.contains(&name)), "{text}");
        assert_eq!(
            text.matches("too many to name here").count(),
            1,
            "only of others"
        );
        let text = finish(9_000);
        assert!(text.chars().count() <= LIMIT, "{}", text.chars().count());
        let shown = names(9_000).filter(|name| text.contains(name)).count();
        let said = format!("and {} more, too many to name here", 9_000 - shown);
        assert!(shown > 2_000 && text.contains(&said), "{shown}");
        assert!(text.ends_with("The rest: elsewhere\n\nclosing\n"));
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
