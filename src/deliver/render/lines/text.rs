//! Two texts, line by line, with a few lines around what differs.

use super::{Line, Sign};
use crate::deliver::render::clean;
use similar::{Algorithm, ChangeTag, TextDiff};

/// How many unchanged lines stand around a change.
const AROUND: usize = 3;
/// Texts with more lines than this are not compared line by line: it would take too long.
const MOST_COMPARED: usize = 20_000;

/// Compares two texts.
pub(super) fn diff(before: &str, after: &str) -> Vec<Line> {
    let lines = |text: &str| {
        let lines = text.lines().map(|line| clean::line(line).into_owned());
        let mut lines: Vec<String> = lines.collect();
        if !text.is_empty() && !text.ends_with('\n') {
            lines.push("(no line break at the end)".to_owned());
        }
        lines
    };
    let (before_lines, after_lines) = (lines(before), lines(after));
    if before_lines == after_lines {
        // They differ where no line shows it: in line breaks, or past the cut.
        return vec![
            Line::new(Sign::Remove, 1, format!("{} bytes", before.len())),
            Line::new(Sign::Add, 1, format!("{} bytes, another text", after.len())),
        ];
    }
    diff_lines(&before_lines, &after_lines)
}

/// Compares lines that are harmless already.
pub(super) fn diff_lines(before: &[String], after: &[String]) -> Vec<Line> {
    let all = |sign, lines: &[String]| -> Vec<Line> {
        lines
            .iter()
            .map(|line| Line::new(sign, 1, line.clone()))
            .collect()
    };
    if before.is_empty() {
        return all(Sign::Add, after);
    }
    if after.is_empty() {
        return all(Sign::Remove, before);
    }
    if before.len() + after.len() > MOST_COMPARED {
        let mut lines = all(Sign::Remove, &before[..before.len().min(5)]);
        lines.push(Line::new(
            Sign::Remove,
            1,
            format!("{} lines", before.len()),
        ));
        lines.push(Line::new(
            Sign::Add,
            1,
            format!("{} lines, too many to compare here", after.len()),
        ));
        return lines;
    }
    if before == after {
        return vec![Line::new(
            Sign::Change,
            1,
            "changed, in what is masked or cut here",
        )];
    }
    let (old, new): (Vec<&str>, Vec<&str>) = (
        before.iter().map(String::as_str).collect(),
        after.iter().map(String::as_str).collect(),
    );
    let diff = TextDiff::configure()
        .algorithm(Algorithm::Patience)
        .diff_slices(&old, &new);
    let mut lines = Vec::new();
    for (nth, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if nth > 0 {
            lines.push(Line::new(Sign::Same, 1, "…"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let sign = match change.tag() {
                ChangeTag::Delete => Sign::Remove,
                ChangeTag::Insert => Sign::Add,
                ChangeTag::Equal => Sign::Same,
            };
            lines.push(Line::new(sign, 1, *change.value_ref()));
        }
    }
    lines
}
