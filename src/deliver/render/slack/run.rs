//! One message for a run that changed or failed something.

use super::about::{About, Back, RunWords, line};
use super::{Draft, code, long, ours, text};
use crate::deliver::notify::Message;
use crate::deliver::render::danger;
use crate::deliver::render::run::RunResult;
use crate::deliver::render::words::{deed, ended, no_revert, past, sign};
use crate::deliver::route::{About as Purpose, Asked};
use crate::model::{Action, Outcome, Step};

/// The most lines of one sort that are shown.
const MOST_LINES: usize = 40;

/// The most resources named that wait for one reason.
const MOST_NAMES: usize = 10;

/// Shows how a run ended: failures first, then the most dangerous of what was done, then what was held back.
pub fn run_slack(result: &RunResult<'_>, about: &About) -> Message {
    let mut draft = Draft::new(&title(result, about.back.is_some()));
    if let Some(Back { by, why }) = &about.back {
        let why = Some(why).filter(|why| !why.is_empty());
        let why = why.map_or_else(
            || ", without a reason given.".to_owned(),
            |why| format!(": {}", text(why)),
        );
        draft.lines(&[format!("Rolled back by {}{why}", text(by))]);
    }
    let mut failed = Vec::new();
    let (mut done, mut left) = (Vec::new(), Vec::new());
    for (step, outcome) in result.ended() {
        match outcome {
            Outcome::Failed { message, hint, .. } => {
                failed.push(format!("✗ {}: {}", name(step), long(message)));
                failed.extend(hint.iter().map(|hint| format!("      {}", text(hint))));
            }
            Outcome::Unchanged => {}
            Outcome::Done { .. } => done.push((step, outcome)),
            Outcome::Skipped { .. } | Outcome::Moved => {
                left.push(format!(
                    "– {}: {}",
                    name(step),
                    text(&ended(step.action, outcome))
                ));
            }
        }
    }
    danger::most_first(&mut done, |(step, _)| step);
    let done = done.into_iter().map(|(step, outcome)| {
        let ended = long(&ended(step.action, outcome));
        format!("{}: {ended}{}", changed(step), over_hands(step))
    });
    draft.lines(&Vec::from_iter(result.strays().map(long)));
    draft.lines(&shortened(failed));
    let all = done.len();
    draft.lines(&first_of(all, done));
    draft.lines(&shortened(left));
    let still = result.waiting().chain(result.unready());
    let still = still.map(|step| (step, step.reason.as_deref().unwrap_or_default()));
    // Drift that is left alone is told by its own message.
    let mut waits = by_reason(result.held_back(), ours);
    waits.extend(by_reason(still, long));
    draft.lines(&shortened(waits));
    // One about drift stands in the message of that.
    let asked = result.route.asked.iter();
    let asked = asked.filter(|asked| asked.about != Purpose::Drift);
    draft.lines(&asked.map(link).collect::<Vec<_>>());
    let unasked = result.route.unasked.as_deref();
    draft.lines(&Vec::from_iter(unasked.map(|why| no_revert(&text(why)))));
    let words = RunWords {
        environment: &result.plan.environment,
        revision: &result.plan.revision,
        run: result.run,
        trigger: result.trigger,
        at: result.ended_at,
    };
    draft.finish(&line(&words, about))
}

/// Returns a change that is under way, in a line.
pub(super) fn doing(step: &Step) -> String {
    format!("{}: {}", changed(step), deed(step))
}

fn changed(step: &Step) -> String {
    let data = if step.stateful && step.loses() {
        " (holds data)"
    } else {
        ""
    };
    format!("{} {}{data}", code(sign(step.action)), name(step))
}

/// Says which fields somebody had changed by hand that were written over.
fn over_hands(step: &Step) -> String {
    let mut fields: Vec<String> = step
        .lost_by_hand()
        .map(|one| code(&one.path.to_string()))
        .collect();
    let more = fields.len().saturating_sub(MOST_NAMES);
    fields.truncate(MOST_NAMES);
    if more > 0 {
        fields.push(format!("… and {more} more"));
    }
    match fields.is_empty() {
        true => String::new(),
        false => format!(", over what was changed by hand: {}", fields.join(", ")),
    }
}

/// Keeps the first few of so many changes in the order of danger, and counts the rest.
pub(super) fn first_of(all: usize, changes: impl Iterator<Item = String>) -> Vec<String> {
    let mut lines: Vec<String> = changes.take(danger::MOST_DANGEROUS).collect();
    let more = all - lines.len();
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    lines
}

/// Says which pull request of ours to merge, and what for.
pub(super) fn link(asked: &Asked) -> String {
    let (what, or) = match asked.about {
        Purpose::Approval => ("To approve it, merge", ""),
        Purpose::Revert => ("To take it back in Git, too, merge", ""),
        Purpose::Drift => ("To keep it, merge", "; to put it back, close it"),
    };
    let (url, number) = (&asked.url, asked.number);
    // Source: "Formatting text for app surfaces": these three end a link.
    match url.contains(['|', '<', '>']) {
        true => format!("{what} pull request #{number}{or}."),
        false => format!("{what} <{url}|pull request #{number}>{or}."),
    }
}

/// Says every reason once, with all that wait for it.
fn by_reason<'s>(
    waits: impl Iterator<Item = (&'s Step, &'s str)>,
    show: fn(&str) -> String,
) -> Vec<String> {
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
        format!("! {}: {}", names.join(", "), show(reason))
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
    let changed = all_done(result);
    let mut environment = result.plan.environment.to_string();
    if is_rollback {
        let to = result.plan.revision.short();
        environment = format!("{environment}: rolled back to {to}");
    }
    match (done, failed) {
        (_, 0) if result.unready().any(Step::is_failing) => {
            format!("❌ {environment}: {changed}, and something does not work")
        }
        (done, 0) => match (done, waiting(result)) {
            (_, 0) if result.paused().next().is_some() => {
                format!("🔶 {environment}: {changed}, and a rollout is paused")
            }
            (_, 0) => format!("✅ {environment}: {changed}"),
            (0, waits) => format!("🔶 {environment}: {waits} held back"),
            (_, waits) => format!("🔶 {environment}: {changed}, {waits} held back"),
        },
        (0, failed) => format!("❌ {environment}: {failed} failed"),
        (_, failed) => format!("❌ {environment}: {failed} failed, {changed}"),
    }
}

/// Counts what was done: `3 changed, 1 deleted`. What is gone, or made anew, is no mere change.
fn all_done(result: &RunResult<'_>) -> String {
    let done = result.ended();
    let done = done.filter(|(_, outcome)| outcome.is_done());
    let actions: Vec<Action> = done.map(|(step, _)| step.action).collect();
    let count = |wanted| actions.iter().filter(|action| **action == wanted).count();
    let (deleted, replaced) = (count(Action::Delete), count(Action::Replace));
    let changed = actions.len() - deleted - replaced;
    let all = [
        (changed, "changed"),
        (replaced, past(Action::Replace)),
        (deleted, past(Action::Delete)),
    ];
    let some = all.into_iter().filter(|(count, _)| *count > 0);
    let some: Vec<String> = some
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    match some.is_empty() {
        true => "0 changed".to_owned(),
        false => some.join(", "),
    }
}

/// Counts what is merged and waits; drift that is left alone is told elsewhere.
fn waiting(result: &RunResult<'_>) -> usize {
    result.held_back().count() + result.waiting().count()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::fixtures::{plan_of, step};
    use crate::deliver::route::Route;

    #[test]
    fn a_title_says_what_is_gone_or_made_anew() {
        let of = |id, action| step(id, action, 0, &[]);
        let plan = plan_of(vec![
            of("api", Action::Update),
            of("new", Action::Create),
            of("old", Action::Delete),
            of("vm", Action::Replace),
        ]);
        let steps = plan.steps.iter();
        let outcomes = steps.map(|step| (step.address.clone(), Outcome::DONE));
        let result = RunResult {
            plan: &plan,
            route: &Route::default(),
            outcomes: &outcomes.collect(),
            run: None,
            trigger: "revision",
            ended_at: jiff::Timestamp::UNIX_EPOCH,
            took: None,
            apart: RunResult::NONE_APART,
            earlier: RunResult::NONE_EARLIER,
        };
        let said = title(&result, false);
        assert_eq!(said, "✅ test: 2 changed, 1 replaced, 1 deleted");
    }
}
