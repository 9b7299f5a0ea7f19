//! Reads live objects, by list where several of one kind and namespace are asked for, singly where
//! only one or two are, or where the account may not list.

use super::cluster::Cluster;
use super::discovery::Served;
use super::error::Failure;
use super::reference::Reference;
use super::target::Target;
use futures::stream::{self, StreamExt as _};
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};

/// Up to this many objects of one kind and namespace are read singly.
const FEW: usize = 2;
/// How many reads are under way at once.
const AT_ONCE: usize = 8;

/// One collection: a kind in one namespace, or in none.
type Place = (Served, String);

/// Everything that was read.
#[derive(Default)]
pub(super) struct Listed {
    /// By kind and place, then by name.
    objects: HashMap<Place, HashMap<String, Json>>,
    /// Collections and objects that could not be read; an empty name means the collection.
    failures: HashMap<(Place, String), Failure>,
}

impl Listed {
    /// Returns the live object, `None` where the server says that it is not there.
    pub(super) fn find(&self, target: &Target) -> Result<Option<&Json>, &Failure> {
        let place = (target.served.clone(), target.namespace().to_owned());
        let name = &target.reference.name;
        if let Some(object) = self
            .objects
            .get(&place)
            .and_then(|objects| objects.get(name))
        {
            return Ok(Some(object));
        }
        for name in [name.clone(), String::new()] {
            if let Some(failure) = self.failures.get(&(place.clone(), name)) {
                return Err(failure);
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

    /// Returns every object that was read.
    pub(super) fn objects(&self) -> impl Iterator<Item = (Target, &Json)> {
        self.objects.iter().flat_map(|((served, _), objects)| {
            objects.values().map(|object| {
                let reference = Reference::of_live(&served.group, &served.kind, object);
                (
                    Target {
                        reference,
                        served: served.clone(),
                    },
                    object,
                )
            })
        })
    }
}

/// Reads what these targets name.
pub(super) async fn fetch<'t>(
    cluster: &Cluster,
    targets: impl Iterator<Item = &'t Target>,
) -> Listed {
    let mut places: BTreeMap<Place, Vec<String>> = BTreeMap::new();
    for target in targets {
        let place = (target.served.clone(), target.namespace().to_owned());
        places
            .entry(place)
            .or_default()
            .push(target.reference.name.clone());
    }
    let reads = places
        .into_iter()
        .map(|(place, names)| read(cluster, place, names));
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

type Answers = Vec<(String, Result<Json, Failure>)>;

async fn read(cluster: &Cluster, place: Place, names: Vec<String>) -> (Place, Answers) {
    let (served, namespace) = &place;
    if names.len() > FEW {
        match cluster.list(served, namespace, None).await {
            Ok(Some(objects)) => {
                let named = objects.into_iter().filter_map(|object| {
                    Some((object["metadata"]["name"].as_str()?.to_owned(), Ok(object)))
                });
                let answers = named.collect();
                return (place, answers);
            }
            // Discovery said that it is served: it went away in between, which the next look will see.
            Ok(None) => {
                let gone = Failure::transient(
                    "not-served",
                    format!("{} are not served any more", served.plural),
                );
                return (place, vec![(String::new(), Err(gone))]);
            }
            // An account of few rights may read single objects still.
            Err(failure) if failure.code == "forbidden" => {}
            Err(failure) => return (place, vec![(String::new(), Err(failure))]),
        }
    }
    let mut answers = Vec::new();
    for name in names {
        match cluster.get(served, namespace, &name).await {
            Ok(Some(object)) => answers.push((name, Ok(object))),
            Ok(None) => {}
            Err(failure) => answers.push((name, Err(failure))),
        }
    }
    (place, answers)
}
