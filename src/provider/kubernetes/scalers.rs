//! What scales a workload makes its fields its own, also before it has written any of them: a
//! HorizontalPodAutoscaler or a ScaledObject of KEDA the replicas, a VerticalPodAutoscaler the
//! resources. Those fields are sent as they are live.
//!
//! Looked for only where a write would change such a field, and now and then where one was left to them: a quiet
//! cluster is asked next to nothing.

pub(super) mod scalable;
pub(super) mod vertical;

use super::cluster::Cluster;
use super::discovery::{Lookup, Types};
use super::error::{Cause, Failure};
use super::reference::Reference;
use super::target::Target;
use crate::model::{Asked, Value};
use scalable::{REPLICAS, What, moved};
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use vertical::{Policies, Sets};

/// Group and kind of what scales.
const KINDS: [(&str, &str); 3] = [
    // It makes an autoscaler of its own; people know it by this.
    ("keda.sh", "ScaledObject"),
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("autoscaling.k8s.io", VERTICAL),
];

const VERTICAL: &str = "VerticalPodAutoscaler";

/// Managers that set replicas for one of those kinds, by the beginning of their names: where none of them
/// is there, nobody sets them any more. KEDA goes to zero and back by itself.
const ACTORS: [&str; 2] = ["kube-controller-manager", "keda"];

/// A field as the server writes it, and who it is left to.
pub(super) type Claim = (String, String);

/// What scales workloads in one cluster, as declared and as live.
pub(super) struct Scalers<'a> {
    cluster: &'a Cluster,
    types: &'a Types,
    declared: Vec<Scaler>,
    /// By namespace, as read in this look.
    live: Mutex<HashMap<String, Arc<Read>>>,
}

/// How long what scales a workload is taken to be there still, once it was seen to be: longer than most pauses
/// between two passes. That one goes, nothing about the workload tells.
const STILL_THERE: Duration = Duration::from_secs(600);

/// What scaled the workloads of a cluster when it was last asked whether it does still, by namespace.
#[derive(Default)]
pub(super) struct Known(std::sync::Mutex<HashMap<String, (Instant, Arc<Read>)>>);

impl Known {
    fn of(&self, namespace: &str) -> Option<Arc<Read>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, (at, _)| at.elapsed() < STILL_THERE);
        all.get(namespace).map(|(_, read)| Arc::clone(read))
    }

    fn note(&self, namespace: &str, read: Arc<Read>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(namespace.to_owned(), (Instant::now(), read));
    }
}

/// What scales workloads of one namespace.
#[derive(Debug)]
struct Read {
    scalers: Vec<Scaler>,
    /// False where the account may not see them all.
    is_whole: bool,
}

/// Whether something scales a workload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Scaled {
    /// This does.
    By(String),
    /// Nothing does.
    No,
    /// That cannot be seen.
    Unseen,
}

/// One that scales.
#[derive(Clone, Debug)]
struct Scaler {
    kind: &'static str,
    name: String,
    namespace: String,
    target: (String, String),
    /// Of a VerticalPodAutoscaler.
    policies: Policies,
}

impl<'a> Scalers<'a> {
    /// Takes note of those that are declared beside what is asked about.
    pub(super) fn new(cluster: &'a Cluster, types: &'a Types, asked: &[&Asked]) -> Self {
        let objects = asked.iter().filter_map(|one| one.desired.as_deref());
        let declared = objects.filter_map(|desired| {
            let kind = desired.get("kind").and_then(Value::as_str)?;
            let (group, kind) = KINDS.iter().find(|(_, known)| *known == kind)?;
            let version = desired.get("apiVersion").and_then(Value::as_str)?;
            let is_known = version.split_once('/').is_some_and(|(of, _)| of == *group);
            let object = is_known.then(|| desired.masked_json())?;
            Scaler::read(kind, &object, &cluster.namespace)
        });
        Self {
            cluster,
            types,
            declared: declared.collect(),
            live: Mutex::default(),
        }
    }

    /// Returns the fields of an object that a write would change and that are somebody's who scales it.
    pub(super) async fn claims(
        &self,
        target: &Target,
        live: &Json,
        told: &Json,
    ) -> Result<Vec<Claim>, Failure> {
        let mut claims = Vec::new();
        for field in moved(live, told) {
            let scaled = self.of(&target.reference, What::of(&field)).await?;
            if let Scaled::By(scaler) = scaled {
                claims.push((field, scaler));
            }
        }
        Ok(claims)
    }

    /// Tells whether a field in conflict is left to its manager: always, but for replicas that were set
    /// for something that scales, and nothing does any more.
    pub(super) async fn scaled(
        &self,
        target: &Target,
        conflict: &Cause,
        manager: &str,
    ) -> Result<Scaled, Failure> {
        if conflict.field == REPLICAS && ACTORS.iter().any(|actor| manager.starts_with(actor)) {
            return self.of(&target.reference, What::Replicas).await;
        }
        Ok(Scaled::Unseen)
    }

    /// Tells whether fields that were left to what scales a workload are left to the same still.
    pub(super) async fn have(&self, target: &Target, left: &[Claim]) -> Result<bool, Failure> {
        for (field, owner) in left {
            let kind = owner.split_once(' ').map_or("", |(kind, _)| kind);
            let owner = Scaled::By(owner.clone());
            if KINDS.iter().any(|(_, known)| *known == kind)
                && !self.has(&target.reference, What::of(field), &owner).await?
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tells whether a field is left to this one, as far as was known a while ago; else as is so now.
    async fn has(
        &self,
        reference: &Reference,
        what: What<'_>,
        owner: &Scaled,
    ) -> Result<bool, Failure> {
        let known = &self.cluster.scaled;
        let (declared, before) = (
            self.declared(reference, what),
            known.of(&reference.namespace),
        );
        let is_known = |read: Arc<Read>| read.scaled(reference, what) == *owner;
        if declared.is_none() && before.is_some_and(is_known) {
            return Ok(true);
        }
        let now = self.of(reference, what).await?;
        if declared.is_none() {
            let read = self.live(&reference.namespace).await?;
            known.note(&reference.namespace, read);
        }
        Ok(now == *owner)
    }

    /// Tells what scales a workload: what is declared to, else what is live.
    async fn of(&self, reference: &Reference, what: What<'_>) -> Result<Scaled, Failure> {
        if let Some(declared) = self.declared(reference, what) {
            return Ok(declared);
        }
        let live = self.live(&reference.namespace).await?;
        Ok(live.scaled(reference, what))
    }

    fn declared(&self, reference: &Reference, what: What<'_>) -> Option<Scaled> {
        let mut declared = self.declared.iter();
        let scaler = declared.find(|scaler| scaler.has(reference, what))?;
        Some(scaler.scaled())
    }

    async fn live(&self, namespace: &str) -> Result<Arc<Read>, Failure> {
        let mut known = self.live.lock().await;
        if let Some(read) = known.get(namespace) {
            return Ok(Arc::clone(read));
        }
        let (mut scalers, mut is_whole) = (Vec::new(), true);
        for (group, kind) in KINDS {
            let Lookup::Served(served) = self.types.find(group, kind, None) else {
                continue;
            };
            match self.cluster.list(served, namespace, None).await {
                Ok(objects) => scalers.extend(
                    objects
                        .into_iter()
                        .flatten()
                        .filter_map(|object| Scaler::read(kind, &object, namespace)),
                ),
                // An account that may not see them: what they have written is told by the owners still.
                Err(failure) if failure.code == "forbidden" => is_whole = false,
                Err(failure) => return Err(failure),
            }
        }
        let read = Arc::new(Read { scalers, is_whole });
        known.insert(namespace.to_owned(), Arc::clone(&read));
        Ok(read)
    }
}

impl Read {
    fn scaled(&self, reference: &Reference, what: What<'_>) -> Scaled {
        let mut scalers = self.scalers.iter();
        match scalers.find(|scaler| scaler.has(reference, what)) {
            Some(scaler) => scaler.scaled(),
            None if self.is_whole => Scaled::No,
            None => Scaled::Unseen,
        }
    }
}

impl Scaler {
    fn read(kind: &'static str, object: &Json, namespace: &str) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str);
        let at = if kind == VERTICAL {
            "targetRef"
        } else {
            "scaleTargetRef"
        };
        // It only recommends.
        if kind == VERTICAL && text("/spec/updatePolicy/updateMode") == Some("Off") {
            return None;
        }
        Some(Self {
            kind,
            name: text("/metadata/name")?.to_owned(),
            namespace: text("/metadata/namespace").unwrap_or(namespace).to_owned(),
            // KEDA's own default.
            target: (
                text(&format!("/spec/{at}/kind"))
                    .unwrap_or("Deployment")
                    .to_owned(),
                text(&format!("/spec/{at}/name"))?.to_owned(),
            ),
            policies: Policies::read(object),
        })
    }

    fn scales(&self, reference: &Reference) -> bool {
        self.namespace == reference.namespace
            && self.target.0 == reference.kind
            && self.target.1 == reference.name
    }

    /// Tells whether it has a field of a workload.
    fn has(&self, reference: &Reference, what: What<'_>) -> bool {
        self.scales(reference) && self.sets(what)
    }

    fn scaled(&self) -> Scaled {
        Scaled::By(format!("{} {}", self.kind, self.name))
    }

    fn sets(&self, what: What<'_>) -> bool {
        let is_vertical = self.kind == VERTICAL;
        match what {
            What::Replicas => !is_vertical,
            What::Request(container, resource) => {
                is_vertical && self.policies.of(container, resource) != Sets::Nothing
            }
            What::Limit(container, resource) => {
                is_vertical && self.policies.of(container, resource) == Sets::Both
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_scaler_tells_what_it_scales() {
        let read = |kind, spec: Json| {
            Scaler::read(
                kind,
                &json!({ "metadata": { "name": "s" }, "spec": spec }),
                "shop",
            )
        };
        let keda = read(
            "ScaledObject",
            json!({ "scaleTargetRef": { "name": "api" } }),
        )
        .unwrap();
        assert_eq!(keda.target, ("Deployment".to_owned(), "api".to_owned()));
        assert!(keda.sets(What::Replicas) && !keda.sets(What::Request("api", "cpu")));
        let target = json!({ "kind": "StatefulSet", "name": "db" });
        let off = json!({ "targetRef": target, "updatePolicy": { "updateMode": "Off" } });
        assert!(read("VerticalPodAutoscaler", off).is_none());
        let policies = json!([{ "containerName": "app", "controlledValues": "RequestsOnly" },
            { "containerName": "*", "mode": "Off" }]);
        let spec =
            json!({ "targetRef": target, "resourcePolicy": { "containerPolicies": policies } });
        let one = read("VerticalPodAutoscaler", spec).unwrap();
        let sets = |container: &str| {
            let at = |field| format!("[name=\"{container}\"].resources.{field}");
            [at("requests.cpu"), at("limits.cpu")].map(|field| one.sets(What::of(&field)))
        };
        assert_eq!((sets("app"), sets("side")), ([true, false], [false; 2]));
    }
}
