//! A webhook that changes what the API server is asked to admit, behind a certificate that nobody but its
//! configuration trusts.

use super::start::openssl;
use crate::peers::process::{Guarded, free_port, installed, scripts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// A running webhook; it ends with the test.
pub(crate) struct Webhook {
    url: String,
    /// Its certificate, in base64.
    bundle: String,
    _process: Guarded,
    _folder: tempfile::TempDir,
}

impl Webhook {
    /// Starts it. Whether it answers already, whoever configures it waits for.
    pub(crate) fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        openssl(
            folder.path(),
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=webhook -addext subjectAltName=IP:127.0.0.1 -keyout key -out crt",
        );
        let file = |name: &str| folder.path().join(name).display().to_string();
        let script = scripts().join("python/webhook.py").display().to_string();
        let arguments = [script, port.to_string(), file("crt"), file("key")];
        let python = installed("python").join("bin/python");
        let process = Guarded::start(&python, &arguments, folder.path(), &[], false);
        let certificate = std::fs::read(folder.path().join("crt")).unwrap();
        Self {
            url: format!("https://127.0.0.1:{port}"),
            bundle: STANDARD.encode(certificate),
            _process: process,
            _folder: folder,
        }
    }

    /// What has the API server ask it about the deployments of a namespace, at a path, and again where others
    /// changed them since.
    pub(crate) fn configuration(&self, namespace: &str, path: &str) -> Value {
        let name = format!("{path}.{namespace}.example.com");
        json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration",
            "metadata": { "name": name },
            "webhooks": [{ "name": name, "admissionReviewVersions": ["v1"], "sideEffects": "None", "timeoutSeconds": 10,
                "reinvocationPolicy": "IfNeeded", "failurePolicy": "Fail",
                "clientConfig": { "url": format!("{}/{path}", self.url), "caBundle": self.bundle },
                "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": namespace } },
                "rules": [{ "apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["CREATE", "UPDATE"], "resources": ["deployments"] }] }] })
    }
}
