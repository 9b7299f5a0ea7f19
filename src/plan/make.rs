//! Puts the choices together: one step for every resource wanted or owned.

use super::choice::{self, Choice, Facts};
use super::ownership::Claims;
use super::prune::{self, Successors};
use super::{Inputs, Plan, Released, contents, hash, hidden, holds, staying, unnamed, waits};
use crate::model::{
    Action, Address, ConnectionName, Identity, KindName, Observation, Owned, Owner, Step, Wanted,
};
use std::collections::{BTreeMap, BTreeSet};

/// Makes the plan.
///
/// # Guarantees
/// - Pure and total: same inputs, in whatever order, same plan, same bytes.
/// - One step for every resource wanted or owned; what is not done says why.
/// - `Unknown` live state is never a create or a delete; only what is owned and marked is deleted.
/// - Nothing is deleted while something that was written has yet to be seen to work.
/// - What holds others is deleted after all of them, and not while one of them stays, nor while there is anything in it
///   that no plan names.
/// - What was deleted, replaced or refused is decided here and nowhere else.
/// - No step tells a known secret, wherever that turned up. What is written and what was planned against is
///   as it is.
///
/// # Assumptions
/// No two of `wanted` have one address or one live object; the graph has refused that.
pub fn make(inputs: &Inputs<'_>) -> Plan {
    let owned: BTreeMap<&Address, &Owned> = inputs
        .owned
        .iter()
        .map(|owned| (&owned.address, owned))
        .collect();
    let wanted: BTreeMap<&Address, &Wanted> = inputs
        .wanted
        .iter()
        .map(|wanted| (&wanted.address, wanted))
        .collect();
    let mut steps = Vec::with_capacity(wanted.len());
    let mut records = Vec::new();
    let mut released = Vec::new();
    let mut successors = Successors::default();
    let mine = Mine::new(&owned, &wanted, inputs.orphaned);
    for wanted in wanted.values() {
        let Choice { step, from, record } = one(inputs, wanted, &mine);
        if !inputs.reconcile.destroy {
            let observation = inputs.observed.get(&wanted.address);
            records.extend(mine.inheritance(wanted, observation));
            released.extend(mine.predecessor(wanted, observation));
        }
        released.extend(from_elsewhere(inputs, &step, from.as_ref()));
        successors.note(&step, from);
        steps.push(step);
        records.extend(record);
    }
    for (_, owned) in owned
        .iter()
        .filter(|(address, _)| !wanted.contains_key(*address))
    {
        let leftover = prune::leftover(inputs, owned, &successors);
        steps.push(leftover.step);
        released.extend(leftover.released);
    }
    let stray = |(address, marked)| prune::stray(inputs, address, marked, &successors);
    steps.extend(inputs.strays.iter().filter_map(stray));
    steps.sort_by(|one, other| one.address.cmp(&other.address));
    order_deletes(inputs, &mut steps, &owned);
    staying::keep(&mut steps, &owned);
    let staying = contents::guard(inputs, &owned, &mut steps);
    unnamed::guard(inputs, &mut steps);
    released.retain(|released| released.to.is_some() || !staying.contains(&released.address));
    waits::spread(&mut steps);
    // What waits now takes nothing over.
    released.retain(|one| one.to.as_ref().is_none_or(|to| !waits_in(&steps, to)));
    Plan {
        environment: inputs.environment.clone(),
        revision: inputs.revision.clone(),
        holds: holds::holds(inputs, &steps),
        next_window: holds::next_window(inputs),
        hash: hash::hash(&steps, inputs.digest_key),
        secrets: inputs.secrets.clone(),
        steps,
        beside: 0,
        released,
        records,
    }
}

/// Tells whether a resource waits, of steps in the order of addresses.
fn waits_in(steps: &[Step], address: &Address) -> bool {
    let place = steps.binary_search_by(|step| step.address.cmp(address));
    place.is_ok_and(|place| steps[place].action == Action::Wait)
}

/// What the ledger knows, by address and, of what is no longer declared, by live object.
struct Mine<'a> {
    by_address: &'a BTreeMap<&'a Address, &'a Owned>,
    undeclared: BTreeMap<(&'a ConnectionName, &'a KindName, &'a Identity), &'a Owned>,
    /// Of environments that are declared no more.
    orphaned: BTreeMap<(&'a KindName, &'a Identity), &'a Owned>,
}

impl<'a> Mine<'a> {
    fn new(
        by_address: &'a BTreeMap<&'a Address, &'a Owned>,
        wanted: &BTreeMap<&Address, &Wanted>,
        orphaned: &'a [Owned],
    ) -> Self {
        let undeclared = by_address
            .values()
            .filter(|owned| !wanted.contains_key(&owned.address))
            .map(|owned| ((&owned.connection, &owned.kind, &owned.identity), *owned))
            .collect();
        let orphaned = orphaned.iter();
        Self {
            by_address,
            undeclared,
            orphaned: orphaned
                .map(|owned| ((&owned.kind, &owned.identity), owned))
                .collect(),
        }
    }

    /// Returns the record of this object under an environment's name that is declared no more.
    fn orphan(&self, wanted: &Wanted) -> Option<&'a Owned> {
        let object = (&wanted.kind.name, wanted.identity.as_ref()?);
        let owned = self.orphaned.get(&object).copied()?;
        let leads_there = owned.place.is_some() && owned.place == wanted.connection.leads_to();
        leads_there.then_some(owned)
    }

    /// Returns the record that a renamed environment takes along of what somebody has deleted: without it
    /// the object would be made anew, as if nobody had.
    fn inheritance(&self, wanted: &Wanted, observation: Option<&Observation>) -> Option<Owned> {
        let is_gone = matches!(observation, Some(Observation::Absent { .. }));
        let is_new = !self.by_address.contains_key(&wanted.address);
        let orphan = self.orphan(wanted).filter(|_| is_gone && is_new)?;
        Some(Owned {
            address: wanted.address.clone(),
            connection: wanted.connection.name.clone(),
            ..orphan.clone()
        })
    }

    /// Returns the record that a renamed environment leaves behind: what is live names the new one, or
    /// nothing is.
    fn predecessor(&self, wanted: &Wanted, observation: Option<&Observation>) -> Option<Released> {
        let is_over = match observation {
            Some(Observation::Absent { .. }) => true,
            Some(Observation::Present(live)) => {
                live.owner.as_ref() == Some(&Owner::Resource(wanted.address.clone()))
            }
            _ => false,
        };
        let orphan = self.orphan(wanted).filter(|_| is_over)?;
        Some(Released {
            address: orphan.address.clone(),
            to: None,
        })
    }

    /// Returns the record of a resource, or of what it was before: by the mark that its object carries,
    /// or, where a move was cut off between two marks and it carries none, by being that very object.
    fn record(&self, wanted: &Wanted, observation: Option<&Observation>) -> Option<&'a Owned> {
        if let Some(owned) = self.by_address.get(&wanted.address) {
            return Some(owned);
        }
        let Some(Observation::Present(live)) = observation else {
            let is_gone = matches!(observation, Some(Observation::Absent { .. }));
            return self.orphan(wanted).filter(|_| is_gone);
        };
        match &live.owner {
            Some(Owner::Resource(old)) => self.by_address.get(old).copied(),
            Some(Owner::Foreign(_)) => None,
            None => {
                let identity = wanted.identity.as_ref()?;
                let object = (&wanted.connection.name, &wanted.kind.name, identity);
                let record = self.undeclared.get(&object).copied();
                record.filter(|owned| owned.left_behind_by(&wanted.connection).is_none())
            }
        }
    }
}

fn one(inputs: &Inputs<'_>, wanted: &Wanted, mine: &Mine<'_>) -> Choice {
    let observation = inputs.observed.get(&wanted.address);
    let record = mine.record(wanted, observation);
    let facts = Facts {
        claims: Claims {
            declared: inputs.declared,
            known: inputs.known,
        },
        connections: inputs.connections,
        key: inputs.digest_key,
        now: inputs.now,
    };
    let mut choice = if inputs.reconcile.destroy {
        choice::take_down(wanted, observation, record, &facts)
    } else {
        choice::choose(wanted, observation, record, &facts)
    };
    if let Some(Observation::Present(live)) = observation.filter(|_| wanted.is_strange()) {
        hidden::conceal(&mut choice.step, wanted, live);
    }
    hidden::hide(&mut choice.step, wanted, inputs.secrets);
    choice
}

/// What another environment had and no longer declares is nobody's there once it is here.
fn from_elsewhere(inputs: &Inputs<'_>, to: &Step, from: Option<&Address>) -> Option<Released> {
    let from = from.filter(|from| from.environment != *inputs.environment)?;
    Some(Released {
        address: from.clone(),
        to: Some(to.address.clone()),
    })
}

/// What goes, goes after what hangs on it, be it all or what is no longer declared.
fn order_deletes(inputs: &Inputs<'_>, steps: &mut [Step], owned: &BTreeMap<&Address, &Owned>) {
    if inputs.reconcile.destroy {
        turn_around(steps);
    }
    prune::leaves_first(steps, owned);
}

/// Taking down goes from the leaves: what others read is deleted after them.
fn turn_around(steps: &mut [Step]) {
    let mut dependants: BTreeMap<Address, BTreeSet<Address>> = BTreeMap::new();
    for step in steps.iter_mut() {
        for before in std::mem::take(&mut step.after) {
            dependants
                .entry(before)
                .or_default()
                .insert(step.address.clone());
        }
    }
    for step in steps.iter_mut() {
        step.after = dependants.remove(&step.address).unwrap_or_default();
    }
}
