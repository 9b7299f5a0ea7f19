//! Makes text from outside harmless for a screen: no escape sequences, no invisible or
//! direction-changing characters, nothing endless.

use super::words::many;
use std::borrow::Cow;
use std::fmt::Write as _;

/// The longest line that is shown, in characters.
pub(super) const LONGEST_LINE: usize = 300;

/// The longest reason that is shown, in characters: the last words of what does not work stand at its end.
/// As long as providers make them, and what is said around them.
const LONGEST_REASON: usize = 1_400;

/// Returns one line of text with everything that is not plainly visible written as an escape, cut
/// at 300 characters.
pub fn line(text: &str) -> Cow<'_, str> {
    line_of(text, LONGEST_LINE)
}

/// Like [`line()`], for why something is as it is, and what to do next, which stands on a line of its own.
pub fn reason(text: &str) -> Cow<'_, str> {
    match text.contains('\n') {
        true => Cow::Owned(line_of(&text.replace('\n', " – "), LONGEST_REASON).into_owned()),
        false => line_of(text, LONGEST_REASON),
    }
}

/// Like [`line()`], for a limit of characters.
pub(super) fn line_of(text: &str, longest: usize) -> Cow<'_, str> {
    if text.len() <= longest && !text.chars().any(is_odd) {
        return Cow::Borrowed(text);
    }
    let count = text.chars().count();
    let mut clean = String::with_capacity(text.len().min(longest * 4));
    for c in text.chars().take(longest) {
        if is_odd(c) {
            clean.extend(c.escape_default());
        } else {
            clean.push(c);
        }
    }
    if count > longest {
        let _infallible = write!(clean, "… ({})", many(count - longest, "more character"));
    }
    Cow::Owned(clean)
}

/// Returns a line in which every odd character stands as one `�`, so that columns still count.
pub(super) fn in_columns(text: &str) -> String {
    let shown = |c: char| {
        if is_odd(c) && c != '\t' {
            '\u{fffd}'
        } else {
            c
        }
    };
    text.chars().map(shown).collect()
}

/// Control characters (escape sequences begin with one), and what hides or reorders text.
/// Source: Unicode Technical Report 36 on bidirectional overrides; UAX 44 for the joiners and tags.
fn is_odd(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00ad}' | '\u{034f}' | '\u{061c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
            | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_invisible_gets_through() {
        assert_eq!(line("a\u{1b}[31mred\u{202e}x"), "a\\u{1b}[31mred\\u{202e}x");
        assert_eq!(line("plain – ä 日本"), "plain – ä 日本");
        assert_eq!(
            reason("it crashes\nRead its log."),
            "it crashes – Read its log."
        );
        assert_eq!(line_of("abcdef", 3), "abc… (3 more characters)");
        assert_eq!(line_of("abcd", 3), "abc… (1 more character)");
    }
}
