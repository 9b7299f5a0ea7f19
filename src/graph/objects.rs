//! One object of a folder or of what was rendered: what it is called, and which namespace it is in.

use crate::model::Diagnostic;
use crate::spec::template::{Shape, Template};
use crate::yaml::{Key, Place};

/// Kinds of the built-in groups that belong to no namespace.
/// Source: `kubectl api-resources --namespaced=false` of Kubernetes 1.36.
const CLUSTER_SCOPED: [&str; 29] = [
    "Namespace",
    "Node",
    "PersistentVolume",
    "ClusterRole",
    "ClusterRoleBinding",
    "StorageClass",
    "CustomResourceDefinition",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionPolicyBinding",
    "CertificateSigningRequest",
    "ClusterTrustBundle",
    "FlowSchema",
    "PriorityLevelConfiguration",
    "IngressClass",
    "IPAddress",
    "ServiceCIDR",
    "RuntimeClass",
    "PriorityClass",
    "CSIDriver",
    "CSINode",
    "VolumeAttachment",
    "VolumeAttributesClass",
    "DeviceClass",
    "ResourceSlice",
];

/// What an object is called.
pub(super) struct Named {
    pub(super) group: String,
    pub(super) kind: String,
    pub(super) namespace: Option<String>,
    name: String,
    pub(super) place: Place,
}

impl Named {
    /// Reads what an object is called; reports one that cannot be called anything.
    pub(super) fn of(object: &Template, wrong: &mut Vec<Diagnostic>) -> Option<Self> {
        let text = |node: Option<&Template>| match node.map(|node| &node.content) {
            Some(Shape::Text(text)) if !text.is_empty() => Some(text.clone()),
            _ => None,
        };
        let metadata = object.get("metadata");
        let field = |key: &str| metadata.and_then(|metadata| metadata.get(key));
        let (version, kind, name) = (
            text(object.get("apiVersion")),
            text(object.get("kind")),
            text(field("name")),
        );
        let missing = match (&version, &kind, &name) {
            (None, ..) => "apiVersion",
            (_, None, _) => "kind",
            (.., None) => "metadata.name",
            _ => "",
        };
        if !missing.is_empty() {
            let place = metadata
                .filter(|_| missing == "metadata.name")
                .map_or(&object.place, |node| &node.place);
            let error = place.error(
                "missing-key",
                format!("`{missing}` is missing here, as a text"),
            );
            wrong.push(match field("generateName") {
                Some(_) => error.with_hint("A generated name cannot be kept: give it a name."),
                None => error.with_hint("Every file of the folder has to hold Kubernetes objects."),
            });
            return None;
        }
        let group = version
            .as_deref()
            .and_then(|version| version.split_once('/'))
            .map_or("", |(group, _)| group);
        Some(Self {
            group: group.to_owned(),
            kind: kind?,
            namespace: text(field("namespace")),
            name: name?,
            place: field("name")
                .map_or(&object.place, |node| &node.place)
                .clone(),
        })
    }

    /// `Deployment.apps/shop/api`, `Namespace/shop`.
    pub(super) fn member(&self, namespace: Option<&str>) -> String {
        let dot = if self.group.is_empty() { "" } else { "." };
        let kind = format!("{}{dot}{}", self.kind, self.group);
        match namespace {
            Some(namespace) => format!("{kind}/{namespace}/{}", self.name),
            None => format!("{kind}/{}", self.name),
        }
    }
}

/// Takes an object, or the items of a list of objects.
pub(super) fn taken_apart(object: Template, objects: &mut Vec<Template>) {
    match object.get("items").map(|items| &items.content) {
        Some(Shape::List(items)) if is_list(&object) => objects.extend(items.iter().cloned()),
        _ => objects.push(object),
    }
}

fn is_list(object: &Template) -> bool {
    matches!(object.get("kind").map(|kind| &kind.content), Some(Shape::Text(kind)) if kind.ends_with("List"))
}

pub(super) fn is_cluster_scoped(named: &Named) -> bool {
    let is_built_in =
        named.group.is_empty() || !named.group.contains('.') || named.group.ends_with(".k8s.io");
    is_built_in && CLUSTER_SCOPED.contains(&named.kind.as_str())
}

/// A CRD in the folder says whether its resources belong to namespaces.
pub(super) fn cluster_scoped_by(object: &Template) -> Option<(String, String)> {
    let text = |node: &Template| match &node.content {
        Shape::Text(text) => Some(text.clone()),
        _ => None,
    };
    (text(object.get("kind")?)? == "CustomResourceDefinition").then_some(())?;
    let spec = object.get("spec")?;
    (text(spec.get("scope")?)? == "Cluster").then_some(())?;
    Some((
        text(spec.get("group")?)?,
        text(spec.get("names")?.get("kind")?)?,
    ))
}

/// Puts an object into a namespace.
pub(super) fn in_namespace(mut object: Template, namespace: &str) -> Template {
    if let Shape::Map(entries) = &mut object.content
        && let Some((_, metadata)) = entries.iter_mut().find(|(key, _)| key.text == "metadata")
        && let Shape::Map(fields) = &mut metadata.content
    {
        fields.retain(|(key, _)| key.text != "namespace");
        let place = metadata.place.clone();
        let key = Key {
            place: place.clone(),
            text: "namespace".to_owned(),
        };
        fields.push((
            key,
            Template {
                place,
                content: Shape::Text(namespace.to_owned()),
            },
        ));
    }
    object
}
