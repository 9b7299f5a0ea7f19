//! A run's result on the terminal.

use super::{Ink, Screen};
use crate::deliver::render::clean;
use crate::deliver::render::run::RunResult;
use crate::deliver::render::words::{ended, many};
use crate::model::{Outcome, Step};

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
    let held = result.held().map(|(step, why)| (step, "held back, ", why));
    let waiting = result.waiting().map(|step| (step, "waits, ", why(step)));
    let unready = result.unready().map(|step| (step, "", why(step)));
    for (step, how, why) in held.chain(waiting).chain(unready) {
        let line = format!("{}: {how}{why}", step.address.resource);
        let sign = screen.paint(Ink::Yellow, "!");
        lines.push(format!("  {sign} {}", clean::line(&line)));
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
    let tally = result.tally().unwrap_or_else(|| {
        let count = result.plan.steps.len();
        format!("nothing to do, {} as declared", many(count, "resource"))
    });
    format!("{}: {tally}.", result.plan.environment)
}

fn why(step: &Step) -> &str {
    step.reason.as_deref().unwrap_or_default()
}
