//! Resources that are many objects: a folder of plain Kubernetes YAML, or what a program renders. They
//! are no kinds of the live side: the graph turns each into one `kubernetes/object` for each object.
//! Their rows are the provider's.

use crate::model::{Kind, KindName};

/// A folder or file of plain Kubernetes YAML.
pub const NAME: &str = "kubernetes/manifests";

/// A folder that kustomize builds.
pub const KUSTOMIZATION: &str = "kubernetes/kustomization";

/// A Helm chart.
pub const HELM_CHART: &str = "kubernetes/helm-chart";

/// Tells whether a kind stands for many objects. They have outputs, it has none.
pub fn has_members(kind: &Kind) -> bool {
    [NAME, KUSTOMIZATION, HELM_CHART].contains(&kind.name.as_str())
}

/// The kind that its members are.
pub fn member_kind() -> KindName {
    KindName::new("kubernetes/object")
}
