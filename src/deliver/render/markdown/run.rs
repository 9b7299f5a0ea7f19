//! What a merge did, on the merged pull request.

use super::paper::Paper;
use super::{Page, approval, escape, steps};
use crate::deliver::render::run::{Broken, RunResult};
use crate::deliver::render::words::{ended, many, past, sign};
use crate::model::{Action, Outcome, Step};
use std::fmt::Write as _;

/// Shows how runs after a merge ended: failures in the open with what to do next, then what was held
/// back and why, then every step.
pub fn run_markdown(results: &[RunResult<'_>], broken: &[Broken<'_>], page: &Page<'_>) -> String {
    let mut paper = Paper::default();
    paper.open(page.opening(&verdict(results, broken)));
    for broken in broken {
        let hint = broken
            .hint
            .map_or_else(String::new, |hint| format!(" {}", escape::text(hint)));
        let (name, message) = (
            escape::text(broken.environment),
            escape::text(broken.message),
        );
        paper.open(format!("**{name}**: failed to {message}.{hint}\n\n"));
    }
    for result in results {
        if results.len() + broken.len() > 1 {
            let name = escape::text(result.plan.environment.as_str());
            paper.open(format!("#### {name} – {}\n\n", sentence(result)));
        }
        if let Some(strays) = result.strays() {
            paper.open(format!("{}\n\n", escape::text(strays)));
        }
        one(&mut paper, result);
    }
    let longest = results.iter().filter_map(|result| result.took).max();
    paper.finish(&page.ended(longest))
}

fn verdict(results: &[RunResult<'_>], broken: &[Broken<'_>]) -> String {
    let failed = results
        .iter()
        .map(|result| {
            result.failed().count() + result.unready().filter(|one| one.is_failing()).count()
        })
        .sum::<usize>();
    let held = results.iter().any(|result| is_held(result));
    let is_begun = |result: &RunResult<'_>| {
        result.own().any(|(_, outcome)| outcome.is_good()) || result.done_earlier().next().is_some()
    };
    let (sign, word) = match (failed + broken.len(), held) {
        (0, false) => ("🟢", "Applied"),
        (0, true) if results.iter().any(is_begun) => ("🟡", "Applied in part"),
        (0, true) => ("🟡", "Waits"),
        _ => ("🔴", "Failed"),
    };
    match results {
        [one] => {
            let name = escape::text(one.plan.environment.as_str());
            format!("{sign} {word} in {name}: {}", sentence(one))
        }
        _ => format!("{sign} {word}"),
    }
}

fn is_held(result: &RunResult<'_>) -> bool {
    let skipped = |(_, outcome): (&Step, &Outcome)| {
        matches!(outcome, Outcome::Skipped { .. } | Outcome::Moved)
    };
    result.newly_held().next().is_some()
        || result.newly_waiting().next().is_some()
        || result.unready().next().is_some()
        || result.own().any(skipped)
}

fn sentence(result: &RunResult<'_>) -> String {
    result
        .merged_tally()
        .unwrap_or_else(|| "live equals Git".to_owned())
}

fn one(paper: &mut Paper, result: &RunResult<'_>) {
    let failed: Vec<String> = result
        .failed()
        .map(|(step, outcome)| failure(step, outcome))
        .collect();
    paper.list("Failed; it is tried again by itself", &failed);
    let skipped = result.own().filter_map(|(step, outcome)| match outcome {
        Outcome::Skipped { reason } => Some((step, reason.as_str())),
        Outcome::Moved => Some((
            step,
            "it changed since it was planned; the next run plans again",
        )),
        _ => None,
    });
    paper.list("Skipped", &steps::by_reason(skipped));
    paper.list("Held back", &steps::by_reason(result.newly_held()));
    let put_back = result.put_back().map(|(step, how)| (step, back(how)));
    let drifted = steps::by_reason(result.drifted().chain(put_back));
    paper.list("Not from this merge: changed by hand", &drifted);
    for asked in &result.route.asked {
        paper.open(format!("**To go on:** {}.\n\n", approval::link(asked)));
    }
    let waiting = result
        .newly_waiting()
        .map(|step| (step, step.reason.as_deref().unwrap_or_default()));
    paper.list("Waiting", &steps::by_reason(waiting));
    let unready = result
        .unready()
        .map(|step| (step, step.reason.as_deref().unwrap_or_default()));
    paper.list("Not healthy", &steps::by_reason(unready));
    paper.list("Paused", &steps::by_reason(result.paused()));
    apart(paper, result);
    let gone = |(step, outcome): &(&Step, &Outcome)| {
        outcome.is_good() && matches!(step.action, Action::Delete | Action::Replace)
    };
    let gone: Vec<String> = result
        .own()
        .filter(gone)
        .map(|(step, _)| steps::item(step))
        .collect();
    paper.list("Deleted or replaced", &gone);
    let good: Vec<(&Step, &Outcome)> = result
        .own()
        .filter(|(_, outcome)| outcome.is_good())
        .collect();
    let over = steps::over_hands(good.iter().map(|(step, _)| *step));
    paper.list("Changed by hand before, and overwritten by this", &over);
    let blocks = good
        .iter()
        .map(|(step, outcome)| block(step, outcome))
        .collect();
    paper.folded(many(good.len(), "step"), blocks);
    earlier(paper, result);
}

/// Says what was not well before it either.
fn apart(paper: &mut Paper, result: &RunResult<'_>) {
    let apart = result
        .apart()
        .map(|step| (step, step.reason.as_deref().unwrap_or_default()));
    paper.list(
        "Not from this merge: did not work before it either",
        &steps::by_reason(apart),
    );
    paper.list(
        "Not from this merge: waited before it already",
        &steps::by_reason(result.waited_before()),
    );
}

/// Says what runs before it did of what was merged.
fn earlier(paper: &mut Paper, result: &RunResult<'_>) {
    let earlier = result.done_earlier().map(|(address, action)| {
        let (sign, address) = (sign(action), escape::code(&address.to_string()));
        format!("`{sign}` {address}: {}", past(action))
    });
    paper.list("Done by an earlier run of it", &earlier.collect::<Vec<_>>());
}

/// Says what became of what was changed by hand.
fn back(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Done { .. } | Outcome::Unchanged => "it is as Git has it again",
        Outcome::Skipped { reason } => reason,
        Outcome::Moved => "it changed since it was planned; the next run plans again",
        Outcome::Failed { message, .. } => message,
    }
}

fn failure(step: &Step, outcome: &Outcome) -> String {
    let Outcome::Failed {
        code,
        message,
        hint,
    } = outcome
    else {
        return steps::item(step);
    };
    let hint = hint
        .as_ref()
        .map_or_else(String::new, |hint| format!(" {}", escape::text(hint)));
    format!(
        "{} {} ({}).{hint}",
        escape::code(&step.address.to_string()),
        escape::reason(message),
        escape::text(code)
    )
}

fn block(step: &Step, outcome: &Outcome) -> Vec<String> {
    let mut block = steps::block(step);
    if let Some(head) = block.first_mut() {
        let _infallible = write!(head, ": {}", ended(step.action, outcome));
    }
    block
}
