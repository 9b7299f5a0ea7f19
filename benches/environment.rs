//! One environment with all its applications in a folder of YAML, a file each.

use crate::apps::{app, put, snapshot};
use reconciled::model::Snapshot;
use std::collections::BTreeMap;

/// Returns a repository of one environment that holds `apps` applications in one namespace.
pub(crate) fn one_environment(apps: usize, namespace: &str) -> Snapshot {
    let mut files = BTreeMap::new();
    let environment = format!(
        "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: {{ name: bench }}
spec:
  connections:
    cluster: {{ provider: kubernetes }}
  reconcile: {{ onMerge: apply, onDrift: correct }}
  resources:
    apps:
      kind: kubernetes/manifests
      spec: {{ path: ../apps, namespace: {namespace} }}
"
    );
    put(&mut files, "environments/bench.yaml", environment);
    for nth in 0..apps {
        let name = format!("app-{nth:05}");
        put(&mut files, &format!("apps/{name}.yaml"), app(&name));
    }
    snapshot(files)
}
