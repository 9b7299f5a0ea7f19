//! A text as it is written: where each value begins and ends, how it is quoted, what is shared. Unlike
//! [`Node`](crate::yaml::Node) it resolves nothing: an alias is an alias.

use super::splice;
use granit_parser::{Event, Marker, Parser, ScalarStyle, Span, StructureStyle};
use std::collections::BTreeSet;
use std::ops::Range;

/// One value.
#[derive(Debug)]
pub(super) struct Tree {
    /// The bytes by which [`Place`](crate::yaml::Place) knows it.
    pub(super) at: Range<usize>,
    /// The bytes it is written in, anchor and tag apart; of a block, to the end of its last value.
    pub(super) span: Range<usize>,
    /// The anchor it carries.
    pub(super) anchor: Option<usize>,
    pub(super) form: Form,
}

/// How a value is written.
#[derive(Debug)]
pub(super) enum Form {
    Scalar(ScalarStyle),
    Alias,
    List { flow: bool, items: Vec<Tree> },
    Map { flow: bool, entries: Vec<Entry> },
}

/// One field of a map.
#[derive(Debug)]
pub(super) struct Entry {
    /// Where its key stands.
    pub(super) key: Range<usize>,
    /// The key's text; `None` where it is no plain text (an alias, a map).
    pub(super) name: Option<String>,
    pub(super) value: Tree,
}

/// Every document of a text.
pub(super) struct Forest<'t> {
    pub(super) text: &'t str,
    pub(super) documents: Vec<Tree>,
    aliased: BTreeSet<usize>,
}

impl<'t> Forest<'t> {
    /// Reads a text; `None` where it is no YAML.
    pub(super) fn of(text: &'t str) -> Option<Self> {
        let options = granit_parser::options! { emit_comments: false };
        let mut growing = Growing {
            text,
            stack: Vec::new(),
            documents: Vec::new(),
            aliased: BTreeSet::new(),
        };
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.ok()?;
            growing.take(event, &span)?;
        }
        Some(Self {
            text,
            documents: growing.documents,
            aliased: growing.aliased,
        })
    }

    /// Tells whether an alias elsewhere stands for this value.
    pub(super) fn is_shared(&self, tree: &Tree) -> bool {
        tree.anchor
            .is_some_and(|anchor| self.aliased.contains(&anchor))
    }
}

impl Tree {
    /// Tells whether it is a list or a map in brackets.
    pub(super) fn is_flow(&self) -> bool {
        matches!(
            self.form,
            Form::List { flow: true, .. } | Form::Map { flow: true, .. }
        )
    }

    /// Tells whether it is a list or a map of lines.
    pub(super) fn is_block(&self) -> bool {
        matches!(
            self.form,
            Form::List { flow: false, .. } | Form::Map { flow: false, .. }
        )
    }

    /// Tells whether nothing is written here, as after `key:`.
    pub(super) fn is_blank(&self) -> bool {
        self.span.is_empty()
    }

    /// Returns the value under a key that stands in this very map.
    pub(super) fn field(&self, key: &str) -> Option<&Entry> {
        match &self.form {
            Form::Map { entries, .. } => {
                let mut entries = entries.iter();
                entries.find(|entry| entry.name.as_deref() == Some(key))
            }
            _ => None,
        }
    }
}

enum Frame {
    List(Tree),
    Map(Tree, Option<(Range<usize>, Option<String>)>),
}

struct Growing<'t> {
    text: &'t str,
    stack: Vec<Frame>,
    documents: Vec<Tree>,
    aliased: BTreeSet<usize>,
}

impl Growing<'_> {
    fn take(&mut self, event: Event<'_>, span: &Span) -> Option<()> {
        let byte = |marker: &Marker| marker.byte_offset().unwrap_or(marker.index());
        let at = byte(&span.start)..byte(&span.end);
        let tree = |form, anchor: usize| Tree {
            at: at.clone(),
            span: at.clone(),
            anchor: (anchor != 0).then_some(anchor),
            form,
        };
        match event {
            Event::Scalar(text, style, anchor, _) => {
                if let Some(Frame::Map(_, key @ None)) = self.stack.last_mut() {
                    *key = Some((at, Some(text.into_owned())));
                    return Some(());
                }
                let mut scalar = tree(Form::Scalar(style), anchor);
                self.find_written(&mut scalar, style)?;
                self.place(scalar);
            }
            Event::Alias(anchor) => {
                self.aliased.insert(anchor);
                if let Some(Frame::Map(_, key @ None)) = self.stack.last_mut() {
                    *key = Some((at, None));
                    return Some(());
                }
                self.place(tree(Form::Alias, 0));
            }
            Event::SequenceStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                let items = Vec::new();
                let mut list = tree(Form::List { flow, items }, anchor);
                if !flow {
                    list.span = self.dash(at.start)?..at.end;
                }
                self.stack.push(Frame::List(list));
            }
            Event::MappingStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                let entries = Vec::new();
                self.stack
                    .push(Frame::Map(tree(Form::Map { flow, entries }, anchor), None));
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (Frame::List(mut tree) | Frame::Map(mut tree, _)) = self.stack.pop()?;
                if tree.is_flow() {
                    tree.span.end = at.end;
                }
                self.place(tree);
            }
            _ => {}
        }
        Some(())
    }

    /// A list begins at its first dash, but one that stands no further right than its key is said to begin
    /// behind it.
    fn dash(&self, start: usize) -> Option<usize> {
        let here = self.text.get(start..)?.strip_prefix('-');
        if here.is_some_and(|rest| rest.is_empty() || rest.starts_with(char::is_whitespace)) {
            return Some(start);
        }
        self.text[..start].rfind('-')
    }

    fn place(&mut self, tree: Tree) {
        let end = tree.span.end;
        match self.stack.last_mut() {
            None => self.documents.push(tree),
            Some(Frame::List(list)) => {
                list.span.end = list.span.end.max(end);
                if let Form::List { items, .. } = &mut list.form {
                    items.push(tree);
                }
            }
            Some(Frame::Map(map, key)) => match key.take() {
                Some((key, name)) => {
                    map.span.end = map.span.end.max(end);
                    if let Form::Map { entries, .. } = &mut map.form {
                        entries.push(Entry {
                            key,
                            name,
                            value: tree,
                        });
                    }
                }
                // A map or a list as a key: it has no name to be found by.
                None => *key = Some((tree.span, None)),
            },
        }
    }

    /// Where a scalar is written is more than its text for a block (`|` stands before), and less where
    /// nothing is written at all.
    fn find_written(&self, scalar: &mut Tree, style: ScalarStyle) -> Option<()> {
        if matches!(style, ScalarStyle::Literal | ScalarStyle::Folded) {
            let from = self.after_key().unwrap_or(0);
            let before = self.text.get(from..scalar.at.start)?;
            scalar.span.start = from + header(before)?;
            let body = self.text.get(scalar.at.clone())?;
            let kept = self.text[scalar.span.start..].lines().next()?;
            if kept.split('#').next()?.contains('+') {
                // What indents the next line is not part of it.
                let lines = body.trim_end_matches([' ', '\t']);
                scalar.span.end = scalar.at.start + lines.len();
            } else {
                let lines = body.trim_end_matches([' ', '\t', '\r', '\n']).len();
                let rest = &body[lines..];
                let ended = rest.find('\n').map_or(rest.len(), |at| at + 1);
                scalar.span.end = scalar.at.start + lines + ended;
            }
        } else if scalar.at.is_empty() {
            // What is blank is known to stand behind its key, or somewhere behind its dash.
            let at = match self.stack.last() {
                Some(Frame::Map(_, Some((key, _)))) => {
                    key.end + self.text.get(key.end..)?.find(':')? + 1
                }
                Some(Frame::List(list)) if !list.is_flow() => self.next_dash(list)? + 1,
                _ => scalar.span.start,
            };
            scalar.span = at..at;
        }
        Some(())
    }

    /// Returns where the dash of the item that follows stands.
    fn next_dash(&self, list: &Tree) -> Option<usize> {
        let Form::List { items, .. } = &list.form else {
            return None;
        };
        let Some(last) = items.last() else {
            return Some(list.span.start);
        };
        let mut line = splice::next_line(self.text, last.span.end);
        loop {
            let rest = self.text.get(line..).filter(|rest| !rest.is_empty())?;
            let inner = rest.trim_start_matches(' ');
            if inner.starts_with('-') {
                return Some(line + rest.len() - inner.len());
            }
            line += rest.find('\n')? + 1;
        }
    }

    fn after_key(&self) -> Option<usize> {
        match self.stack.last()? {
            Frame::Map(_, Some((key, _))) => Some(key.end),
            Frame::Map(map, None) => Some(map.at.start),
            Frame::List(list) => {
                let Form::List { items, .. } = &list.form else {
                    return None;
                };
                Some(items.last().map_or(list.span.start, |item| item.span.end))
            }
        }
    }
}

/// Finds `|` or `>` with its modifiers, alone at the end of a line but for a comment.
fn header(before: &str) -> Option<usize> {
    let is_header = |(at, _): &(usize, &str)| {
        let spaced = before[..*at].ends_with([' ', '\t', '\n', '-', ':']) || *at == 0;
        let line = before[*at..].lines().next().unwrap_or_default();
        let rest = line[1..].trim_start_matches(|c: char| c.is_ascii_digit() || "+-".contains(c));
        let ended = rest.trim_start();
        spaced && (ended.is_empty() || (ended.starts_with('#') && ended.len() < rest.len()))
    };
    before
        .match_indices(['|', '>'])
        .find(is_header)
        .map(|(at, _)| at)
}
