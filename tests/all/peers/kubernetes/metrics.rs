//! What serves metrics, played by a kind of the same address.

use super::Cluster;
use serde_json::{Value, json};
use std::time::Duration;

use crate::peers::wait::until;

impl Cluster {
    /// Has metrics served from now on, by whoever asks first.
    pub(crate) fn measures(&self) {
        let definition = json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": "pods.metrics.k8s.io", "annotations": { "api-approved.kubernetes.io": "unapproved, played" } },
            "spec": { "group": "metrics.k8s.io", "scope": "Namespaced",
                "names": { "plural": "pods", "singular": "podmetrics", "kind": "PodMetrics" },
                "versions": [{ "name": "v1beta1", "served": true, "storage": true, "schema": { "openAPIV3Schema": {
                    "type": "object", "x-kubernetes-preserve-unknown-fields": true } } }] } });
        self.kubectl_apply("default", &definition.to_string());
        self.kubectl([
            "wait",
            "--for=condition=Established",
            "crd/pods.metrics.k8s.io",
        ]);
    }

    /// Has it measured what a container of a pod uses.
    pub(crate) fn uses(&self, pod: &Value, container: &str, memory: &str) {
        let (name, namespace) = (&pod["metadata"]["name"], &pod["metadata"]["namespace"]);
        let measured = json!({ "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
            "metadata": { "name": name, "namespace": namespace },
            "containers": [{ "name": container, "usage": { "memory": memory } }] });
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), measured.to_string()).unwrap();
        let create = ["create", "--filename", file.path().to_str().unwrap()];
        until("metrics are served", Duration::from_secs(180), || {
            let created = self.try_kubectl(&create, &[]);
            created.status.success().then_some(())
        });
    }
}
