//! What is done about what we own and no longer declare. Only what is both in the inventory and
//! marked on the live side can ever be deleted.

use super::{Inputs, Released, going};
use crate::model::{
    Action, Address, Connection, ConnectionName, Identity, Kind, KindName, Live, Marked,
    Observation, Owned, Owner, Prediction, Recorded, Step, Value,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One leftover's step, and whether its record goes.
pub(super) struct Leftover {
    pub(super) step: Step,
    pub(super) released: Option<Released>,
}

/// What tells one live object from another, where connections' names lead where they led.
type Object = (ConnectionName, KindName, Identity);

/// Which wanted steps stand for which live objects, to tell a rename from a removal.
#[derive(Default)]
pub(super) struct Successors {
    by_object: BTreeMap<Object, (Arc<Connection>, (Address, Action))>,
    by_old_address: BTreeMap<Address, (Address, Action)>,
}

impl Successors {
    /// Takes note of a wanted resource's step; `from` is the address it takes its object over from.
    pub(super) fn note(&mut self, step: &Step, from: Option<Address>) {
        let to = (step.address.clone(), step.action);
        if let Some(from) = from {
            self.by_old_address.insert(from, to.clone());
        }
        let object = (
            step.connection.name.clone(),
            step.kind.clone(),
            step.identity.clone(),
        );
        let there = (Arc::clone(&step.connection), to);
        self.by_object.insert(object, there);
    }

    fn of(&self, owned: &Owned) -> Option<&(Address, Action)> {
        let object = (
            owned.connection.clone(),
            owned.kind.clone(),
            owned.identity.clone(),
        );
        let same_object = || {
            let (connection, to) = self.by_object.get(&object)?;
            owned.left_behind_by(connection).is_none().then_some(to)
        };
        self.by_old_address.get(&owned.address).or_else(same_object)
    }
}

/// Chooses for one owned resource that is no longer declared.
pub(super) fn leftover(inputs: &Inputs<'_>, owned: &Owned, successors: &Successors) -> Leftover {
    let connection = inputs.connections.get(&owned.connection);
    let kind = inputs.kinds.get(&owned.kind);
    let mut step = blank(owned, kind.map(AsRef::as_ref), connection);
    let release = |to| {
        Some(Released {
            address: owned.address.clone(),
            to,
        })
    };
    let (action, reason, released) = if let Some((to, action)) = successors.of(owned) {
        match action {
            Action::Wait => (Action::None, format!("it becomes {to}, which waits"), None),
            _ => (
                Action::None,
                format!("it is {to} now"),
                release(Some(to.clone())),
            ),
        }
    } else if let Some(to) = inputs.taken.get(&owned.address) {
        // The record goes once the mark names the other: then this one is found not to be ours.
        match inputs.observed.get(&owned.address) {
            Some(Observation::Present(live)) if is_marked_by(live, to) => {
                (Action::None, format!("it is {to} now"), release(None))
            }
            _ => (
                Action::None,
                format!("{to} declares it now and takes it over"),
                None,
            ),
        }
    } else if let Some(why) = inputs.spared.get(&owned.address) {
        (
            Action::Wait,
            format!("no longer declared here, but {why}"),
            None,
        )
    } else if connection.is_none() {
        let reason = format!(
            "no longer declared, and neither is its connection {}: declare that again to have it deleted",
            owned.connection
        );
        (Action::Wait, reason, None)
    } else if kind.is_none() {
        (
            Action::Wait,
            format!(
                "no longer declared, and this version knows no kind {}",
                owned.kind
            ),
            None,
        )
    } else {
        seen(inputs, owned, &mut step, &release)
    };
    step.action = action;
    step.reason = Some(reason);
    Leftover { step, released }
}

/// Chooses by what was seen of it.
fn seen(
    inputs: &Inputs<'_>,
    owned: &Owned,
    step: &mut Step,
    release: &dyn Fn(Option<Address>) -> Option<Released>,
) -> (Action, String, Option<Released>) {
    let is_ours = matches!(
        inputs.observed.get(&owned.address),
        Some(Observation::Present(live)) if is_marked_by(live, &owned.address)
    );
    if let Some(place) = owned.left_behind_by(&step.connection).filter(|_| !is_ours) {
        let reason = format!(
            "no longer declared, but it was applied at {place}, where its connection {} does not lead any more: let that lead there again to have it deleted",
            owned.connection
        );
        return (Action::Wait, reason, None);
    }
    match inputs.observed.get(&owned.address) {
        None => (
            Action::Wait,
            "no longer declared, but it was not looked at in this run".to_owned(),
            None,
        ),
        Some(Observation::Unknown { reason, .. }) => {
            step.unknown = Some(reason.clone());
            let reason = format!("no longer declared, but its live state is unknown: {reason}");
            (Action::Wait, reason, None)
        }
        Some(Observation::Absent { .. }) => (
            Action::None,
            "no longer declared, and gone already".to_owned(),
            release(None),
        ),
        Some(Observation::Present(live)) => {
            step.mark = Some(live.mark.clone());
            step.external_id = live.external_id.clone().or(step.external_id.take());
            there(inputs, owned, (step, live), release)
        }
    }
}

fn there(
    inputs: &Inputs<'_>,
    owned: &Owned,
    (step, live): (&mut Step, &Live),
    release: &dyn Fn(Option<Address>) -> Option<Released>,
) -> (Action, String, Option<Released>) {
    match &live.owner {
        Some(Owner::Resource(address)) if *address == owned.address => {}
        Some(Owner::Resource(other)) => {
            return (
                Action::None,
                format!("no longer declared, and {other} has it now"),
                release(None),
            );
        }
        Some(Owner::Foreign(other)) => {
            return (
                Action::None,
                format!("no longer declared, and {other} has it now"),
                release(None),
            );
        }
        None => {
            let reason =
                "no longer declared, but it does not carry our mark any more: it is left alone"
                    .to_owned();
            return (Action::None, reason, release(None));
        }
    }
    if owned.protected {
        let reason = "no longer declared, but protected: declare it with `lifecycle: { protect: false }` first, then remove it";
        return (Action::Wait, reason.to_owned(), None);
    }
    if !inputs.reconcile.prune && !inputs.reconcile.destroy {
        let reason = "no longer declared; `prune: false` leaves it where it is";
        return (Action::None, reason.to_owned(), None);
    }
    if let Some(why) = going::follow(step, live, inputs.now) {
        return (Action::Wait, format!("no longer declared; {why}"), None);
    }
    if let Some(Prediction::Refused { reason, .. }) = &live.prediction {
        let reason = format!("no longer declared, but its delete would be refused: {reason}");
        return (Action::Wait, reason, None);
    }
    (Action::Delete, "no longer declared".to_owned(), None)
}

/// What carries our mark, and neither Git nor the ledger knows, was applied with another ledger. The mark
/// alone deletes nothing: whoever may write to the live side could have put it there.
pub(super) fn stray(
    inputs: &Inputs<'_>,
    address: &Address,
    marked: &Marked,
    successors: &Successors,
) -> Option<Step> {
    let owned = Owned {
        address: address.clone(),
        kind: marked.kind.clone(),
        connection: marked.connection.name.clone(),
        place: marked.connection.leads_to(),
        through: None,
        identity: marked.identity.clone(),
        external_id: None,
        applied: Recorded::default(),
        protected: false,
        done: false,
        unproven: false,
        leaving: false,
        verdict: None,
        after: BTreeSet::new(),
    };
    if successors.of(&owned).is_some() {
        return None;
    }
    let kind = inputs.kinds.get(&marked.kind).map(AsRef::as_ref);
    let reason = "it carries our mark, but nothing declares it and the ledger here has no record of it: it was applied with another ledger, so it is not deleted from here. Where that ledger is, with the daemon say, it is; or delete it yourself";
    Some(Step {
        action: Action::Wait,
        reason: Some(reason.to_owned()),
        ..blank(&owned, kind, Some(&marked.connection))
    })
}

/// Has what goes go from the leaves, as what is taken down does: what others were applied after is deleted
/// after them. Records of several revisions may say two things of an order; then the first is kept to.
pub(super) fn leaves_first(steps: &mut [Step], owned: &BTreeMap<&Address, &Owned>) {
    let is_going = |step: &Step| step.action == Action::Delete || step.gone_by.is_some();
    let deletes = |step: &&Step| is_going(step) && step.desired.is_none();
    let mut going: BTreeMap<Address, BTreeSet<Address>> = steps
        .iter()
        .filter(deletes)
        .map(|step| (step.address.clone(), step.after.clone()))
        .collect();
    for address in going.keys().cloned().collect::<Vec<_>>() {
        let before = owned.get(&address).map(|owned| &owned.after);
        for before in before.into_iter().flatten() {
            let turns_back = leads(&going, &address, before);
            if let Some(after) = going.get_mut(before).filter(|_| !turns_back) {
                after.insert(address.clone());
            }
        }
    }
    for step in steps {
        if let Some(after) = going.remove(&step.address) {
            step.after = after;
        }
    }
}

/// Tells whether one waits for the other, over however many between.
fn leads(after: &BTreeMap<Address, BTreeSet<Address>>, from: &Address, to: &Address) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(address) = next.pop() {
        if address == to {
            return true;
        }
        if seen.insert(address) {
            next.extend(after.get(address).into_iter().flatten());
        }
    }
    false
}

fn is_marked_by(live: &Live, address: &Address) -> bool {
    matches!(&live.owner, Some(Owner::Resource(owner)) if owner == address)
}

fn blank(owned: &Owned, kind: Option<&Kind>, connection: Option<&Arc<Connection>>) -> Step {
    let applied = owned.applied.value();
    let gone = || {
        Arc::new(Connection {
            name: owned.connection.clone(),
            provider: owned.kind.provider().to_owned(),
            settings: Value::Null,
            location: None,
        })
    };
    Step {
        address: owned.address.clone(),
        kind: owned.kind.clone(),
        connection: connection.cloned().unwrap_or_else(gone),
        identity: owned.identity.clone(),
        action: Action::None,
        reason: None,
        desired: None,
        changes: Vec::new(),
        mark: None,
        external_id: owned.external_id.clone(),
        payload: None,
        ignore: Vec::new(),
        yielded: Vec::new(),
        touched_by: Vec::new(),
        after: BTreeSet::new(),
        wave: kind.map_or(0, |kind| kind.wave.of(&applied)),
        unready: None,
        gone_by: None,
        unknown: None,
        refused: false,
        unmarked: false,
        stateful: kind.is_some_and(|kind| kind.stateful.of(&applied)),
        passing: false,
        protected: owned.protected,
        is_read: false,
        deadline: kind.map_or(std::time::Duration::ZERO, |kind| kind.deadline),
        health: Vec::new(),
    }
}
