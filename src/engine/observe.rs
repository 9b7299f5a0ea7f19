//! Looks at everything an environment wants or owns, in waves: what one wave answers fills the
//! expressions of the next.

use super::veils::Veils;
use super::{Trust, trust};
use crate::graph::Graph;
use crate::model::{
    Address, Asked, Basis, Connection, ConnectionName, Depth, DigestKey, Health, HealthRule,
    Identity, Map, Marked, Observation, Observed, Owned, ResourceId, Wanted,
};
use crate::provider::Registry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What was wanted, seen and known at the end of the last wave.
pub struct Seen {
    /// What Git wants, filled as far as outputs are known.
    pub wanted: Vec<Wanted>,
    /// What is live, of everything wanted and owned.
    pub observed: BTreeMap<Address, Observation>,
    /// Through what that which is wanted no more was looked for.
    pub leftover: BTreeMap<Address, ConnectionName>,
    /// What expressions could read.
    pub outputs: BTreeMap<ResourceId, Map>,
    /// What carries our mark, and is neither wanted nor owned.
    pub strays: BTreeMap<Address, Marked>,
}

impl Seen {
    /// Tells whether through one of the connections nothing of what there is to look at could be told, though it might
    /// have been: what is used only after a merge was not tried.
    pub fn is_blind(&self) -> bool {
        let wanted = self.wanted.iter();
        let through: BTreeMap<&Address, &ConnectionName> = wanted
            .map(|one| (&one.address, &one.connection.name))
            .chain(&self.leftover)
            .collect();
        let mut is_told: BTreeMap<Option<&&ConnectionName>, bool> = BTreeMap::new();
        for (address, one) in &self.observed {
            if !trust::is_untried(one) {
                *is_told.entry(through.get(address)).or_default() |=
                    !matches!(one, Observation::Unknown { .. });
            }
        }
        is_told.values().any(|is_told| !is_told)
    }
}

/// What a look needs besides the graph.
#[derive(Clone, Copy)]
pub(super) struct Look<'a> {
    /// The door to live resources.
    pub registry: &'a Registry,
    /// What the ledger owns in this environment.
    pub owned: &'a [Owned],
    /// How deep to look.
    pub depth: Depth,
    /// What may be used for it.
    pub trust: &'a Trust,
    /// For telling whether an output may change.
    pub digest_key: &'a DigestKey,
    /// What others say of the same objects.
    pub veils: &'a Veils,
}

/// Looks at everything the graph wants and the ledger owns.
pub(super) async fn observe(graph: &Graph, look: Look<'_>) -> Seen {
    let owned: BTreeMap<&Address, Arc<Owned>> = look
        .owned
        .iter()
        .map(|owned| (&owned.address, Arc::new(owned.clone())))
        .collect();
    let mut seen = Seen {
        wanted: Vec::new(),
        observed: BTreeMap::new(),
        leftover: BTreeMap::new(),
        outputs: BTreeMap::new(),
        strays: BTreeMap::new(),
    };
    for wave in graph.waves() {
        let mut wanted = graph.resolve(wave, &seen.outputs);
        look.trust.base(graph, &mut wanted, &seen.outputs);
        look.veils.cover(&mut wanted, look.trust);
        let asked: Vec<Asked> = wanted
            .iter()
            .filter(|wanted| look.trust.allows(&wanted.connection))
            .filter(|wanted| graph.unread(&wanted.address).is_none())
            .filter_map(|wanted| question(wanted, &owned, look.depth))
            .collect();
        let asked = with_coming(asked, &seen, &owned);
        seen.observed.extend(refused(&wanted, look.trust));
        seen.observed.extend(unread(&wanted, graph));
        let mut answers = look.registry.observe(&asked).await;
        answers.retain(|answer| !seen.observed.contains_key(&answer.address));
        take(&mut seen, answers);
        (look.trust).note_strangers(&mut wanted, &seen.observed, &owned);
        look.veils.seal(&mut wanted, &mut seen.observed);
        for wanted in &wanted {
            if wanted.is_read
                && let Some(outputs) =
                    settled_outputs(wanted, &seen.observed, &owned, look.digest_key)
            {
                seen.outputs
                    .insert(wanted.address.resource.clone(), outputs);
            }
        }
        seen.wanted.extend(wanted);
    }
    let mut leftovers = leftovers(graph, &seen, look.owned);
    leftovers.retain(|asked| look.trust.allows(&asked.connection));
    seen.leftover = leftovers.iter().map(through).collect();
    leftovers.retain(|asked| {
        let Some(unknown) = graph.unread_behind(&asked.connection.name) else {
            return true;
        };
        let address = asked.address.clone();
        seen.observed.insert(address, unknown.clone().into());
        false
    });
    let answers = look.registry.observe(&leftovers).await;
    take(&mut seen, answers);
    let wanted: BTreeSet<&Address> = seen.wanted.iter().map(|wanted| &wanted.address).collect();
    seen.strays
        .retain(|address, _| !wanted.contains(address) && !owned.contains_key(address));
    seen
}

fn through(asked: &Asked) -> (Address, ConnectionName) {
    (asked.address.clone(), asked.connection.name.clone())
}

/// Looks at some resources, each of which has to stand for itself. `None` where one does not, or cannot be
/// asked about.
pub(super) async fn observe_some(
    graph: &Graph,
    look: Look<'_>,
    some: &BTreeSet<Address>,
) -> Option<Seen> {
    let owned: BTreeMap<&Address, Arc<Owned>> = look
        .owned
        .iter()
        .map(|owned| (&owned.address, Arc::new(owned.clone())))
        .collect();
    let wanted = graph.alone(some)?;
    let may_ask = |wanted: &&Wanted| {
        look.trust.allows(&wanted.connection)
            && graph.unread(&wanted.address).is_none()
            && graph.unread_behind(&wanted.connection.name).is_none()
    };
    let asked = wanted
        .iter()
        .map(|wanted| question(Some(wanted).filter(may_ask)?, &owned, look.depth));
    let asked: Vec<Asked> = asked.collect::<Option<_>>()?;
    let mut answers = look.registry.observe(&asked).await;
    answers.retain(|answer| answer.unasked.is_none());
    let mut seen = Seen {
        wanted,
        observed: BTreeMap::new(),
        leftover: BTreeMap::new(),
        outputs: BTreeMap::new(),
        strays: BTreeMap::new(),
    };
    take(&mut seen, answers);
    Some(seen)
}

/// Adds what an earlier wave found absent and this plan makes, on the connections of this wave: a
/// provider has to know that a namespace is on its way before it calls what goes there refused.
fn with_coming(
    mut asked: Vec<Asked>,
    seen: &Seen,
    owned: &BTreeMap<&Address, Arc<Owned>>,
) -> Vec<Asked> {
    let connections: BTreeSet<&ConnectionName> =
        asked.iter().map(|asked| &asked.connection.name).collect();
    let is_coming = |wanted: &&Wanted| {
        connections.contains(&wanted.connection.name)
            && matches!(
                seen.observed.get(&wanted.address),
                Some(Observation::Absent { .. })
            )
    };
    let coming = seen.wanted.iter().filter(is_coming);
    let coming: Vec<Asked> = coming
        .filter_map(|wanted| question(wanted, owned, Depth::Identity))
        .collect();
    asked.extend(coming);
    asked
}

/// What may not be asked is unknown.
fn refused(wanted: &[Wanted], trust: &Trust) -> Vec<(Address, Observation)> {
    let refused = wanted
        .iter()
        .filter(|wanted| !trust.allows(&wanted.connection));
    refused
        .map(|wanted| {
            let address = wanted.address.clone();
            let unseen = trust.unseen(&address.environment);
            (address, unseen)
        })
        .collect()
}

/// What is made of a secret that cannot be read may be anything.
fn unread(wanted: &[Wanted], graph: &Graph) -> Vec<(Address, Observation)> {
    let one = |wanted: &Wanted| {
        let unknown = graph.unread(&wanted.address)?;
        Some((wanted.address.clone(), unknown.clone().into()))
    };
    wanted.iter().filter_map(one).collect()
}

/// What nobody asked about never stands in the place of an answer.
fn take(seen: &mut Seen, answers: Vec<Observed>) {
    for answer in answers {
        match answer.unasked {
            None => {
                seen.observed.insert(answer.address, answer.observation);
            }
            Some(marked) => {
                seen.observed
                    .entry(answer.address.clone())
                    .or_insert(answer.observation);
                seen.strays.insert(answer.address, marked);
            }
        }
    }
}

/// Nothing can be asked of what hangs on a hole; the plan says what it waits for.
fn question(
    wanted: &Wanted,
    owned: &BTreeMap<&Address, Arc<Owned>>,
    depth: Depth,
) -> Option<Asked> {
    let identity = wanted.identity.clone()?;
    if !wanted.connection.settings.holes().is_empty() {
        return None;
    }
    let owned = owned.get(&wanted.address).cloned();
    // What a server would say of a guess tells whether it is right.
    let depth = if crate::plan::is_guessing(wanted, owned.as_deref()) {
        depth.min(Depth::Read)
    } else {
        depth
    };
    Some(Asked {
        address: wanted.address.clone(),
        kind: wanted.kind.name.clone(),
        connection: wanted.connection.clone(),
        identity,
        desired: Some(wanted.desired.clone()),
        owned,
        depth,
        is_read: wanted.is_read,
        afresh: false,
        ignore: wanted.lifecycle.ignore.clone(),
        health: told_of(wanted),
    })
}

/// Returns when a resource works; a branch's own rules are not quoted.
fn told_of(wanted: &Wanted) -> Vec<HealthRule> {
    let rules = wanted.lifecycle.health.iter();
    match &wanted.basis {
        Basis::Merged => rules.cloned().collect(),
        Basis::Branch { .. } => rules.map(HealthRule::unquoted).collect(),
    }
}

/// Returns what expressions may read of a resource now: nothing where it is not there, a stranger's to a branch, not
/// ready, or about to be replaced, and no output that may change with what is about to be written.
fn settled_outputs(
    wanted: &Wanted,
    observed: &BTreeMap<Address, Observation>,
    owned: &BTreeMap<&Address, Arc<Owned>>,
    digest_key: &DigestKey,
) -> Option<Map> {
    let Some(Observation::Present(live)) = observed.get(&wanted.address) else {
        return None;
    };
    if wanted.is_strange() || !matches!(live.health, Health::Ready | Health::Paused(_)) {
        return None;
    }
    let changes = crate::plan::changes(
        wanted,
        live,
        owned.get(&wanted.address).map(AsRef::as_ref),
        digest_key,
    );
    if changes.iter().any(|change| change.forces_replace) {
        return None;
    }
    let moving = |name: &str| {
        let output = wanted
            .kind
            .outputs
            .iter()
            .find(|output| output.name == name);
        output.is_some_and(|output| {
            changes.iter().any(|change| {
                output
                    .follows
                    .iter()
                    .any(|pattern| pattern.touches(&change.path))
            })
        })
    };
    Some(
        live.outputs
            .iter()
            .filter(|(name, _)| !moving(name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect(),
    )
}

/// Asks after what we own and no longer want, deep enough to delete it.
fn leftovers(graph: &Graph, seen: &Seen, owned: &[Owned]) -> Vec<Asked> {
    let connections: BTreeMap<ConnectionName, Arc<Connection>> =
        graph.connections_with(&seen.outputs);
    let wanted = &seen.wanted;
    let addresses: BTreeSet<&Address> = wanted.iter().map(|wanted| &wanted.address).collect();
    let held: BTreeSet<(&ConnectionName, &Identity)> = wanted
        .iter()
        .filter_map(|wanted| Some((&wanted.connection.name, wanted.identity.as_ref()?)))
        .collect();
    owned
        .iter()
        .filter(|owned| {
            !addresses.contains(&owned.address)
                && !held.contains(&(&owned.connection, &owned.identity))
        })
        .filter_map(|owned| {
            Some(Asked {
                address: owned.address.clone(),
                kind: owned.kind.clone(),
                connection: connections.get(&owned.connection)?.clone(),
                identity: owned.identity.clone(),
                desired: None,
                owned: Some(Arc::new(owned.clone())),
                depth: Depth::Identity,
                is_read: false,
                afresh: false,
                ignore: Vec::new(),
                health: Vec::new(),
            })
        })
        .collect()
}
