//! What is said of an object whose kind the cluster does not serve: that it is not there, that it may be there
//! later, or that it cannot be told.

use crate::model::{Asked, Depth, Observation, Prediction, Value};
use crate::provider::kubernetes::cluster::Cluster;
use crate::provider::kubernetes::cluster::rights;
use crate::provider::kubernetes::discovery::{Served, Types};
use crate::provider::kubernetes::error::Failure;
use crate::provider::kubernetes::health;
use crate::provider::kubernetes::list::Listed;
use crate::provider::kubernetes::reference::{Reference, declared_version};
use crate::provider::kubernetes::target::{self, Target};
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// What the same look is asked to make: kinds and namespaces that may be there later.
pub(crate) struct Planned {
    /// By group and kind.
    kinds: BTreeMap<(String, String), Defined>,
    pub(crate) namespaces: BTreeSet<String>,
}

/// What a definition says of how its kind will be reached.
struct Defined {
    plural: String,
    namespaced: bool,
}

impl Planned {
    pub(crate) fn read(asked: &[&Asked]) -> Self {
        let mut planned = Self {
            kinds: BTreeMap::new(),
            namespaces: BTreeSet::new(),
        };
        for desired in asked.iter().filter_map(|one| one.desired.as_deref()) {
            let text = |keys: &[&str]| {
                desired
                    .at(keys)
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned()
            };
            match text(&["kind"]).as_str() {
                "CustomResourceDefinition" => {
                    let key = (text(&["spec", "group"]), text(&["spec", "names", "kind"]));
                    let defined = Defined {
                        plural: text(&["spec", "names", "plural"]),
                        namespaced: text(&["spec", "scope"]) == "Namespaced",
                    };
                    planned.kinds.insert(key, defined);
                }
                "Namespace" => {
                    planned.namespaces.insert(text(&["metadata", "name"]));
                }
                _ => {}
            }
        }
        planned
    }
}

impl Defined {
    /// Returns where an object of it will be reached.
    fn target(&self, cluster: &Cluster, reference: &Reference, desired: &Value) -> Target {
        let mut reference = reference.clone();
        if !self.namespaced {
            reference.namespace.clear();
        } else if reference.namespace.is_empty() {
            reference.namespace.clone_from(&cluster.namespace);
        }
        let served = Served {
            group: reference.group.clone(),
            version: declared_version(desired).unwrap_or_default().to_owned(),
            kind: reference.kind.clone(),
            plural: self.plural.clone(),
            namespaced: self.namespaced,
        };
        Target { reference, served }
    }
}

/// Returns the definition of a kind as it is live, where it was looked at.
pub(crate) fn definition(
    targets: &[(&Asked, Target)],
    listed: &Listed,
    of: &Reference,
) -> Option<Json> {
    let definitions = targets
        .iter()
        .filter(|(_, target)| target.served.kind == "CustomResourceDefinition");
    let live = definitions.filter_map(|(_, target)| listed.find(target).ok()?);
    live.into_iter().find(|live| {
        let spec = &live["spec"];
        spec["group"] == of.group && spec["names"]["kind"] == of.kind
    })
}

/// Tells why a kind is not served whose definition is there: an object of it may be there, too. `None` where it is
/// as it should be, and the server only takes its moment.
fn held_by(definition: &Json, asked: &Asked, reference: &Reference) -> Option<Failure> {
    let said = |why: &str| {
        let (kind, group) = (&reference.kind, &reference.group);
        let name = definition["metadata"]["name"].as_str().unwrap_or_default();
        let reason =
            format!("the cluster does not serve {kind} of {group} yet: its CRD {name} {why}");
        Some(Failure::transient("not-served", reason))
    };
    let mut definition = definition.clone();
    definition["kind"] = "CustomResourceDefinition".into();
    definition["apiVersion"] = "apiextensions.k8s.io/v1".into();
    if let Some(why) = health::of(&definition).why() {
        let why = why.lines().next().unwrap_or_default();
        return said(&format!("is not established: {why}"));
    }
    // One that was never applied here cannot be there in another version: it is made once this one is served.
    asked.owned.as_ref()?;
    let versions = definition["spec"]["versions"].as_array();
    let versions = versions.into_iter().flatten();
    let served = versions.filter(|version| version["served"] == true);
    let served: Vec<&str> = served.filter_map(|one| one["name"].as_str()).collect();
    said(&format!("serves it in {}", served.join(", ")))
}

/// A kind that is not served has no objects; only where it is declared does it matter why.
pub(crate) async fn unserved(
    cluster: &Cluster,
    (asked, reference): (&Asked, &Reference),
    (planned, types): (&Planned, &Types),
    definition: Option<Json>,
) -> Observation {
    let held = definition.and_then(|definition| held_by(&definition, asked, reference));
    if let Some(held) = held {
        return held.unknown();
    }
    let key = (reference.group.clone(), reference.kind.clone());
    if let Some(defined) = planned.kinds.get(&key) {
        let crd = format!("the CRD of {} in {}", reference.kind, reference.group);
        let prediction = match asked.desired.as_deref() {
            Some(desired) if asked.depth == Depth::PredictAll => {
                let target = defined.target(cluster, reference, desired);
                rights::deferred(cluster, &target, crd).await
            }
            _ => Prediction::Deferred(crd),
        };
        return Observation::Absent {
            prediction: Some(prediction),
        };
    }
    if asked.desired.is_some() {
        return target::not_served(reference, asked.desired.as_deref()).unknown();
    }
    // With a group's server down a kind of another version of it may only be out of sight.
    if types.knows_down(&reference.group) {
        let reason = format!("the server of the API group {} is down", reference.group);
        return Failure::transient("api-group-unavailable", reason).unknown();
    }
    Observation::Absent { prediction: None }
}
