//! Conditions of resources from run to run: which began, which went on, which ended. Pure.
//!
//! A condition is keyed on resource and kind of trouble, never on text, so that a message that
//! words itself anew is not a new alert.

mod causes;
mod crowds;
mod through;

pub(super) use causes::Causes;
pub(super) use crowds::{Crowd, LEFT_ALONE, crowds, is_crowd, is_storm};
pub(super) use through::Through;

use super::{Report, drift};
use crate::ledger::{Episode, EpisodeId};
use crate::model::{Action, Address, Class, Digest, Health, Outcome, RunId, Step};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A kind of trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Condition {
    /// Live differs from what was last applied.
    Drift,
    /// A step fails.
    Failing,
    /// Live state cannot be told.
    Unknown,
    /// Somebody keeps changing back what is put right.
    Fought,
}

impl Condition {
    /// Every one.
    pub(super) const ALL: [Self; 4] = [Self::Drift, Self::Failing, Self::Unknown, Self::Fought];

    /// Returns the word the ledger keeps.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Failing => "failing",
            Self::Unknown => "unknown",
            Self::Fought => "fought-over",
        }
    }
}

/// How a condition ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// Drift was put back by a run.
    Corrected,
    /// A run of ours wrote something else over it: what was merged, or put back to.
    Overwritten,
    /// Git declares now what was changed by hand.
    TakenOver,
    /// Drift is no more, and no run did anything for it.
    SameAgain,
    /// What failed works.
    Recovered,
    /// Live state can be told.
    SeenAgain,
    /// What a whole environment was in trouble with is mended.
    Mended,
    /// Nobody changed for a while what had to be put right again and again.
    LeftAlone,
    /// The resource is no longer declared, and the condition is nobody's any more.
    Undeclared,
}

impl End {
    /// Returns the words the ledger keeps.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Corrected => "corrected",
            Self::Overwritten => "overwritten by a run",
            Self::TakenOver => "Git has it now",
            Self::SameAgain => "live equals Git again",
            Self::Recovered => "recovered",
            Self::SeenAgain => "seen again",
            Self::Mended => "mended",
            Self::LeftAlone => "left alone",
            Self::Undeclared => "no longer declared",
        }
    }

    /// Reads the words of the ledger; `None` where a newer binary wrote them.
    pub(super) fn of(words: &str) -> Option<Self> {
        // What is no longer declared was called gone once.
        if words == "gone" {
            return Some(Self::Undeclared);
        }
        let all = [
            Self::Corrected,
            Self::Overwritten,
            Self::TakenOver,
            Self::SameAgain,
            Self::Recovered,
            Self::SeenAgain,
            Self::Mended,
            Self::LeftAlone,
            Self::Undeclared,
        ];
        all.into_iter().find(|end| end.as_str() == words)
    }
}

/// The code of a failure that no step caused: what is as declared does not work.
pub(super) const UNHEALTHY: &str = "unhealthy";

/// The same of what is being deleted and should be gone for long.
pub(super) const NOT_GONE: &str = "not-gone";

/// How a step ends whose resource does not become ready: the live side calls that final, or its time is over.
pub(super) const UNREADY: [&str; 2] = ["not-healthy", "deadline"];

/// Tells whether no step failed: then no run's message speaks of it.
pub(super) fn is_unwell(details: &Value) -> bool {
    details["code"] == UNHEALTHY || details["code"] == NOT_GONE
}

/// A condition one run found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Found {
    /// Of which resource.
    pub address: Address,
    /// Which.
    pub condition: Condition,
    /// What was seen, masked.
    pub details: Value,
    /// How it ended in the same run, where it did: drift that was put back, or written over.
    pub over: Option<End>,
    /// False where it may pass by itself, and people are told only if it is found again.
    pub certain: bool,
}

/// Returns what a run found, in the order of addresses.
pub(super) fn found(report: &Report) -> Vec<Found> {
    let mut found = Vec::new();
    for step in &report.plan.steps {
        let outcome = report.outcomes.get(&step.address);
        if step.is_drift() {
            let end = match step.writes_over_hands() {
                true => End::Overwritten,
                false => End::Corrected,
            };
            found.push(Found {
                address: step.address.clone(),
                condition: Condition::Drift,
                details: drift::details(report, step),
                over: outcome.filter(|outcome| outcome.is_good()).map(|_| end),
                certain: true,
            });
        }
        found.extend(outcome.and_then(|outcome| failed(report.run, step, outcome)));
    }
    let unwell = report.plan.steps.iter().filter(|step| step.is_failing());
    found.extend(unwell.map(|step| Found {
        address: step.address.clone(),
        condition: Condition::Failing,
        details: by_rules(
            step,
            json!({ "code": code_of(step), "message": step.reason }),
        ),
        over: None,
        certain: true,
    }));
    for (address, unknown) in &report.unknown {
        found.push(Found {
            address: address.clone(),
            condition: Condition::Unknown,
            details: json!({
                "code": unknown.code, "message": unknown.reason,
                "through": Through::of(report, address, &unknown.reason),
            }),
            over: None,
            certain: unknown.class != Class::Transient,
        });
    }
    found
}

/// Returns how a step failed, where it did.
fn failed(run: Option<RunId>, step: &Step, outcome: &Outcome) -> Option<Found> {
    let Outcome::Failed {
        code,
        message,
        hint,
    } = outcome
    else {
        return None;
    };
    let details = json!({ "action": step.action, "code": code, "message": message, "hint": hint });
    let run = run.filter(|_| UNREADY.contains(&code.as_str()));
    Some(Found {
        address: step.address.clone(),
        condition: Condition::Failing,
        details: by_run(run, by_rules(step, details)),
        over: None,
        certain: true,
    })
}

/// Notes the rules of the spec that something is well by, where there are any.
fn by_rules(step: &Step, mut details: Value) -> Value {
    if !step.health.is_empty() {
        let rules = Digest::of(json!(step.health).to_string());
        details["rules"] = rules.short().into();
    }
    details
}

/// Notes the run whose rollout it is that failed, where it is one.
fn by_run(run: Option<RunId>, mut details: Value) -> Value {
    if let Some(run) = run {
        details["run"] = run.0.into();
    }
    details
}

/// Returns the run whose rollout it is that does not work, where it is one.
pub(super) fn run_of(details: &Value) -> Option<RunId> {
    details["run"].as_i64().map(RunId)
}

/// Has what goes on failing stay that of the run that failed it first, or nobody's.
fn keep_run(before: &Value, found: &mut Found) {
    if let Some(details) = found.details.as_object_mut() {
        details.remove("run");
    }
    let details = std::mem::take(&mut found.details);
    found.details = by_run(run_of(before), details);
}

fn code_of(step: &Step) -> &'static str {
    match step.gone_by {
        Some(_) => NOT_GONE,
        None => UNHEALTHY,
    }
}

/// What changed about the conditions of an environment.
#[derive(Debug, Default)]
pub(super) struct Transitions {
    /// Found for the first time, and not over yet.
    pub opened: Vec<Found>,
    /// Found for the first time, and over in the same run.
    pub brief: Vec<Found>,
    /// Found again.
    pub lasting: Vec<(EpisodeId, Found)>,
    /// Ended, and how.
    pub ended: Vec<(EpisodeId, End)>,
}

/// Compares what a run found with the episodes that were open before it.
pub(super) fn transitions(found: Vec<Found>, open: &[Episode], report: &Report) -> Transitions {
    let key = |episode: &Episode| Some((episode.address.clone()?, episode.condition.clone()));
    let mut open: BTreeMap<(Address, String), &Episode> = open
        .iter()
        .filter_map(|episode| Some((key(episode)?, episode)))
        .collect();
    let mut transitions = Transitions::default();
    for found in found {
        let before = open.remove(&(found.address.clone(), found.condition.as_str().to_owned()));
        match (before, found.over) {
            (Some(episode), Some(end)) => transitions.ended.push((episode.id, end)),
            (Some(episode), None) => transitions.lasting.push((episode.id, found)),
            (None, Some(_)) => transitions.brief.push(found),
            (None, None) => transitions.opened.push(found),
        }
    }
    for ((address, condition), episode) in open {
        if let Some(how) = how_it_ended(&address, &condition, report) {
            transitions.ended.push((episode.id, how));
        } else if let Some(found) = still_unready(episode, report) {
            transitions.lasting.push((episode.id, found));
        }
    }
    transitions
}

/// Returns what is newly in the way of what failed and only does not work yet: an image that came after all, and a
/// probe that fails now. What names no cause is no news, and neither is the same cause in other words, but for what
/// another rule of the spec says: the old one holds for nothing any more.
fn still_unready(episode: &Episode, report: &Report) -> Option<Found> {
    let address = episode.address.as_ref()?;
    let step = report.plan.step(address)?;
    let is_ours = episode.condition == Condition::Failing.as_str();
    if !is_ours || !matches!(step.unready, Some(Health::Progressing(_))) {
        return None;
    }
    let mut details = by_rules(
        step,
        json!({ "code": code_of(step), "message": step.reason }),
    );
    let (before, now) = (next_step(&episode.details), next_step(&details));
    let is_same = now.is_none() || now == before;
    if is_same && details["rules"] == episode.details["rules"] {
        return None;
    }
    // Who heard of it in the message of many does so still.
    if episode.details["crowd"] == true {
        details["crowd"] = true.into();
    }
    Some(Found {
        address: address.clone(),
        condition: Condition::Failing,
        details,
        over: None,
        certain: true,
    })
}

/// Returns what is to be done about a failure: of one cause always the same, however its words count on.
pub(super) fn next_step(details: &Value) -> Option<&str> {
    let within = details["message"].as_str()?.split_once('\n');
    details["hint"].as_str().or(within.map(|(_, next)| next))
}

/// Notes with what goes on not working whose rollout it is, and what was in the way of it before. Returns whether people
/// know of what is in the way now.
pub(super) fn note_causes(before: &Value, now: Timestamp, found: &mut Found) -> bool {
    keep_run(before, found);
    let causes = serde_json::from_value(before["causes"].clone());
    let mut causes: Causes = causes.unwrap_or_default();
    for next in [next_step(before), next_step(&found.details)] {
        causes.take(next.map(Digest::of), now);
    }
    if !causes.is_steady() {
        found.details["causes"] = json!(causes);
    }
    causes.is_again()
}

/// Returns how a condition ended that was not found again; `None` where this run cannot tell: it did
/// not see the resource, or did not try what failed before.
fn how_it_ended(address: &Address, condition: &str, report: &Report) -> Option<End> {
    let Some(step) = report.plan.step(address) else {
        return (report.plan.beside == 0).then_some(End::Undeclared);
    };
    let told = !report.unknown.contains_key(address);
    let seen = told && step.unready.is_none();
    let tried = report.outcomes.get(address);
    match condition {
        "unknown" => told.then_some(End::SeenAgain),
        // What is still ours and declared no more has a step, too.
        "drift" if told && step.desired.is_none() => Some(End::Undeclared),
        "drift" if step.action.writes() => {
            // What is held or fails leaves it as it was found.
            tried
                .is_some_and(Outcome::is_good)
                .then_some(End::Overwritten)
        }
        "drift" => told.then_some(End::SameAgain),
        "failing" if seen && !step.action.writes() && step.action != Action::Wait => {
            Some(End::Recovered)
        }
        "failing" => (seen && tried.is_some_and(Outcome::is_good)).then_some(End::Recovered),
        _ => None,
    }
}
