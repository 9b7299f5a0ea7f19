//! What is not taken away yet: what goes may be all that works, as long as something that was written has never
//! been seen to work. The same holds for letting policy in, of whose server nobody knows whether it answers.

use crate::model::{Action, Address, ConnectionName, Health, LAST_WAVE, Owned, Step};
use std::collections::BTreeMap;

/// Turns the deletes of what is declared no more, and the creations of the last wave, into waits on each
/// connection where something that was written does not work and never did since. Policy may go: that is how one
/// that keeps the rest from working is mended.
pub(super) fn keep(steps: &mut [Step], owned: &BTreeMap<&Address, &Owned>) {
    let mut unproven: BTreeMap<ConnectionName, Address> = BTreeMap::new();
    let is_unproven = |step: &&Step| {
        let unready = step.unready.as_ref().filter(|_| step.gone_by.is_none());
        unready.is_some_and(|health| !matches!(health, Health::Paused(_)))
            && owned.get(&step.address).is_some_and(|owned| owned.unproven)
    };
    for step in steps.iter().filter(is_unproven) {
        let connection = step.connection.name.clone();
        let first = unproven.entry(connection);
        first.or_insert_with(|| step.address.clone());
    }
    for step in steps.iter_mut() {
        let Some(at_fault) = unproven.get(&step.connection.name) else {
            continue;
        };
        let why = match step.action {
            Action::Delete if step.desired.is_none() && step.wave < LAST_WAVE => format!(
                "no longer declared, and kept: {at_fault} has to work first. Delete it yourself where that waits for it"
            ),
            Action::Create if step.wave >= LAST_WAVE => format!("{at_fault} has to work first"),
            _ => continue,
        };
        step.action = Action::Wait;
        step.reason = Some(why);
    }
}
