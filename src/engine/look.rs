//! Looks at one environment and plans it: reads the ledger, writes nothing.

use super::{CycleError, Everywhere, Pinned, Trust, World, observe};
use crate::graph::Graph;
use crate::model::{Address, Depth, EnvironmentName, Owned, Reconcile};
use crate::plan::{self, Inputs, Plan};
use std::collections::BTreeSet;

/// What a look is about.
#[derive(Clone, Copy)]
pub struct Subject<'a> {
    /// The environment.
    pub pinned: &'a Pinned,
    /// What all environments declare at this Git state.
    pub everywhere: &'a Everywhere,
    /// How deep to look.
    pub depth: Depth,
    /// What may be used for it.
    pub trust: &'a Trust,
}

/// What was seen, and what follows from it.
pub struct Looked {
    /// What Git wants.
    pub graph: Graph,
    /// How the environment wants to be kept, a pause by a person included.
    pub reconcile: Reconcile,
    /// What is live and what expressions could read of it.
    pub seen: observe::Seen,
    /// What is to be done.
    pub plan: Plan,
}

/// Looks and plans.
///
/// # Errors
/// The spec cannot be resolved, the ledger cannot be read. Live state that cannot be told is no
/// error: the plan waits, with the reason.
pub async fn look(world: &World, subject: Subject<'_>) -> Result<Looked, CycleError> {
    let pinned = subject.pinned;
    let graph = pinned
        .graph(&world.registry, subject.trust)
        .await
        .map_err(CycleError::Invalid)?;
    let owned = world.ledger.owned(pinned.name()).await?;
    let known = world.ledger.all_owned_addresses().await?;
    let declared = subject.everywhere.declared(&known);
    let orphaned = orphaned(world, subject.everywhere, &known).await?;
    let taken = subject.everywhere.taken(&graph, &owned);
    let reconcile = with_pause(world, &graph, pinned).await?;
    let seen = observe::observe(
        &graph,
        observe::Look {
            registry: &world.registry,
            owned: &owned,
            depth: subject.depth,
            trust: subject.trust,
            digest_key: &world.digest_key,
        },
    )
    .await;
    let connections = graph.connections_with(&seen.outputs);
    let plan = plan::make(&Inputs {
        environment: pinned.name(),
        revision: pinned.revision(),
        wanted: &seen.wanted,
        observed: &seen.observed,
        owned: &owned,
        orphaned: &orphaned,
        declared: &declared,
        known: &known,
        taken: &taken,
        strays: &seen.strays,
        reconcile: &reconcile,
        kinds: world.registry.kinds(),
        connections: &connections,
        digest_key: &world.digest_key,
        now: world.clock.now(),
    });
    Ok(Looked {
        graph,
        reconcile,
        seen,
        plan,
    })
}

/// Returns what the ledger says of environments that are declared no more.
async fn orphaned(
    world: &World,
    everywhere: &Everywhere,
    known: &BTreeSet<Address>,
) -> Result<Vec<Owned>, CycleError> {
    let names: BTreeSet<&EnvironmentName> =
        known.iter().map(|address| &address.environment).collect();
    let mut orphaned = Vec::new();
    for name in names
        .into_iter()
        .filter(|name| !everywhere.may_declare(name))
    {
        orphaned.extend(world.ledger.owned(name).await?);
    }
    Ok(orphaned)
}

/// A pause on the command line counts like one in the spec.
async fn with_pause(
    world: &World,
    graph: &Graph,
    pinned: &Pinned,
) -> Result<Reconcile, CycleError> {
    let mut reconcile = graph.reconcile().clone();
    if reconcile.paused.is_none() {
        let pauses = world.ledger.pauses().await?;
        let mine = pauses
            .into_iter()
            .find(|pause| pause.environment == *pinned.name());
        reconcile.paused = mine.map(|pause| format!("{} ({})", pause.why, pause.by));
    }
    Ok(reconcile)
}
