//! The way to a value: in the text, and in what the text means.

use super::splice::column;
use super::tree::{Entry, Forest, Form, Tree};
use super::{Slot, Step, Uneditable, Writer};
use serde_json::{Map, Value};
use std::ops::Range;

impl Writer<'_> {
    /// Goes down a path and changes what stands at its end.
    pub(super) fn walk(
        &mut self,
        root: &Tree,
        was: &Value,
        steps: &[Step],
        to: Option<&Value>,
    ) -> Result<(), Uneditable> {
        let mut slot = Slot {
            tree: root,
            flow: false,
            column: 0,
            colon: None,
        };
        let mut was = was;
        let mut rest = steps;
        while let Some((step, after)) = rest.split_first() {
            if self.forest.is_shared(slot.tree) {
                return Err(Uneditable::Shared);
            }
            match (&slot.tree.form, step) {
                (Form::Alias, _) => return Err(Uneditable::Shared),
                (Form::Map { entries, .. }, Step::Key(key)) => {
                    let own = |entry: &Entry| entry.name.as_ref() == Some(key);
                    let nth = entries.iter().position(own);
                    match (nth, to) {
                        (Some(nth), None) if after.is_empty() => {
                            return self.take((slot, entries), nth);
                        }
                        (Some(nth), _) => slot = self.field_slot(slot.tree, &entries[nth]),
                        (None, None) => return Err(Uneditable::Shared),
                        (None, Some(_)) => {
                            let mut whole = was.get(key).cloned().unwrap_or_default();
                            put(&mut whole, after, to)?;
                            return self.add_field((slot.tree, entries), key, &whole);
                        }
                    }
                    was = was.get(key).unwrap_or(&Value::Null);
                }
                (Form::List { items, .. }, Step::Nth(nth)) => {
                    let Some(item) = items.get(*nth) else {
                        break;
                    };
                    if to.is_none() && after.is_empty() {
                        break;
                    }
                    slot = self.item_slot(slot.tree, item);
                    was = was.get(*nth).unwrap_or(&Value::Null);
                }
                _ => break,
            }
            rest = after;
        }
        let mut whole = was.clone();
        put(&mut whole, rest, to)?;
        self.set(slot, was, &whole)
    }

    /// Takes a field away; a map that would be left without any is written `{}`.
    fn take(
        &mut self,
        (slot, entries): (Slot<'_>, &[Entry]),
        nth: usize,
    ) -> Result<(), Uneditable> {
        match entries.len() {
            1 => self.replace(slot, &Value::Object(Map::new())),
            _ => self.take_field((slot.tree, entries), nth),
        }
    }
}

/// Puts a value where a path leads, or takes it away.
pub(super) fn put(root: &mut Value, steps: &[Step], to: Option<&Value>) -> Result<(), Uneditable> {
    let Some((step, rest)) = steps.split_first() else {
        *root = to.ok_or(Uneditable::Form)?.clone();
        return Ok(());
    };
    if root.is_null() && to.is_some() {
        *root = match step {
            Step::Key(_) => Value::Object(Map::new()),
            Step::Nth(_) => Value::Array(Vec::new()),
        };
    }
    match (root, step, to) {
        (Value::Object(fields), Step::Key(key), None) if rest.is_empty() => fields
            .shift_remove(key)
            .map(|_| ())
            .ok_or(Uneditable::Missing),
        (Value::Array(items), Step::Nth(nth), None) if rest.is_empty() => {
            if *nth >= items.len() {
                return Err(Uneditable::Missing);
            }
            items.remove(*nth);
            Ok(())
        }
        (Value::Object(fields), Step::Key(key), _) => match fields.get_mut(key) {
            Some(field) => put(field, rest, to),
            None if to.is_none() => Err(Uneditable::Missing),
            None => put(fields.entry(key.as_str()).or_insert(Value::Null), rest, to),
        },
        (Value::Array(items), Step::Nth(nth), _) => {
            if *nth == items.len() && to.is_some() {
                items.push(Value::Null);
            }
            put(items.get_mut(*nth).ok_or(Uneditable::Missing)?, rest, to)
        }
        _ => Err(Uneditable::Missing),
    }
}

/// Finds the value that was read at a range; a list may begin where its first item does.
pub(super) fn path_to(
    tree: &Tree,
    (at, is_list): (&Range<usize>, bool),
    steps: &mut Vec<Step>,
) -> bool {
    let is_alike = match tree.form {
        Form::Alias => false,
        Form::List { .. } => is_list,
        _ => !is_list,
    };
    if tree.at == *at && is_alike {
        return true;
    }
    let mut inside = |step: Step, tree: &Tree| {
        steps.push(step);
        let found = path_to(tree, (at, is_list), steps);
        if !found {
            steps.pop();
        }
        found
    };
    match &tree.form {
        Form::Map { entries, .. } => entries.iter().any(|entry| match &entry.name {
            Some(name) => inside(Step::Key(name.clone()), &entry.value),
            None => false,
        }),
        Form::List { items, .. } => {
            let mut items = items.iter().enumerate();
            items.any(|(nth, item)| inside(Step::Nth(nth), item))
        }
        _ => false,
    }
}

/// Returns by how much maps, and lists under a key, are indented where a text does so first.
pub(super) fn indents(forest: &Forest<'_>) -> (Option<usize>, Option<usize>) {
    let mut found = (None, None);
    for document in &forest.documents {
        look(forest, document, &mut found);
    }
    found
}

fn look(forest: &Forest<'_>, tree: &Tree, found: &mut (Option<usize>, Option<usize>)) {
    match &tree.form {
        Form::Map { entries, .. } => {
            for entry in entries {
                let value = &entry.value;
                let of = |byte| column(forest.text, byte);
                let right = || of(value.span.start).checked_sub(of(entry.key.start));
                match &value.form {
                    Form::Map { flow: false, .. } if found.0.is_none() => found.0 = right(),
                    Form::List { flow: false, .. } if found.1.is_none() => found.1 = right(),
                    _ => {}
                }
                look(forest, value, found);
            }
        }
        Form::List { items, .. } => items.iter().for_each(|item| look(forest, item, found)),
        _ => {}
    }
}
