//! What a run leaves waiting: told in chat when it begins to wait, and when a merge finds it waiting still;
//! not with each pass.

use super::super::{Kept, Report};
use super::Teller;
use crate::deliver::Decision;
use crate::ledger::LedgerError;
use crate::model::{Action, Address, Class, EnvironmentName, Step};
use serde_json::{Value, json};
use std::collections::BTreeSet;

impl Teller {
    /// Returns what waits as it is to be remembered, where that is to be told; `None` where people know it.
    pub(super) async fn new_waits(
        &self,
        kept: &Kept,
        report: &Report,
    ) -> Result<Option<Value>, LedgerError> {
        // What may be told in a moment may let the rest go, too. One cut short is followed by another.
        let passes = |class| class == Class::Transient;
        if report.stopped || report.unknown.values().any(|one| passes(one.class)) {
            return Ok(None);
        }
        let name = kept.pinned.name();
        let waits = waits(report);
        let before = self.world.ledger.delivery(&record_of(name)).await?;
        let before = before.unwrap_or_default();
        let known = before["waits"].as_array().into_iter().flatten();
        let known: BTreeSet<&str> = known.filter_map(Value::as_str).collect();
        let now: BTreeSet<String> = waits.iter().map(ToString::to_string).collect();
        let is_merged = before["content"] != json!(kept.content);
        let is_new = is_merged || now.iter().any(|one| !known.contains(one.as_str()));
        let record = json!({ "content": kept.content, "waits": now });
        if now.is_empty() || !is_new {
            // What waits no more is news if it comes back.
            if !known.is_empty() && now.len() < known.len() {
                self.remember_waits(name, &record).await?;
            }
            return Ok(None);
        }
        Ok(Some(record))
    }

    /// Remembers what waits as told.
    pub(super) async fn remember_waits(
        &self,
        name: &EnvironmentName,
        waits: &Value,
    ) -> Result<(), LedgerError> {
        let ledger = &self.world.ledger;
        ledger.record_delivery(&record_of(name), waits).await
    }
}

/// Returns what is merged and waits. Drift, and what cannot be told, have messages of their own.
fn waits(report: &Report) -> BTreeSet<&Address> {
    let steps = report.plan.steps.iter();
    let waits = steps.filter(|step| waits_for(report, step));
    let waits = waits.map(|step| &step.address);
    waits
        .filter(|address| !report.unknown.contains_key(*address))
        .collect()
}

/// Tells whether a step waits that does what is merged.
pub(super) fn waits_for(report: &Report, step: &Step) -> bool {
    let decision = report.route.decisions.get(&step.address);
    let is_held = matches!(decision, Some(Decision::Hold { .. }));
    (step.action == Action::Wait || is_held) && !step.is_only_drift()
}

/// Under what name the ledger remembers it.
fn record_of(name: &EnvironmentName) -> String {
    format!("waits/{name}")
}
