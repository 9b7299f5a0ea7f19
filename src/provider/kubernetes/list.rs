//! Reads live objects: from a watch where one is live, by list where several of one kind and namespace are asked for, singly where
//! only one or two are, or where the account may not list.

use super::cluster::Cluster;
use super::connection::written::Written;
use super::error::Failure;
use super::marks;
use super::reference::Reference;
use super::target::Target;
use super::watch::{Place, Watch};
use crate::model::Asked;
use futures::stream::{self, StreamExt as _};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Up to this many objects of one kind and namespace are read singly.
pub(super) const FEW: usize = 2;
/// How many reads are under way at once.
const AT_ONCE: usize = 8;

/// Everything that was read.
#[derive(Default)]
pub(super) struct Listed {
    /// By kind and place, then by name.
    objects: HashMap<Place, HashMap<String, Written>>,
    /// Collections and objects that could not be read; an empty name means the collection.
    failures: HashMap<(Place, String), Failure>,
}

impl Listed {
    /// Returns the live object, `None` where the server says that it is not there.
    ///
    /// # Errors
    /// Why it could not be read.
    pub(super) fn find(&self, target: &Target) -> Result<Option<Json>, Failure> {
        let place = (target.served.clone(), target.namespace().to_owned());
        let name = &target.reference.name;
        if let Some(object) = self
            .objects
            .get(&place)
            .and_then(|objects| objects.get(name))
        {
            return object.object().map(Some);
        }
        for name in [name.clone(), String::new()] {
            if let Some(failure) = self.failures.get(&(place.clone(), name)) {
                return Err(failure.clone());
            }
        }
        Ok(None)
    }

    /// Tells whether an address was not served any more.
    pub(super) fn has_unserved(&self) -> bool {
        self.failures
            .values()
            .any(|failure| failure.code == "not-served")
    }

    /// Returns every object that was read and carries a mark like ours, but those that are meant.
    pub(super) fn others(&self, meant: &BTreeSet<&Reference>) -> Vec<(Target, Json)> {
        let mut others = Vec::new();
        for ((served, namespace), objects) in &self.objects {
            for (name, object) in objects {
                let reference = Reference {
                    group: served.group.clone(),
                    kind: served.kind.clone(),
                    namespace: namespace.clone(),
                    name: name.clone(),
                };
                if meant.contains(&reference) || !object.mentions(marks::ADDRESS) {
                    continue;
                }
                let Ok(object) = object.object() else {
                    continue;
                };
                let served = served.clone();
                others.push((Target { reference, served }, object));
            }
        }
        others
    }
}

/// What is asked of one place.
#[derive(Default)]
struct Want {
    names: Vec<String>,
    /// Those of them that are read, whatever a watch knows.
    afresh: HashSet<String>,
    /// Whether something there is ours, as far as the ledger knows.
    is_ours: bool,
}

/// Reads what these targets name.
pub(super) async fn fetch<'t>(
    cluster: &Cluster,
    targets: impl Iterator<Item = (&'t Asked, &'t Target)>,
) -> Listed {
    let mut places: BTreeMap<Place, Want> = BTreeMap::new();
    for (asked, target) in targets {
        let place = (target.served.clone(), target.namespace().to_owned());
        let want = places.entry(place).or_default();
        want.names.push(target.reference.name.clone());
        want.is_ours |= asked.owned.is_some();
        if asked.afresh {
            want.afresh.insert(target.reference.name.clone());
        }
    }
    // All at once: one watch of many namespaces is to know them all before it begins.
    let watched: Vec<_> = places
        .into_iter()
        .map(|(place, want)| (cluster.watches.asked(&place, want.is_ours), place, want))
        .collect();
    let reads = watched
        .into_iter()
        .map(|(watch, place, want)| heard_or_read(cluster, watch, place, want));
    let mut listed = Listed::default();
    let mut answers = stream::iter(reads).buffer_unordered(AT_ONCE);
    while let Some((place, answers)) = answers.next().await {
        for (name, answer) in answers {
            match answer {
                Ok(object) => {
                    listed
                        .objects
                        .entry(place.clone())
                        .or_default()
                        .insert(name, object);
                }
                Err(failure) => {
                    listed.failures.insert((place.clone(), name), failure);
                }
            }
        }
    }
    listed
}

type Answers = Vec<(String, Result<Written, Failure>)>;

/// Takes from the place's watch what it knows, and reads the rest: what is not there, or not ours.
async fn heard_or_read(
    cluster: &Cluster,
    watch: Option<Arc<Watch>>,
    place: Place,
    Want {
        mut names, afresh, ..
    }: Want,
) -> (Place, Answers) {
    let mut known = match &watch {
        Some(watch) => watch.objects(&names).await.unwrap_or_default(),
        None => HashMap::new(),
    };
    known.retain(|name, _| !afresh.contains(name));
    names.retain(|name| !known.contains_key(name));
    let known = known.into_iter().map(|(name, object)| (name, Ok(object)));
    if names.is_empty() {
        let answers = known.collect();
        return (place, answers);
    }
    let (answers, is_whole) = read(cluster, &place, &names).await;
    if let Some(watch) = watch.filter(|_| answers.iter().all(|(_, answer)| answer.is_ok())) {
        let found: HashMap<&str, &Written> = answers
            .iter()
            .filter_map(|(name, answer)| Some((name.as_str(), answer.as_ref().ok()?)))
            .collect();
        for name in &names {
            match found.get(name.as_str()).map(|object| object.object()) {
                Some(Ok(object)) => watch.read(name, Some(&object)),
                Some(Err(_)) => {}
                None => watch.read(name, None),
            }
        }
    }
    if is_whole {
        return (place, answers);
    }
    let answers = answers.into_iter().chain(known).collect();
    (place, answers)
}

/// Reads these, or all there are: then the answer says so.
async fn read(cluster: &Cluster, place: &Place, names: &[String]) -> (Answers, bool) {
    let (served, namespace) = place;
    if names.len() > FEW {
        // What is neither asked for nor marked like ours takes no room: releases of charts, tokens, logs.
        let asked: HashSet<&str> = names.iter().map(String::as_str).collect();
        let is_kept = |object: &Written| {
            object.mentions(marks::ADDRESS)
                || object
                    .name()
                    .is_some_and(|name| asked.contains(name.as_str()))
        };
        match cluster.written(served, namespace, None, is_kept).await {
            Ok(Some(objects)) => {
                let named = objects
                    .into_iter()
                    .filter_map(|object| Some((object.name()?, Ok(object))));
                return (named.collect(), true);
            }
            // Discovery said that it is served: it went away in between, which the next look will see.
            Ok(None) => {
                let gone = Failure::transient(
                    "not-served",
                    format!("{} are not served any more", served.plural),
                );
                return (vec![(String::new(), Err(gone))], true);
            }
            // An account of few rights may read single objects still.
            Err(failure) if failure.code == "forbidden" => {}
            Err(failure) => return (vec![(String::new(), Err(failure))], false),
        }
    }
    let mut answers = Vec::new();
    for name in names {
        match cluster.get(served, namespace, name).await {
            Ok(Some(object)) => answers.push((name.clone(), Ok(Written::of(&object)))),
            Ok(None) => {}
            Err(failure) => answers.push((name.clone(), Err(failure))),
        }
    }
    (answers, false)
}
