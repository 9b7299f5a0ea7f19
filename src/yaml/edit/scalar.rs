//! A value as text: the quotes it had where they still fit, more where it would mean something else.

use crate::yaml::scalar::Flavour;
use crate::yaml::scalar::{resolve, yaml_1_1_boolean};
use granit_parser::ScalarStyle;
use serde_json::Value;
use std::fmt::Write as _;

/// How the text around a value is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner<'t> {
    /// How its lines end.
    pub(super) eol: &'t str,
    /// By how many spaces what is inside stands further right.
    pub(super) indent: usize,
    /// By how many spaces the items of a list stand right of its key.
    pub(super) dash: usize,
    /// True for JSON, where each text is quoted.
    pub(super) json: bool,
    /// Whether a text of several lines may stand as lines: a comment below would be taken for one of them.
    pub(super) lines: bool,
}

/// Writes a scalar on one line; `flow` inside brackets.
pub(super) fn inline(value: &Value, was: Option<ScalarStyle>, flow: bool, json: bool) -> String {
    let Value::String(text) = value else {
        return value.to_string();
    };
    let single = was == Some(ScalarStyle::SingleQuoted) && !json;
    let keeps_plain = !matches!(
        was,
        Some(ScalarStyle::DoubleQuoted | ScalarStyle::SingleQuoted)
    );
    if keeps_plain && !json && is_plain(text, flow) {
        text.clone()
    } else if single && !text.chars().any(needs_escape) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        quoted(text)
    }
}

/// Writes the key of a map.
pub(super) fn key(text: &str, json: bool) -> String {
    if !json && is_plain(text, true) && text != "<<" {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Tells whether a text can stand as lines below `|`.
pub(super) fn fits_literal(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    !first.is_empty()
        && !first.starts_with([' ', '\t'])
        && text
            .lines()
            .all(|line| line.is_empty() || !line.trim().is_empty())
        && !text
            .chars()
            .any(|c| c != '\n' && c != '\t' && needs_escape(c))
}

/// Writes a text of lines below `|`, to stand `column` spaces right; ends with a line's end.
pub(super) fn literal(text: &str, column: usize, eol: &str) -> (String, String) {
    let body = text.trim_end_matches('\n');
    let chomp = match text.len() - body.len() {
        0 => "-",
        1 => "",
        _ => "+",
    };
    let mut lines = String::new();
    let all = if chomp == "+" {
        text.strip_suffix('\n').unwrap_or(text)
    } else {
        body
    };
    for line in all.split('\n') {
        if line.is_empty() {
            lines.push_str(eol);
        } else {
            let _infallible = write!(lines, "{:column$}{line}{eol}", "");
        }
    }
    (format!("|{chomp}"), lines)
}

/// A text that means itself without quotes, whoever reads it.
fn is_plain(text: &str, flow: bool) -> bool {
    let fits =
        |c: char| c.is_alphanumeric() || "_-./+=@%~^()$ :".contains(c) || (c == ',' && !flow);
    let starts = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.');
    let looks_like_number = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c))
        && text
            .chars()
            .all(|c| c.is_ascii_hexdigit() || "_:.+-xXo TZ".contains(c));
    let is_text = |flavour| matches!(resolve(text, flavour), Ok(None));
    let ends_early = match flow {
        true => text.contains(':'),
        false => text.contains(": ") || text.ends_with(':'),
    };
    if ends_early || looks_like_number || text.ends_with(' ') {
        return false;
    }
    text.starts_with(starts)
        && text.chars().all(fits)
        && is_text(Flavour::Strict)
        && is_text(Flavour::Kubernetes)
        && yaml_1_1_boolean(text).is_none()
}

/// What cannot stand as it is in a quoted text, or would be shown as something else.
fn needs_escape(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Double quotes; what JSON escapes, YAML reads.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            c if needs_escape(c) => {
                let _infallible = write!(quoted, "\\u{:04x}", c as u32);
            }
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
