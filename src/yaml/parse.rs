//! Bytes -> documents, within limits. Mistakes inside a document stay with that document; a mistake
//! that ends the parser's way through the file is kept apart, with the documents before it.

use super::limits::Limits;
use super::node::Node;
use super::place::{Place, Source};
use super::scalar::Flavour;
use crate::model::{Diagnostic, RepoPath};
use builder::Builder;
use granit_parser::{Event, Parser, Span};
use std::sync::Arc;

mod builder;
mod syntax;

/// One document and the mistakes found while reading it.
#[derive(Clone, Debug)]
pub struct Document {
    /// Its value. Where there are diagnostics it is not to be used for more than a name.
    pub root: Node,
    /// Duplicate keys, ambiguous scalars, too much of something.
    pub diagnostics: Vec<Diagnostic>,
}

/// What a file holds.
#[derive(Clone, Debug)]
pub struct Parsed {
    /// Its documents in order, empty ones left out.
    pub documents: Vec<Document>,
    /// Why reading ended before the end of the file, if it did.
    pub broken: Option<Diagnostic>,
}

impl Parsed {
    /// Returns every diagnostic of the file.
    pub fn diagnostics(&self) -> impl Iterator<Item = &Diagnostic> {
        self.documents
            .iter()
            .flat_map(|document| &document.diagnostics)
            .chain(&self.broken)
    }
}

/// Reads one file. Time and memory are linear in its length and bounded by the limits.
pub fn parse(file: &RepoPath, bytes: &[u8], flavour: Flavour, limits: &Limits) -> Parsed {
    let text = match text_of(file, bytes, limits) {
        Ok(text) => text,
        Err(broken) => {
            return Parsed {
                documents: Vec::new(),
                broken: Some(*broken),
            };
        }
    };
    let source = Source::new(file.clone(), text.to_owned());
    let mut builder = Builder::new(&source, flavour, limits);
    let broken = read_events(&source, &mut builder, limits).err().map(|b| *b);
    Parsed {
        documents: builder.documents,
        broken,
    }
}

fn text_of<'b>(
    file: &RepoPath,
    bytes: &'b [u8],
    limits: &Limits,
) -> Result<&'b str, Box<Diagnostic>> {
    let nowhere = Source::new(file.clone(), String::new());
    let whole = Place::new(&nowhere, 0..0);
    if bytes.len() > limits.bytes {
        let message = format!("the file has {} bytes", bytes.len());
        let hint = format!("Keep it below {} bytes: split it.", limits.bytes);
        return Err(Box::new(
            whole.error("file-too-large", message).with_hint(hint),
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let message = format!("byte {} is not UTF-8", error.valid_up_to());
        let hint = "Save the file as UTF-8.";
        Box::new(whole.error("not-utf-8", message).with_hint(hint))
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(text))
}

fn read_events(
    source: &Arc<Source>,
    builder: &mut Builder<'_>,
    limits: &Limits,
) -> Result<(), Box<Diagnostic>> {
    let options = granit_parser::options! {
        emit_comments: false,
        flow_nesting_limit: limits.depth + 1,
        block_nesting_limit: limits.depth + 1,
    };
    for next in Parser::new_from_str_with_options(source.text(), options) {
        let (event, span) = next.map_err(|error| Box::new(syntax::diagnostic(source, &error)))?;
        let place = place_of(source, &span);
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                builder.scalar(&text, style, anchor, tag.as_deref(), place)?;
            }
            Event::SequenceStart(_, anchor, tag) => {
                builder.begin_list(anchor, tag.as_deref(), place)?;
            }
            Event::MappingStart(_, anchor, tag) => {
                builder.begin_map(anchor, tag.as_deref(), place)?;
            }
            Event::SequenceEnd | Event::MappingEnd => builder.end()?,
            Event::Alias(anchor) => builder.alias(anchor, place)?,
            Event::DocumentStart(..) => builder.begin_document(&place)?,
            Event::DocumentEnd => builder.end_document(),
            _ => {}
        }
    }
    Ok(())
}

fn place_of(source: &Arc<Source>, span: &Span) -> Place {
    let byte = |marker: &granit_parser::Marker| marker.byte_offset().unwrap_or(marker.index());
    Place::new(source, byte(&span.start)..byte(&span.end))
}

#[cfg(test)]
mod tests;
