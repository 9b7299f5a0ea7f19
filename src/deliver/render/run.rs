//! What renderers take besides plans: how a run ended, and a drift episode.

use super::slack::Links;
use crate::deliver::route::{Asked, Decision, Route};
use crate::model::{Action, Address, EnvironmentName, Outcome, Revision, RunId, Step};
use crate::plan::Plan;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

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
    /// How long it took, where that is told.
    pub took: Option<Duration>,
    /// What did not work already when came what it carries out, and was not touched since; and what waited then.
    pub apart: &'a BTreeSet<Address>,
    /// What runs before it did of what it carries out.
    pub earlier: &'a BTreeMap<Address, Action>,
}

impl<'a> RunResult<'a> {
    /// Where all that does not work counts.
    pub const NONE_APART: &'static BTreeSet<Address> = &BTreeSet::new();

    /// Where nothing ran before it.
    pub const NONE_EARLIER: &'static BTreeMap<Address, Action> = &BTreeMap::new();

    /// Returns the steps that were let go, with how they ended, in plan order.
    pub fn ended(&self) -> impl Iterator<Item = (&'a Step, &'a Outcome)> + use<'a> {
        let outcomes = self.outcomes;
        let steps = self.plan.steps.iter();
        steps.filter_map(|step| Some((step, outcomes.get(&step.address)?)))
    }

    /// Returns those of them that do what was merged.
    pub fn own(&self) -> impl Iterator<Item = (&'a Step, &'a Outcome)> + use<'a> {
        self.ended().filter(|(step, _)| !step.is_only_drift())
    }

    /// Returns those of them that only put back what was changed by hand.
    pub fn put_back(&self) -> impl Iterator<Item = (&'a Step, &'a Outcome)> + use<'a> {
        self.ended().filter(|(step, _)| step.is_only_drift())
    }

    /// Tells whether something that was changed by hand is as it was changed.
    pub fn leaves_drift(&self) -> bool {
        self.drifted().next().is_some() || self.put_back().any(|(_, outcome)| !outcome.is_good())
    }

    /// Returns the steps of what was merged that failed.
    pub fn failed(&self) -> impl Iterator<Item = (&'a Step, &'a Outcome)> + use<'a> {
        self.own()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Failed { .. }))
    }

    /// Returns what runs before it did of the same change, and it had not to do again.
    pub fn done_earlier(&self) -> impl Iterator<Item = (&'a Address, Action)> + use<'a> {
        let (earlier, outcomes) = (self.earlier.iter(), self.outcomes);
        let once = move |(address, _): &(&Address, &Action)| !outcomes.contains_key(*address);
        earlier
            .filter(once)
            .map(|(address, action)| (address, *action))
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

    /// Returns those of them that were not held back before as well.
    pub fn newly_held(&self) -> impl Iterator<Item = (&'a Step, &'a str)> + use<'a> {
        let apart = self.apart;
        let held = self.held_back();
        held.filter(|(step, _)| !apart.contains(&step.address))
    }

    /// Returns those of them that only put back what was changed by hand: no part of what was merged.
    pub fn drifted(&self) -> impl Iterator<Item = (&'a Step, &'a str)> + use<'a> {
        self.held().filter(|(step, _)| step.is_only_drift())
    }

    /// Returns the steps whose resources are as declared and do not work, or not yet; without those that did not
    /// before.
    pub fn unready(&self) -> impl Iterator<Item = &'a Step> + use<'a> {
        let (steps, apart) = (self.plan.steps.iter(), self.apart);
        steps.filter(|step| step.unready.is_some() && !apart.contains(&step.address))
    }

    /// Returns the steps whose resources did not work before either.
    pub fn apart(&self) -> impl Iterator<Item = &'a Step> + use<'a> {
        let (steps, apart) = (self.plan.steps.iter(), self.apart);
        steps.filter(|step| step.unready.is_some() && apart.contains(&step.address))
    }

    /// Tells whether there is something that was not well before either: it does not work, or waits.
    pub fn is_anything_apart(&self) -> bool {
        self.apart().next().is_some() || self.waited_before().next().is_some()
    }

    /// Returns the steps that wait, or were held back, as before, each with why.
    pub fn waited_before(&self) -> impl Iterator<Item = (&'a Step, &'a str)> + use<'a> {
        let apart = self.apart;
        let why = |step: &'a Step| (step, step.reason.as_deref().unwrap_or_default());
        let all = self.held_back().chain(self.waiting().map(why));
        all.filter(|(step, _)| apart.contains(&step.address))
    }

    /// Returns the steps that were carried out and whose resources somebody paused, each with what is not there.
    pub fn paused(&self) -> impl Iterator<Item = (&'a Step, &'a str)> + use<'a> {
        self.ended().filter_map(|(step, outcome)| match outcome {
            Outcome::Done { but } => Some((step, but.as_deref()?)),
            _ => None,
        })
    }

    /// Says what was done otherwise than the pull request showed, where anything was done.
    pub fn strays(&self) -> Option<&'a str> {
        let any = self.ended().any(|(_, outcome)| outcome.is_good());
        self.route.strays.as_deref().filter(|_| any)
    }

    /// Returns how its steps ended, counted: `2 done, 1 failed`; `None` where there was nothing to do.
    pub fn tally(&self) -> Option<String> {
        let apart = Apart {
            drifted: self.drifted().count(),
            waiting: self.held_back().count() + self.waiting().count(),
            ..Apart::default()
        };
        self.counted(&self.ended().collect::<Vec<_>>(), &apart)
    }

    /// Returns what became of what was merged, counted: with what earlier runs did of it, and what was changed by
    /// hand apart.
    pub fn merged_tally(&self) -> Option<String> {
        let is_put_back = |(_, outcome): &(&Step, &Outcome)| outcome.is_good();
        let (back, left): (Vec<_>, Vec<_>) = self.put_back().partition(is_put_back);
        let apart = Apart {
            earlier: self.done_earlier().count(),
            drifted: self.drifted().count() + left.len(),
            put_back: back.len(),
            waiting: self.newly_held().count() + self.newly_waiting().count(),
        };
        self.counted(&self.own().collect::<Vec<_>>(), &apart)
    }

    fn counted(&self, ended: &[(&Step, &Outcome)], apart: &Apart) -> Option<String> {
        let count = |word: &str| {
            let those = ended.iter().filter(|(_, outcome)| outcome.as_str() == word);
            those.count()
        };
        let all = [
            (count("done") + apart.earlier, "done"),
            (count("unchanged"), "so already"),
            (count("failed"), "failed"),
            (count("skipped"), "skipped"),
            (count("moved"), "changed meanwhile"),
            (apart.waiting, "held back"),
            (apart.drifted, "drifted"),
            (apart.put_back, "put back"),
            (self.unready().count(), "not healthy"),
        ];
        let some: Vec<String> = all
            .iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, what)| format!("{count} {what}"))
            .collect();
        (!some.is_empty()).then(|| some.join(", "))
    }

    /// Returns the steps that wait; what should be gone for long does not work.
    pub fn waiting(&self) -> impl Iterator<Item = &'a Step> + use<'a> {
        let steps = self.plan.steps.iter();
        steps.filter(|step| step.action == Action::Wait && step.unready.is_none())
    }

    /// Returns those of them that did not wait before as well.
    pub fn newly_waiting(&self) -> impl Iterator<Item = &'a Step> + use<'a> {
        let apart = self.apart;
        self.waiting().filter(|step| !apart.contains(&step.address))
    }
}

/// How many there are besides the steps that a run carried out.
#[derive(Default)]
struct Apart {
    /// Done by runs before it.
    earlier: usize,
    /// Changed by hand and left so.
    drifted: usize,
    /// Changed by hand and put back.
    put_back: usize,
    /// Held back, or waiting.
    waiting: usize,
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

/// One field that was changed by hand, masked, as an episode keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// The field; empty where the whole resource is meant.
    pub path: String,
    /// What Git declares; `null` where it declares nothing.
    #[serde(default)]
    pub declared: Value,
    /// What was found; `null` where there is nothing.
    #[serde(default)]
    pub live: Value,
    /// What was applied last, where Git was changed as well since: the change by hand is written over.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub was: Value,
    /// Of texts with several lines those that differ, for people: `-` is live, `+` is declared; 12 at the most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lines: Vec<String>,
    /// True where a value has more than 1,000 characters: then only its beginning is told, as a text.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub cut: bool,
}

impl Difference {
    /// Returns what was changed by hand in a step.
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
    /// Where to read of that.
    pub links: &'a Links,
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
    /// What a person can do about it, where nothing else is done.
    pub hint: Option<&'a str>,
    /// The pull request that asks people what to do, where one does.
    pub asked: Option<&'a Asked>,
    /// How and when it ended.
    pub ended: Option<(EpisodeEnd<'a>, Timestamp)>,
}
