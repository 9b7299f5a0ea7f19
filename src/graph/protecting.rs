//! Names in `reconcile.protect` that are of no kind there is: they protect nothing, and nobody would see it.

use super::node::Node;
use super::ruled::kind_of;
use crate::model::{Diagnostic, Kinds};
use crate::spec::Environment;
use crate::spec::manifests::{has_members, member_kind};
use crate::spec::template::Shape;
use crate::yaml::nearest;
use std::collections::BTreeSet;

/// Kinds that every cluster has, by their groups.
/// Source: `kubectl api-resources` of Kubernetes 1.36, less reviews and what nobody declares.
const BUILT_IN: [(&str, &[&str]); 18] = [
    (
        "",
        &[
            "ConfigMap",
            "Endpoints",
            "LimitRange",
            "Namespace",
            "Node",
            "PersistentVolume",
            "PersistentVolumeClaim",
            "Pod",
            "PodTemplate",
            "ReplicationController",
            "ResourceQuota",
            "Secret",
            "Service",
            "ServiceAccount",
        ],
    ),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "MutatingWebhookConfiguration",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
            "ValidatingWebhookConfiguration",
        ],
    ),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    ("apiregistration.k8s.io", &["APIService"]),
    (
        "apps",
        &[
            "ControllerRevision",
            "DaemonSet",
            "Deployment",
            "ReplicaSet",
            "StatefulSet",
        ],
    ),
    ("autoscaling", &["HorizontalPodAutoscaler"]),
    ("batch", &["CronJob", "Job"]),
    (
        "certificates.k8s.io",
        &["CertificateSigningRequest", "ClusterTrustBundle"],
    ),
    ("coordination.k8s.io", &["Lease"]),
    ("discovery.k8s.io", &["EndpointSlice"]),
    (
        "flowcontrol.apiserver.k8s.io",
        &["FlowSchema", "PriorityLevelConfiguration"],
    ),
    (
        "networking.k8s.io",
        &[
            "IPAddress",
            "Ingress",
            "IngressClass",
            "NetworkPolicy",
            "ServiceCIDR",
        ],
    ),
    ("node.k8s.io", &["RuntimeClass"]),
    ("policy", &["PodDisruptionBudget"]),
    (
        "rbac.authorization.k8s.io",
        &["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    ),
    (
        "resource.k8s.io",
        &[
            "DeviceClass",
            "ResourceClaim",
            "ResourceClaimTemplate",
            "ResourceSlice",
        ],
    ),
    ("scheduling.k8s.io", &["PriorityClass"]),
    (
        "storage.k8s.io",
        &[
            "CSIDriver",
            "CSINode",
            "CSIStorageCapacity",
            "StorageClass",
            "VolumeAttachment",
            "VolumeAttributesClass",
        ],
    ),
];

/// Returns a warning for each name that is of no kind of ours, of no object here, and of none that clusters
/// have by themselves. Where it is not known what the objects here are, nothing is said of those.
pub(super) fn warnings(
    environment: &Environment,
    kinds: &Kinds,
    nodes: &[Node],
) -> Vec<Diagnostic> {
    if environment.protecting.is_empty() {
        return Vec::new();
    }
    let all_known = all_known(environment, nodes);
    let known = known(kinds, nodes);
    let mut warnings = Vec::new();
    for (name, place) in &environment.protecting {
        if known.contains(name) || !all_known && !name.contains('/') {
            continue;
        }
        let message = match name.contains('/') {
            true => format!("there is no kind {name}: this protects nothing"),
            false => format!(
                "no object here is of the kind {name}, which not every cluster has: this protects nothing"
            ),
        };
        let warning = place.error("protects-nothing", message).as_warning();
        warnings.push(match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => warning.with_hint(format!("Did you mean {near}?")),
            None => warning.with_hint("Write a kind as `reconciled explain` lists it, or the kind of a cluster's objects, with its group where that matters: Certificate.cert-manager.io."),
        });
    }
    warnings
}

/// Tells whether the kind of every object is known: what was not rendered may be anything.
fn all_known(environment: &Environment, nodes: &[Node]) -> bool {
    let is_known = |node: &Node| node.kind.name != member_kind() || kind_of(node).is_some();
    let has_nodes = |nth: usize| nodes.iter().any(|node| node.declared == nth);
    let mut declared = environment.resources.iter().enumerate();
    nodes.iter().all(is_known) && declared.all(|(nth, of)| !has_members(&of.kind) || has_nodes(nth))
}

/// Returns every name that means something: of an object's kind with and without its group.
fn known(kinds: &Kinds, nodes: &[Node]) -> BTreeSet<String> {
    let mut known: BTreeSet<String> = kinds.iter().map(|kind| kind.name.to_string()).collect();
    let mut add = |group: &str, kind: &str| {
        known.insert(kind.to_owned());
        if !group.is_empty() {
            known.insert(format!("{kind}.{group}"));
        }
    };
    for (group, kinds) in BUILT_IN {
        kinds.iter().for_each(|kind| add(group, kind));
    }
    for node in nodes {
        if let Some((version, kind)) = kind_of(node) {
            add(version.split_once('/').map_or("", |(group, _)| group), kind);
        }
        if let Some((group, kind)) = defined(node) {
            add(group, kind);
        }
    }
    known
}

/// Returns which kind an object defines, as a CustomResourceDefinition does.
fn defined(node: &Node) -> Option<(&str, &str)> {
    let (_, kind) = kind_of(node)?;
    (kind == "CustomResourceDefinition").then_some(())?;
    let spec = node.spec.get("spec")?;
    let (group, kind) = (spec.get("group")?, spec.get("names")?.get("kind")?);
    match (&group.content, &kind.content) {
        (Shape::Text(group), Shape::Text(kind)) => Some((group, kind)),
        _ => None,
    }
}
