//! A run's result on the terminal.

use super::{Ink, Screen};
use crate::deliver::render::clean;
use crate::deliver::render::run::RunResult;
use crate::deliver::render::words::{ended, quiet};
use crate::model::{Action, Outcome, Step, and_more};
use std::time::Duration;

/// The most resources one reason names.
const MOST_NAMES: usize = 8;

/// Shows how a run ended: one line a step, failures with what to do next, and the sum. Ends with a
/// line break.
pub fn run_terminal(result: &RunResult<'_>, screen: Screen) -> String {
    let mut lines = ended_lines(result, screen);
    lines.extend(left_lines(result, screen));
    close(lines, result, screen)
}

/// Shows what is left after a run whose steps the reader saw end: what was held back or waits, and the sum.
pub fn run_rest_terminal(result: &RunResult<'_>, screen: Screen) -> String {
    close(left_lines(result, screen), result, screen)
}

fn close(mut lines: Vec<String>, result: &RunResult<'_>, screen: Screen) -> String {
    if !lines.is_empty() {
        lines.push(String::new());
    }
    lines.push(screen.paint(Ink::Bold, &sum(result)));
    lines.push(String::new());
    lines.join("\n")
}

fn ended_lines(result: &RunResult<'_>, screen: Screen) -> Vec<String> {
    let one = |(step, outcome): (&Step, &Outcome)| {
        let resource = step.address.resource.to_string();
        ended_terminal(&resource, step.action, outcome, None, screen)
    };
    result.ended().map(one).collect()
}

/// Returns how one step ended, and how long it took where that is known; below a failure stands what to do
/// next. No line break at the end.
pub fn ended_terminal(
    resource: &str,
    action: Action,
    outcome: &Outcome,
    took: Option<Duration>,
    screen: Screen,
) -> String {
    let (sign, ink) = match outcome {
        Outcome::Done { but: Some(_) } => ("✓", Ink::Yellow),
        Outcome::Done { but: None } | Outcome::Unchanged => ("✓", Ink::Green),
        Outcome::Skipped { .. } | Outcome::Moved => ("-", Ink::Yellow),
        Outcome::Failed { .. } => ("✗", Ink::Red),
    };
    let took = took.map_or_else(String::new, |took| format!(" [{:.1}s]", took.as_secs_f64()));
    let text = ended(action, outcome);
    let line = format!("{}: {}{took}", clean::line(resource), clean::reason(&text));
    let line = format!("  {} {line}", screen.paint(ink, sign));
    match outcome {
        Outcome::Failed {
            hint: Some(hint), ..
        } => {
            let hint = screen.paint(Ink::Dim, &clean::line(hint));
            format!("{line}\n      {hint}")
        }
        _ => line,
    }
}

/// Returns why one step's resource is not ready, and below it what to do about that. No line break at the end.
pub fn waiting_terminal(resource: &str, (cause, next): (&str, &str), screen: Screen) -> String {
    let line = format!("{}: {}", clean::line(resource), clean::reason(cause));
    let next = screen.paint(Ink::Dim, &clean::line(next));
    format!("  {} {line}\n      {next}", screen.paint(Ink::Yellow, "…"))
}

/// Held back for one reason is said once, however many there are.
fn left_lines(result: &RunResult<'_>, screen: Screen) -> Vec<String> {
    let mut lines = Vec::new();
    let held = result.held().map(|(step, why)| (step, "held back, ", why));
    let waiting = result.waiting().map(|step| (step, "waits, ", why(step)));
    let unready = result.unready().map(|step| (step, "", why(step)));
    let mut left: Vec<(Vec<&Step>, String)> = Vec::new();
    for (step, how, why) in held.chain(waiting).chain(unready) {
        let why = format!("{how}{why}");
        match left.iter_mut().find(|(_, said)| *said == why) {
            Some((steps, _)) => steps.push(step),
            None => left.push((vec![step], why)),
        }
    }
    for (steps, why) in left {
        let names = steps.iter().map(|step| &step.address.resource);
        let names = and_more(names, MOST_NAMES);
        let sign = screen.paint(Ink::Yellow, "!");
        lines.push(format!(
            "  {sign} {}",
            clean::reason(&format!("{names}: {why}"))
        ));
    }
    lines
}

/// Returns the run in one sentence.
fn sum(result: &RunResult<'_>) -> String {
    let tally = result
        .tally()
        .unwrap_or_else(|| format!("nothing to do, {}", quiet(&result.plan.steps)));
    format!("{}: {tally}.", result.plan.environment)
}

fn why(step: &Step) -> &str {
    step.reason.as_deref().unwrap_or_default()
}
