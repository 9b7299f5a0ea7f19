//! What one run found and did, for those who tell people about it.

use super::cycle::Outcomes;
use super::schedule::Ended;
use super::{CycleError, Looked};
use crate::deliver::{Decision, Route};
use crate::graph::Graph;
use crate::ledger::RunOutcome;
use crate::model::{Action, Address, Class, Health, Observation, Outcome, RunId, Step, Unknown};
use crate::plan::Plan;
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One run, at its end.
pub struct Report {
    /// What Git wanted.
    pub graph: Arc<Graph>,
    /// What was to be done.
    pub plan: Plan,
    /// What was let go.
    pub route: Route,
    /// How each step that was let go ended.
    pub outcomes: Outcomes,
    /// The record; `None` where it found what the last one found.
    pub run: Option<RunId>,
    /// Who had it carried out, where a person did.
    pub by: Option<String>,
    /// True where it was cut short.
    pub stopped: bool,
    /// What could not be told.
    pub unknown: BTreeMap<Address, Unknown>,
}

impl Report {
    /// A run that left no record.
    pub(super) fn quiet(looked: Looked, route: Route) -> Self {
        let unknown = unknown(&looked);
        let Looked { graph, plan, .. } = looked;
        Self {
            graph,
            plan,
            route,
            outcomes: Outcomes::new(),
            run: None,
            by: None,
            stopped: false,
            unknown,
        }
    }

    /// A run with a record.
    pub(super) fn new(
        looked: Looked,
        route: Route,
        outcomes: Outcomes,
        run: RunId,
        cut_short: bool,
    ) -> Self {
        let stopped = cut_short
            && outcomes
                .values()
                .any(|outcome| matches!(outcome, Outcome::Skipped { .. }));
        Self {
            outcomes,
            run: Some(run),
            stopped,
            ..Self::quiet(looked, route)
        }
    }

    /// Returns the steps that ended badly.
    pub fn failures(&self) -> impl Iterator<Item = (&Step, &Outcome)> {
        let step = |(address, outcome)| Some((self.plan.step(address)?, outcome));
        self.outcomes
            .iter()
            .filter(|(_, outcome)| matches!(outcome, Outcome::Failed { .. }))
            .filter_map(step)
    }

    /// Returns the steps that changed something.
    pub fn done(&self) -> impl Iterator<Item = &Step> {
        self.outcomes
            .iter()
            .filter(|(_, outcome)| outcome.is_done())
            .filter_map(|(address, _)| self.plan.step(address))
    }

    /// Returns how it ended, in one word.
    pub fn outcome(&self) -> RunOutcome {
        if self.stopped {
            return stopped(&self.outcomes);
        }
        ended(&self.plan, &self.route, &self.outcomes)
    }

    /// Tells whether all that was merged was let go and is carried out. What only puts back what was changed by hand
    /// counts apart, whatever becomes of it; so does what is as declared and does not work.
    pub(super) fn is_carried_out(&self) -> bool {
        let is_done = |step: &Step| match self.outcomes.get(&step.address) {
            _ if step.is_only_drift() => true,
            Some(outcome) => outcome.is_good(),
            None => step.action == Action::None,
        };
        let may_fail = self.ended().again || is_paused(&self.outcomes);
        !may_fail && self.plan.steps.iter().all(is_done)
    }

    /// Returns what a person should know of it in one line.
    pub(super) fn note(&self) -> Option<String> {
        let failed = self.failures().next().map(|(step, outcome)| match outcome {
            Outcome::Failed { message, .. } => format!("{}: {message}", step.address.resource),
            _ => step.address.resource.to_string(),
        });
        let waits = || {
            let mut steps = self.plan.steps.iter();
            let step = steps.find(|step| step.action == Action::Wait)?;
            Some(format!(
                "{} waits: {}",
                step.address.resource,
                step.reason.as_deref()?
            ))
        };
        failed
            .or_else(|| self.plan.holds.first().map(|hold| hold.reason.clone()))
            .or_else(|| {
                let (step, why) = self.under_way().next()?;
                Some(format!("{}: {why}", step.address.resource))
            })
            .or_else(waits)
            .or_else(|| self.held())
            .or_else(|| self.reported())
            .or_else(|| self.unready())
    }

    /// Returns what was begun and is not done yet, each with what it waits for; what hangs on it was not begun.
    pub(super) fn under_way(&self) -> impl Iterator<Item = (&Step, &str)> {
        let skipped = |address: &Address| match self.outcomes.get(address)? {
            Outcome::Skipped { reason } => Some(reason.as_str()),
            _ => None,
        };
        let is_begun = move |step: &&Step| {
            let deletes = matches!(step.action, Action::Delete | Action::Replace);
            deletes && step.after.iter().all(|one| skipped(one).is_none())
        };
        let steps = self.plan.steps.iter().filter(|_| !self.stopped);
        let begun = steps.filter(is_begun);
        begun.filter_map(move |step| Some((step, skipped(&step.address)?)))
    }

    /// Returns why the first step is held that does what was merged.
    fn held(&self) -> Option<String> {
        self.plan.declared().find_map(|step| {
            let decision = self.route.decisions.get(&step.address)?;
            let Decision::Hold { reason, .. } = decision else {
                return None;
            };
            Some(format!("{} is held: {reason}", step.address.resource))
        })
    }

    /// Returns how much of what was changed by hand is left as it is.
    fn reported(&self) -> Option<String> {
        let left = self.plan.drift().filter_map(|step| {
            let decision = self.route.decisions.get(&step.address)?;
            match decision {
                Decision::Hold { code, .. } => Some(*code),
                Decision::CarryOut => None,
            }
        });
        let left: Vec<&str> = left.collect();
        let course = match left.first()? {
            &"report" => "only reported".to_owned(),
            other => format!("not put back ({other})"),
        };
        Some(format!("{} drifted, {course}", left.len()))
    }

    fn unready(&self) -> Option<String> {
        let mut steps = self.plan.steps.iter();
        let step = steps.find(|step| step.unready.is_some())?;
        let why = step.reason.as_deref().unwrap_or("it is not ready");
        Some(format!("{}: {why}", step.address.resource))
    }

    /// Returns what another try may mend: what failed, is not ready, or could not be told.
    fn failing(&self) -> BTreeSet<Address> {
        let unsure = |(address, unknown): (&Address, &Unknown)| {
            (unknown.class == Class::Transient).then(|| address.clone())
        };
        let may_heal = |step: &&Step| {
            let unready = step.unready.as_ref();
            unready.is_some_and(|unready| !matches!(unready, Health::Paused(_)))
        };
        // What is being deleted has a pace of its own.
        let stays = |step: &&Step| step.gone_by.is_none();
        let unready = self.plan.steps.iter().filter(stays).filter(may_heal);
        let failed = self.failures().map(|(step, _)| step).chain(unready);
        let failed = failed.map(|step| step.address.clone());
        failed
            .chain(self.unknown.iter().filter_map(unsure))
            .collect()
    }

    /// Returns by when the first of what is being deleted has to be gone.
    fn gone_by(&self) -> Option<Timestamp> {
        // What was told to go in this run has its time from the next look on.
        let begun = self.under_way().map(|_| Timestamp::MAX);
        let going = self.plan.steps.iter().filter_map(|step| step.gone_by);
        going.chain(begun).min()
    }

    /// Returns what the schedule has to know.
    pub fn ended(&self) -> Ended {
        let failing = self.failing();
        let corrected = self.done().filter(|step| step.is_only_drift());
        let is_right = |step: &Step| match self.outcomes.get(&step.address) {
            Some(outcome) => outcome.is_good(),
            None => step.action == Action::None && step.unready.is_none(),
        };
        let mut unknown = self.unknown.values();
        Ended {
            unseen: unknown.any(|one| one.class == Class::Transient),
            partial: self.plan.beside > 0,
            settled: !self.stopped
                && self.unknown.is_empty()
                && self.plan.steps.iter().all(is_right),
            failed: !failing.is_empty(),
            failing,
            wrote: self.done().next().is_some(),
            corrected: corrected.map(|step| step.address.clone()).collect(),
            again: self.stopped || has_moved(&self.outcomes),
            window: self.plan.next_window,
            ask_again: self.route.ask_again,
            gone_by: self.gone_by(),
        }
    }
}

fn unknown(looked: &Looked) -> BTreeMap<Address, Unknown> {
    let of = |(address, seen): (&Address, &Observation)| match seen {
        Observation::Unknown {
            reason,
            code,
            class,
        } => Some((
            address.clone(),
            Unknown {
                reason: looked.plan.secrets.clean(reason.clone()),
                code,
                class: *class,
            },
        )),
        _ => None,
    };
    looked.seen.observed.iter().filter_map(of).collect()
}

impl CycleError {
    /// Returns what the schedule has to know of a run that could not begin.
    pub fn ended(&self) -> Ended {
        let stopped = matches!(self, Self::Stopped);
        Ended {
            failed: !stopped,
            again: stopped,
            ..Ended::default()
        }
    }
}

/// How a run that was cut short ended.
fn stopped(outcomes: &Outcomes) -> RunOutcome {
    match has_failed(outcomes) {
        true => RunOutcome::Failed,
        false => RunOutcome::Stopped,
    }
}

/// How a run that came to its end ended. One that met what had moved since it was planned, and left it as it is,
/// has not: it runs again.
pub(super) fn ended(plan: &Plan, route: &Route, outcomes: &Outcomes) -> RunOutcome {
    let is_held = |step: &Step| {
        step.action == Action::Wait
            || step.unready.is_some()
            || (step.action.writes() && !route.lets(&step.address))
    };
    if has_failed(outcomes) || plan.steps.iter().any(Step::is_failing) {
        RunOutcome::Failed
    } else if plan.steps.iter().any(is_held) || is_paused(outcomes) {
        RunOutcome::Held
    } else if has_moved(outcomes) {
        RunOutcome::Stopped
    } else if has_skipped(outcomes) {
        RunOutcome::Held
    } else {
        RunOutcome::Done
    }
}

fn has_failed(outcomes: &Outcomes) -> bool {
    let mut outcomes = outcomes.values();
    outcomes.any(|outcome| matches!(outcome, Outcome::Failed { .. }))
}

/// Tells whether something was written that somebody paused: nobody knows how it will fare.
fn is_paused(outcomes: &Outcomes) -> bool {
    let mut outcomes = outcomes.values();
    outcomes.any(|outcome| matches!(outcome, Outcome::Done { but: Some(_) }))
}

/// Tells whether something is not done that was let go: what was told to go is not gone yet.
fn has_skipped(outcomes: &Outcomes) -> bool {
    let mut outcomes = outcomes.values();
    outcomes.any(|outcome| matches!(outcome, Outcome::Skipped { .. }))
}

/// Tells whether something moved under it, and was not written.
fn has_moved(outcomes: &Outcomes) -> bool {
    let mut outcomes = outcomes.values();
    outcomes.any(|outcome| *outcome == Outcome::Moved)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::fixtures::{plan_of, step};
    use crate::deliver::{Authority, route};
    use crate::model::Reconcile;

    #[test]
    fn what_moved_under_a_run_or_is_paused_is_no_success() {
        let mut waits = step("db", Action::None, 0, &[]);
        let plan = plan_of(vec![step("api", Action::Create, 0, &[])]);
        let route = route(&plan, &Reconcile::default(), Authority::Person);
        let with = |outcome| {
            let outcomes = Outcomes::from([(plan.steps[0].address.clone(), outcome)]);
            ended(&plan, &route, &outcomes)
        };
        assert_eq!(with(Outcome::DONE), RunOutcome::Done);
        assert_eq!(with(Outcome::Moved), RunOutcome::Stopped);
        let but = Some("its rollout is paused".to_owned());
        assert_eq!(with(Outcome::Done { but }), RunOutcome::Held);
        // What else is to be known of it comes first.
        waits.unready = Some(Health::Failed("it crashes".to_owned()));
        let outcomes = Outcomes::from([(plan.steps[0].address.clone(), Outcome::Moved)]);
        let plan = plan_of(vec![plan.steps[0].clone(), waits]);
        assert_eq!(ended(&plan, &route, &outcomes), RunOutcome::Failed);
    }
}
