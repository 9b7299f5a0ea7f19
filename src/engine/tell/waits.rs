//! What a run leaves waiting: told in chat when it begins to wait, and when a merge finds it waiting still;
//! not with each pass. What is being deleted is told once more when it is gone: no run does that.

use super::super::conditions::NOT_GONE;
use super::super::{Kept, Report};
use super::Teller;
use super::chat::ChatLetter;
use crate::deliver::Decision;
use crate::deliver::notify::Message;
use crate::deliver::render::notice_slack;
use crate::ledger::LedgerError;
use crate::model::{Action, Address, Class, Digest, EnvironmentName, Step};
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How many that are gone are named.
const NAMED: usize = 20;

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
        let going = waits.iter().filter(|address| is_going(report, address));
        let going: Vec<&&Address> = going.collect();
        let record = json!({
            "content": kept.content, "waits": now, "going": going, "root": before["root"], "since": before["since"],
        });
        if now.is_empty() || !is_new {
            // What waits no more is news if it comes back.
            if !known.is_empty() && now.len() < known.len() {
                self.remember_waits(name, &record).await?;
            }
            return Ok(None);
        }
        Ok(Some(record))
    }

    /// Remembers what waits as told in the message of a run.
    pub(super) async fn told_waits(
        &self,
        name: &EnvironmentName,
        (mut waits, root): (Value, String),
    ) -> Result<(), LedgerError> {
        waits["root"] = root.into();
        waits["since"] = json!(self.world.clock.now());
        self.remember_waits(name, &waits).await
    }

    async fn remember_waits(
        &self,
        name: &EnvironmentName,
        waits: &Value,
    ) -> Result<(), LedgerError> {
        let ledger = &self.world.ledger;
        ledger.record_delivery(&record_of(name), waits).await
    }

    /// Tells of what was being deleted and is gone, where people know that it waited: in that message, or in its
    /// thread while more of it waits.
    pub(super) async fn say_gone(&self, report: &Report) -> Result<(), LedgerError> {
        let name = &report.plan.environment;
        if report.stopped || report.plan.beside > 0 {
            return Ok(());
        }
        let known = self.world.ledger.delivery(&record_of(name)).await?;
        let known = known.unwrap_or_default();
        let listed = |key: &str| -> BTreeSet<Address> {
            serde_json::from_value(known[key].clone()).unwrap_or_default()
        };
        let going = listed("going");
        if going.is_empty() {
            return Ok(());
        }
        let open = self.world.ledger.open_episodes(name).await?;
        // What did not go in its time has a message of its own.
        let is_apart = |address: &Address| {
            open.iter()
                .any(|one| one.address.as_ref() == Some(address) && one.details["code"] == NOT_GONE)
        };
        let is_gone = |address: &Address| {
            // The first look that finds it gone has a step that only forgets it.
            let step = report.plan.step(address);
            let is_left = step.is_some_and(|step| {
                step.action != Action::None || step.desired.is_some() || step.mark.is_some()
            });
            !is_left && !report.unknown.contains_key(address)
        };
        let gone: BTreeSet<Address> = going.into_iter().filter(is_gone).collect();
        let told: Vec<&Address> = gone.iter().filter(|one| !is_apart(one)).collect();
        if told.is_empty() {
            return Ok(());
        }
        let root = known["root"].as_str();
        let root = root.map_or_else(|| format!("gone/{name}"), str::to_owned);
        let since = serde_json::from_value(known["since"].clone());
        let now = self.world.clock.now();
        let message = gone_slack(name, &told, (since.unwrap_or(now), now));
        let is_all = listed("waits").is_subset(&gone);
        let letter = self.gone_letter(name, (root, is_all), message).await?;
        self.chat.put(letter).await;
        // Nothing else of what waits is remembered while something cannot be told.
        let (waits, going) = (&listed("waits") - &gone, &listed("going") - &gone);
        let mut left = known.clone();
        (left["waits"], left["going"]) = (json!(waits), json!(going));
        self.remember_waits(name, &left).await
    }

    /// Puts a message on what is gone where people heard that it waited; `is_all` where nothing of that waits any more.
    async fn gone_letter(
        &self,
        name: &EnvironmentName,
        (root, is_all): (String, bool),
        message: Message,
    ) -> Result<ChatLetter, LedgerError> {
        if is_all {
            return Ok(ChatLetter {
                threaded: true,
                ends: true,
                ..self.channels.letter(name, root, message)
            });
        }
        // What went out in a digest has no thread.
        let said = self.world.ledger.delivery(&format!("slack/{root}")).await?;
        let has_thread = said.is_some() && self.notifier.edits();
        let about = format!("{root}/gone/{}", Digest::of(&message.text).short());
        Ok(ChatLetter {
            answers: has_thread.then_some(root),
            ..self.channels.letter(name, about, message)
        })
    }
}

/// Returns what is merged and waits. Drift, what failed, and what cannot be told have messages of their own.
fn waits(report: &Report) -> BTreeSet<&Address> {
    let steps = report.plan.steps.iter();
    let waits = steps.filter(|step| waits_for(report, step));
    // What was told to go in this run may be gone at the next look, and then nobody would have heard of it.
    let begun = report.under_way().map(|(step, _)| step);
    let begun = begun.filter(|step| !step.is_only_drift());
    let waits = waits.chain(begun).map(|step| &step.address);
    let rests = |address: &Address| {
        let decision = report.route.decisions.get(address);
        decision.is_some_and(Decision::rests)
    };
    waits
        .filter(|address| !report.unknown.contains_key(*address) && !rests(address))
        .collect()
}

/// Tells whether a step waits that does what is merged.
pub(super) fn waits_for(report: &Report, step: &Step) -> bool {
    let decision = report.route.decisions.get(&step.address);
    let is_held = matches!(decision, Some(Decision::Hold { .. }));
    (step.action == Action::Wait || is_held) && !step.is_only_drift()
}

/// Tells whether a resource is being deleted.
fn is_going(report: &Report, address: &Address) -> bool {
    let step = report.plan.step(address);
    step.is_some_and(|step| step.gone_by.is_some())
        || report.under_way().any(|(step, _)| step.address == *address)
}

/// Returns the message on what is gone.
fn gone_slack(
    name: &EnvironmentName,
    gone: &[&Address],
    (since, now): (Timestamp, Timestamp),
) -> Message {
    let (title, lines) = match gone {
        [only] => (format!("✅ {name}: {} is gone", only.resource), Vec::new()),
        some => {
            let names = some.iter().take(NAMED).map(|one| one.resource.to_string());
            let more = some.len().saturating_sub(NAMED);
            let names = names.chain((more > 0).then(|| format!("… and {more} more")));
            let title = format!("✅ {name}: {} resources are gone", some.len());
            (title, names.collect())
        }
    };
    notice_slack(&title, &lines, since, Some(now))
}

/// Under what name the ledger remembers it.
fn record_of(name: &EnvironmentName) -> String {
    format!("waits/{name}")
}
