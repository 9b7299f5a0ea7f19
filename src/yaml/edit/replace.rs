//! One value written in the place of another.

use super::block::Following;
use super::scalar::{fits_literal, inline, literal};
use super::splice::{column, line_start, next_line};
use super::tree::{Entry, Form, Tree};
use super::{Slot, Uneditable, Writer};
use granit_parser::ScalarStyle;
use serde_json::Value;

impl Writer<'_> {
    /// Writes another value in a slot.
    pub(super) fn replace(&mut self, slot: Slot<'_>, to: &Value) -> Result<(), Uneditable> {
        let is_lines = match to {
            Value::Object(fields) => !fields.is_empty(),
            Value::Array(items) => !items.is_empty(),
            _ => false,
        };
        if slot.flow || slot.tree.is_flow() || matches!(slot.tree.form, Form::Alias) {
            let with = match (is_lines, style(slot.tree)) {
                (false, was) => inline(to, was, slot.flow, self.manner.json),
                (true, _) => self.manner.flow(to),
            };
            self.write_inline(slot, &with);
            Ok(())
        } else if is_lines {
            self.write_lines(slot, to)
        } else {
            self.write_scalar(slot, to)
        }
    }

    fn write_inline(&mut self, slot: Slot<'_>, with: &str) {
        // After `key:` and `-` there is no space yet.
        let space = if slot.tree.is_blank() { " " } else { "" };
        self.put(slot.tree.span.clone(), format!("{space}{with}"));
    }

    /// A scalar (or something empty) where no brackets are around.
    fn write_scalar(&mut self, slot: Slot<'_>, to: &Value) -> Result<(), Uneditable> {
        let was = style(slot.tree);
        let quoted = matches!(
            was,
            Some(ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted)
        );
        let was_block = matches!(was, Some(ScalarStyle::Literal | ScalarStyle::Folded));
        let column = slot.column + self.manner.indent;
        let mut following = match to {
            Value::String(text) if !(quoted || was_block && text.contains('\n')) => {
                self.manner.scalar(&Value::from(text.as_str()), column)
            }
            _ => Following {
                beside: inline(to, was, false, self.manner.json),
                below: String::new(),
            },
        };
        if let (true, Value::String(text)) = (was_block && self.manner.lines, to)
            && fits_literal(text)
        {
            let column = self.body_column(slot.tree).unwrap_or(column);
            let (beside, below) = literal(text, column, self.manner.eol);
            let is_one = !text.trim_end_matches('\n').contains('\n');
            let folds = was == Some(ScalarStyle::Folded) && is_one;
            following = Following {
                beside: if folds {
                    beside.replace('|', ">")
                } else {
                    beside
                },
                below,
            };
        }
        let text = self.text();
        let span = slot.tree.span.clone();
        if slot.tree.is_block() {
            return self.collapse(slot, following);
        }
        if was_block {
            let header = &text[span.start..];
            let line = header.lines().next().unwrap_or_default();
            let comment = line.find(" #").map_or("", |at| &line[at..]);
            let with = format!(
                "{}{comment}{}{}",
                following.beside, self.manner.eol, following.below
            );
            self.put(span, with);
            return Ok(());
        }
        if !following.below.is_empty() {
            let at = next_line(text, span.end);
            self.add_lines(at, following.below);
        }
        self.write_inline(slot, &following.beside);
        Ok(())
    }

    /// Returns how far right the lines of a block scalar stand.
    fn body_column(&self, tree: &Tree) -> Option<usize> {
        (!tree.at.is_empty()).then(|| column(self.text(), tree.at.start))
    }

    /// A list or a map of lines becomes something that stands on one.
    fn collapse(&mut self, slot: Slot<'_>, following: Following) -> Result<(), Uneditable> {
        let text = self.text();
        let span = slot.tree.span.clone();
        let Some(colon) = slot.colon else {
            if line_start(text, slot.tree.span.start) == slot.tree.span.start {
                return Err(Uneditable::Form);
            }
            let below = following.below.trim_end_matches(['\r', '\n']);
            let eol = if below.is_empty() {
                ""
            } else {
                self.manner.eol
            };
            let last = if text[..span.end].ends_with('\n') {
                self.manner.eol
            } else {
                ""
            };
            let with = format!("{}{eol}{below}{last}", following.beside);
            self.put(span, with);
            return Ok(());
        };
        let (from, to) = (next_line(text, colon), next_line(text, span.end));
        if from > slot.tree.span.start {
            return Err(Uneditable::Form);
        }
        self.put(from..to, following.below);
        self.put(colon..colon, format!(" {}", following.beside));
        Ok(())
    }

    /// A list or a map of lines takes the place of a value.
    fn write_lines(&mut self, slot: Slot<'_>, to: &Value) -> Result<(), Uneditable> {
        let text = self.text();
        let span = slot.tree.span.clone();
        let Some(colon) = slot.colon else {
            let lines = self.manner.lines(to, slot.column);
            let lines = lines.get(slot.column..).ok_or(Uneditable::Form)?;
            // What stands beside it stays beside its first line.
            let (first, rest) = lines.split_at(lines.find(self.manner.eol).unwrap_or(lines.len()));
            let rest = rest.strip_prefix(self.manner.eol).unwrap_or(rest);
            let space = if slot.tree.is_blank() { " " } else { "" };
            let ended = text[..span.end].ends_with('\n');
            let eol = if ended { self.manner.eol } else { "" };
            let at = next_line(text, span.end);
            let rest = rest.to_owned();
            self.put(span, format!("{space}{first}{eol}"));
            if !rest.is_empty() {
                self.add_lines(at, rest);
            }
            return Ok(());
        };
        let lines = self.manner.after_key(to, slot.column).below;
        if slot.tree.is_block() {
            let (from, to) = (next_line(text, colon), next_line(text, span.end));
            if from > slot.tree.span.start {
                return Err(Uneditable::Form);
            }
            self.put(from..to, lines);
        } else if text[..span.end].ends_with('\n') {
            let with = format!("{}{lines}", self.manner.eol);
            self.put(
                text[..span.start].trim_end_matches(' ').len()..span.end,
                with,
            );
        } else {
            let at = next_line(text, span.end);
            let start = text[..span.start].trim_end_matches(' ').len();
            self.put(start..span.end, String::new());
            self.add_lines(at, lines);
        }
        Ok(())
    }

    /// Returns the slot of a field.
    pub(super) fn field_slot<'s>(&self, map: &Tree, entry: &'s Entry) -> Slot<'s> {
        let text = self.text();
        let colon = text[entry.key.end..].find(':');
        Slot {
            tree: &entry.value,
            flow: map.is_flow(),
            column: column(text, entry.key.start),
            colon: colon.map(|at| entry.key.end + at + 1),
        }
    }

    /// Returns the slot of an item.
    pub(super) fn item_slot<'s>(&self, list: &Tree, item: &'s Tree) -> Slot<'s> {
        let column = match item.is_blank() {
            true => column(self.text(), item.span.start) + 1,
            false => column(self.text(), item.span.start),
        };
        Slot {
            tree: item,
            flow: list.is_flow(),
            column,
            colon: None,
        }
    }
}

fn style(tree: &Tree) -> Option<ScalarStyle> {
    match tree.form {
        Form::Scalar(style) if !tree.is_blank() => Some(style),
        _ => None,
    }
}
