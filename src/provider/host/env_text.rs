//! The text of an environment file: `KEY=value` lines that a POSIX shell, systemd's
//! `EnvironmentFile=` and Compose read alike.
//!
//! Inside double quotes all three take a backslash before `"`, `\`, `` ` `` and `$` and nothing else
//! (POSIX 2018, 2.2.3; systemd.exec(5)), so that is how everything but plain words is written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The first line of what we write.
const HEADER: &str = "# Written by reconciled. Changes made here are found and put back.\n";
/// What a backslash is needed for inside double quotes.
const ESCAPED: [char; 4] = ['"', '\\', '`', '$'];

/// Tells whether the text can name a variable.
pub(super) fn is_key(text: &str) -> bool {
    let mut chars = text.chars();
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    chars.next().is_some_and(first) && chars.all(|c| first(c) || c.is_ascii_digit())
}

/// Writes variables, in their order.
pub(super) fn written<'a>(values: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut text = HEADER.to_owned();
    for (key, value) in values {
        let _infallible = writeln!(text, "{key}={}", quoted(value));
    }
    text
}

fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:@%+,".contains(c);
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    let mut text = String::with_capacity(value.len() + 2);
    text.push('"');
    for c in value.chars() {
        if ESCAPED.contains(&c) {
            text.push('\\');
        }
        text.push(c);
    }
    text.push('"');
    text
}

/// What an environment file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Read {
    /// Its variables; of two with one name the later counts, as for its readers.
    pub(super) values: BTreeMap<String, String>,
    /// The lines that are no assignment, from 1.
    pub(super) strange: Vec<usize>,
}

/// Reads an environment file as its readers do.
pub(super) fn read(text: &str) -> Read {
    let mut found = Read::default();
    let mut rest = text;
    let mut line = 1;
    while !rest.is_empty() {
        let (first, _) = rest.split_once('\n').unwrap_or((rest, ""));
        let trimmed = first.trim_start();
        if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
            rest = rest.get(first.len() + 1..).unwrap_or("");
            line += 1;
            continue;
        }
        let begin = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let assignment = rest[begin..].split_once('=').filter(|(key, _)| is_key(key));
        let taken = assignment.and_then(|(key, value)| Some((key, unquoted(value)?)));
        let length = if let Some((key, (value, length))) = taken {
            found.values.insert(key.to_owned(), value);
            begin + key.len() + 1 + length
        } else {
            found.strange.push(line);
            first.len()
        };
        line += rest[..length].matches('\n').count() + 1;
        rest = rest.get(length + 1..).unwrap_or("");
    }
    found
}

/// Reads one value up to the end of its line; returns it and how many bytes it took. `None` where a
/// quote never ends or something follows after a blank.
fn unquoted(text: &str) -> Option<(String, usize)> {
    let mut value = String::new();
    let mut quote = None;
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (None, '\n') => return Some((value, at)),
            (None, '"' | '\'') => quote = Some(c),
            (None, ' ' | '\t' | '\r') => {
                let (tail, _) = text[at..].split_once('\n').unwrap_or((&text[at..], ""));
                return tail.trim().is_empty().then_some((value, at + tail.len()));
            }
            (None, '\\') => value.push(chars.next()?.1),
            (Some('"'), '\\') => match chars.next()?.1 {
                next if ESCAPED.contains(&next) => value.push(next),
                '\n' => {}
                next => value.extend(['\\', next]),
            },
            (Some(open), _) if c == open => quote = None,
            _ => value.push(c),
        }
    }
    quote.is_none().then_some((value, text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Asks a real shell what the file says.
    fn shell(text: &str, key: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("env");
        std::fs::write(&file, text).unwrap();
        #[expect(
            clippy::disallowed_methods,
            reason = "the counterpart of this test is a shell"
        )]
        let output = std::process::Command::new("sh")
            .args(["-c", ". \"$1\"; eval \"printf %s \\\"\\$$2\\\"\"", "sh"])
            .arg(&file)
            .arg(key)
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn a_shell_reads_what_was_meant() {
        for value in [
            "",
            "plain",
            "two words",
            "a'b\"c\\d`e$f",
            "$(id)",
            "line\nbreak",
            "é #x",
            "a=b&c;d|e*",
        ] {
            let text = written([("KEY", value)]);
            assert_eq!(shell(&text, "KEY"), value, "{text}");
        }
    }

    #[test]
    fn lines_that_mean_nothing_are_told() {
        let found = read("# note\n\nA=1\n  B='x y'\ngarbage\nC=\"open\nD=2 3\n");
        assert_eq!(found.values.get("B").map(String::as_str), Some("x y"));
        assert_eq!(found.strange, [5, 6, 7]);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(values in prop::collection::btree_map("[A-Z_][A-Z0-9_]{0,8}", "[^\0]{0,24}", 0..6)) {
            let text = written(values.iter().map(|(key, value)| (key.as_str(), value.as_str())));
            let found = read(&text);
            prop_assert_eq!(found.values, values);
            prop_assert!(found.strange.is_empty());
        }
    }
}
