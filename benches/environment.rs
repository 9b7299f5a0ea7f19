//! One environment with all its applications: in one folder of YAML, or each a resource of its own.

use crate::apps::{app, put, snapshot};
use reconciled::model::Snapshot;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// How the applications are declared.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Shape {
    /// One resource over one folder, a file for each application.
    OneFolder,
    /// A resource for each application, each over a folder of its own.
    Resources,
}

/// Returns a repository of one environment that holds `apps` applications in one namespace.
pub(crate) fn one_environment(apps: usize, namespace: &str, shape: Shape) -> Snapshot {
    let mut files = BTreeMap::new();
    let mut environment = "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: { name: bench }
spec:
  connections:
    cluster: { provider: kubernetes }
  reconcile: { onMerge: apply, onDrift: correct }
  resources:
"
    .to_owned();
    let mut declare = |id: &str, folder: &str| {
        let spec = format!("{{ path: ../{folder}, namespace: {namespace} }}");
        let declared = writeln!(
            environment,
            "    {id}: {{ kind: kubernetes/manifests, spec: {spec} }}"
        );
        declared.expect("a text takes all");
    };
    if shape == Shape::OneFolder {
        declare("apps", "apps");
    }
    for nth in 0..apps {
        let name = format!("app-{nth:05}");
        let file = match shape {
            Shape::OneFolder => format!("apps/{name}.yaml"),
            Shape::Resources => {
                declare(&name, &format!("apps/{name}"));
                format!("apps/{name}/app.yaml")
            }
        };
        put(&mut files, &file, app(&name));
    }
    put(&mut files, "environments/bench.yaml", environment);
    snapshot(files)
}
