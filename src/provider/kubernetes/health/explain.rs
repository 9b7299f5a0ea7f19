//! Why a live object does not work, as far as others know more than its own status: its pods, their last
//! words, the events about them. Whatever may not be read is left out: the object's own words stay.

use super::pods::{self, More};
use super::{events, newest, words};
use crate::model::Health;
use crate::provider::kubernetes::cluster::Cluster;
use crate::provider::kubernetes::discovery::Served;
use crate::provider::kubernetes::seal::Sealer;
use crate::provider::kubernetes::target::Target;
use serde_json::Value as Json;

/// The cluster that is asked, and what is secret in the object: it is taken out of others' words before these
/// are cut.
pub(super) type Asking<'a> = (&'a Cluster, &'a Sealer<'a>);

/// The longest reason that is passed on, in characters.
const LONGEST: usize = 1200;

/// Adds to what an object says of itself what others say about it. No secret of it is in the answer.
pub(in crate::provider::kubernetes) async fn explained(
    asking: Asking<'_>,
    object: &Json,
    target: &Target,
    health: Health,
) -> Health {
    let is_going = object["metadata"]["deletionTimestamp"].is_string();
    let told = match (&health, target.served.kind.as_str()) {
        (Health::Ready | Health::Paused(_), _) => return health,
        _ if is_going => health,
        (_, "Pod") => {
            let (health, more) = pods::examined(object);
            further(asking, object, health, more).await
        }
        (_, "PersistentVolumeClaim") => events::of_claim(asking, object, health).await,
        (_, "Service") => events::added(asking, object, health, &[]).await,
        _ => match pods::selector(object) {
            Some(selector) => by_pods(asking, object, target, (health, &selector)).await,
            None => health,
        },
    };
    bounded(told, asking.1)
}

/// Adds what a workload's worst pod says; without any pod, why none can be made.
async fn by_pods(
    asking: Asking<'_>,
    object: &Json,
    target: &Target,
    (health, selector): (Health, &str),
) -> Health {
    let served = Served {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Pod".to_owned(),
        plural: "pods".to_owned(),
        namespaced: true,
    };
    let cluster = asking.0;
    let place = (target.namespace(), selector);
    // An account that may not read pods still learns that the workload does not work.
    let Some(all) = cluster.labelled(&served, place.0, selector).await else {
        return health;
    };
    let pods = newest::newest(cluster, object, place, all.clone()).await;
    let is_old = pods.is_empty() && object["kind"] == "StatefulSet";
    let pods = if is_old { all } else { pods };
    let Some((pod, seen, more)) = pods::worst(&pods) else {
        if !pods.is_empty() {
            return health;
        }
        return events::added(asking, object, health, &["FailedCreate"]).await;
    };
    let is_over = pod["status"]["phase"] == "Failed";
    let seen = further(asking, pod, seen, more).await;
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let told = |seen: &str| {
        if is_old {
            before(&format!("pod {name} of the revision before: {seen}"))
        } else {
            format!("pod {name}: {seen}")
        }
    };
    let (Some(own), Some(why)) = (health.why(), seen.why()) else {
        return health;
    };
    let said = joined(own, &told(why));
    // A pod that ended is followed by another, as often as the workload allows.
    let worse = if is_over || is_old || seen.badness() < health.badness() {
        health
    } else {
        seen
    };
    worse.reworded(|_| said)
}

/// A stateful set replaces a pod of the revision before only once that one is ready.
fn before(told: &str) -> String {
    let cause = told.lines().next().unwrap_or_default();
    format!("{cause}\nDelete that pod where it cannot become ready: its stateful set waits for it.")
}

/// Adds to a pod's words what else can be told about it.
async fn further(asking: Asking<'_>, pod: &Json, health: Health, more: More) -> Health {
    let said = match more {
        More::Nothing => None,
        More::LastWords {
            container,
            previous,
        } => words::last(asking, pod, &container, previous)
            .await
            .map(|said| format!("it last said: {said}")),
        More::Memory { container } => words::memory(asking.0, pod, &container)
            .await
            .map(|used| format!("it used {used} when it was measured last")),
        More::Events => return events::added(asking, pod, health, &[]).await,
    };
    let health = match said {
        Some(said) => with(health, &said),
        None => health,
    };
    // What a liveness probe ends, ends without saying why.
    events::added(asking, pod, health, &["Unhealthy"]).await
}

/// Adds to the cause; the next step stays where it is.
pub(super) fn with(health: Health, more: &str) -> Health {
    let told = |why: &str| match why.split_once('\n') {
        Some((cause, next)) => format!("{cause}; {more}\n{next}"),
        None => format!("{why}; {more}"),
    };
    health.reworded(|why| told(&why))
}

/// Joins what the workload says and what its pod says, which may end in a next step on its own line.
fn joined(workload: &str, pod: &str) -> String {
    let first = workload.lines().next().unwrap_or_default();
    format!("{first}: {pod}")
}

pub(super) fn bounded(health: Health, sealer: &Sealer<'_>) -> Health {
    let cut = |why: String| {
        let (cause, next) = match why.split_once('\n') {
            Some((cause, next)) => (cause, Some(next)),
            None => (why.as_str(), None),
        };
        if why.chars().count() <= LONGEST {
            return why;
        }
        let room = LONGEST.saturating_sub(next.map_or(0, |next| next.chars().count()));
        let cause: String = cause.chars().take(room).collect();
        next.map_or_else(|| format!("{cause}…"), |next| format!("{cause}…\n{next}"))
    };
    sealer.scrubbed_health(health).reworded(cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::kubernetes::rows;

    #[test]
    fn a_reason_is_never_long_and_keeps_its_next_step() {
        let long = Health::Failed(format!("{}\nDo this.", "é".repeat(5000)));
        let rows = rows();
        let Health::Failed(why) = bounded(long, &Sealer::of(&rows[0], None)) else {
            panic!("it still fails")
        };
        assert!(why.ends_with("…\nDo this."), "{why}");
        assert!(
            why.chars().count() <= LONGEST + 2,
            "{}",
            why.chars().count()
        );
    }

    #[test]
    fn what_others_say_stands_before_the_next_step() {
        let told = with(Health::Progressing("cause\nnext".to_owned()), "more");
        assert_eq!(told, Health::Progressing("cause; more\nnext".to_owned()));
    }
}
