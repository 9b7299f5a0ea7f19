//! A run's end as an event for programs: what was done, what failed and what was held back, without any value.

use super::clean::reason;
use super::danger;
use super::run::RunResult;
use super::slack::About;
use crate::deliver::notify::{RunEvent, StepEvent};
use crate::model::{Action, Address, KindName, Outcome, Step};

/// The most steps, and the most fields that drifted, of one event.
pub const MOST_OF_AN_EVENT: usize = 100;

/// Returns a run that ended.
pub fn run_event(result: &RunResult<'_>, about: &About) -> RunEvent {
    let mut all: Vec<(&Step, StepEvent)> = Vec::new();
    let ended = result
        .ended()
        .filter(|(_, outcome)| **outcome != Outcome::Unchanged);
    all.extend(ended.map(|(step, outcome)| (step, ended_step(step, outcome))));
    // Drift that is left alone is told by its own event.
    let held = result.held().filter(|(step, _)| !step.is_only_drift());
    all.extend(held.map(|(step, why)| (step, left(step, "held", Some(why)))));
    let why = |step: &'_ Step| step.reason.clone();
    let waiting = result.waiting();
    all.extend(waiting.map(|step| (step, left(step, "waiting", why(step).as_deref()))));
    let unready = result.unready();
    all.extend(unready.map(|step| (step, left(step, "unready", why(step).as_deref()))));
    danger::most_first(&mut all, |(step, _)| step);
    all.sort_by_key(|(_, event)| event.outcome != "failed");
    let more_steps = all.len().saturating_sub(MOST_OF_AN_EVENT);
    all.truncate(MOST_OF_AN_EVENT);
    let took = about.took.map(|took| took.as_millis());
    RunEvent {
        id: result.run.map(|run| run.0),
        trigger: Some(result.trigger.to_owned()),
        revision: result.plan.revision.to_string(),
        by: about.by.clone(),
        ordered_by: about.ordered_by.clone(),
        took_ms: took.map(|took| u64::try_from(took).unwrap_or(u64::MAX)),
        plan: Some(result.plan.hash.to_string()),
        pull_request: about.links.pull.as_ref().map(|(_, page)| page.clone()),
        steps: all.into_iter().map(|(_, event)| event).collect(),
        more_steps,
    }
}

/// Returns a step of a run that was cut off: how it ended where it did, and whether it was begun.
pub fn interrupted_step(
    (address, kind, action): (&Address, &KindName, Action),
    outcome: Option<&Outcome>,
    begun: bool,
) -> StepEvent {
    let what = (address, kind, action);
    match outcome {
        Some(outcome) => ended(what, outcome),
        None if begun => StepEvent {
            reason: Some(
                "the run was cut off meanwhile; the next one looks how far it came".to_owned(),
            ),
            ..event(what, "interrupted")
        },
        None => StepEvent {
            reason: Some("the run was cut off before it began".to_owned()),
            ..event(what, "skipped")
        },
    }
}

fn ended_step(step: &Step, outcome: &Outcome) -> StepEvent {
    let lost = step.lost_by_hand().take(MOST_OF_AN_EVENT);
    let lost = lost.map(|one| one.path.to_string());
    StepEvent {
        over_hands: match outcome {
            Outcome::Done { .. } => lost.collect(),
            _ => Vec::new(),
        },
        ..ended((&step.address, &step.kind, step.action), outcome)
    }
}

fn ended(what: (&Address, &KindName, Action), outcome: &Outcome) -> StepEvent {
    let said = event(what, outcome.as_str());
    match outcome {
        Outcome::Failed {
            code,
            message,
            hint,
        } => StepEvent {
            code: Some(code.clone()),
            reason: Some(reason(message).into_owned()),
            hint: hint.clone(),
            ..said
        },
        Outcome::Skipped { reason: why } => StepEvent {
            reason: Some(reason(why).into_owned()),
            ..said
        },
        Outcome::Done { but } => StepEvent {
            reason: but.as_deref().map(|why| reason(why).into_owned()),
            ..said
        },
        Outcome::Unchanged | Outcome::Moved => said,
    }
}

fn left(step: &Step, outcome: &str, why: Option<&str>) -> StepEvent {
    StepEvent {
        reason: why.map(|why| reason(why).into_owned()),
        ..event((&step.address, &step.kind, step.action), outcome)
    }
}

fn event((address, kind, action): (&Address, &KindName, Action), outcome: &str) -> StepEvent {
    StepEvent {
        address: address.to_string(),
        kind: kind.to_string(),
        action: action.as_str().to_owned(),
        outcome: outcome.to_owned(),
        code: None,
        reason: None,
        hint: None,
        over_hands: Vec::new(),
    }
}
