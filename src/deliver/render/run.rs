//! What renderers take besides plans: how a run ended, and a drift episode.

use crate::deliver::route::{Asked, Decision, Route};
use crate::model::{Action, Address, EnvironmentName, Outcome, Revision, RunId, Step};
use crate::plan::Plan;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One run at its end.
#[derive(Clone, Copy, Debug)]
pub struct RunResult<'a> {
    /// What was to be done.
    pub plan: &'a Plan,
    /// What was let go, and why the rest was not.
    pub route: &'a Route,
    /// How each step that was let go ended.
    pub outcomes: &'a BTreeMap<Address, Outcome>,
    /// Its record; `None` where it left none.
    pub run: Option<RunId>,
    /// Why it ran, as one word: `poll`, `cli` …
    pub trigger: &'a str,
    /// When it ended.
    pub ended_at: Timestamp,
}

impl<'a> RunResult<'a> {
    /// Returns the steps that were let go, with how they ended, in plan order.
    pub fn ended(&self) -> impl Iterator<Item = (&'a Step, &'a Outcome)> + use<'a> {
        let outcomes = self.outcomes;
        let steps = self.plan.steps.iter();
        steps.filter_map(|step| Some((step, outcomes.get(&step.address)?)))
    }

    /// Returns the steps that failed.
    pub fn failed(&self) -> impl Iterator<Item = (&'a Step, &'a Outcome)> + use<'a> {
        self.ended()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Failed { .. }))
    }

    /// Returns the steps that would write and were held back, with the reason.
    pub fn held(&self) -> impl Iterator<Item = (&'a Step, &'a str)> + use<'a> {
        let decisions = &self.route.decisions;
        self.plan
            .steps
            .iter()
            .filter_map(|step| match decisions.get(&step.address) {
                Some(Decision::Hold { reason, .. }) => Some((step, reason.as_str())),
                _ => None,
            })
    }

    /// Returns those of them that do what was merged.
    pub fn held_back(&self) -> impl Iterator<Item = (&'a Step, &'a str)> + use<'a> {
        self.held().filter(|(step, _)| !step.is_only_drift())
    }

    /// Returns those of them that only put back what was changed by hand: no part of what was merged.
    pub fn drifted(&self) -> impl Iterator<Item = (&'a Step, &'a str)> + use<'a> {
        self.held().filter(|(step, _)| step.is_only_drift())
    }

    /// Returns the steps whose resources are as declared and do not work, or not yet.
    pub fn unready(&self) -> impl Iterator<Item = &'a Step> + use<'a> {
        let steps = self.plan.steps.iter();
        steps.filter(|step| step.unready.is_some())
    }

    /// Returns how its steps ended, counted: `2 done, 1 failed`; `None` where there was nothing to do.
    pub fn tally(&self) -> Option<String> {
        let count = |word: &str| {
            let ended = self.ended();
            ended
                .filter(|(_, outcome)| outcome.as_str() == word)
                .count()
        };
        let all = [
            (count("done"), "done"),
            (count("unchanged"), "so already"),
            (count("failed"), "failed"),
            (count("skipped"), "skipped"),
            (count("moved"), "changed meanwhile"),
            (
                self.held_back().count() + self.waiting().count(),
                "held back",
            ),
            (self.drifted().count(), "drifted"),
            (self.unready().count(), "not healthy"),
        ];
        let some: Vec<String> = all
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!some.is_empty()).then(|| some.join(", "))
    }

    /// Returns the steps that wait.
    pub fn waiting(&self) -> impl Iterator<Item = &'a Step> + use<'a> {
        let steps = self.plan.steps.iter();
        steps.filter(|step| step.action == Action::Wait)
    }
}

/// An environment whose plan could not be made, for a comment beside those that could.
#[derive(Clone, Copy, Debug)]
pub struct Broken<'a> {
    /// Whose plan.
    pub environment: &'a str,
    /// Why, as a fragment that reads after "failed to".
    pub message: &'a str,
    /// What to do next.
    pub hint: Option<&'a str>,
}

/// One field that drifted, masked, as an episode keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The field; empty where the whole resource is meant.
    pub path: String,
    /// What Git declares; of a long text the lines that differ.
    pub declared: String,
    /// What was found, alike.
    pub live: String,
}

impl Difference {
    /// Returns what drifted in a step.
    pub fn of(step: &Step) -> Vec<Self> {
        super::lines::differences(step)
    }
}

/// How an episode ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EpisodeEnd<'a> {
    /// A run put the declared values back.
    Corrected,
    /// A run wrote over it what was merged or put back to: the revision.
    Overwritten(Option<&'a Revision>),
    /// Git declares what was changed by hand.
    TakenOver,
    /// The live side was as declared again without us.
    Gone,
    /// It is no longer declared.
    Released,
}

/// One drift episode, open or ended.
#[derive(Clone, Debug)]
pub struct Episode<'a> {
    /// Where.
    pub environment: &'a EnvironmentName,
    /// What Git state it differs from.
    pub revision: &'a Revision,
    /// Which resource.
    pub address: &'a Address,
    /// What kind of resource it is.
    pub kind: &'a str,
    /// What differs; empty where the resource is gone.
    pub differences: &'a [Difference],
    /// Who did it, as far as the live side tells.
    pub by: &'a [String],
    /// When it was found.
    pub found_at: Timestamp,
    /// What is done about it: `it is put back`, `only reported (onDrift: report)` …
    pub course: &'a str,
    /// The pull request that asks people what to do, where one does.
    pub asked: Option<&'a Asked>,
    /// How and when it ended.
    pub ended: Option<(EpisodeEnd<'a>, Timestamp)>,
}
