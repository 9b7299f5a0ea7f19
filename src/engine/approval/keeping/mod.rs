//! `onDrift: propose`: what was changed by hand is asked about by one pull request of each environment, which writes
//! it into the specs. Merged, Git says it; closed, what Git says is put back. Carries nothing out.

mod asking;
mod memory;

use super::Gate;
use crate::deliver::{Asked, Route};
use crate::engine::{CycleError, Looked, World};
use crate::ledger::Rollback;
use crate::model::{Address, OnDrift};
use crate::plan::Plan;
use asking::Asking;
use memory::{Memory, Request};
use std::collections::BTreeSet;

/// Why drift is left alone that is about to be asked about.
const SOON: &str = "it is asked about in a moment";

/// What a run does with drift.
#[derive(Default)]
pub(super) struct Course {
    /// What people said is to be put back.
    put_back: BTreeSet<Address>,
    /// Why the rest is left alone; `None` where the environment asks nobody.
    hold: Option<String>,
    asked: Option<Asked>,
}

impl Course {
    /// Lets go what is put back, and says of the rest what it waits for.
    pub(super) fn route(&self, plan: &Plan, route: Route) -> Route {
        let Some(why) = &self.hold else {
            return route;
        };
        let mut route = route.proposed(plan, &self.put_back, why);
        route.asked.extend(self.asked.clone());
        route
    }
}

impl Gate<'_> {
    /// Says what becomes of drift, and asks people where the environment wants that. What they answered is
    /// written down before anything is carried out on it.
    ///
    /// # Errors
    /// The ledger cannot be read or written.
    pub(super) async fn keep(
        &self,
        world: &World,
        looked: &Looked,
        rollback: Option<&Rollback>,
    ) -> Result<Course, CycleError> {
        let name = self.kept.pinned.name();
        let mut memory = Memory::read(&world.ledger, name).await?;
        let proposes = looked.reconcile.on_drift == OnDrift::Propose;
        if !proposes && memory.is_over() {
            return Ok(Course::default());
        }
        let asking = Asking::of(self, world, looked);
        let hold = if looked.plan.is_unsure() {
            let later = "it is asked about once all of live state can be told";
            memory
                .asked
                .as_ref()
                .map_or(later.to_owned(), Request::hold)
        } else if rollback.is_some() || !self.kept.broken.is_empty() {
            "it is asked about once Git says again what is kept".to_owned()
        } else if proposes {
            asking.settle(&mut memory).await?
        } else {
            asking.give_up(&mut memory).await;
            String::new()
        };
        memory.write(&world.ledger, name).await?;
        if !proposes {
            return Ok(Course::default());
        }
        let put_back = memory.put_back.iter();
        let put_back = put_back.filter(|(one, was)| asking.is_still(one, was));
        Ok(Course {
            put_back: put_back.map(|(one, _)| one.clone()).collect(),
            hold: Some(hold),
            asked: memory.asked.as_ref().and_then(Request::asked),
        })
    }
}
