//! A step's changes as signed lines: what terminal and Markdown have in common.

mod text;
mod tree;

use super::clean;
use super::run::Difference;
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

/// Returns a step's changes, values of neighbouring lines aligned.
pub(super) fn changes(step: &Step) -> Vec<Line> {
    let widest = step
        .changes
        .iter()
        .filter(|change| one_line(change).is_some())
        .map(|change| path(change).chars().count())
        .filter(|width| *width <= WIDEST_PATH)
        .max()
        .unwrap_or(0);
    step.changes
        .iter()
        .flat_map(|change| one(step, change, widest))
        .collect()
}

fn one(step: &Step, change: &Change, widest: usize) -> Vec<Line> {
    let note = if change.forces_replace && step.action != Action::Create {
        "  # cannot change in place"
    } else {
        ""
    };
    let path = path(change);
    if let Some(value) = one_line(change) {
        let text = format!("{path:widest$} = {value}{note}");
        return vec![Line::new(sign(change), 0, text)];
    }
    let mut lines = vec![Line::new(sign(change), 0, format!("{path}:{note}"))];
    let mut below = line_by_line(change);
    if below.len() > MOST_LINES {
        let left = below.len() - MOST_LINES;
        below.truncate(MOST_LINES);
        below.push(Line::new(Sign::Same, 1, format!("… ({left} more lines)")));
    }
    lines.extend(below);
    lines
}

fn line_by_line(change: &Change) -> Vec<Line> {
    match (&change.before, &change.after) {
        (Some(Value::String(before)), Some(Value::String(after))) => text::diff(before, after),
        (before, after) => {
            text::diff_lines(&tree::lines(before.as_ref()), &tree::lines(after.as_ref()))
        }
    }
}

fn path(change: &Change) -> String {
    match change.path.to_string() {
        path if path.is_empty() => "(everything)".to_owned(),
        path => clean::line(&path).into_owned(),
    }
}

fn sign(change: &Change) -> Sign {
    match (&change.before, &change.after) {
        (None, _) => Sign::Add,
        (_, None) => Sign::Remove,
        _ => Sign::Change,
    }
}

/// Returns what stands behind the path, where that fits one line.
fn one_line(change: &Change) -> Option<String> {
    let short = |value: Option<&Value>| value.map(tree::short);
    Some(
        match (short(change.before.as_ref()), short(change.after.as_ref())) {
            (None, None) => return None,
            (None, Some(after)) => after?,
            (Some(before), None) => before?,
            // Two masks look alike; that they differ is all that may be said.
            (Some(before), Some(after)) if before == after => format!("{}, changed", after?),
            (Some(before), Some(after)) => format!("{} -> {}", before?, after?),
        },
    )
}

/// Returns what drifted in a step. Of texts with many lines only the lines that differ.
pub(super) fn differences(step: &Step) -> Vec<Difference> {
    let drifted = step
        .changes
        .iter()
        .filter(|change| change.origin == Origin::Drift);
    drifted
        .map(|change| Difference {
            path: path(change),
            declared: side(change, change.after.as_ref(), Sign::Add),
            live: side(change, change.before.as_ref(), Sign::Remove),
        })
        .collect()
}

fn side(change: &Change, value: Option<&Value>, sign: Sign) -> String {
    let Some(value) = value else {
        return "nothing".to_owned();
    };
    if let Some(short) = tree::short(value) {
        return short;
    }
    let lines = line_by_line(change).into_iter();
    let mut lines = lines.filter(|line| line.sign == sign);
    let shown: Vec<String> = lines
        .by_ref()
        .take(MOST_SIDE)
        .map(|line| line.text)
        .collect();
    match (shown.is_empty(), lines.count()) {
        (true, _) => tree::inline(value),
        (false, 0) => shown.join("\n"),
        (false, more) => format!("{}\n… ({more} more lines)", shown.join("\n")),
    }
}
