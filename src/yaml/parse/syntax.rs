//! The parser's own errors, in words that say what to do.

use crate::model::Diagnostic;
use crate::yaml::place::{Place, Source};
use granit_parser::{ErrorKind, ScanError};
use std::sync::Arc;

const INDENT: &str = "Indent the lines of one map or list by the same number of spaces.";
const TAB: &str = "Indent with spaces: YAML takes no tabs there.";
const OURS: &str = "<<<<<<<";
const THEIRS: &str = ">>>>>>>";
/// The lines that Git writes around two sides and between them. Source: git-merge(1), "How conflicts are presented".
const CONFLICT: [&str; 4] = [OURS, "|||||||", "=======", THEIRS];
const QUOTES: &str = "Close it with the quote it began with.";

/// Says a syntax error with its place and a hint.
pub(super) fn diagnostic(source: &Arc<Source>, error: &ScanError) -> Diagnostic {
    unmerged(source).unwrap_or_else(|| slip(source, error))
}

fn slip(source: &Arc<Source>, error: &ScanError) -> Diagnostic {
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

/// Names the first line that Git leaves where it could not merge, of a text that is no YAML for it.
fn unmerged(source: &Arc<Source>) -> Option<Diagnostic> {
    let is_marker = |line: &str, marker: &str| {
        let rest = line.strip_prefix(marker);
        rest.is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with(' '))
    };
    let stands = |marker| source.text().lines().any(|line| is_marker(line, marker));
    // A line of equal signs alone may be somebody's own.
    if !stands(OURS) && !stands(THEIRS) {
        return None;
    }
    let mut lines = source.text().split_inclusive('\n');
    let mut byte = 0;
    lines.find(|line| {
        let is_it = CONFLICT.iter().any(|marker| is_marker(line, marker));
        byte += if is_it { 0 } else { line.len() };
        is_it
    })?;
    let place = Place::new(source, byte..byte + OURS.len());
    let message = "a conflict marker of Git stands here: a merge was left unfinished";
    let error = place.error("conflict-marker", message);
    Some(error.with_hint(
        "Keep what is right of both sides, and take the lines with <<<<<<<, ======= and >>>>>>> out.",
    ))
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
