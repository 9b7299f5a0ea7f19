//! Events -> nodes, on a stack of its own: depth costs memory, never the thread's stack.

use super::Document;
use crate::model::Diagnostic;
use crate::yaml::limits::Limits;
use crate::yaml::node::{Content, Key, Node, Text};
use crate::yaml::place::{Place, Source};
use crate::yaml::scalar::{self, Flavour};
use granit_parser::{ScalarStyle, Tag};
use std::collections::HashMap;
use std::sync::Arc;

type Ended = Result<(), Box<Diagnostic>>;

/// Where a key of a map stands, or why its value is dropped.
enum Slot {
    Key(Key),
    Merge(Place),
    Dropped,
}

enum Frame {
    List(Place, usize, Vec<Node>),
    Map {
        place: Place,
        anchor: usize,
        entries: Vec<(Key, Node)>,
        /// Where each key stands in `entries`.
        seen: HashMap<String, usize>,
        slot: Option<Slot>,
        merged: Vec<(Place, Node)>,
    },
}

pub(super) struct Builder<'l> {
    source: Arc<Source>,
    flavour: Flavour,
    limits: &'l Limits,
    pub(super) documents: Vec<Document>,
    root: Option<Node>,
    diagnostics: Vec<Diagnostic>,
    kept: usize,
    stack: Vec<Frame>,
    anchors: HashMap<usize, (Node, (usize, usize))>,
    nodes: usize,
    copied: (usize, usize),
}

impl<'l> Builder<'l> {
    pub(super) fn new(source: &Arc<Source>, flavour: Flavour, limits: &'l Limits) -> Self {
        Self {
            source: Arc::clone(source),
            flavour,
            limits,
            documents: Vec::new(),
            root: None,
            diagnostics: Vec::new(),
            kept: 0,
            stack: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
            copied: (0, 0),
        }
    }

    pub(super) fn begin_document(&mut self, place: &Place) -> Ended {
        self.anchors.clear();
        if self.documents.len() >= self.limits.documents {
            let message = format!(
                "the file holds more than {} documents",
                self.limits.documents
            );
            let error = place.error("too-many-documents", message);
            return Err(Box::new(error.with_hint("Split it into several files.")));
        }
        Ok(())
    }

    pub(super) fn end_document(&mut self) {
        let diagnostics = std::mem::take(&mut self.diagnostics);
        if let Some(root) = self.root.take()
            && !(root.is_null() && diagnostics.is_empty())
        {
            self.documents.push(Document { root, diagnostics });
        }
    }

    pub(super) fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        anchor: usize,
        tag: Option<&Tag>,
        place: Place,
    ) -> Ended {
        let plain = style == ScalarStyle::Plain;
        if let Some(Frame::Map { slot, .. }) = self.stack.last_mut()
            && slot.is_none()
        {
            let named = match text {
                "<<" if plain => Slot::Merge(place),
                _ => Slot::Key(Key {
                    place,
                    text: text.to_owned(),
                }),
            };
            *slot = Some(named);
            return Ok(());
        }
        let core = tag.and_then(Tag::core_suffix);
        if let Some(tag) = tag
            && core.is_none()
        {
            self.refuse_tag(tag, &place);
        }
        let as_text = || {
            Content::Text(Text {
                text: text.to_owned(),
                plain: plain && core.is_none(),
            })
        };
        let content = if plain && core != Some("str") {
            match scalar::resolve(text, self.flavour) {
                Ok(content) => content.unwrap_or_else(as_text),
                Err(refusal) => {
                    self.report(
                        place
                            .error(refusal.code, refusal.message)
                            .with_hint(refusal.hint),
                    );
                    as_text()
                }
            }
        } else {
            as_text()
        };
        self.place_node(Node { place, content }, anchor)
    }

    fn refuse_tag(&mut self, tag: &Tag, place: &Place) {
        let message = format!("the tag {} means nothing here", tag.original());
        let hint = "Leave it out; an expression is written ${…} inside a text.";
        self.report(place.error("unknown-tag", message).with_hint(hint));
    }

    pub(super) fn begin_list(&mut self, anchor: usize, tag: Option<&Tag>, place: Place) -> Ended {
        self.check_collection(tag, &place)?;
        self.stack.push(Frame::List(place, anchor, Vec::new()));
        Ok(())
    }

    pub(super) fn begin_map(&mut self, anchor: usize, tag: Option<&Tag>, place: Place) -> Ended {
        self.check_collection(tag, &place)?;
        self.stack.push(Frame::Map {
            place,
            anchor,
            entries: Vec::new(),
            seen: HashMap::new(),
            slot: None,
            merged: Vec::new(),
        });
        Ok(())
    }

    fn check_collection(&mut self, tag: Option<&Tag>, place: &Place) -> Ended {
        if self.stack.len() >= self.limits.depth {
            let message = format!("nested more than {} levels deep", self.limits.depth);
            return Err(Box::new(place.error("too-deep", message)));
        }
        if let Some(tag) = tag
            && !tag.is_yaml_core_schema()
        {
            self.refuse_tag(tag, place);
        }
        Ok(())
    }

    pub(super) fn end(&mut self) -> Ended {
        match self.stack.pop() {
            Some(Frame::List(place, anchor, items)) => {
                let content = Content::List(items);
                self.place_node(Node { place, content }, anchor)
            }
            Some(Frame::Map {
                place,
                anchor,
                mut entries,
                mut seen,
                merged,
                ..
            }) => {
                for (at, node) in merged {
                    self.merge(&mut entries, &mut seen, &at, node);
                }
                let content = Content::Map(entries);
                self.place_node(Node { place, content }, anchor)
            }
            None => Ok(()),
        }
    }

    pub(super) fn alias(&mut self, anchor: usize, place: Place) -> Ended {
        let Some((node, weight)) = self.anchors.get(&anchor) else {
            return Err(Box::new(place.error(
                "alias-inside-itself",
                "the alias stands inside its own anchor",
            )));
        };
        let (node, weight) = (node.clone(), *weight);
        self.count_copy(weight, &place)?;
        if let Some(Frame::Map { slot, .. }) = self.stack.last_mut()
            && slot.is_none()
        {
            let text = node.as_str().map(str::to_owned);
            *slot = Some(match text {
                Some(text) => Slot::Key(Key { place, text }),
                None => Slot::Dropped,
            });
            return Ok(());
        }
        self.place_node(node, 0)
    }

    fn count_copy(&mut self, weight: (usize, usize), place: &Place) -> Ended {
        self.copied = (self.copied.0 + weight.0, self.copied.1 + weight.1);
        if self.copied.0 > self.limits.copied_nodes || self.copied.1 > self.limits.copied_bytes {
            let error = place.error("too-many-aliases", "aliases make the file too large");
            return Err(Box::new(
                error.with_hint("Write `vars` and ${vars.…} instead."),
            ));
        }
        Ok(())
    }

    fn place_node(&mut self, node: Node, anchor: usize) -> Ended {
        self.nodes += 1;
        if self.nodes > self.limits.nodes {
            let message = format!("the file holds more than {} values", self.limits.nodes);
            let error = node.place.error("too-many-values", message);
            return Err(Box::new(error.with_hint("Split it into several files.")));
        }
        if anchor != 0 {
            let weight = node.weight();
            self.count_copy(weight, &node.place)?;
            self.anchors.insert(anchor, (node.clone(), weight));
        }
        let refused = match self.stack.last_mut() {
            None => {
                self.root = Some(node);
                None
            }
            Some(Frame::List(_, _, items)) => {
                items.push(node);
                None
            }
            Some(Frame::Map {
                entries,
                seen,
                slot,
                merged,
                ..
            }) => match slot.take() {
                Some(Slot::Key(key)) => insert(entries, seen, key, node),
                Some(Slot::Merge(at)) => {
                    merged.push((at, node));
                    None
                }
                Some(Slot::Dropped) => None,
                None => {
                    *slot = Some(Slot::Dropped);
                    Some(node.place.error("key-not-text", "a key has to be a text"))
                }
            },
        };
        if let Some(diagnostic) = refused {
            self.report(diagnostic);
        }
        Ok(())
    }

    /// `<<`: what stands in the map itself wins, then the first merged map that has the key.
    fn merge(
        &mut self,
        entries: &mut Vec<(Key, Node)>,
        seen: &mut HashMap<String, usize>,
        at: &Place,
        node: Node,
    ) {
        match node.content {
            Content::Map(fields) => {
                for (key, value) in fields {
                    if !seen.contains_key(&key.text) {
                        insert(entries, seen, key, value);
                    }
                }
            }
            Content::List(items) if items.iter().all(|i| matches!(i.content, Content::Map(_))) => {
                for item in items {
                    self.merge(entries, seen, at, item);
                }
            }
            _ => self.report(at.error("wrong-type", "`<<` takes a map or a list of maps")),
        }
    }

    fn report(&mut self, diagnostic: Diagnostic) {
        self.kept += 1;
        match self.kept.cmp(&self.limits.diagnostics) {
            std::cmp::Ordering::Less => self.diagnostics.push(diagnostic),
            std::cmp::Ordering::Equal => {
                let whole = Place::new(&self.source, 0..0);
                let message = "there are more mistakes in this file than are shown";
                self.diagnostics.push(diagnostic);
                self.diagnostics
                    .push(whole.error("too-many-mistakes", message));
            }
            // Still an error, so that the document is not taken for good.
            std::cmp::Ordering::Greater if self.diagnostics.is_empty() => {
                self.diagnostics.push(diagnostic);
            }
            std::cmp::Ordering::Greater => {}
        }
    }
}

fn insert(
    entries: &mut Vec<(Key, Node)>,
    seen: &mut HashMap<String, usize>,
    key: Key,
    node: Node,
) -> Option<Diagnostic> {
    if let Some((first, _)) = seen.get(&key.text).and_then(|nth| entries.get(*nth)) {
        let message = format!("the key {:?} stands here twice", key.text);
        let error = key.place.error("duplicate-key", message);
        return Some(
            error
                .with_hint("Remove one of the two.")
                .with_related(first.place.location(), "first here"),
        );
    }
    seen.insert(key.text.clone(), entries.len());
    entries.push((key, node));
    None
}
