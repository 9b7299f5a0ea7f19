//! The parser's own errors, in words that say what to do.

use crate::model::Diagnostic;
use crate::yaml::place::{Place, Source};
use granit_parser::{ErrorKind, ScanError};
use std::sync::Arc;

const INDENT: &str = "Indent the lines of one map or list by the same number of spaces.";
const TAB: &str = "Indent with spaces: YAML takes no tabs there.";
const QUOTES: &str = "Close it with the quote it began with.";

/// Says a syntax error with its place and a hint.
pub(super) fn diagnostic(source: &Arc<Source>, error: &ScanError) -> Diagnostic {
    let marker = error.marker();
    let byte = marker.byte_offset().unwrap_or(marker.index());
    let place = Place::new(source, byte..byte + 1);
    let line = place.source_line();
    let indented_by_tab = line
        .chars()
        .take_while(|c| c.is_whitespace())
        .any(|c| c == '\t');
    let (code, message, hint) = match error.kind() {
        _ if indented_by_tab => ("tab", "a tab indents this line".to_owned(), Some(TAB)),
        ErrorKind::TabInBlockIndentation
        | ErrorKind::TabInIndentation
        | ErrorKind::TabNotAllowed
        | ErrorKind::TabAtBlockScalarStart
        | ErrorKind::TabInPlainScalar => ("tab", "a tab stands here".to_owned(), Some(TAB)),
        _ if holds_open_expression(&line) => (
            "yaml-syntax",
            info(error),
            Some("Quote a text that holds ${…} inside { } or [ ]: \"${vars.name}\"."),
        ),
        ErrorKind::MappingValueNotAllowed | ErrorKind::InvalidColonPlacement => (
            "yaml-syntax",
            "a second `:` cannot stand here".to_owned(),
            Some("Quote a text that holds a colon and a space, or indent the line correctly."),
        ),
        ErrorKind::InvalidIndentation
        | ErrorKind::ExpectedBlockMappingKey
        | ErrorKind::ExpectedBlockSequenceEntry
        | ErrorKind::SimpleKeyExpected
        | ErrorKind::InvalidSimpleKey
        | ErrorKind::InvalidFlowScalarIndent
        | ErrorKind::InvalidBlockScalarIndent
        | ErrorKind::BlockSequenceEntryNotAllowed
        | ErrorKind::MappingKeyNotAllowed => ("indentation", info(error), Some(INDENT)),
        ErrorKind::UnclosedQuotedScalar | ErrorKind::InvalidQuotedScalarIndent => {
            ("unclosed-quote", info(error), Some(QUOTES))
        }
        ErrorKind::RecursionLimitExceeded => {
            ("too-deep", "nested too many levels deep".to_owned(), None)
        }
        ErrorKind::UnknownAnchor => (
            "unknown-anchor",
            "no anchor of this name stands before".to_owned(),
            Some("Quote a text that begins with `*`."),
        ),
        ErrorKind::UnexpectedCharacter { character } => (
            "yaml-syntax",
            format!("{character:?} cannot begin a text"),
            Some("Quote the text."),
        ),
        _ => ("yaml-syntax", info(error), None),
    };
    let found = place.error(code, message);
    match hint {
        Some(hint) => found.with_hint(hint),
        None => found,
    }
}

fn holds_open_expression(line: &str) -> bool {
    ["{ ", "[", ", ", "{"].iter().any(|before| {
        line.match_indices("${")
            .any(|(at, _)| in_flow(line, at, before))
    })
}

/// Tells whether a bare `${` at this byte stands inside brackets of flow style.
fn in_flow(line: &str, at: usize, bracket: &str) -> bool {
    let before = line.get(..at).unwrap_or_default();
    let quoted = before.ends_with(['"', '\'']);
    !quoted && before.contains(bracket)
}

fn info(error: &ScanError) -> String {
    error
        .info()
        .lines()
        .next()
        .unwrap_or_default()
        .to_lowercase()
}
