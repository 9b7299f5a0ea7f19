//! A run's result on the terminal.

use super::{Ink, Screen};
use crate::deliver::render::clean;
use crate::deliver::render::run::RunResult;
use crate::deliver::render::words::{ended, many};
use crate::model::Outcome;

/// Shows how a run ended: one line a step, failures with what to do next, and the sum. Ends with a
/// line break.
pub fn run_terminal(result: &RunResult<'_>, screen: Screen) -> String {
    let mut lines = Vec::new();
    for (step, outcome) in result.ended() {
        let (sign, ink) = match outcome {
            Outcome::Done | Outcome::Unchanged => ("✓", Ink::Green),
            Outcome::Skipped { .. } | Outcome::Moved => ("-", Ink::Yellow),
            Outcome::Failed { .. } => ("✗", Ink::Red),
        };
        let text = ended(step, outcome);
        let resource = step.address.resource.to_string();
        let line = format!("{}: {}", clean::line(&resource), clean::line(&text));
        lines.push(format!("  {} {line}", screen.paint(ink, sign)));
        if let Outcome::Failed {
            hint: Some(hint), ..
        } = outcome
        {
            lines.push(format!(
                "      {}",
                screen.paint(Ink::Dim, &clean::line(hint))
            ));
        }
    }
    for (step, reason) in result.held() {
        let line = format!("{}: held back, {reason}", step.address.resource);
        lines.push(format!(
            "  {} {}",
            screen.paint(Ink::Yellow, "!"),
            clean::line(&line)
        ));
    }
    for step in result.waiting() {
        let reason = step.reason.as_deref().unwrap_or_default();
        let line = format!("{}: waits, {reason}", step.address.resource);
        lines.push(format!(
            "  {} {}",
            screen.paint(Ink::Yellow, "!"),
            clean::line(&line)
        ));
    }
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(screen.paint(Ink::Bold, &sum(result)));
    lines.push(String::new());
    lines.join("\n")
}

/// Returns the run in one sentence.
fn sum(result: &RunResult<'_>) -> String {
    let count = |word: &str| {
        result
            .ended()
            .filter(|(_, outcome)| outcome.as_str() == word)
            .count()
    };
    let held = result.held().count() + result.waiting().count();
    let all = [
        (count("done"), "done"),
        (count("unchanged"), "so already"),
        (count("failed"), "failed"),
        (count("skipped"), "skipped"),
        (count("moved"), "changed meanwhile"),
        (held, "held back"),
    ];
    let some: Vec<String> = all
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if some.is_empty() {
        let count = result.plan.steps.len();
        return format!(
            "{}: nothing to do, {} as declared.",
            result.plan.environment,
            many(count, "resource")
        );
    }
    format!("{}: {}.", result.plan.environment, some.join(", "))
}
