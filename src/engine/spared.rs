//! What an environment has and declares no more, and must not delete yet: Git may declare it somewhere else, where
//! nobody can tell now.

use super::{CycleError, Everywhere, Pinned, World, rollback};
use crate::graph::Graph;
use crate::model::{Action, Address, Owned};
use crate::plan::Plan;
use std::collections::BTreeMap;

/// Returns why what a plan would delete is to stay, by its address. Reads only where something is to be deleted.
///
/// # Errors
/// The ledger cannot be read.
pub(super) async fn of(
    world: &World,
    (pinned, everywhere): (&Pinned, &Everywhere),
    (graph, owned): (&Graph, &[Owned]),
    plan: &Plan,
) -> Result<BTreeMap<Address, String>, CycleError> {
    let is_deleted = |address: &Address| {
        let mut steps = plan.steps.iter();
        steps.any(|step| step.address == *address && step.action == Action::Delete)
    };
    let left: Vec<&Owned> = owned
        .iter()
        .filter(|owned| !graph.has(&owned.address) && is_deleted(&owned.address))
        .collect();
    let mut spared = BTreeMap::new();
    if left.is_empty() {
        return Ok(spared);
    }
    let is_back = rollback::keeping(world, pinned).await?.is_some();
    for owned in left {
        let why = match declared_elsewhere(world, everywhere, (graph, owned)).await? {
            None if is_back && !world.ledger.made(&owned.address).await? => Some(
                "the state it is rolled back from took it over as it was: it is not for a rollback to delete"
                    .to_owned(),
            ),
            why => why,
        };
        spared.extend(why.map(|why| (owned.address.clone(), why)));
    }
    Ok(spared)
}

/// Returns why something may declare what is to be deleted.
async fn declared_elsewhere(
    world: &World,
    everywhere: &Everywhere,
    (graph, owned): (&Graph, &Owned),
) -> Result<Option<String>, CycleError> {
    for to in everywhere.may_declare_it(graph, owned) {
        let known = world.ledger.owned_at(to).await?;
        if !known.is_some_and(|known| known.is_a_namesake_of(owned)) {
            return Ok(Some(format!("{to} may be just that object")));
        }
    }
    Ok(everywhere.may_declare_unread(graph, owned))
}
