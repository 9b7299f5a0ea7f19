//! What scales a workload makes its fields its own, also before it has written any of them: a
//! HorizontalPodAutoscaler or a ScaledObject of KEDA the replicas, a VerticalPodAutoscaler the
//! resources. Those fields are sent as they are live.
//!
//! Looked for only where a write would change such a field: a quiet cluster is asked nothing.

use super::cluster::Cluster;
use super::discovery::{Lookup, Types};
use super::error::Failure;
use super::place;
use super::reference::Reference;
use super::target::Target;
use crate::model::{Asked, Value};
use serde_json::Value as Json;
use std::collections::HashMap;
use tokio::sync::Mutex;

/// Group and kind of what scales.
const KINDS: [(&str, &str); 3] = [
    ("autoscaling", "HorizontalPodAutoscaler"),
    ("keda.sh", "ScaledObject"),
    ("autoscaling.k8s.io", "VerticalPodAutoscaler"),
];

/// A field as the server writes it, and who it is left to.
pub(super) type Claim = (String, String);

/// What scales workloads in one cluster, as declared and as live.
pub(super) struct Scalers<'a> {
    cluster: &'a Cluster,
    types: &'a Types,
    declared: Vec<Scaler>,
    /// By namespace, as read in this look.
    live: Mutex<HashMap<String, Vec<Scaler>>>,
}

/// One that scales.
#[derive(Clone, Debug)]
struct Scaler {
    kind: &'static str,
    name: String,
    namespace: String,
    target: (String, String),
    /// A VerticalPodAutoscaler that sets no limits.
    requests_only: bool,
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
        let moved = moved(live, told);
        if moved.is_empty() {
            return Ok(Vec::new());
        }
        let reference = &target.reference;
        let mut scalers = self.live(&reference.namespace).await?;
        scalers.extend(self.declared.iter().cloned());
        scalers.retain(|scaler| scaler.scales(reference));
        let claims = moved.into_iter().filter_map(|(field, what)| {
            let scaler = scalers.iter().find(|scaler| scaler.has(what))?;
            Some((field, format!("{} {}", scaler.kind, scaler.name)))
        });
        Ok(claims.collect())
    }

    async fn live(&self, namespace: &str) -> Result<Vec<Scaler>, Failure> {
        let mut known = self.live.lock().await;
        if let Some(scalers) = known.get(namespace) {
            return Ok(scalers.clone());
        }
        let mut scalers = Vec::new();
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
                Err(failure) if failure.code == "forbidden" => {}
                Err(failure) => return Err(failure),
            }
        }
        known.insert(namespace.to_owned(), scalers.clone());
        Ok(scalers)
    }
}

impl Scaler {
    fn read(kind: &'static str, object: &Json, namespace: &str) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Json::as_str);
        let at = if kind == "VerticalPodAutoscaler" {
            "targetRef"
        } else {
            "scaleTargetRef"
        };
        // It only recommends.
        if kind == "VerticalPodAutoscaler" && text("/spec/updatePolicy/updateMode") == Some("Off") {
            return None;
        }
        let policies = object.pointer("/spec/resourcePolicy/containerPolicies");
        let policies = policies.and_then(Json::as_array).into_iter().flatten();
        let requests_only = policies
            .into_iter()
            .any(|policy| policy["controlledValues"] == "RequestsOnly");
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
            requests_only,
        })
    }

    fn scales(&self, reference: &Reference) -> bool {
        self.namespace == reference.namespace
            && self.target.0 == reference.kind
            && self.target.1 == reference.name
    }

    fn has(&self, what: What) -> bool {
        match what {
            What::Replicas => self.kind != "VerticalPodAutoscaler",
            What::Requests => self.kind == "VerticalPodAutoscaler",
            What::Limits => self.kind == "VerticalPodAutoscaler" && !self.requests_only,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Replicas,
    Requests,
    Limits,
}

/// Returns the fields that may be a scaler's and differ.
fn moved(live: &Json, told: &Json) -> Vec<(String, What)> {
    let mut moved = Vec::new();
    if live.pointer("/spec/replicas") != told.pointer("/spec/replicas") {
        moved.push((".spec.replicas".to_owned(), What::Replicas));
    }
    let containers = "/spec/template/spec/containers";
    for container in told
        .pointer(containers)
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
    {
        let name = &container["name"];
        let mut known = live
            .pointer(containers)
            .and_then(Json::as_array)
            .into_iter()
            .flatten();
        let Some(live) = known.find(|live| live["name"] == *name) else {
            continue;
        };
        for (field, what) in [("requests", What::Requests), ("limits", What::Limits)] {
            if live["resources"].get(field) != container["resources"].get(field) {
                let field =
                    format!(".spec.template.spec.containers[name={name}].resources.{field}");
                moved.push((field, what));
            }
        }
    }
    moved
}

/// Returns the object with these fields as they are live, or without those that are not there.
pub(super) fn as_live(object: &Json, live: &Json, claims: &[Claim]) -> Json {
    let mut object = object.clone();
    for (field, _) in claims {
        let Some(place) = place::find(&object, field) else {
            continue;
        };
        match place::find(live, field).and_then(|at| place::get(live, &at)) {
            Some(value) => place::put(&mut object, &place, value.clone()),
            None => place::cut(&mut object, &place),
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workload(replicas: u32, cpu: &str) -> Json {
        json!({ "spec": { "replicas": replicas, "template": { "spec": { "containers": [
            { "name": "api", "resources": { "requests": { "cpu": cpu } } }] } } } })
    }

    #[test]
    fn only_what_differs_is_looked_after_and_is_sent_as_it_is_live() {
        let (live, told) = (workload(5, "1"), workload(2, "2"));
        assert_eq!(moved(&live, &live), []);
        let moved = moved(&live, &told);
        let fields: Vec<&str> = moved.iter().map(|(field, _)| field.as_str()).collect();
        let requests = ".spec.template.spec.containers[name=\"api\"].resources.requests";
        assert_eq!(fields, [".spec.replicas", requests]);
        let claims: Vec<Claim> = moved
            .into_iter()
            .map(|(field, _)| (field, "x".to_owned()))
            .collect();
        assert_eq!(as_live(&told, &live, &claims), live);
    }

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
        assert!(keda.has(What::Replicas) && !keda.has(What::Requests));
        let target = json!({ "kind": "StatefulSet", "name": "db" });
        let off = json!({ "targetRef": target, "updatePolicy": { "updateMode": "Off" } });
        assert!(read("VerticalPodAutoscaler", off).is_none());
        let requests = json!({ "targetRef": target, "resourcePolicy": { "containerPolicies": [{ "controlledValues": "RequestsOnly" }] } });
        let requests = read("VerticalPodAutoscaler", requests).unwrap();
        assert!(requests.has(What::Requests) && !requests.has(What::Limits));
    }
}
