//! One message for a run that changed or failed something.

use super::{Draft, code, long, text};
use crate::deliver::notify::Message;
use crate::deliver::render::run::RunResult;
use crate::deliver::render::words::{at, cause, ended, sign};
use crate::deliver::route::{About, Asked};
use crate::model::{Outcome, Step};

/// The most lines of one sort that are shown.
const MOST_LINES: usize = 40;

/// The most resources named that wait for one reason.
const MOST_NAMES: usize = 10;

/// Shows how a run ended: failures first, then what was done, then what was held back. `back` is who put
/// the environment back to an older revision, and why, where that is what the run did.
pub fn run_slack(result: &RunResult<'_>, back: Option<(&str, &str)>) -> Message {
    let mut draft = Draft::new(&title(result, back.is_some()));
    if let Some((by, why)) = back {
        let why = Some(why).filter(|why| !why.is_empty());
        let why = why.map_or_else(
            || ", without a reason given.".to_owned(),
            |why| format!(": {}", text(why)),
        );
        draft.lines(&[format!("Rolled back by {}{why}", text(by))]);
    }
    let mut failed = Vec::new();
    let mut done = Vec::new();
    for (step, outcome) in result.ended() {
        match outcome {
            Outcome::Failed { message, hint, .. } => {
                failed.push(format!("✗ {}: {}", name(step), long(message)));
                failed.extend(hint.iter().map(|hint| format!("      {}", text(hint))));
            }
            Outcome::Unchanged => {}
            Outcome::Done => done.push(format!(
                "{} {}: {}",
                code(sign(step.action)),
                name(step),
                text(&ended(step.action, outcome))
            )),
            Outcome::Skipped { .. } | Outcome::Moved => {
                done.push(format!(
                    "– {}: {}",
                    name(step),
                    text(&ended(step.action, outcome))
                ));
            }
        }
    }
    draft.lines(&shortened(failed));
    draft.lines(&shortened(done));
    let still = result.waiting().chain(result.unready());
    let still = still.map(|step| (step, step.reason.as_deref().unwrap_or_default()));
    draft.lines(&shortened(by_reason(result.held().chain(still))));
    if let Some(asked) = &result.route.asked {
        draft.lines(&[link(asked)]);
    }
    let run = result
        .run
        .map_or_else(String::new, |run| format!(" · run {run}"));
    draft.finish(&format!(
        "{} at {}{run} · {} · {}",
        code(result.plan.environment.as_str()),
        code(&result.plan.revision.short()),
        cause(result.trigger),
        at(result.ended_at)
    ))
}

/// Says which pull request of ours to merge, and what for.
fn link(asked: &Asked) -> String {
    let what = match asked.about {
        About::Approval => "To approve it, merge",
        About::Revert => "To take it back in Git, too, merge",
    };
    let (url, number) = (&asked.url, asked.number);
    // Source: "Formatting text for app surfaces": these three end a link.
    match url.contains(['|', '<', '>']) {
        true => format!("{what} pull request #{number}."),
        false => format!("{what} <{url}|pull request #{number}>."),
    }
}

/// Says every reason once, with all that wait for it.
fn by_reason<'s>(waits: impl Iterator<Item = (&'s Step, &'s str)>) -> Vec<String> {
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for (step, reason) in waits {
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, names)) => names.push(name(step)),
            None => reasons.push((reason, vec![name(step)])),
        }
    }
    let line = |(reason, mut names): (&str, Vec<String>)| {
        let more = names.len().saturating_sub(MOST_NAMES);
        names.truncate(MOST_NAMES);
        if more > 0 {
            names.push(format!("… and {more} more"));
        }
        format!("! {}: {}", names.join(", "), long(reason))
    };
    reasons.into_iter().map(line).collect()
}

fn title(result: &RunResult<'_>, is_rollback: bool) -> String {
    let count = |wanted: &str| {
        result
            .ended()
            .filter(|(_, outcome)| outcome.as_str() == wanted)
            .count()
    };
    let (done, failed) = (count("done"), count("failed"));
    let mut environment = result.plan.environment.to_string();
    if is_rollback {
        let to = result.plan.revision.short();
        environment = format!("{environment}: rolled back to {to}");
    }
    match (done, failed) {
        (_, 0) if result.unready().any(Step::is_failing) => {
            format!("❌ {environment}: {done} changed, and something does not work")
        }
        (done, 0) => match (done, waiting(result)) {
            (done, 0) => format!("✅ {environment}: {done} changed"),
            (0, waits) => format!("🔶 {environment}: {waits} held back"),
            (done, waits) => format!("🔶 {environment}: {done} changed, {waits} held back"),
        },
        (0, failed) => format!("❌ {environment}: {failed} failed"),
        (done, failed) => format!("❌ {environment}: {failed} failed, {done} changed"),
    }
}

/// Counts what is merged and waits; drift that is left alone is told elsewhere.
fn waiting(result: &RunResult<'_>) -> usize {
    let held = result.held().map(|(step, _)| step);
    let waits = held.chain(result.waiting());
    waits.filter(|step| !step.is_only_drift()).count()
}

fn name(step: &Step) -> String {
    code(&step.address.resource.to_string())
}

fn shortened(mut lines: Vec<String>) -> Vec<String> {
    if lines.len() > MOST_LINES {
        let left = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(format!("… and {left} more"));
    }
    lines
}
