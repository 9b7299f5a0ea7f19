//! Mistakes on the terminal: the place, the marked line, what to write instead.

use super::Screen;
use crate::deliver::render::{clean, words::many};
use crate::model::{Diagnostic, Severity};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};
use std::ops::Range;

/// Shows mistakes, each with file:line:column, the source line marked, and a hint; then how many.
/// Ends with a line break; empty where there are none.
pub fn diagnostics_terminal(diagnostics: &[Diagnostic], screen: Screen) -> String {
    if diagnostics.is_empty() {
        return String::new();
    }
    let renderer = if screen.colour {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let renderer = renderer
        .term_width(screen.width.max(40))
        .decor_style(DecorStyle::Ascii);
    let mut text = String::new();
    for diagnostic in diagnostics {
        text.push_str(&one(&renderer, diagnostic));
        text.push_str("\n\n");
    }
    text.push_str(&sum(diagnostics));
    text.push('\n');
    text
}

fn one(renderer: &Renderer, diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let location = &diagnostic.location;
    let path = clean::line(location.file.as_str());
    let title = level
        .primary_title(clean::line(&diagnostic.message))
        .id(diagnostic.code);
    let source = clean::in_columns(&diagnostic.source_line);
    let mut group = Group::with_title(title);
    if source.trim().is_empty() {
        let origin = Origin::path(&*path).line(location.line);
        group = group.element(origin.char_column(location.column));
    } else {
        let span = span(&source, location.column, location.length);
        let mark: Annotation<'_> = AnnotationKind::Primary.span(span);
        let snippet = Snippet::source(source.as_str())
            .line_start(location.line)
            .path(&*path)
            .annotation(mark);
        group = group.element(snippet);
    }
    let related = diagnostic.related.as_ref().map(|(place, label)| {
        format!(
            "{}:{}:{}: {}",
            clean::line(place.file.as_str()),
            place.line,
            place.column,
            clean::line(label)
        )
    });
    if let Some(related) = &related {
        group = group.element(Level::NOTE.message(related.as_str()));
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(clean::line(hint)));
    }
    renderer.render(&[group])
}

/// Returns the bytes that columns, counted from 1 in characters, stand for.
fn span(line: &str, column: usize, length: usize) -> Range<usize> {
    let byte_of = |nth: usize| {
        let place = line.char_indices().nth(nth);
        place.map_or(line.len(), |(byte, _)| byte)
    };
    let start = column.saturating_sub(1);
    byte_of(start)..byte_of(start.saturating_add(length.max(1)))
}

fn sum(diagnostics: &[Diagnostic]) -> String {
    let count = |severity| {
        diagnostics
            .iter()
            .filter(|d| d.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    match (errors, warnings) {
        (errors, 0) => many(errors, "error"),
        (0, warnings) => many(warnings, "warning"),
        (errors, warnings) => format!("{}, {}", many(errors, "error"), many(warnings, "warning")),
    }
}
