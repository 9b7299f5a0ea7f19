//! Applications as a team would write them: an account, a service, a deployment and an ingress each.
//! Deployments ask for no pods, so that a cluster's controllers have little to do with them.

use reconciled::model::{File, RepoPath, Revision, Snapshot};
use std::collections::BTreeMap;

/// How many documents one application has.
pub(crate) const OBJECTS: usize = 4;

/// Returns one application's YAML.
pub(crate) fn app(name: &str) -> String {
    let labels = format!("{{ app.kubernetes.io/name: {name}, app.kubernetes.io/part-of: shop }}");
    format!(
        r#"apiVersion: v1
kind: ServiceAccount
metadata:
  name: {name}
  labels: {labels}
automountServiceAccountToken: false
---
apiVersion: v1
kind: Service
metadata:
  name: {name}
  labels: {labels}
spec:
  selector: {{ app.kubernetes.io/name: {name} }}
  ports:
    - {{ name: http, port: 80, targetPort: http }}
    - {{ name: metrics, port: 9090, targetPort: metrics }}
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}
  labels: {labels}
spec:
  replicas: 0
  revisionHistoryLimit: 5
  selector: {{ matchLabels: {{ app.kubernetes.io/name: {name} }} }}
  strategy: {{ rollingUpdate: {{ maxUnavailable: 0, maxSurge: 1 }} }}
  template:
    metadata: {{ labels: {labels} }}
    spec:
      serviceAccountName: {name}
      securityContext: {{ runAsNonRoot: true, runAsUser: 65532, seccompProfile: {{ type: RuntimeDefault }} }}
      containers:
        - name: api
          image: "registry.example.com/shop/{name}:1.8.2"
          ports:
            - {{ name: http, containerPort: 8080 }}
            - {{ name: metrics, containerPort: 9090 }}
          env:
            - {{ name: REGION, value: fra1 }}
            - {{ name: OTEL_SERVICE_NAME, value: {name} }}
          readinessProbe: {{ httpGet: {{ path: /readyz, port: http }}, periodSeconds: 5 }}
          livenessProbe: {{ httpGet: {{ path: /healthz, port: http }}, periodSeconds: 10, failureThreshold: 3 }}
          resources:
            requests: {{ cpu: 100m, memory: 128Mi }}
            limits: {{ memory: 128Mi }}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: {name}
  labels: {labels}
spec:
  ingressClassName: nginx
  rules:
    - host: {name}.example.com
      http:
        paths:
          - {{ path: /, pathType: Prefix, backend: {{ service: {{ name: {name}, port: {{ name: http }} }} }} }}
"#
    )
}

/// Puts a file into a repository.
pub(crate) fn put(files: &mut BTreeMap<RepoPath, File>, path: &str, text: String) {
    let path = RepoPath::new(path).expect("the path was written here");
    files.insert(path, File::Bytes(text.into_bytes().into()));
}

/// Returns these files as one state of a repository.
pub(crate) fn snapshot(files: BTreeMap<RepoPath, File>) -> Snapshot {
    Snapshot {
        revision: Revision::new("b".repeat(40)),
        files,
    }
}
