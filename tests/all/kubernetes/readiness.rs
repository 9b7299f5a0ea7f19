//! Readiness of every kind that the API server brings along: which are ready as soon as they are there, and which
//! say more than that, as the real controllers report it.

use super::health::{health_of, why};
use super::noise::built_in_kinds;
use super::{Scene, until};
use reconciled::model::Health;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;

/// Nothing in them tells whether they work: they are ready once they are there.
const THERE: [&str; 43] = [
    "CSIDriver",
    "CSINode",
    "CSIStorageCapacity",
    "CertificateSigningRequest",
    "ClusterRole",
    "ClusterRoleBinding",
    "ConfigMap",
    "ControllerRevision",
    "CronJob",
    "DeviceClass",
    "EndpointSlice",
    "Endpoints",
    "Event",
    "FlowSchema",
    "IPAddress",
    "Ingress",
    "IngressClass",
    "Lease",
    "LimitRange",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "MutatingWebhookConfiguration",
    "Namespace",
    "NetworkPolicy",
    "Node",
    "PodTemplate",
    "PriorityClass",
    "PriorityLevelConfiguration",
    "ResourceClaim",
    "ResourceClaimTemplate",
    "ResourceQuota",
    "ResourceSlice",
    "Role",
    "RoleBinding",
    "RuntimeClass",
    "Secret",
    "ServiceAccount",
    "StorageClass",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "ValidatingWebhookConfiguration",
    "VolumeAttachment",
    "VolumeAttributesClass",
];

/// They tell, and here is one of each that does not work, and what is said of it.
const TELLS: [(&str, &str); 12] = [
    ("CustomResourceDefinition", "its names are not accepted"),
    ("DaemonSet", "of 1 pods are"),
    ("Deployment", "of 1 pods are"),
    ("HorizontalPodAutoscaler", "it cannot scale its target"),
    ("Job", "of 1 pods have finished"),
    ("PersistentVolumeClaim", "it has no volume yet"),
    ("Pod", "it is Pending"),
    ("PodDisruptionBudget", "its pods cannot be counted"),
    ("ReplicaSet", "of 1 pods are available"),
    ("ReplicationController", "of 1 pods are available"),
    ("Service", "the load balancer has no address yet"),
    ("StatefulSet", "of 1 pods are ready"),
];

/// They tell as well, but what is wrong with them here lasts a moment: what is said of them is asked where their
/// rules stand. So it is of an `APIService`, of which a broken one would be every test's trouble.
const ELSEWHERE: [&str; 2] = ["PersistentVolume", "ServiceCIDR"];

/// Asserts of a scene in which each of these kinds is, that those are ready which say nothing of themselves, and
/// that no kind is forgotten.
pub(super) async fn of_every_kind(scene: &Scene, objects: &[Json]) {
    let tells = TELLS.iter().map(|(kind, _)| *kind);
    let known: BTreeSet<String> = THERE
        .into_iter()
        .chain(tells)
        .chain(ELSEWHERE)
        .map(str::to_owned)
        .collect();
    let served = built_in_kinds();
    let unknown: Vec<_> = served.symmetric_difference(&known).collect();
    assert!(unknown.is_empty(), "served or known alone: {unknown:?}");
    for object in objects {
        let kind = object["kind"].as_str().unwrap();
        if THERE.contains(&kind) {
            let health = health_of(scene, object).await;
            assert_eq!(
                health,
                Health::Ready,
                "{kind} {}",
                object["metadata"]["name"]
            );
        }
    }
    for object in objects {
        let kind = object["kind"].as_str().unwrap();
        if ["CustomResourceDefinition", "ServiceCIDR"].contains(&kind) {
            until("the server has taken it in", async || {
                (health_of(scene, object).await == Health::Ready).then_some(())
            })
            .await;
        }
    }
}

impl Scene {
    /// One of each kind that tells, which does not work.
    fn out_of_order(&self) -> Vec<Json> {
        let labels = json!({ "app": "never" });
        // The node leaves these pods to the test, which does nothing.
        let metadata = json!({ "labels": labels, "annotations": { "peers/status": "mine" } });
        let containers = json!([{ "name": "api", "image": "shop/api:1" }]);
        let template = json!({ "metadata": metadata, "spec": { "containers": containers } });
        let workload = |kind: &str, more: Json| {
            let mut spec = json!({ "selector": { "matchLabels": labels }, "template": template });
            spec.as_object_mut()
                .unwrap()
                .extend(more.as_object().unwrap().clone());
            self.object("apps/v1", kind, "never", json!({ "spec": spec }))
        };
        let mut once = template.clone();
        once["spec"]["restartPolicy"] = json!("Never");
        let pod = |name: &str, labels: Json| {
            self.object(
                "v1",
                "Pod",
                name,
                json!({ "spec": { "containers": containers } }),
            )
            .as_object()
            .cloned()
            .map(|mut pod| {
                pod["metadata"]["labels"] = labels;
                pod["metadata"]["annotations"] = json!({ "peers/status": "mine" });
                Json::Object(pod)
            })
            .unwrap()
        };
        let nowhere = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "nowhere" });
        vec![
            workload("DaemonSet", json!({})),
            workload("Deployment", json!({})),
            workload("ReplicaSet", json!({})),
            workload("StatefulSet", json!({ "serviceName": "never" })),
            self.object("v1", "ReplicationController", "never", json!({ "spec": { "selector": labels, "template": template } })),
            self.object("batch/v1", "Job", "never", json!({ "spec": { "template": once } })),
            pod("alone", json!({ "app": "alone" })),
            self.object("v1", "Service", "never", json!({ "spec": { "type": "LoadBalancer", "ports": [{ "port": 80 }] } })),
            self.object("v1", "PersistentVolumeClaim", "never", json!({ "spec": { "storageClassName": "",
                "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Ti" } } } })),
            self.object("autoscaling/v2", "HorizontalPodAutoscaler", "never", json!({ "spec": { "maxReplicas": 2, "scaleTargetRef": nowhere } })),
            // A share of pods of which nobody knows how many there are to be: a job has no scale.
            self.object("policy/v1", "PodDisruptionBudget", "never", json!({ "spec": {
                "maxUnavailable": "50%", "selector": { "matchLabels": labels } } })),
            self.definition("seconds"),
        ]
    }

    /// A definition whose kind has the same name whatever it is called itself.
    fn definition(&self, plural: &str) -> Json {
        let group = format!("{}.example.com", self.namespace);
        json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": format!("{plural}.{group}") },
            "spec": { "group": group, "scope": "Namespaced", "names": { "plural": plural, "kind": "Same" },
                "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": { "type": "object" } } }] } })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_built_in_kind_that_tells_is_heard() {
    let mut scene = Scene::new("out-of-order");
    let first = scene.definition("firsts");
    scene.apply(std::slice::from_ref(&first)).await;
    until("the first has the name", async || {
        (health_of(&scene, &first).await == Health::Ready).then_some(())
    })
    .await;
    let objects = scene.out_of_order();
    let mut all = objects.clone();
    all.push(first);
    scene.apply(&all).await;
    for (kind, said) in TELLS {
        let object = objects.iter().find(|object| object["kind"] == kind);
        why(&scene, object.unwrap(), said).await;
    }
}
