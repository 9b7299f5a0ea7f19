//! Answers what is live in one cluster: a list per kind and namespace, then a dry-run for each object
//! that may differ. One broken object, kind or group costs only its own answers.

pub(super) mod looks;
pub(super) mod unserved;
pub(super) mod within;

use super::apply::anew;
use super::cluster::Cluster;
use super::cluster::rights;
use super::discovery::Types;
use super::dry_run::{self, Answer, Question};
use super::error::Failure;
use super::fields::managed;
use super::list::{self, Listed};
use super::reference::Reference;
use super::scalers::Scalers;
use super::seal::Sealer;
use super::target::{self, NoTarget, Target};
use super::{fields, health, marks, shape};
use crate::model::{
    Address, Asked, Depth, EnvironmentName, Health, Identity, Kind, ListRule, Live, Map, Marked,
    Observation, Observed, Owner, PathPattern, Prediction, Value,
};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;
use unserved::{Planned, definition, unserved};

/// How often an object is looked at that is written to at this very moment.
const LOOKS: u32 = 4;

/// Answers every question about one cluster.
pub(super) async fn answers<'r>(
    cluster: &Cluster,
    row: impl Fn(&Asked) -> Option<&'r Kind>,
    asked: &[&Asked],
) -> Vec<Observed> {
    let objects = asked
        .iter()
        .map(|one| (&one.identity, one.desired.as_deref()));
    let types = if cluster.doubts_types() {
        cluster.types(Duration::ZERO).await
    } else {
        target::types_for(cluster, objects).await
    };
    let mut types = match types {
        Ok(types) => types,
        Err(failure) => return all_unknown(asked, &failure),
    };
    let mut found = locate(cluster, asked, &types).await;
    // A kind went since discovery was asked, with its definition: what is served now?
    if found.listed.has_unserved() {
        types = match cluster.types(Duration::ZERO).await {
            Ok(types) => types,
            Err(failure) => return all_unknown(asked, &failure),
        };
        found = locate(cluster, asked, &types).await;
    }
    let Found {
        mut answers,
        targets,
        listed,
        planned,
    } = found;
    let scalers = Scalers::new(cluster, &types, asked);
    let looks = targets.iter().filter_map(|(one, target)| {
        let (row, found) = (row(one)?, listed.find(target));
        let planned = (&planned, &scalers);
        Some(look(cluster, row, one, target, found, planned))
    });
    answers.extend(looks::seen(looks).await);
    answers.extend(unseen(asked, &answers, cluster.server()));
    answers.extend(others(asked, &targets, &listed, &row));
    answers
}

/// Answers what was given up.
fn unseen(asked: &[&Asked], answers: &[Observed], server: &str) -> Vec<Observed> {
    let seen: BTreeSet<&Address> = answers.iter().map(|one| &one.address).collect();
    let reason = format!("{server} stopped answering before its turn came");
    let failure = Failure::transient("timeout", reason);
    let unseen = asked.iter().filter(|one| !seen.contains(&one.address));
    unseen
        .map(|one| Observed::answer(one, failure.unknown()))
        .collect()
}

fn all_unknown(asked: &[&Asked], failure: &Failure) -> Vec<Observed> {
    asked
        .iter()
        .map(|one| Observed::answer(one, failure.unknown()))
        .collect()
}

/// What was asked, as far as it can be told by lists.
struct Found<'a> {
    /// Answers to what has no address.
    answers: Vec<Observed>,
    targets: Vec<(&'a Asked, Target)>,
    listed: Listed,
    planned: Planned,
}

async fn locate<'a>(cluster: &Cluster, asked: &[&'a Asked], types: &Types) -> Found<'a> {
    let planned = Planned::read(asked);
    let (mut answers, mut targets, mut nowhere) = (Vec::new(), Vec::new(), Vec::new());
    for one in asked {
        match target::locate(types, cluster, &one.identity, one.desired.as_deref()) {
            Ok(target) => targets.push((*one, target)),
            Err(NoTarget::Failed(failure)) => {
                answers.push(Observed::answer(one, failure.unknown()));
            }
            Err(NoTarget::NotServed(reference)) => nowhere.push((*one, reference)),
        }
    }
    let listed = list::fetch(cluster, targets.iter().map(|(one, target)| (*one, target))).await;
    for (one, reference) in nowhere {
        let definition = definition(&targets, &listed, &reference);
        let asked = (one, &reference);
        let seen = unserved(cluster, asked, (&planned, types), definition).await;
        answers.push(Observed::answer(one, seen));
    }
    Found {
        answers,
        targets,
        listed,
        planned,
    }
}

async fn look(
    cluster: &Cluster,
    row: &Kind,
    asked: &Asked,
    target: &Target,
    found: Result<Option<Json>, Failure>,
    (planned, scalers): (&Planned, &Scalers<'_>),
) -> Observed {
    let sealer = Sealer::new(row, asked);
    let found = match found {
        Ok(found) => found,
        Err(failure) => return Observed::answer(asked, sealer.scrubbed(failure).unknown()),
    };
    let live = found.as_ref();
    let ask = match asked.depth {
        Depth::Identity | Depth::Read => false,
        Depth::Predict => live.is_some(),
        Depth::PredictAll => true,
    };
    let mut answer = Answer::default();
    let mut again = None;
    if let Some(desired) = asked.desired.as_deref().filter(|_| ask) {
        let question = Question {
            cluster,
            target,
            asked,
            desired,
            live,
            sealer: &sealer,
            scalers,
            namespace_planned: planned.namespaces.contains(target.namespace()),
        };
        (answer, again) = match of_one_moment(question).await {
            Ok(told) => told,
            Err(failure) => return Observed::answer(asked, sealer.scrubbed(failure).unknown()),
        };
    } else if let Some(live) = live {
        answer.touches = fields::touches(live, &Json::Null, &[]);
    }
    let Some(live) = again.as_ref().or(live) else {
        let prediction = rights::made(cluster, target, answer.prediction).await;
        return Observed::answer(asked, Observation::Absent { prediction });
    };
    let mut seen = present(live, target, Some(asked), &sealer);
    if asked.is_read {
        seen.outputs = outputs(live, target, &sealer);
    }
    seen.verdict = if ask {
        answer.verdict
    } else {
        asked.verdict().cloned()
    };
    seen.foretell(answer.prediction);
    seen.lists = lists(&seen, live);
    seen.touched_by = answer.touches;
    let kept = kept((cluster, asked, target), &seen, &sealer).await;
    seen.prediction = kept.or(seen.prediction);
    seen.health = examined((cluster, asked, target), live, &sealer, seen.health).await;
    Observed::answer(asked, Observation::Present(Box::new(seen)))
}

/// Tells why something would stay that is to go, for good or to be made again; `None` where it would not.
async fn kept(
    (cluster, asked, target): (&Cluster, &Asked, &Target),
    seen: &Live,
    sealer: &Sealer<'_>,
) -> Option<Prediction> {
    match rights::kept(cluster, target, asked, seen).await {
        None => anew::refused(cluster, target, asked, seen, sealer).await,
        kept => kept,
    }
}

/// Tells by the rules of the spec whether an object works, and what others say where it does not, where
/// that was asked.
async fn examined(
    (cluster, asked, target): (&Cluster, &Asked, &Target),
    live: &Json,
    sealer: &Sealer<'_>,
    told: Health,
) -> Health {
    if asked.depth <= Depth::Identity {
        return told;
    }
    let told = health::ruled((&asked.health, target), live, sealer, told);
    health::explained((cluster, sealer), live, target, told).await
}

/// Tells how lists are matched, where there is anything to match.
fn lists(seen: &Live, live: &Json) -> Vec<(PathPattern, ListRule)> {
    match &seen.prediction {
        None => Vec::new(),
        Some(Prediction::Becomes { value, .. }) if Arc::ptr_eq(value, &seen.value) => Vec::new(),
        Some(_) => managed::list_rules(live),
    }
}

/// Asks what a write would give, of the state that is then shown beside it: where a controller wrote
/// between the list and the dry-run, its change would be taken for one of ours. Returns the object as it
/// was read again, where it was.
async fn of_one_moment(question: Question<'_>) -> Result<(Answer, Option<Json>), Failure> {
    let (cluster, target) = (question.cluster, question.target);
    let mut answer = dry_run::predict(&question).await?;
    let mut again = None;
    for _ in 1..LOOKS {
        if !answer.is_later {
            break;
        }
        let name = &target.reference.name;
        let found = cluster.get(&target.served, target.namespace(), name).await;
        // Gone: the next look tells.
        let Some(found) = found? else { break };
        let live = Some(&found);
        answer = dry_run::predict(&Question { live, ..question }).await?;
        again = Some(found);
    }
    Ok((answer, again))
}

/// What expressions can read of a live object.
pub(super) fn outputs(live: &Json, target: &Target, sealer: &Sealer<'_>) -> Map {
    let mut object = live.clone();
    dry_run::with_type(&mut object, target);
    shape::outputs(&sealer.seal(Value::from_json(object)))
}

/// Returns the id the server gave an object.
pub(super) fn external_id(live: &Json) -> Option<String> {
    live["metadata"]["uid"].as_str().map(str::to_owned)
}

/// Gives the state of a live object as far as it can be told from itself, its outputs apart.
pub(super) fn present(
    live: &Json,
    target: &Target,
    asked: Option<&Asked>,
    sealer: &Sealer<'_>,
) -> Live {
    let desired = asked.and_then(|asked| asked.desired.as_deref());
    let mut object = live.clone();
    dry_run::with_type(&mut object, target);
    Live {
        outputs: Map::new(),
        owner: match asked.filter(|_| desired.is_some()) {
            Some(asked) => marks::owner_told(&object, &target.reference, &asked.address),
            None => marks::keeper(&object, &target.reference),
        },
        mark: marks::mark(live),
        external_id: external_id(live),
        health: sealer.scrubbed_health(health::of(&object)),
        going_since: live["metadata"]["deletionTimestamp"]
            .as_str()
            .and_then(|since| since.parse().ok()),
        value: sealer.seal(shape::value(object, desired)).into(),
        prediction: None,
        touched_by: Vec::new(),
        lists: Vec::new(),
        verdict: None,
        applied_by: marks::is_applied_by_kubectl(live).then_some("kubectl"),
    }
}

/// Objects that carry a mark of an environment that asks, and that nobody asked about: what a lost
/// ledger has forgotten.
fn others<'r>(
    asked: &[&Asked],
    targets: &[(&Asked, Target)],
    listed: &Listed,
    row: &impl Fn(&Asked) -> Option<&'r Kind>,
) -> Vec<Observed> {
    let environments: BTreeSet<&EnvironmentName> =
        asked.iter().map(|one| &one.address.environment).collect();
    let addresses: BTreeSet<&Address> = asked.iter().map(|one| &one.address).collect();
    let meant: BTreeSet<&Reference> = targets
        .iter()
        .map(|(_, target)| &target.reference)
        .collect();
    let kinds: HashMap<&str, &&Asked> = targets
        .iter()
        .map(|(one, target)| (target.served.plural.as_str(), one))
        .collect();
    let mut found: BTreeMap<Address, Observed> = BTreeMap::new();
    for (target, object) in listed.others(&meant) {
        let Some(Owner::Resource(address)) = marks::owner(&object, &target.reference) else {
            continue;
        };
        if addresses.contains(&address) || !environments.contains(&address.environment) {
            continue;
        }
        let of_kind = kinds.get(target.served.plural.as_str());
        let Some((one, row)) = of_kind.and_then(|one| Some((one, row(one)?))) else {
            continue;
        };
        let live = present(&object, &target, None, &Sealer::of(row, None));
        let unasked = Some(Marked {
            kind: one.kind.clone(),
            connection: Arc::clone(&one.connection),
            identity: row.identity_of(&live.value).unwrap_or(Identity(Vec::new())),
        });
        let observation = Observation::Present(Box::new(live));
        found.insert(
            address.clone(),
            Observed {
                address,
                observation,
                unasked,
            },
        );
    }
    found.into_values().collect()
}
