//! What may be carried out only once people merged a pull request of ours: plans of environments that say so,
//! what is more dangerous than the pull request showed, and what was changed by hand. Asks people; plans nothing,
//! carries nothing out.
//!
//! ```text
//! look -> gate: judge (memory) -> in force | ask (a pull request) -> clearance -> route
//!               keep (drift) -> ask (a pull request) -> open: left | closed: put back | merged: Git has it
//! ```

mod ask;
mod keeping;
mod leftovers;
mod memory;
mod need;
mod patience;
mod remembered;
mod revert;
pub(super) mod reviewed;

pub use ask::Asker;

use super::{CycleError, Fleet, Kept, Looked, World, rollback};
use crate::deliver::{self, Asked, Authority, Route};
use crate::model::OnMerge;
use crate::plan;
use jiff::Timestamp;
use keeping::Course;
use memory::{Facts, Memory};
use need::Needed;

/// Judges the runs of one environment.
#[derive(Clone, Copy)]
pub struct Gate<'a> {
    kept: &'a Kept,
    asker: &'a Asker,
    /// All environments: files that others are made of, too, are not written for one.
    fleet: &'a Fleet,
}

/// What a run may carry out.
pub(super) struct Clearance {
    authority: Authority,
    /// Why what was merged waits for an approval.
    hold: Option<String>,
    /// Why that of it waits which people should have seen.
    unseen: Option<String>,
    /// When to ask again for whom that needs.
    ask_again: Option<Timestamp>,
    /// What is not as people saw it, and no more dangerous.
    strays: Option<String>,
    /// The pull request that people are asked by.
    asked: Option<Asked>,
    /// Why a pull request that was to be there is not.
    unasked: Option<String>,
    /// What becomes of drift.
    course: Course,
}

impl Clearance {
    /// Whoever lets it go needs nobody else.
    pub(super) fn by(authority: Authority) -> Self {
        Self {
            authority,
            hold: None,
            unseen: None,
            ask_again: None,
            strays: None,
            asked: None,
            unasked: None,
            course: Course::default(),
        }
    }

    /// Decides for every step.
    pub(super) fn route(&self, looked: &Looked) -> Route {
        let route = deliver::route(&looked.plan, &looked.reconcile, self.authority);
        let route = match &self.hold {
            Some(why) => route.unapproved(&looked.plan, why),
            None => route,
        };
        let route = match &self.unseen {
            Some(why) => route.unseen(&looked.plan, why),
            None => route,
        };
        let route = self.course.route(&looked.plan, route);
        let asked = self.asked.iter().cloned().chain(route.asked);
        Route {
            asked: asked.collect(),
            unasked: self.unasked.clone(),
            strays: self.strays.clone(),
            ask_again: self.ask_again,
            decisions: route.decisions,
        }
    }
}

impl<'a> Gate<'a> {
    /// Judges the runs of an environment as it is kept.
    pub fn of(kept: &'a Kept, asker: &'a Asker, fleet: &'a Fleet) -> Self {
        Self { kept, asker, fleet }
    }

    /// Says what a run may carry out, and asks people where that needs them. An approval counts as used before
    /// anything is carried out on it.
    ///
    /// # Errors
    /// The ledger cannot be read or written.
    pub(super) async fn judge(
        &self,
        world: &World,
        looked: &Looked,
    ) -> Result<Clearance, CycleError> {
        let (name, ledger) = (self.kept.pinned.name(), &world.ledger);
        let mut before = Memory::read(ledger, name).await?;
        let mut memory = before.clone();
        let rollback = rollback::keeping(world, &self.kept.pinned).await?;
        let course = self.keep(world, looked, rollback.as_ref()).await?;
        let clearance = match &rollback {
            Some(rollback) => {
                let of = (rollback, &mut memory);
                let reverted = self.asker.revert(world, self.kept, of).await;
                let (asked, unasked) = match reverted {
                    Some(Ok(asked)) => (Some(asked), None),
                    Some(Err(why)) => (None, Some(why)),
                    None => (None, None),
                };
                let authority = match looked.reconcile.on_merge {
                    // Whoever ordered it, at a terminal or by `onFailure`, let it go.
                    OnMerge::Propose => Authority::Approved,
                    OnMerge::Apply | OnMerge::Observe => Authority::Environment,
                };
                Clearance {
                    asked,
                    unasked,
                    ..Clearance::by(authority)
                }
            }
            None => {
                self.approved(world, looked, (&mut memory, &mut before))
                    .await?
            }
        };
        let clearance = Clearance {
            course,
            ..clearance
        };
        // Where something is to be written now, nothing that can wait holds that up.
        let route = clearance.route(looked);
        let mut steps = looked.plan.steps.iter();
        if !steps.any(|step| route.lets(&step.address)) {
            // It may be cut short.
            memory.write(ledger, name, &mut before).await?;
            let is_back = rollback.is_some();
            self.asker.tidy(self.kept, is_back, &mut memory).await;
        }
        memory.write(ledger, name, &mut before).await?;
        Ok(clearance)
    }

    async fn approved(
        &self,
        world: &World,
        looked: &Looked,
        (memory, before): (&mut Memory, &mut Memory),
    ) -> Result<Clearance, CycleError> {
        let plan = &looked.plan;
        let facts = Facts {
            plan,
            hash: &plan::approvable(plan, &world.digest_key),
            overwrites: &plan::overwritten(plan, &world.digest_key),
            content: &self.kept.content,
        };
        let is_granted = memory.judge(self.kept.approval.as_ref(), &facts);
        if is_granted && looked.reconcile.on_merge != OnMerge::Observe {
            let authority = Authority::Approved;
            let route = deliver::route(plan, &looked.reconcile, authority);
            if plan.declared().any(|step| route.lets(&step.address)) {
                memory.begin();
            }
            return Ok(Clearance::by(authority));
        }
        let needed = self.need(world, looked, memory).await?;
        let strays = needed.strays();
        let (mut unseen, mut ask_again) = (None, None);
        let (hold, asked) = match needed {
            // Only the rest of it waits for whoever tells that.
            Needed::Unsure(why, again) => {
                (unseen, ask_again) = (Some(why), again);
                (None, None)
            }
            Needed::Approval(need) if plan.declared().next().is_some() && plan.is_unsure() => {
                let later = "which is asked for once all of live state can be told";
                (Some(format!("{}, {later}", need.hold)), None)
            }
            Needed::Approval(need) if plan.declared().next().is_some() => {
                // What is over is written first: a kill must not make it count again.
                memory
                    .write(&world.ledger, self.kept.pinned.name(), before)
                    .await?;
                let asking = (world, self.kept, &facts);
                let (hold, asked) = self.asker.ask(asking, &need, memory).await;
                (Some(hold), asked)
            }
            _ if plan.is_unsure() => (None, None),
            _ => {
                self.asker.withdraw(world, self.kept, memory).await;
                (None, None)
            }
        };
        Ok(Clearance {
            hold,
            unseen,
            ask_again,
            strays,
            asked,
            ..Clearance::by(Authority::Environment)
        })
    }
}
