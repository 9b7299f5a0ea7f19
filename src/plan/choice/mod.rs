//! What is done about one wanted resource: the action, its reason, its changes.

mod absent;
mod down;
mod draft;
mod moved;
mod present;

pub(super) use down::take_down;

use super::ownership::Claims;
use crate::model::{
    Action, Address, Connection, ConnectionName, DigestKey, Health, Live, Observation, Owned, Step,
    Value, Wanted,
};
use absent::create;
use draft::{blank, known, plain, unknown, waiting};
use jiff::Timestamp;
use moved::moved;
use present::present;
use std::collections::BTreeMap;
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
    pub(super) now: Timestamp,
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

fn is_going(live: Option<&Live>) -> bool {
    live.is_some_and(|live| live.going_since.is_some())
}

/// Returns what the ledger is to know of what waits though it was to be taken away: it is there and stays, so
/// whoever takes it away now is not us.
fn stayed(step: &Step, live: &Live, owned: Option<&Owned>) -> Option<Owned> {
    let owned = owned.filter(|owned| owned.leaving && owned.address == step.address)?;
    let stays = step.action == Action::Wait && !is_going(Some(live));
    stays.then(|| Owned {
        leaving: false,
        ..owned.clone()
    })
}

/// Returns what the ledger is to know of a step that writes nothing.
fn record(step: &Step, live: Option<&Live>, owned: Option<&Owned>, key: &DigestKey) -> Owned {
    let desired = step.desired.as_deref().unwrap_or(&Value::Null);
    let works = live.is_some_and(|live| live.health == Health::Ready);
    Owned {
        address: step.address.clone(),
        kind: step.kind.clone(),
        connection: step.connection.name.clone(),
        place: step.connection.leads_to(),
        through: match live {
            Some(_) => step.connection.fingerprint(key),
            None => owned.and_then(|owned| owned.through.clone()),
        },
        identity: step.identity.clone(),
        external_id: step.external_id.clone(),
        applied: key.sealed_json(desired).into(),
        protected: step.protected,
        done: step.passing && works,
        unproven: !works && owned.is_some_and(|owned| owned.unproven),
        leaving: owned.is_some_and(|owned| owned.leaving && is_going(live)),
        verdict: live.and_then(|live| live.verdict.clone()),
        after: step.after.clone(),
    }
}
