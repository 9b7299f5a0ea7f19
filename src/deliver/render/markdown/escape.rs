//! Makes text from outside harmless inside Markdown: no markup, no HTML, no mention, no link.

use crate::deliver::render::clean;
use std::fmt::Write as _;

/// Returns text that reads as itself in a line of Markdown.
///
/// Punctuation that could begin markup is escaped by its character reference, which GitHub never
/// takes for markup, a mention, an issue number or a link. Source: CommonMark 0.31, section 2.5;
/// GitHub resolves mentions before references, so `&#64;` is no mention.
pub(super) fn text(text: &str) -> String {
    escaped(&clean::line(text))
}

/// Like [`text`], for why something is as it is. What to do next, on a line of its own, is a sentence here.
pub(super) fn reason(text: &str) -> String {
    let mut said = String::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        if !said.is_empty() {
            said.push_str(if said.ends_with(['.', '!', '?']) {
                " "
            } else {
                ". "
            });
        }
        said.push_str(&escaped(&clean::reason(line)));
    }
    said
}

fn escaped(clean: &str) -> String {
    let mut escaped = String::with_capacity(clean.len());
    for c in clean.chars() {
        match c {
            '&' | '<' | '>' | '@' | '#' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '\\' | '!'
            | '$' => {
                let _infallible = write!(escaped, "&#{};", u32::from(c));
            }
            // A scheme makes a link by itself.
            ':' => escaped.push_str("&#58;"),
            // So does `www.`
            'w' | 'W' if escaped.ends_with("ww") || escaped.ends_with("WW") => {
                let _infallible = write!(escaped, "&#{};", u32::from(c));
            }
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns text as an inline code span, whatever backticks it holds.
pub(super) fn code(text: &str) -> String {
    let clean = clean::line(text);
    if clean.is_empty() {
        return "` `".to_owned();
    }
    let fence = "`".repeat(longest_run(&clean) + 1);
    // A pipe would end a table's cell even inside code; no table is written here.
    let pad = if clean.starts_with('`') || clean.ends_with('`') {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{clean}{pad}{fence}")
}

/// Returns lines as a fenced block that none of them can end.
pub(super) fn fenced(language: &str, lines: &[String]) -> String {
    let longest = lines
        .iter()
        .map(|line| longest_run(line))
        .max()
        .unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

fn longest_run(text: &str) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        let nasty = "@team <img src=x> [a](http://x) `x` **b** #1 | ![i](j) www.x.y \u{1b}[0m";
        let shown = text(nasty);
        for bad in [
            "@", "<", ">", "[", "]", "`", "*", "|", "!", "://", "www", "\u{1b}",
        ] {
            assert!(!shown.contains(bad), "{bad} in {shown}");
        }
        assert!(!shown.replace("&#", "").contains('#'));
    }

    #[test]
    fn no_line_ends_its_own_fence() {
        let block = fenced("diff", &["+ ```` x".to_owned(), "```".to_owned()]);
        assert!(block.starts_with("`````diff\n") && block.ends_with("\n`````\n"));
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
    }
}
