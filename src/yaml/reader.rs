//! Nodes -> typed values, going on after each mistake so that all of them are said at once.

use super::duration::parse_duration;
use super::node::{Content, Key, Node};
use super::place::Place;
use super::scalar::yaml_1_1_boolean;
use super::suggest::nearest;
use crate::model::{Diagnostic, Severity};
use std::collections::HashSet;
use std::ops::RangeInclusive;
use std::time::Duration;

/// Gathers the mistakes of one reading.
#[derive(Debug, Default)]
pub struct Reader {
    /// What was found so far.
    pub diagnostics: Vec<Diagnostic>,
}

impl Reader {
    /// Adds a mistake.
    pub fn report(&mut self, diagnostic: Diagnostic) {
        self.diagnostics.push(diagnostic);
    }

    /// Tells whether any mistake so far is an error.
    pub fn failed(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// Reads a text. A number or a boolean is refused with the quoted form as a hint.
    pub fn text<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        match &node.content {
            Content::Text(text) => Some(&text.text),
            Content::Number(_) | Content::Bool(_) => {
                let hint = format!("Quote it: \"{}\".", node.place.written());
                self.report(wrong_type(node, "a text").with_hint(hint));
                None
            }
            _ => self.refuse(node, "a text"),
        }
    }

    /// Reads a text that holds more than nothing.
    pub fn name<'n>(&mut self, node: &'n Node) -> Option<&'n str> {
        let text = self.text(node)?;
        if text.trim().is_empty() {
            self.report(node.place.error("empty", "the text is empty"));
            return None;
        }
        Some(text)
    }

    /// Reads a boolean. `yes`, `on` and quoted booleans are refused with the right form as a hint.
    pub fn boolean(&mut self, node: &Node) -> Option<bool> {
        if let Content::Bool(value) = node.content {
            return Some(value);
        }
        let meant = node.as_str().and_then(|text| match text {
            "true" => Some(true),
            "false" => Some(false),
            other => yaml_1_1_boolean(other),
        });
        match meant {
            Some(value) => {
                self.report(wrong_type(node, "true or false").with_hint(format!("Write {value}.")));
                None
            }
            None => self.refuse(node, "true or false"),
        }
    }

    /// Reads a whole number within a range.
    pub fn whole(&mut self, node: &Node, range: RangeInclusive<u64>) -> Option<u64> {
        let Content::Number(number) = &node.content else {
            if let Some(text) = node.as_str()
                && let Ok(value) = text.parse::<u64>()
            {
                let error = wrong_type(node, "a number");
                self.report(error.with_hint(format!("Leave the quotes out: {value}.")));
                return None;
            }
            return self.refuse(node, "a whole number");
        };
        match number.as_u64().filter(|value| range.contains(value)) {
            Some(value) => Some(value),
            None => {
                let (low, high) = (range.start(), range.end());
                let message = format!("{number} is no whole number from {low} to {high}");
                self.report(node.place.error("out-of-range", message));
                None
            }
        }
    }

    /// Reads a duration such as `5m`.
    pub fn duration(&mut self, node: &Node) -> Option<Duration> {
        if let Content::Number(number) = &node.content {
            let hint = format!("Write a unit: {number}s, {number}m or {number}h.");
            self.report(wrong_type(node, "a duration").with_hint(hint));
            return None;
        }
        let text = self.text(node)?;
        if let Some(duration) = parse_duration(text) {
            return Some(duration);
        }
        let error = node
            .place
            .error("bad-duration", format!("{text:?} is no duration"));
        self.report(
            error.with_hint("Write a number and a unit (ms, s, m, h, d), as in 90s, 5m or 1h30m."),
        );
        None
    }

    /// Reads one of several words.
    pub fn one_of<T: Copy>(&mut self, node: &Node, words: &[(&str, T)]) -> Option<T> {
        let known = || words.iter().map(|(word, _)| *word);
        let text = match &node.content {
            Content::Text(text) => text.text.as_str(),
            _ => node.place.written(),
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let list: Vec<&str> = known().collect();
        let hint = match nearest(text, known()) {
            Some(near) => format!("Did you mean {near}?"),
            None => format!("Write one of: {}.", list.join(", ")),
        };
        let message = format!("{text:?} is none of {}", list.join(", "));
        self.report(node.place.error("unknown-value", message).with_hint(hint));
        None
    }

    /// Reads a list, each item by `item`.
    pub fn list<'n, T>(
        &mut self,
        node: &'n Node,
        mut item: impl FnMut(&mut Self, &'n Node) -> Option<T>,
    ) -> Vec<T> {
        match &node.content {
            Content::List(items) => items.iter().filter_map(|node| item(self, node)).collect(),
            Content::Text(_) | Content::Number(_) | Content::Bool(_) => {
                let hint = format!("Write it as a list: [{}].", node.place.written());
                self.report(wrong_type(node, "a list").with_hint(hint));
                Vec::new()
            }
            _ => {
                let _nothing: Option<()> = self.refuse(node, "a list");
                Vec::new()
            }
        }
    }

    /// Reads a map whose keys are known; `at` is what a missing key points at.
    pub fn fields<'n>(&mut self, node: &'n Node, at: &Place) -> Option<Fields<'n>> {
        Some(Fields {
            entries: self.entries(node)?,
            at: at.clone(),
            known: Vec::new(),
            below: None,
        })
    }

    /// Reads a map whose keys are free.
    pub fn entries<'n>(&mut self, node: &'n Node) -> Option<&'n [(Key, Node)]> {
        match &node.content {
            Content::Map(entries) => Some(entries),
            _ => self.refuse(node, "a map"),
        }
    }

    /// Reports a wrong type.
    pub fn refuse<T>(&mut self, node: &Node, wanted: &str) -> Option<T> {
        self.report(wrong_type(node, wanted));
        None
    }
}

fn wrong_type(node: &Node, wanted: &str) -> Diagnostic {
    let message = format!("{wanted} has to stand here, not {}", node.what());
    node.place.error("wrong-type", message)
}

/// The fields of a map whose keys are known. Ask for each key, then `finish`.
#[derive(Debug)]
pub struct Fields<'n> {
    entries: &'n [(Key, Node)],
    at: Place,
    known: Vec<&'static str>,
    /// A key, and what belongs below it.
    below: Option<(&'static str, &'static [&'static str])>,
}

impl<'n> Fields<'n> {
    /// Returns a field and makes its key known. One that is `null` or empty counts as left out.
    pub fn get(&mut self, key: &'static str) -> Option<&'n Node> {
        self.entry(key).map(|(_, node)| node)
    }

    /// Returns a field with its key.
    pub fn entry(&mut self, key: &'static str) -> Option<&'n (Key, Node)> {
        self.known.push(key);
        self.entries
            .iter()
            .find(|(name, node)| name.text == key && !node.is_null())
    }

    /// Returns a field that must be there.
    pub fn require(&mut self, reader: &mut Reader, key: &'static str) -> Option<&'n Node> {
        if let Some(node) = self.get(key) {
            return Some(node);
        }
        let empty = self.entries.iter().find(|(name, _)| name.text == key);
        reader.report(match empty {
            Some((name, _)) => name
                .place
                .error("missing-value", format!("`{key}` has no value")),
            None => self
                .at
                .error("missing-key", format!("`{key}` is missing here")),
        });
        None
    }

    /// Names keys that belong below another one: who writes one of them here is told so.
    pub fn belong_below(&mut self, below: &'static str, keys: &'static [&'static str]) {
        self.below = Some((below, keys));
    }

    /// Reports every key that was never asked for.
    pub fn finish(self, reader: &mut Reader) {
        let known: HashSet<&str> = self.known.iter().copied().collect();
        for (key, _) in self.entries {
            if known.contains(key.text.as_str()) {
                continue;
            }
            let unused = self.known.iter().copied();
            let below = self
                .below
                .filter(|(_, keys)| keys.contains(&key.text.as_str()));
            let hint = match (below, nearest(&key.text, unused)) {
                (Some((below, _)), _) => format!("It belongs under `{below}`."),
                (None, Some(near)) => format!("Did you mean `{near}`?"),
                (None, None) => format!("Known here: {}.", self.known.join(", ")),
            };
            let message = format!("the key `{}` is not known here", key.text);
            reader.report(key.place.error("unknown-key", message).with_hint(hint));
        }
    }
}
