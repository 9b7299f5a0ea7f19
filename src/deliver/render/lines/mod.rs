//! A step's changes as signed lines: what terminal and Markdown have in common.

mod text;
mod tree;

pub(super) use tree::{brief, inline};

use super::clean;
use super::run::Difference;
use super::words::many;
use crate::model::{Action, Change, Step, Value};
use serde_json::Value as Json;
use std::borrow::Cow;

/// The most lines one change may take.
const MOST_LINES: usize = 60;
/// The most lines of a field that drifted, and of each side of one the most characters.
const MOST_DIFFERING: usize = 12;
const LONGEST_SIDE: usize = 1_000;
/// The widest a path may be and still align what follows it.
const WIDEST_PATH: usize = 44;

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It comes.
    Add,
    /// It goes.
    Remove,
    /// It changes.
    Change,
    /// It stays, and is shown for its neighbours.
    Same,
}

impl Sign {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Remove => "-",
            Self::Change => "~",
            Self::Same => " ",
        }
    }
}

/// One line, harmless for any screen. Not yet escaped for Markdown or Slack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) sign: Sign,
    /// How deep it stands, from 0.
    pub(super) depth: usize,
    pub(super) text: String,
}

impl Line {
    fn new(sign: Sign, depth: usize, text: impl Into<String>) -> Self {
        Self {
            sign,
            depth,
            text: text.into(),
        }
    }
}

/// One field that differs, of a plan or of the record of one.
pub(super) struct Field<'v> {
    /// Its path, as it is shown.
    pub(super) path: String,
    pub(super) before: Option<&'v Value>,
    pub(super) after: Option<&'v Value>,
    /// What was applied last, where somebody changed it by hand since.
    pub(super) was: Option<&'v Value>,
    pub(super) forces_replace: bool,
}

impl<'v> Field<'v> {
    fn of(change: &'v Change) -> Self {
        Self {
            path: change.path.to_string(),
            before: change.before.as_ref(),
            after: change.after.as_ref(),
            was: change.was.as_ref(),
            forces_replace: change.forces_replace,
        }
    }

    fn path(&self) -> String {
        match self.path.as_str() {
            "" => "(everything)".to_owned(),
            path => clean::line(path).into_owned(),
        }
    }

    fn sign(&self) -> Sign {
        match (self.before, self.after) {
            (None, _) => Sign::Add,
            (_, None) => Sign::Remove,
            _ => Sign::Change,
        }
    }

    /// Returns what stands behind the path, where that fits one line.
    fn one_line(&self) -> Option<String> {
        let short = |value: Option<&Value>| value.map(tree::short);
        Some(match (short(self.before), short(self.after)) {
            (None, None) => return None,
            (None, Some(after)) => after?,
            (Some(before), None) => before?,
            // Two masks look alike; that they differ is all that may be said.
            (Some(before), Some(after)) if before == after => format!("{}, changed", after?),
            (Some(before), Some(after)) => format!("{} -> {}", before?, after?),
        })
    }

    fn line_by_line(&self) -> Vec<Line> {
        match (self.before, self.after) {
            (Some(Value::String(before)), Some(Value::String(after))) => text::diff(before, after),
            (before, after) => text::diff_lines(&tree::lines(before), &tree::lines(after)),
        }
    }

    fn note(&self, action: Action) -> String {
        let mut notes = Vec::new();
        if self.forces_replace && action != Action::Create {
            notes.push("cannot change in place".to_owned());
        }
        let was = self
            .was
            .map(|was| tree::short(was).unwrap_or_else(|| tree::inline(was)));
        notes.extend(was.map(|was| format!("also changed by hand: {was} was applied last")));
        match notes.is_empty() {
            true => String::new(),
            false => format!("  # {}", notes.join("; ")),
        }
    }

    fn lines(&self, action: Action, widest: usize) -> Vec<Line> {
        let note = self.note(action);
        let path = self.path();
        if let Some(value) = self.one_line() {
            let text = format!("{path:widest$} = {value}{note}");
            return vec![Line::new(self.sign(), 0, text)];
        }
        let mut lines = vec![Line::new(self.sign(), 0, format!("{path}:{note}"))];
        let mut below = self.line_by_line();
        if below.len() > MOST_LINES {
            let left = below.len() - MOST_LINES;
            below.truncate(MOST_LINES);
            below.push(Line::new(
                Sign::Same,
                1,
                format!("… ({})", many(left, "more line")),
            ));
        }
        lines.extend(below);
        lines
    }
}

/// Returns a step's changes, values of neighbouring lines aligned.
pub(super) fn changes(step: &Step) -> Vec<Line> {
    let fields: Vec<Field<'_>> = step.changes.iter().map(Field::of).collect();
    of_fields(&fields, step.action)
}

/// Returns fields that differ, values of neighbouring lines aligned.
pub(super) fn of_fields(fields: &[Field<'_>], action: Action) -> Vec<Line> {
    let widest = fields
        .iter()
        .filter(|field| field.one_line().is_some())
        .map(|field| field.path().chars().count())
        .filter(|width| *width <= WIDEST_PATH)
        .max()
        .unwrap_or(0);
    let lines = fields.iter().flat_map(|field| field.lines(action, widest));
    lines.collect()
}

/// Returns what was changed by hand in a step. Of texts with many lines also how these differ.
pub(super) fn differences(step: &Step) -> Vec<Difference> {
    let changes = step.changes.iter().filter(|change| change.is_by_hand());
    changes.map(difference).collect()
}

fn difference(change: &Change) -> Difference {
    let field = Field::of(change);
    let mut cut = false;
    let mut side = |value: Option<&Value>| value.map_or(Json::Null, |value| whole(value, &mut cut));
    let (declared, live, was) = (side(field.after), side(field.before), side(field.was));
    let mut lines = Vec::new();
    if field.one_line().is_none() {
        let all = field.line_by_line().into_iter();
        let mut differ = all.filter(|line| line.sign != Sign::Same);
        let shown = differ.by_ref().take(MOST_DIFFERING);
        lines.extend(shown.map(|line| format!("{} {}", line.sign.as_str(), line.text)));
        match differ.count() {
            0 => {}
            more => lines.push(format!("… ({})", many(more, "more line"))),
        }
    }
    Difference {
        path: field.path(),
        declared,
        live,
        was,
        lines,
        cut,
    }
}

/// Returns a value as it is, secrets masked, or the beginning of it where it is too long.
fn whole(value: &Value, cut: &mut bool) -> Json {
    let json = value.masked_json();
    let text = match &json {
        Json::String(text) => Cow::Borrowed(text.as_str()),
        other => Cow::Owned(other.to_string()),
    };
    match text.char_indices().nth(LONGEST_SIDE) {
        None => json,
        Some((end, _)) => {
            *cut = true;
            Json::String(format!("{}…", &text[..end]))
        }
    }
}
