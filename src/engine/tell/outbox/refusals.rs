//! The ways on which letters are refused: each rests, is tried again slowly, is said once in the log, and
//! shows as a condition for as long as it lasts.

use crate::ledger::Ledger;
use crate::model::Fault;
use crate::telemetry::{Readiness, chain};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::time::Instant;

/// Stands for every way in the name of a condition.
const UNREACHABLE: &str = "(unreachable)";

/// What is refused now.
pub(super) struct Refusals {
    /// What the other side is called, in the names of conditions.
    place: String,
    ledger: Ledger,
    readiness: Readiness,
    by_way: BTreeMap<String, Refusal>,
    /// Ways that rest for another reason, and until when.
    resting: BTreeMap<String, Instant>,
    /// What was said of the other side, where nothing goes on any way.
    blocked: Option<String>,
}

struct Refusal {
    /// What was said of it.
    said: String,
    /// When it is tried again.
    again: Instant,
}

impl Refusals {
    /// Begins with none: what an earlier start showed has to show again.
    pub(super) async fn none(place: String, ledger: Ledger, readiness: Readiness) -> Self {
        let refusals = Self {
            place,
            ledger,
            readiness,
            by_way: BTreeMap::new(),
            resting: BTreeMap::new(),
            blocked: None,
        };
        match refusals.ledger.conditions().await {
            Ok(conditions) => {
                let ours = format!("{} ", refusals.place);
                let is_ours = |name: &&String| **name == refusals.place || name.starts_with(&ours);
                for name in conditions.keys().filter(is_ours) {
                    refusals.over(name).await;
                }
            }
            Err(error) => tracing::warn!(error = chain(&error), "Old conditions not taken back"),
        }
        refusals
    }

    /// Lets a way rest that refuses nothing.
    pub(super) fn rest(&mut self, way: &str, rest: Duration) {
        let now = Instant::now();
        self.resting.retain(|_, until| *until > now);
        if !rest.is_zero() {
            self.resting.insert(way.to_owned(), now + rest);
        }
    }

    /// Tells whether a way rests.
    pub(super) fn rests(&self, way: &str) -> bool {
        let refused = self.by_way.get(way).map(|refusal| refusal.again);
        let untils = refused.into_iter().chain(self.resting.get(way).copied());
        untils.max().is_some_and(|until| until > Instant::now())
    }

    /// Ends when the first of them is to be tried again; never where there is none.
    pub(super) async fn rested(&self) {
        let refused = self.by_way.values().map(|refusal| refusal.again);
        let now = Instant::now();
        let all = refused.chain(self.resting.values().copied());
        match all.filter(|until| *until > now).min() {
            Some(until) => tokio::time::sleep_until(until).await,
            None => std::future::pending().await,
        }
    }

    /// Takes a refusal in; it rests for so long. Says it where it is news.
    pub(super) async fn refused(&mut self, way: &str, error: &impl Fault, rest: Duration) {
        self.unblocked().await;
        let said = format!("failed to {}", chain(error));
        let again = Instant::now() + rest;
        let refusal = Refusal {
            said: said.clone(),
            again,
        };
        let before = self.by_way.insert(way.to_owned(), refusal);
        if before.is_some_and(|before| before.said == said) {
            return;
        }
        tracing::error!(
            place = self.place,
            way,
            error = chain(error),
            code = error.code(),
            hint = error.hint(),
            "Messages are refused, keeping them until they are not"
        );
        self.show(&self.name(way), error, &said).await;
    }

    /// Nothing goes on any way, and that lasts. Shows as a condition where it is news.
    pub(super) async fn blocked(&mut self, error: &impl Fault) {
        let said = format!("failed to {}", chain(error));
        if self.blocked.as_ref() != Some(&said) {
            self.show(&self.name(UNREACHABLE), error, &said).await;
            self.blocked = Some(said);
        }
    }

    /// Something arrived, or was answered at least.
    pub(super) async fn unblocked(&mut self) {
        if self.blocked.take().is_some() {
            self.over(&self.name(UNREACHABLE)).await;
        }
    }

    async fn show(&self, name: &str, error: &impl Fault, said: &str) {
        let hint = error.hint().unwrap_or_default();
        self.readiness.trouble(name, format!("{said}. {hint}"));
        let details = json!({ "code": error.code(), "message": said, "hint": hint });
        if let Err(error) = self.ledger.set_condition(name, Some(&details)).await {
            tracing::warn!(name, error = chain(&error), "Condition not recorded");
        }
    }

    /// Keeps those of these ways: on the others nothing waits.
    pub(super) async fn retain(&mut self, ways: &BTreeSet<String>) {
        let gone = self.by_way.keys().filter(|way| !ways.contains(*way));
        let gone: Vec<String> = gone.cloned().collect();
        for way in &gone {
            self.by_way.remove(way);
            self.over(&self.name(way)).await;
        }
    }

    /// A letter arrived on this way. Returns whether it was refused before.
    pub(super) async fn arrived(&mut self, way: &str) -> bool {
        self.unblocked().await;
        let was = self.by_way.remove(way).is_some();
        if was {
            self.over(&self.name(way)).await;
        }
        was
    }

    async fn over(&self, name: &str) {
        self.readiness.trouble_over(name);
        if let Err(error) = self.ledger.set_condition(name, None).await {
            tracing::warn!(name, error = chain(&error), "Condition not taken back");
        }
    }

    fn name(&self, way: &str) -> String {
        match way {
            "" => self.place.clone(),
            way => format!("{} {way}", self.place),
        }
    }
}
