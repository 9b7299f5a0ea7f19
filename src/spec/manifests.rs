//! `kubernetes/manifests`: a folder or file of plain Kubernetes YAML. It is no kind of the live side:
//! the graph turns it into one `kubernetes/object` for each object. Its row is the provider's.

use crate::model::KindName;

/// The kind's name.
pub const NAME: &str = "kubernetes/manifests";

/// The kind that its members are.
pub fn member_kind() -> KindName {
    KindName::new("kubernetes/object")
}
