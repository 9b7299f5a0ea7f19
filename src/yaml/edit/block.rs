//! Values as lines of their own, and in brackets.

use super::scalar::{Manner, fits_literal, inline, key, literal};
use serde_json::Value;
use std::fmt::Write as _;

/// What follows `key:` or `-`: on the same line, and on lines of its own below (each ended).
pub(super) struct Following {
    pub(super) beside: String,
    pub(super) below: String,
}

impl Manner<'_> {
    /// Writes what follows `key:`, where the key stands at `column`.
    pub(super) fn after_key(&self, value: &Value, column: usize) -> Following {
        let below = match value {
            Value::Object(fields) if !fields.is_empty() => self.lines(value, column + self.indent),
            Value::Array(items) if !items.is_empty() => self.lines(value, column + self.dash),
            _ => return self.scalar(value, column + self.indent),
        };
        Following {
            beside: String::new(),
            below,
        }
    }

    /// Writes a scalar, or an empty list or map; lines below it stand at `column`.
    pub(super) fn scalar(&self, value: &Value, column: usize) -> Following {
        if let Value::String(text) = value
            && self.lines
            && text.contains('\n')
            && fits_literal(text)
        {
            let (beside, below) = literal(text, column, self.eol);
            return Following { beside, below };
        }
        Following {
            beside: inline(value, None, false, self.json),
            below: String::new(),
        }
    }

    /// Writes a map or a list, neither empty, as lines at `column`.
    pub(super) fn lines(&self, value: &Value, column: usize) -> String {
        let mut lines = String::new();
        match value {
            Value::Object(fields) => {
                for (name, value) in fields {
                    lines.push_str(&self.entry(name, value, column));
                }
            }
            Value::Array(items) => {
                for item in items {
                    lines.push_str(&self.item(item, column));
                }
            }
            _ => {}
        }
        lines
    }

    /// Writes one field of a map as lines at `column`.
    pub(super) fn entry(&self, name: &str, value: &Value, column: usize) -> String {
        let Following { beside, below } = self.after_key(value, column);
        let space = if beside.is_empty() { "" } else { " " };
        let key = key(name, self.json);
        format!("{:column$}{key}:{space}{beside}{}{below}", "", self.eol)
    }

    /// Writes one item of a list as lines, its dash at `column`.
    pub(super) fn item(&self, value: &Value, column: usize) -> String {
        let inner = column + 2;
        let (beside, below) = match value {
            Value::Object(fields) if !fields.is_empty() => self.nested(value, inner),
            Value::Array(items) if !items.is_empty() => self.nested(value, inner),
            _ => {
                let Following { beside, below } = self.scalar(value, column + self.indent.max(2));
                (format!("{beside}{}", self.eol), below)
            }
        };
        format!("{:column$}- {beside}{below}", "")
    }

    /// Writes what begins on the line of its dash.
    fn nested(&self, value: &Value, column: usize) -> (String, String) {
        let lines = self.lines(value, column);
        (lines[column.min(lines.len())..].to_owned(), String::new())
    }

    /// Writes a value in brackets.
    pub(super) fn flow(&self, value: &Value) -> String {
        match value {
            Value::Object(fields) if !fields.is_empty() => {
                let mut text = String::new();
                for (name, value) in fields {
                    let comma = if text.is_empty() { "" } else { ", " };
                    let _infallible = write!(text, "{comma}{}", self.flow_entry(name, value));
                }
                let space = if self.json { "" } else { " " };
                format!("{{{space}{text}{space}}}")
            }
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|item| self.flow(item)).collect();
                format!("[{}]", items.join(", "))
            }
            scalar => inline(scalar, None, true, self.json),
        }
    }

    /// Writes one field of a map in brackets.
    pub(super) fn flow_entry(&self, name: &str, value: &Value) -> String {
        format!("{}: {}", key(name, self.json), self.flow(value))
    }
}
