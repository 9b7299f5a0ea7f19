//! Looks at one environment and plans it: reads the ledger, writes nothing.

use super::veils::Veils;
use super::{CycleError, Everywhere, Pinned, Trust, World, neighbours, observe, spared};
use crate::graph::Graph;
use crate::model::{Action, Address, Depth, Observation, Owned, Owner, Reconcile, Step, Within};
use crate::plan::{self, Inputs, Plan};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

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
    pub graph: Arc<Graph>,
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
    let orphaned = orphaned(world, subject.everywhere).await?;
    let taken = subject.everywhere.taken(&graph, &owned);
    let reconcile = with_pause(world, &graph, pinned).await?;
    let veils = Veils::read(world, &graph, &owned).await?;
    let seen = observe::observe(
        &graph,
        observe::Look {
            registry: &world.registry,
            owned: &owned,
            depth: subject.depth,
            trust: subject.trust,
            digest_key: &world.digest_key,
            veils: &veils,
        },
    )
    .await;
    let marks = Marks::read(world, subject.everywhere, &seen).await?;
    let connections = graph.connections_with(&seen.outputs);
    let nothing_within = Within::new();
    let inputs = Inputs {
        environment: pinned.name(),
        revision: pinned.revision(),
        wanted: &seen.wanted,
        observed: &seen.observed,
        owned: &owned,
        orphaned: &orphaned,
        declared: &marks.declared,
        known: &marks.known,
        taken: &taken,
        spared: &BTreeMap::new(),
        beside: &[],
        within: &nothing_within,
        strays: &seen.strays,
        reconcile: &reconcile,
        kinds: world.registry.kinds(),
        connections: &connections,
        digest_key: &world.digest_key,
        secrets: &(subject.trust).secrets_of(&graph, &seen, subject.everywhere),
        now: world.clock.now(),
    };
    let plan = planned(world, subject, (&graph, inputs)).await?;
    Ok(Looked {
        graph,
        reconcile,
        seen,
        plan,
    })
}

/// Makes the plan. What others have, and what else is in there, is read only where it may go along.
async fn planned(
    world: &World,
    subject: Subject<'_>,
    (graph, inputs): (&Graph, Inputs<'_>),
) -> Result<Plan, CycleError> {
    let (spared, beside, within);
    let mut inputs = inputs;
    let mut plan = plan::make(&inputs);
    let of = (subject.pinned, subject.everywhere);
    let found = spared::of(world, of, (graph, inputs.owned), &plan).await?;
    if !found.is_empty() {
        spared = found;
        inputs.spared = &spared;
        plan = plan::make(&inputs);
    }
    if plan::empties(&inputs, &plan) {
        beside = neighbours::of(world, subject.everywhere, subject.pinned.name()).await?;
        inputs.beside = &beside;
        plan = plan::make(&inputs);
    }
    let found = world.registry.within(&plan::opened(&inputs, &plan)).await;
    if !found.is_empty() {
        within = found;
        inputs.within = &within;
        plan = plan::make(&inputs);
    }
    Ok(plan)
}

/// Looks at some resources and plans those, on the word that all others stand as declared. `None` where that is not all
/// there is to it: the whole environment has to be looked at then.
///
/// Only what was changed by hand and can be put back, or is as it should be, is for such a look. Whatever
/// else it finds (something gone, of another owner, not known, not well) may hang on what it did not look at.
///
/// # Errors
/// As [`look`].
pub(super) async fn look_at(
    world: &World,
    subject: Subject<'_>,
    some: &BTreeSet<Address>,
) -> Result<Option<Looked>, CycleError> {
    let pinned = subject.pinned;
    let graph = pinned
        .graph(&world.registry, subject.trust)
        .await
        .map_err(CycleError::Invalid)?;
    let reconcile = with_pause(world, &graph, pinned).await?;
    if reconcile.destroy {
        return Ok(None);
    }
    let mut owned = Vec::new();
    for address in some {
        owned.extend(world.ledger.owned_at(address).await?);
    }
    let look = observe::Look {
        registry: &world.registry,
        owned: &owned,
        depth: subject.depth,
        trust: subject.trust,
        digest_key: &world.digest_key,
        veils: &Veils::default(),
    };
    let Some(seen) = observe::observe_some(&graph, look, some).await else {
        return Ok(None);
    };
    let mut plan = plan::make(&Inputs {
        environment: pinned.name(),
        revision: pinned.revision(),
        wanted: &seen.wanted,
        observed: &seen.observed,
        owned: &owned,
        // All of these are for what is not plain.
        orphaned: &[],
        declared: &BTreeSet::new(),
        known: &BTreeSet::new(),
        taken: &BTreeMap::new(),
        spared: &BTreeMap::new(),
        beside: &[],
        within: &Within::new(),
        strays: &seen.strays,
        reconcile: &reconcile,
        kinds: world.registry.kinds(),
        connections: &graph.connections_with(&seen.outputs),
        digest_key: &world.digest_key,
        secrets: &(subject.trust).secrets_of(&graph, &seen, subject.everywhere),
        now: world.clock.now(),
    });
    plan.beside = graph.len().saturating_sub(plan.steps.len());
    let is_plain = plan.released.is_empty() && plan.steps.iter().all(is_plain);
    Ok(is_plain.then(|| Looked {
        graph,
        reconcile,
        seen,
        plan,
    }))
}

fn is_plain(step: &Step) -> bool {
    let is_well = step.unknown.is_none() && step.unready.is_none();
    is_well && matches!(step.action, Action::None | Action::Update)
}

/// What is known of the addresses that live objects carry in the place of their own.
struct Marks {
    /// Declared by any environment.
    declared: BTreeSet<Address>,
    /// Known to the ledger.
    known: BTreeSet<Address>,
}

impl Marks {
    async fn read(
        world: &World,
        everywhere: &Everywhere,
        seen: &observe::Seen,
    ) -> Result<Self, CycleError> {
        let other = |(address, seen): (&Address, &Observation)| match seen {
            Observation::Present(live) => match &live.owner {
                Some(Owner::Resource(other)) if other != address => Some(other.clone()),
                _ => None,
            },
            _ => None,
        };
        let others: BTreeSet<Address> = seen.observed.iter().filter_map(other).collect();
        let (mut declared, mut known) = (BTreeSet::new(), BTreeSet::new());
        for other in others {
            let is_known = world.ledger.owned_at(&other).await?.is_some();
            if everywhere.declares(&other, is_known) {
                declared.insert(other.clone());
            }
            if is_known {
                known.insert(other);
            }
        }
        Ok(Self { declared, known })
    }
}

/// Returns what the ledger says of environments that are declared no more.
async fn orphaned(world: &World, everywhere: &Everywhere) -> Result<Vec<Owned>, CycleError> {
    let names = world.ledger.owners().await?;
    let mut orphaned = Vec::new();
    for name in names.iter().filter(|name| !everywhere.may_declare(name)) {
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
