//! What a merge would make of the environments it touches: their plans, or why there are none, and the one
//! comment that says so. Writes nothing anywhere.

use super::super::{CycleError, Fleet, Followed, Pinned, Subject, Trust, World, look};
use super::touched::Touched;
use super::{compared, stops};
use crate::deliver::Sight;
use crate::deliver::forge::StatusState;
use crate::deliver::render::{
    Beside, Broken, Gone, Merging, Page, many, plan_markdown, planned, validation_markdown,
};
use crate::model::{Depth, Diagnostic, Digest, EnvironmentName, Fault as _, RepoPath, Snapshot};
use crate::plan::Plan;
use crate::telemetry::chain;
use futures::{StreamExt as _, stream};
use std::collections::BTreeSet;
use std::sync::Arc;

/// So many environments of a merge are looked at at once: one that is silent is waited for, and each holds its graph in
/// memory.
const AT_ONCE: usize = 3;

/// A merge that is thought about.
pub(super) struct Merge<'a> {
    /// Where it would be merged.
    pub followed: &'a Followed,
    /// What is merged there so far.
    pub fleet: &'a Fleet,
    /// The state it would be merged into.
    pub base: &'a Snapshot,
    /// The state after it.
    pub merged: &'a Arc<Snapshot>,
    /// Only environments below this path are asked about; the root means all.
    pub within: &'a RepoPath,
    /// Then nothing live is read for it.
    pub from_fork: bool,
    /// Whether the ledger at hand is that of whoever keeps the environments: else it does not know what is theirs.
    pub knows_ours: bool,
}

/// What a merge would make of the environments it touches.
pub struct Proposal {
    pub(super) touched: Touched,
    plans: Vec<Plan>,
    /// What stops a part of each plan, in its place.
    stops: Vec<Vec<Diagnostic>>,
    /// Plans that could not be made: of what, why, and what to do.
    broken: Vec<(String, String, Option<String>)>,
    /// What there is to say besides.
    pub(super) merging: Merging,
    /// Environments of which nothing could be looked at: nobody knows what a merge would do.
    pub(super) blind: BTreeSet<EnvironmentName>,
    pub(super) from_fork: bool,
}

impl Proposal {
    /// Finds what is touched, and plans it against live state, with what merged environments use.
    pub(super) async fn of(world: &World, merge: Merge<'_>) -> Self {
        let Merge {
            followed,
            fleet,
            base,
            merged,
            within,
            from_fork,
            knows_ours,
        } = merge;
        let trust = if from_fork {
            Trust::Nothing
        } else {
            Trust::merged(fleet, &world.registry).await
        };
        let kinds = world.registry.kinds();
        let touched = Touched::find(merged, base, (followed, fleet), (kinds, &trust));
        let mut touched = touched.await;
        touched.keep(within, fleet);
        let mut proposal = Self {
            touched,
            plans: Vec::new(),
            stops: Vec::new(),
            broken: Vec::new(),
            merging: Merging::default(),
            blind: BTreeSet::new(),
            from_fork,
        };
        if !from_fork && proposal.touched.wrong.is_empty() {
            proposal.plan(world, &trust, fleet).await;
            proposal.find_gone(world, fleet, knows_ours).await;
        }
        if !knows_ours {
            let beside = proposal.merging.beside.values_mut();
            beside.for_each(|one| one.let_go.clear());
        }
        proposal
    }

    async fn plan(&mut self, world: &World, trust: &Trust, fleet: &Fleet) {
        let touched = &self.touched;
        let looks = touched.pinned.iter();
        let looks: Vec<_> = looks
            .map(|pinned| Outlook::of(world, (pinned, touched), trust, fleet))
            .collect();
        let outlooks: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        for (name, outlook) in outlooks {
            match outlook {
                Ok(outlook) => {
                    if outlook.blind {
                        self.blind.insert(name.clone());
                    }
                    self.merging.beside.insert(name, outlook.beside);
                    self.stops.push(outlook.stops);
                    self.plans.push(outlook.plan);
                }
                Err(error) => {
                    let (said, hint) = (chain(&error), error.hint());
                    self.broken.push((name.to_string(), said, hint));
                }
            }
        }
    }

    async fn find_gone(&mut self, world: &World, fleet: &Fleet, knows_ours: bool) {
        let gone = (self.touched.gone.as_slice(), self.plans.as_slice());
        let anew = (fleet, self.touched.pinned.as_slice());
        match compared::gone(world, gone, anew, knows_ours).await {
            Ok(gone) => self.merging.gone = gone,
            Err(error) => {
                let names = self.touched.gone.iter();
                let broken = names.map(|name| (name.to_string(), chain(&error), error.hint()));
                self.broken.extend(broken);
            }
        }
    }

    /// Tells whether it touches no environment.
    pub fn is_nothing(&self) -> bool {
        self.touched.names.is_empty() && self.touched.wrong.is_empty()
    }

    /// Tells whether it must not be merged as it is: mistakes, or plans that could not be made.
    pub fn is_wrong(&self) -> bool {
        !self.touched.wrong.is_empty() || !self.broken.is_empty()
    }

    /// Returns the plans that could be made.
    pub fn plans(&self) -> &[Plan] {
        &self.plans
    }

    /// Returns the plans that could be made, each with what stops a part of it.
    pub(super) fn stopped(&self) -> impl Iterator<Item = (&Plan, &[Diagnostic])> {
        let stops = self.stops.iter().map(Vec::as_slice);
        self.plans.iter().zip(stops)
    }

    /// Returns what its comment shows of each environment, by what its files would say then.
    pub(super) fn shown(&self) -> impl Iterator<Item = (EnvironmentName, Digest, Sight)> {
        self.plans.iter().filter_map(|plan| {
            let mut pinned = self.touched.pinned.iter();
            let pinned = pinned.find(|pinned| *pinned.name() == plan.environment)?;
            Some((plan.environment.clone(), pinned.content(), Sight::of(plan)))
        })
    }

    /// Returns the mistakes for which there is no plan.
    pub fn mistakes(&self) -> &[Diagnostic] {
        &self.touched.wrong
    }

    /// Returns whose plans could not be made, and why.
    pub fn unplanned(&self) -> impl Iterator<Item = (&str, &str)> {
        let broken = self.broken.iter();
        broken.map(|(name, why, _)| (name.as_str(), why.as_str()))
    }

    /// Returns the environments that no file would declare any more.
    pub fn gone(&self) -> &[Gone] {
        &self.merging.gone
    }

    /// Returns those of them that do not go on under another name.
    pub(super) fn lost(&self) -> impl Iterator<Item = &Gone> {
        self.gone().iter().filter(|gone| !gone.is_renamed())
    }

    /// Returns what a status on the commit says of it.
    pub(super) fn status(&self) -> (StatusState, String) {
        let wrong = self.touched.wrong.len();
        if wrong > 0 {
            return (
                StatusState::Failure,
                format!("{} in the specs", many(wrong, "mistake")),
            );
        }
        if self.from_fork {
            let said = "The specs are valid; a fork gets no plan";
            return (StatusState::Success, said.to_owned());
        }
        if !self.broken.is_empty() {
            let said = format!("{} could not be made", many(self.broken.len(), "plan"));
            return (StatusState::Failure, said);
        }
        let steps = self.plans.iter().flat_map(|plan| &plan.steps);
        let refused = steps.filter(|step| step.refused).count();
        if refused > 0 {
            let said = format!("{} would be refused", many(refused, "resource"));
            return (StatusState::Failure, said);
        }
        if self.plans.is_empty() {
            let said = match self.lost().count() {
                0 => "Touches no environment".to_owned(),
                gone => format!("{} declared nowhere", many(gone, "environment")),
            };
            return (StatusState::Success, said);
        }
        let state = match self.blind.is_empty() {
            true => StatusState::Success,
            false => StatusState::Error,
        };
        (state, planned(&self.plans, &self.merging))
    }

    /// Returns the comment on it.
    pub fn comment(&self, page: &Page<'_>) -> String {
        let touched = &self.touched;
        if self.from_fork || !touched.wrong.is_empty() {
            let names: Vec<EnvironmentName> = touched.names.iter().cloned().collect();
            return validation_markdown(&names, &touched.wrong, self.from_fork, page);
        }
        let broken = self.broken.iter().map(|(name, message, hint)| Broken {
            environment: name,
            message,
            hint: hint.as_deref(),
        });
        let broken: Vec<Broken<'_>> = broken.collect();
        plan_markdown(&self.plans, &broken, &self.merging, page)
    }
}

/// What is kept of a look at one environment.
struct Outlook {
    plan: Plan,
    beside: Beside,
    stops: Vec<Diagnostic>,
    /// Whether nothing could be looked at.
    blind: bool,
}

impl Outlook {
    /// Looks at an environment, and lets go of all that is not told of it.
    async fn of(
        world: &World,
        (pinned, touched): (&Pinned, &Touched),
        trust: &Trust,
        fleet: &Fleet,
    ) -> (EnvironmentName, Result<Self, CycleError>) {
        let name = pinned.name();
        let subject = Subject {
            pinned,
            everywhere: &touched.everywhere,
            depth: Depth::PredictAll,
            trust,
        };
        let looked = look(world, subject).await.map(|looked| Self {
            beside: compared::beside(pinned, &looked, fleet.kept().get(name)),
            stops: stops::of(pinned, &looked),
            blind: looked.seen.is_blind(),
            plan: looked.plan,
        });
        (name.clone(), looked)
    }
}
