//! Text that Slack takes for nothing but itself: no mention, no link, no date, no markup, no `:emoji:`.
//!
//! Source: "Formatting text for app surfaces" (escape `& < >`). The rest of its markup has no escape;
//! look-alikes mean nothing to Slack.

use crate::deliver::render::clean;

/// The longest single line of a section.
const LONGEST_LINE: usize = 400;

/// Returns a line of text.
pub(super) fn text(text: &str) -> String {
    plain(&clean::line_of(text, LONGEST_LINE))
}

/// Like [`text()`], for why something is as it is. What to do next stays on a line of its own.
pub(super) fn long(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    let lines: Vec<String> = lines.map(|line| plain(&clean::reason(line))).collect();
    lines.join("\n      ")
}

/// Like [`long()`], for words of our own: what stands between back-ticks is code.
pub(super) fn ours(text: &str) -> String {
    let line = |line: &str| -> String {
        let parts = line.split('`').enumerate();
        let part = |(nth, part): (usize, &str)| match nth % 2 {
            1 => code(part),
            _ => plain(&clean::reason(part)),
        };
        parts.map(part).collect()
    };
    let is_paired = |line: &str| line.matches('`').count() % 2 != 1;
    if !text.lines().all(is_paired) {
        return long(text);
    }
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines.map(line).collect::<Vec<_>>().join("\n      ")
}

/// Returns text as inline code: names stay as they are, for copying.
pub(super) fn code(text: &str) -> String {
    let clean = clean::line_of(text, LONGEST_LINE);
    format!("`{}`", literal(&clean))
}

/// Returns a line for a block of code.
pub(super) fn literal(clean: &str) -> String {
    let mut escaped = String::with_capacity(clean.len());
    for c in clean.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // Nothing but back-ticks is markup in code; should Slack ever take it for none, it is not bold.
            '*' => escaped.push('∗'),
            '~' => escaped.push('∼'),
            '`' => escaped.push('ˋ'),
            c => escaped.push(c),
        }
    }
    escaped
}

/// Returns a message's text as it was before it was made harmless for Slack: for a log, from which names and commands
/// are copied. Where somebody wrote a look-alike, that is told as what it looks like.
pub fn as_written(message: &str) -> String {
    let plain = |c: char| match c {
        '∗' => '*',
        '∼' => '~',
        'ˋ' => '`',
        'ˍ' => '_',
        '∶' => ':',
        c => c,
    };
    let text: String = message.chars().map(plain).collect();
    let text = text.replace("&lt;", "<").replace("&gt;", ">");
    text.replace("&amp;", "&")
}

fn plain(clean: &str) -> String {
    let mut shown = String::with_capacity(clean.len());
    let mut before = ' ';
    let mut rest = clean.chars();
    while let Some(c) = rest.next() {
        let next = rest.clone().next().unwrap_or(' ');
        let within = before.is_alphanumeric() && next.is_alphanumeric();
        shown.push(match c {
            // Slanted is only what whole words stand between.
            '_' if !within => 'ˍ',
            ':' if is_emoji(rest.as_str()) => '∶',
            c => c,
        });
        before = c;
    }
    literal(&shown)
}

/// Tells whether what follows a colon makes it the name of an emoji, such as `:fire:`.
fn is_emoji(rest: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '+' | '\'');
    let name = rest.split(|c| !is_part(c)).next().unwrap_or_default();
    !name.is_empty() && rest[name.len()..].starts_with(':')
}

/// Cuts at a number of characters, never inside an escape such as `&amp;`.
pub(super) fn clip(text: &str, longest: usize) -> String {
    if text.chars().count() <= longest {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(longest.saturating_sub(1)).collect();
    if let Some(start) = cut.rfind('&')
        && !cut[start..].contains(';')
    {
        cut.truncate(start);
    }
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_of_it_is_markup_or_an_emoji() {
        assert_eq!(
            text("*b* ~s~ `c` <@U1> a & b"),
            "∗b∗ ∼s∼ ˋcˋ &lt;@U1&gt; a &amp; b"
        );
        assert_eq!(
            text("_slanted_ my_var __init__"),
            "ˍslantedˍ my_var ˍˍinitˍˍ"
        );
        assert_eq!(text("it is on :fire: now"), "it is on ∶fire: now");
        assert_eq!(text(":+1::skin-tone-2:"), "∶+1:∶skin-tone-2:");
        assert_eq!(text("at http://a/b: 7 :"), "at http://a/b: 7 :");
        assert_eq!(code("a_b*c:d:e`"), "`a_b∗c:d:eˋ`");
    }

    #[test]
    fn what_was_made_harmless_can_be_read_back() {
        for said in ["*b* ~s~ `c` <@U1> a &lt; b", "_slanted_ :fire: `a_b*c`"] {
            assert_eq!(as_written(&text(said)), said);
            assert_eq!(as_written(&long(said)), said);
        }
    }

    #[test]
    fn words_of_our_own_show_commands_as_code() {
        assert_eq!(
            ours("run `reconciled apply a_b_`, then"),
            "run `reconciled apply a_b_`, then"
        );
        assert_eq!(ours("one ` alone"), "one ˋ alone");
        assert_eq!(ours("`a` `b`"), "`a` `b`");
    }

    #[test]
    fn a_cut_leaves_no_half_of_an_escape() {
        assert_eq!(clip("ab&amp;cd", 5), "ab…");
        assert_eq!(clip("abc", 3), "abc");
    }
}
