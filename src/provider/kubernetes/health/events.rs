//! What others say about an object: the newest warning among its events.

use super::explain::{Asking, with};
use crate::model::Health;
use crate::provider::kubernetes::cluster::Cluster;
use crate::provider::kubernetes::seal::Sealer;
use serde_json::Value as Json;

/// A claim says by these that it rightly waits: its class makes a volume where its first pod will run.
const RIGHTLY_WAITING: [&str; 2] = ["WaitForFirstConsumer", "WaitForPodScheduled"];
/// The longest message of an event that is passed on, in characters.
const LONGEST: usize = 400;

/// Adds the newest warning to what is known; where reasons are given, only one of those.
pub(super) async fn added(
    (cluster, sealer): Asking<'_>,
    object: &Json,
    health: Health,
    reasons: &[&str],
) -> Health {
    let events = read(cluster, object).await.unwrap_or_default();
    let counts = |event: &&Json| {
        let reason = event["reason"].as_str().unwrap_or_default();
        event["type"] == "Warning" && (reasons.is_empty() || reasons.contains(&reason))
    };
    match events.iter().filter(counts).max_by_key(|event| time(event)) {
        Some(event) => told(health, event, sealer),
        None => health,
    }
}

/// Tells what a claim waits for that has no volume yet. Whether its class makes one only for the first
/// pod, the claim itself does not say; where its events may not be read, nobody waits for it.
pub(super) async fn of_claim(
    (cluster, sealer): Asking<'_>,
    claim: &Json,
    health: Health,
) -> Health {
    let Health::Progressing(_) = health else {
        return health;
    };
    let Some(events) = read(cluster, claim).await else {
        return Health::Ready;
    };
    let newest = events.iter().max_by_key(|event| time(event));
    match newest {
        Some(event)
            if RIGHTLY_WAITING
                .iter()
                .any(|reason| event["reason"] == *reason) =>
        {
            Health::Ready
        }
        Some(event) => told(health, event, sealer),
        None => health,
    }
}

pub(super) fn told(health: Health, event: &Json, sealer: &Sealer<'_>) -> Health {
    let text = |key: &str| event[key].as_str().unwrap_or_default();
    let message = sealer.scrubbed_words(text("message").to_owned());
    let flat = message.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut message: String = flat.chars().take(LONGEST).collect();
    if message.len() < flat.len() {
        message.push('…');
    }
    with(health, &format!("{}: {message}", text("reason")))
}

/// When it was last so. Times are of one form, so that they sort as text.
fn time(event: &Json) -> &str {
    let texts = ["/series/lastObservedTime", "/lastTimestamp", "/eventTime"];
    let mut texts = texts.iter().filter_map(|at| event.pointer(at)?.as_str());
    texts.next().unwrap_or_default()
}

/// Returns the events about exactly this object; `None` where they may not be read.
async fn read(cluster: &Cluster, object: &Json) -> Option<Vec<Json>> {
    let metadata = &object["metadata"];
    let (namespace, uid) = (metadata["namespace"].as_str()?, metadata["uid"].as_str()?);
    cluster.events(namespace, uid).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::kubernetes::rows;
    use serde_json::json;

    #[test]
    fn a_message_that_is_cut_says_so() {
        let rows = rows();
        let said = |message: String| {
            let event = json!({ "reason": "Failed", "message": message });
            let health = Health::Progressing("starts".to_owned());
            told(health, &event, &Sealer::of(&rows[0], None))
                .why()
                .map(str::to_owned)
        };
        let [short, long] = [LONGEST, LONGEST + 1].map(|many| said("é".repeat(many)).unwrap());
        assert!(short.ends_with('é'), "{short}");
        assert!(long.ends_with("é…"), "{long}");
    }
}
