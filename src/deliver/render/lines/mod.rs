//! A step's changes as signed lines: what terminal and Markdown have in common.

mod text;
mod tree;

pub(super) use tree::inline;

use super::clean;
use super::run::Difference;
use super::words::many;
use crate::model::{Action, Change, Origin, Step, Value};

/// The most lines one change may take.
const MOST_LINES: usize = 60;
/// The most lines of one side of a field that drifted.
const MOST_SIDE: usize = 6;
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
    pub(super) forces_replace: bool,
}

impl<'v> Field<'v> {
    fn of(change: &'v Change) -> Self {
        Self {
            path: change.path.to_string(),
            before: change.before.as_ref(),
            after: change.after.as_ref(),
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

    fn lines(&self, action: Action, widest: usize) -> Vec<Line> {
        let note = if self.forces_replace && action != Action::Create {
            "  # cannot change in place"
        } else {
            ""
        };
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

/// Returns what drifted in a step. Of texts with many lines only the lines that differ.
pub(super) fn differences(step: &Step) -> Vec<Difference> {
    let drifted = step
        .changes
        .iter()
        .filter(|change| change.origin == Origin::Drift);
    drifted
        .map(|change| {
            let field = Field::of(change);
            Difference {
                path: field.path(),
                declared: side(&field, field.after, Sign::Add),
                live: side(&field, field.before, Sign::Remove),
            }
        })
        .collect()
}

fn side(field: &Field<'_>, value: Option<&Value>, sign: Sign) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    if let Some(short) = tree::short(value) {
        return short;
    }
    let lines = field.line_by_line().into_iter();
    let mut lines = lines.filter(|line| line.sign == sign);
    let shown: Vec<String> = lines
        .by_ref()
        .take(MOST_SIDE)
        .map(|line| line.text)
        .collect();
    match (shown.is_empty(), lines.count()) {
        (true, _) => tree::inline(value),
        (false, 0) => shown.join("\n"),
        (false, more) => {
            format!("{}\n… ({})", shown.join("\n"), many(more, "more line"))
        }
    }
}
