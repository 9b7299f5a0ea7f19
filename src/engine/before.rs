//! What did not work already when a state of an environment came, and was not touched since: that is not its doing.

use super::World;
use super::conditions::Condition;
use crate::ledger::{Episode, LedgerError};
use crate::model::{Address, EnvironmentName, Step};
use crate::plan::Plan;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What is known of the time since a state came.
pub(super) struct Before {
    came: Timestamp,
    /// What was written since then.
    written: BTreeSet<Address>,
    /// What is open now.
    open: Vec<Episode>,
}

impl Before {
    /// Reads what is known of an environment since a time.
    ///
    /// # Errors
    /// The ledger cannot be read.
    pub(super) async fn of(
        world: &World,
        name: &EnvironmentName,
        came: Timestamp,
    ) -> Result<Self, LedgerError> {
        Ok(Self {
            came,
            written: world.ledger.written_since(name, came).await?,
            open: world.ledger.open_episodes(name).await?,
        })
    }

    /// Returns since when a resource fails; `None` where it was not found so.
    pub(super) fn failing_since(&self, step: &Step) -> Option<Timestamp> {
        let found = |one: &&Episode| {
            one.address.as_ref() == Some(&step.address)
                && one.condition == Condition::Failing.as_str()
        };
        self.open.iter().find(found).map(|one| one.opened_at)
    }

    /// Tells whether a resource failed before, and was not written since.
    pub(super) fn was_failing(&self, step: &Step) -> bool {
        let earlier = self.failing_since(step).is_some_and(|at| at < self.came);
        earlier && !self.written.contains(&step.address)
    }
}

/// Returns what a plan finds not to work since before the state came that its environment is kept at.
///
/// # Errors
/// The ledger cannot be read.
pub(super) async fn apart(world: &World, plan: &Plan) -> Result<BTreeSet<Address>, LedgerError> {
    let steps = plan.steps.iter();
    let failing: Vec<&Step> = steps.filter(|step| step.is_failing()).collect();
    if failing.is_empty() {
        return Ok(BTreeSet::new());
    }
    let name = &plan.environment;
    let Some(came) = world.ledger.versions(name).await?.since else {
        return Ok(BTreeSet::new());
    };
    let before = Before::of(world, name, came).await?;
    let failing = failing.into_iter();
    let apart = failing.filter(|step| before.was_failing(step));
    Ok(apart.map(|step| step.address.clone()).collect())
}
