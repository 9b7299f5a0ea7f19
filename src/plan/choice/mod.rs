//! What is done about one wanted resource: the action, its reason, its changes.

mod down;
mod present;

pub(super) use down::take_down;

use super::diff;
use super::ownership::Claims;
use crate::model::{
    Action, Address, Connection, ConnectionName, DigestKey, Hole, Identity, Live, Observation,
    Owned, Prediction, Step, Value, Wanted,
};
use present::present;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// One wanted resource's step, and what the ledger should know of it.
pub(super) struct Choice {
    pub(super) step: Step,
    /// The address whose object this one takes over.
    pub(super) from: Option<Address>,
    /// The record that is missing or stale though nothing is written.
    pub(super) record: Option<Owned>,
}

/// What a choice is made from, besides the resource.
pub(super) struct Facts<'a> {
    pub(super) claims: Claims<'a>,
    pub(super) connections: &'a BTreeMap<ConnectionName, Arc<Connection>>,
    pub(super) key: &'a DigestKey,
}

/// Chooses for one wanted resource; `owned` is its record, or that of the address it was renamed from.
pub(super) fn choose(
    wanted: &Wanted,
    observation: Option<&Observation>,
    owned: Option<&Owned>,
    facts: &Facts<'_>,
) -> Choice {
    let step = blank(wanted);
    if let Some(reason) = unreachable(wanted) {
        return plain(waiting(step, reason));
    }
    match observation {
        None => plain(waiting(step, "it was not looked at in this run".to_owned())),
        Some(Observation::Unknown { reason, .. }) => plain(unknown(step, reason)),
        Some(Observation::Absent { prediction }) => {
            if let Some(reason) = moved(wanted, owned, facts) {
                return plain(waiting(step, reason));
            }
            plain(create(step, wanted, prediction.as_ref(), owned, facts.key))
        }
        Some(Observation::Present(live)) => present(step, wanted, live, owned, facts),
    }
}

/// Chooses what moves nothing and records nothing.
fn plain(step: Step) -> Choice {
    Choice {
        step,
        from: None,
        record: None,
    }
}

/// Makes it wait because its live state could not be told.
pub(super) fn unknown(step: Step, reason: &str) -> Step {
    let step = Step {
        unknown: Some(reason.to_owned()),
        ..step
    };
    waiting(step, format!("its live state is unknown: {reason}"))
}

/// Returns a step that does nothing yet.
pub(super) fn blank(wanted: &Wanted) -> Step {
    let stateful = wanted.kind.stateful.of(&wanted.desired);
    Step {
        address: wanted.address.clone(),
        kind: wanted.kind.name.clone(),
        connection: wanted.connection.clone(),
        identity: wanted.identity.clone().unwrap_or(Identity(Vec::new())),
        action: Action::None,
        reason: None,
        desired: Some(wanted.desired.clone()),
        changes: Vec::new(),
        mark: None,
        external_id: None,
        payload: None,
        yielded: Vec::new(),
        touched_by: Vec::new(),
        after: wanted.after.clone(),
        wave: wanted.kind.wave.of(&wanted.desired),
        unready: None,
        unknown: None,
        unmarked: false,
        stateful,
        protected: wanted.lifecycle.protect.unwrap_or(stateful),
        deadline: wanted.lifecycle.deadline.unwrap_or(wanted.kind.deadline),
    }
}

pub(super) fn waiting(step: Step, reason: String) -> Step {
    Step {
        action: Action::Wait,
        reason: Some(reason),
        ..step
    }
}

/// Tells why it cannot even be asked about.
fn unreachable(wanted: &Wanted) -> Option<String> {
    if let Some(field) = wanted.kind.secret_identity(&wanted.desired) {
        return Some(format!(
            "{field} says which object it is, so it is shown and recorded everywhere: it cannot be a secret"
        ));
    }
    let connection = &wanted.connection;
    let holes = connection.settings.holes();
    if !holes.is_empty() {
        return Some(format!(
            "its connection {} is {}",
            connection.name,
            known(&holes)
        ));
    }
    let no_identity = || format!("which object it is, is {}", known(&wanted.desired.holes()));
    wanted.identity.is_none().then(no_identity)
}

/// Tells when what these holes stand for is known. One that needs nothing is a secret's, which a pull
/// request names and no merged environment uses yet.
fn known(holes: &[&Hole]) -> String {
    let needs = holes.iter().flat_map(|hole| &hole.needs);
    let needs: BTreeSet<&str> = needs.map(|need| need.as_str()).collect();
    if needs.is_empty() {
        return "known only after the merge: it comes from a secret that is new in this pull request"
            .to_owned();
    }
    let needs: Vec<&str> = needs.into_iter().collect();
    format!("known only after {} is applied", needs.join(", "))
}

fn create(
    step: Step,
    wanted: &Wanted,
    prediction: Option<&Prediction>,
    owned: Option<&Owned>,
    key: &DigestKey,
) -> Step {
    let changes = diff::creation(wanted, owned, key);
    let mut step = Step { changes, ..step };
    let mut reason =
        owned.map(|_| "it is gone from the live side, though it was applied".to_owned());
    match prediction {
        Some(Prediction::Refused { reason, .. }) => return waiting(step, refusal(reason)),
        Some(Prediction::Deferred(what)) => reason = Some(deferred(what)),
        Some(Prediction::Becomes {
            payload, yielded, ..
        }) => {
            step.payload.clone_from(payload);
            step.yielded.clone_from(yielded);
        }
        None => {}
    }
    Step {
        action: Action::Create,
        reason,
        ..step
    }
}

fn refusal(reason: &str) -> String {
    format!("the live side would refuse it: {reason}")
}

fn deferred(what: &str) -> String {
    format!("it can be checked only when it is applied: {what}")
}

/// Returns what the ledger is to know of a step that writes nothing.
fn record(step: &Step, live: Option<&Live>, key: &DigestKey) -> Owned {
    let desired = step.desired.as_ref().unwrap_or(&Value::Null);
    Owned {
        address: step.address.clone(),
        kind: step.kind.clone(),
        connection: step.connection.name.clone(),
        place: step.connection.leads_to(),
        identity: step.identity.clone(),
        external_id: step.external_id.clone(),
        applied: key.sealed_json(desired),
        protected: step.protected,
        verdict: live.and_then(|live| live.verdict.clone()),
    }
}

/// Tells that the ledger knows another live object under this address: making or taking over a
/// second one would leave the first behind.
fn moved(wanted: &Wanted, owned: Option<&Owned>, facts: &Facts<'_>) -> Option<String> {
    let owned = owned.filter(|owned| owned.address == wanted.address)?;
    let old = facts.connections.get(&owned.connection);
    // One that is no longer declared may just have got another name; nothing there can be reached.
    let elsewhere = old.filter(|old| {
        old.name != wanted.connection.name
            && (&old.provider, &old.settings)
                != (&wanted.connection.provider, &wanted.connection.settings)
    });
    if let (None, Some(place)) = (elsewhere, owned.left_behind_by(&wanted.connection)) {
        return Some(format!(
            "it was applied at {place}, where its connection {} does not lead any more, and would be left behind there: leave that connection as it was, declare one for the new place, and give what is to be there another id",
            wanted.connection.name
        ));
    }
    let was = match (elsewhere, &wanted.identity) {
        (Some(old), _) => format!("applied through the connection {}", old.name),
        (None, Some(identity)) if *identity != owned.identity && old.is_some() => {
            format!("applied as {}", owned.identity)
        }
        _ => return None,
    };
    Some(format!(
        "it was {was}, which would be left behind: give it another id, so that the old one is deleted and the new one made"
    ))
}
