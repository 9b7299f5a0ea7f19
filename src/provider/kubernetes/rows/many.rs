//! Kinds that are many objects: a folder of YAML, a kustomization, a chart. The graph makes objects of
//! them, so the provider itself never meets one; here is what may be written in them.

use crate::model::{Kind, KindName};
use serde_json::json;

/// Returns a row for each way to declare many objects; all else about them is as of one.
pub(crate) fn rows(object: &Kind) -> Vec<Kind> {
    let path = |about: &str| json!({ "type": "string", "description": about });
    let many = |name: &str, summary: &str, path: serde_json::Value| Kind {
        name: KindName::new(name),
        summary: summary.to_owned(),
        schema: Some(json!({
            "type": "object",
            "required": ["path"],
            "additionalProperties": false,
            "properties": {
                "path": path,
                "namespace": { "type": "string", "description": "The namespace of objects that declare none." },
            },
        })),
        ..object.clone()
    };
    vec![
        many(
            "kubernetes/manifests",
            "Every object in a folder of plain Kubernetes YAML.",
            path("The folder or file, relative to this spec's own folder."),
        ),
        many(
            "kubernetes/kustomization",
            "Every object that the installed kustomize builds from a folder of the repository.",
            path(
                "The folder that holds the kustomization.yaml, relative to this spec's own folder.",
            ),
        ),
        Kind {
            name: KindName::new("kubernetes/helm-chart"),
            summary: "Every object that the installed helm renders from a chart of the repository or of a registry. Helm keeps no release of it."
                .to_owned(),
            schema: Some(chart()),
            ..object.clone()
        },
    ]
}

fn chart() -> serde_json::Value {
    let text = |about: &str| json!({ "type": "string", "minLength": 1, "description": about });
    let texts = |about: &str| json!({ "type": "array", "items": { "type": "string" }, "description": about });
    json!({
        "type": "object",
        "required": ["chart"],
        "additionalProperties": false,
        "properties": {
            "chart": text("The chart's folder, or its package (.tgz), relative to this spec's own folder; or oci://registry/path/name, where the daemon's settings list the registry (providers.kubernetes.registries)."),
            "version": text("Of a chart in a registry: one version, never a range. It is looked up once and stays what it was then."),
            "digest": text("Of a chart in a registry: its digest (sha256:…), which is checked and holds everywhere. A version beside it has to be the chart's own."),
            "release": text("The release's name in the chart's templates; the resource's id where left out."),
            "namespace": text("The release's namespace, and that of objects that declare none."),
            "valuesFiles": texts("Files of values, relative to this spec's own folder; a later one wins."),
            "values": { "type": "object", "description": "Values that win over the files'. No secrets, and nothing that other resources answer." },
            "set": {
                "type": "object",
                "description": "Single values by Helm's paths (\"ingress.hosts[0].host\"); they win over all others.",
                "additionalProperties": { "type": ["string", "number", "boolean", "array", "object", "null"] },
            },
            "crds": { "type": "boolean", "default": true, "description": "Whether the objects of the chart's crds folder are declared too." },
            "kubeVersion": text("The cluster's version in the chart's templates, as in \"1.36\"; Helm's own where left out."),
            "apiVersions": texts("What the chart's templates find served beside the built-in APIs, as in monitoring.coreos.com/v1."),
        },
    })
}
