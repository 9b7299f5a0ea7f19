//! The marks by which other tools know what is their own. Pure.

use super::PART_OF;
use serde_json::Value as Json;

/// What charts and people set as well: a mark of Argo CD only where that wrote to the object.
const INSTANCE: &str = "app.kubernetes.io/instance";
/// How the managers of Argo CD begin: `argocd-controller`, `argocd-application-controller`.
const ARGO: &str = "argocd-";

/// Returns the tool whose mark an object carries, as people know it, and the label or annotation that
/// says so.
///
/// Sources: Argo CD, "Resource Tracking" (the label was the default before version 3); Flux, labels of
/// kustomize-controller and of helm-controller; Helm, "Labels and Annotations"; KEP-3659.
pub(crate) fn tool(object: &Json) -> Option<(String, &'static str)> {
    let metadata = &object["metadata"];
    let annotation = |key: &str| metadata["annotations"][key].as_str();
    let label = |key: &str| metadata["labels"][key].as_str();
    let name = |key: &'static str| Some((label(key)?.to_owned(), key));
    if let Some((name, key)) = name("helm.toolkit.fluxcd.io/name") {
        let namespace = label("helm.toolkit.fluxcd.io/namespace").unwrap_or_default();
        return Some((format!("Flux HelmRelease {namespace}/{name}"), key));
    }
    let key = "meta.helm.sh/release-name";
    if let Some(name) = annotation(key) {
        let namespace = annotation("meta.helm.sh/release-namespace").unwrap_or_default();
        return Some((format!("Helm release {namespace}/{name}"), key));
    }
    let key = "argocd.argoproj.io/tracking-id";
    if let Some(id) = annotation(key) {
        let name = id.split(':').next().unwrap_or(id);
        return Some((format!("Argo CD application {name}"), key));
    }
    if let Some((name, key)) = name("kustomize.toolkit.fluxcd.io/name") {
        let namespace = label("kustomize.toolkit.fluxcd.io/namespace").unwrap_or_default();
        return Some((format!("Flux Kustomization {namespace}/{name}"), key));
    }
    if let Some((name, key)) = name(INSTANCE).filter(|_| is_by_argo(object)) {
        return Some((format!("Argo CD application {name}"), key));
    }
    let (set, key) = name(PART_OF)?;
    Some((format!("apply set {set}"), key))
}

/// Tells whether Argo CD wrote to an object. It leaves kubectl's annotation where it applies from the
/// client's side.
pub(super) fn is_by_argo(object: &Json) -> bool {
    let entries = object["metadata"]["managedFields"].as_array();
    let mut managers = entries.into_iter().flatten();
    managers.any(|entry| {
        let manager = entry["manager"].as_str().unwrap_or_default();
        manager.starts_with(ARGO) && entry["subresource"].is_null()
    })
}

/// Tells a label or annotation by which another tool knows what is its own.
pub(crate) fn is_mark(key: &str) -> bool {
    const THEIRS: [&str; 5] = [
        "meta.helm.sh/",
        "argocd.argoproj.io/",
        "kustomize.toolkit.fluxcd.io/",
        "helm.toolkit.fluxcd.io/",
        "applyset.kubernetes.io/",
    ];
    THEIRS.iter().any(|start| key.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_label_that_charts_set_is_argo_s_only_where_argo_wrote() {
        let by = |manager: &str| {
            json!({ "metadata": { "labels": { "app.kubernetes.io/instance": "web" },
                "managedFields": [{ "manager": manager, "operation": "Update" }] } })
        };
        assert_eq!(tool(&by("helm")), None);
        let (name, key) = tool(&by("argocd-controller")).unwrap();
        assert_eq!((name.as_str(), key), ("Argo CD application web", INSTANCE));
    }
}
