//! What of clusters nobody can watch, so that each look lists it: a gauge, and a remark of `status`. Nothing
//! is wrong with it: an edit there is found at the next interval.

use super::{Counts, World};
use crate::deliver::render::many;
use crate::telemetry::chain;
use serde_json::json;
use std::collections::BTreeMap;
use tokio::sync::Mutex;

/// What was said of it last, by server.
#[derive(Default)]
pub(super) struct Unwatched(Mutex<BTreeMap<String, usize>>);

impl Unwatched {
    /// Says how it is now, where that is news.
    pub(super) async fn say(&self, world: &World, counts: &Counts) {
        let mut now = world.registry.watched();
        let mut said = self.0.lock().await;
        counts.unwatched(now.values().map(|one| one.listed).sum());
        for server in said.keys() {
            now.entry(server.clone()).or_default();
        }
        for (server, one) in now {
            if said.get(&server) == Some(&one.listed) {
                continue;
            }
            let listed = many(one.listed, "kind");
            let details = json!({
                "code": "unwatched", "harmless": true,
                "message": format!("{listed} in its namespaces cannot be watched: each look lists them, and an edit there is found at the next interval"),
                "hint": "Let the account watch what it may list; where it may, something on the way cuts watches off or holds them back, as the log says. Past 128 watches it takes the right to list and watch in all namespaces, which needs one for each kind.",
            });
            let details = (one.listed > 0).then_some(&details);
            let name = format!("watches of {server}");
            match world.ledger.set_condition(&name, details).await {
                Ok(()) => drop(said.insert(server, one.listed)),
                Err(error) => tracing::warn!(name, error = chain(&error), "Condition not recorded"),
            }
        }
    }
}
