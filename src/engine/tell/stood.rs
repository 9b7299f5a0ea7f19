//! What waited already when a state of an environment came, and is declared like that still: that it waits is no doing
//! of what was merged.

use super::super::{Kept, Report};
use super::Teller;
use super::waits::waits_for;
use crate::ledger::LedgerError;
use crate::model::{Address, Digest};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// What is remembered of an environment.
#[derive(Default, Serialize, Deserialize)]
struct Stood {
    /// The state it was kept at.
    content: Option<Digest>,
    /// What waits, with a digest of what is declared of it.
    waits: BTreeMap<Address, Value>,
    /// What of it waited when that state came.
    before: BTreeSet<Address>,
}

impl Teller {
    /// Returns what waited before came what an environment is kept at, and takes note of what waits now.
    pub(super) async fn waited_before(
        &self,
        kept: &Kept,
        report: &Report,
    ) -> Result<BTreeSet<Address>, LedgerError> {
        let ledger = &self.world.ledger;
        let name = format!("stood/{}", kept.pinned.name());
        let known = ledger.delivery(&name).await?;
        let known = known.and_then(|known| serde_json::from_value(known).ok());
        let known: Stood = known.unwrap_or_default();
        let waiting = report
            .plan
            .steps
            .iter()
            .filter(|step| waits_for(report, step));
        let mut waits: BTreeMap<Address, Value> = waiting
            .map(|step| (step.address.clone(), self.declared(step)))
            .collect();
        if report.plan.beside > 0 {
            // Of the others it is not known.
            let unseen = known.waits.iter();
            let unseen = unseen.filter(|(address, _)| report.plan.step(address).is_none());
            waits.extend(unseen.map(|(address, declared)| (address.clone(), declared.clone())));
        }
        let is_same = known.content.as_ref() == Some(&kept.content);
        let was = |(address, declared): &(&Address, &Value)| match is_same {
            true => known.before.contains(*address),
            false => known.waits.get(*address) == Some(*declared),
        };
        let before = waits.iter().filter(was).map(|(address, _)| address.clone());
        let before: BTreeSet<Address> = before.collect();
        // One that was cut short is followed by another.
        let is_any = !waits.is_empty() || !known.waits.is_empty();
        if !report.stopped && is_any {
            let stood = Stood {
                content: Some(kept.content.clone()),
                before: before.clone(),
                waits,
            };
            ledger.record_delivery(&name, &json!(stood)).await?;
        }
        Ok(before)
    }
}
