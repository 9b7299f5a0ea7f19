//! Changes one value of a YAML text and leaves the rest byte for byte: comments, order, quotes, indentation.
//!
//! Spliced by the places of our own parser, and read again after: what does not hold exactly what was meant
//! is refused. (`yaml-edit` was tried: it loses quotes and blank lines.)

mod block;
mod list;
mod map;
mod replace;
mod scalar;
mod splice;
#[cfg(test)]
mod tests;
mod tree;
mod walk;

use super::{Flavour, Limits, Place, parse};
use crate::model::RepoPath;
use scalar::Manner;
use serde_json::Value;
use splice::{Splice, spliced};
use std::ops::Range;
use tree::{Forest, Form, Tree};

/// One step into a document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    /// A field of a map.
    Key(String),
    /// An item of a list, from 0.
    Nth(usize),
}

/// A value of a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Spot {
    /// In which document of the file, from 0.
    pub document: usize,
    /// Where in it.
    pub steps: Vec<Step>,
}

/// Why a value cannot be changed where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Uneditable {
    /// An anchor or an alias makes it stand in several places.
    #[error("an anchor shares it with other places of the file")]
    Shared,
    /// It is not there.
    #[error("it does not stand where it was read")]
    Missing,
    /// It is written in a way that cannot be changed without touching more than it.
    #[error("the way it is written cannot be changed without touching more than it")]
    Form,
}

/// A text that is edited.
#[derive(Clone, Copy, Debug)]
pub struct Text<'t> {
    /// The file's path; its ending tells YAML from JSON.
    pub file: &'t RepoPath,
    /// The whole text.
    pub text: &'t str,
    /// By whose rules its scalars are read.
    pub flavour: Flavour,
}

impl Text<'_> {
    /// Finds where the value stands that was read at a place of this very text, a list or none.
    pub fn locate(&self, place: &Place, is_list: bool) -> Option<Spot> {
        let (_, text) = without_mark(self.text);
        let forest = Forest::of(text)?;
        let range = place.range();
        let mut documents = forest.documents.iter().enumerate();
        documents.find_map(|(document, root)| {
            let mut steps = Vec::new();
            walk::path_to(root, (&range, is_list), &mut steps).then_some(Spot { document, steps })
        })
    }

    /// Returns the text with another value at a spot, `None` to take it away. What is missing on the way there
    /// is made.
    ///
    /// # Guarantees
    /// Read again, the text says what it said but for that value; no other line differs.
    ///
    /// # Errors
    /// It cannot be changed alone.
    pub fn with(&self, spot: &Spot, to: Option<&Value>) -> Result<String, Uneditable> {
        let (mark, text) = without_mark(self.text);
        let forest = Forest::of(text).ok_or(Uneditable::Form)?;
        let root = forest.documents.get(spot.document);
        let root = root.ok_or(Uneditable::Missing)?;
        let was = self.read(text).ok_or(Uneditable::Form)?;
        let nth = was.iter().position(|(at, _)| *at == root.at.start);
        let nth = nth.ok_or(Uneditable::Missing)?;
        let mut meant = was.clone();
        walk::put(&mut meant[nth].1, &spot.steps, to)?;
        let is_meant = |text: &str| {
            let now = self.read(text);
            now.is_some_and(|now| {
                now.len() == meant.len()
                    && now.iter().zip(&meant).all(|(now, meant)| now.1 == meant.1)
            })
        };
        for (coarse, lines) in [(false, true), (true, true), (false, false), (true, false)] {
            let mut writer = Writer {
                forest: &forest,
                manner: Manner {
                    lines,
                    ..self.manner(&forest)
                },
                splices: Vec::new(),
                coarse,
            };
            match writer.walk(root, &was[nth].1, &spot.steps, to) {
                Err(Uneditable::Form) => continue,
                walked => walked?,
            }
            let edited = spliced(text, writer.splices);
            if let Some(edited) = edited.filter(|text| is_meant(text)) {
                return Ok(format!("{mark}{edited}"));
            }
        }
        Err(Uneditable::Form)
    }

    /// Returns every document with where it begins; `None` where one has a mistake.
    fn read(&self, text: &str) -> Option<Vec<(usize, Value)>> {
        let parsed = parse(
            self.file,
            text.as_bytes(),
            self.flavour,
            &Limits::manifests(),
        );
        if parsed.diagnostics().next().is_some() {
            return None;
        }
        let documents = parsed.documents.iter();
        let one = |document: &super::Document| {
            let root = &document.root;
            (root.place.range().start, root.to_json())
        };
        Some(documents.map(one).collect())
    }

    fn manner(&self, forest: &Forest<'_>) -> Manner<'static> {
        let (indent, dash) = walk::indents(forest);
        Manner {
            eol: if forest.text.contains("\r\n") {
                "\r\n"
            } else {
                "\n"
            },
            indent: indent.unwrap_or(2),
            dash: dash.or(indent).unwrap_or(2),
            json: self.file.extension().is_some_and(|end| end == "json"),
            lines: true,
        }
    }
}

/// Puts a value where a path leads in plain JSON, `None` to take it away; what is missing on the way is made.
///
/// # Errors
/// The path leads nowhere.
pub fn put(root: &mut Value, steps: &[Step], to: Option<&Value>) -> Result<(), Uneditable> {
    walk::put(root, steps, to)
}

/// Parts a byte order mark from what follows it.
fn without_mark(text: &str) -> (&str, &str) {
    text.split_at(text.len() - text.trim_start_matches('\u{feff}').len())
}

/// Gathers the splices of one change.
struct Writer<'t> {
    forest: &'t Forest<'t>,
    manner: Manner<'static>,
    splices: Vec<Splice>,
    /// True where the whole value is written anew, not only what differs in it.
    coarse: bool,
}

/// A value with what its surroundings mean for it.
#[derive(Clone, Copy)]
struct Slot<'s> {
    tree: &'s Tree,
    /// True inside brackets.
    flow: bool,
    /// How far right its key stands, or the item itself.
    column: usize,
    /// The byte after the colon of its key; `None` for an item of a list and a whole document.
    colon: Option<usize>,
}

impl Writer<'_> {
    fn text(&self) -> &str {
        self.forest.text
    }

    fn put(&mut self, range: Range<usize>, with: String) {
        self.splices.push(Splice { range, with });
    }

    /// Puts a text after what is put at a byte already.
    fn put_more(&mut self, at: usize, with: &str) {
        let same = |splice: &&mut Splice| splice.range == (at..at);
        match self.splices.iter_mut().rev().find(same) {
            Some(splice) => splice.with.push_str(with),
            None => self.put(at..at, with.to_owned()),
        }
    }

    /// Makes a value another one, what both hold untouched.
    fn set(&mut self, slot: Slot<'_>, was: &Value, to: &Value) -> Result<(), Uneditable> {
        if was == to {
            return Ok(());
        }
        if self.forest.is_shared(slot.tree) {
            return Err(Uneditable::Shared);
        }
        match (&slot.tree.form, was, to) {
            (Form::Map { entries, .. }, Value::Object(was), Value::Object(to))
                if !self.coarse && !to.is_empty() =>
            {
                for (key, to) in to {
                    match (slot.tree.field(key), was.get(key)) {
                        (Some(entry), Some(was)) => {
                            let inner = self.field_slot(slot.tree, entry);
                            self.set(inner, was, to)?;
                        }
                        (_, was) if was == Some(to) => {}
                        _ => self.add_field((slot.tree, entries), key, to)?,
                    }
                }
                for key in was.keys().filter(|key| !to.contains_key(*key)) {
                    let own = |entry: &tree::Entry| entry.name.as_ref() == Some(key);
                    let nth = entries.iter().position(own);
                    let nth = nth.ok_or(Uneditable::Shared)?;
                    self.take_field((slot.tree, entries), nth)?;
                }
                Ok(())
            }
            (Form::List { items, .. }, Value::Array(was), Value::Array(to)) if !self.coarse => {
                self.remake_list(slot, items, was, to)
            }
            _ => self.replace(slot, to),
        }
    }
}
