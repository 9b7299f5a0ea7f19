//! `reconciled import`: what others made in a namespace becomes an environment whose first plan changes no field.

use crate::cli::{Place, Said};
use crate::peers::kubernetes::cluster;
use serde_json::{Value as Json, json};

/// As people write them, by hand: fields left out, texts that YAML takes for something else.
const OBJECTS: &str = r##"
apiVersion: v1
kind: ConfigMap
metadata: { name: settings, labels: { app: web } }
data:
  words: "yes"
  octal: "010"
  time: "12:30"
  number: "1e3"
  nothing: "~"
  expression: "${HOME} $${x} ${"
  long: |
    one: two
      # three
    	tab
  trailing: "a \n\n"
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: web }
---
apiVersion: v1
kind: Service
metadata: { name: web, labels: { app: web } }
spec: { selector: { app: web }, ports: [{ name: http, port: 80, targetPort: http }] }
---
apiVersion: v1
kind: Service
metadata: { name: headless }
spec: { clusterIP: None, selector: { app: web }, ports: [{ port: 80, name: tcp }, { port: 80, protocol: UDP, name: udp }] }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, labels: { app: web }, annotations: { note: "it's \"here\"" } }
spec:
  replicas: 1
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      serviceAccountName: web
      volumes: [{ name: tmp, emptyDir: {} }, { name: settings, configMap: { name: settings } }]
      containers:
      - name: web
        image: shop/web:1
        env: [{ name: POD, valueFrom: { fieldRef: { fieldPath: metadata.name } } }, { name: EMPTY, value: "" }]
        ports: [{ name: http, containerPort: 8080 }]
        readinessProbe: { httpGet: { path: /, port: http } }
        livenessProbe: { tcpSocket: { port: 8080 }, periodSeconds: 20 }
        resources: { requests: { cpu: 0.1, memory: 64Mi } }
        volumeMounts: [{ name: tmp, mountPath: /tmp }]
---
apiVersion: apps/v1
kind: StatefulSet
metadata: { name: store }
spec:
  serviceName: store
  replicas: 0
  selector: { matchLabels: { app: store } }
  template:
    metadata: { labels: { app: store } }
    spec: { containers: [{ name: store, image: shop/store }] }
  volumeClaimTemplates: [{ metadata: { name: data }, spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } } }]
---
apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent }
spec:
  selector: { matchLabels: { app: agent } }
  template:
    metadata: { labels: { app: agent } }
    spec: { containers: [{ name: agent, image: shop/agent:1 }], tolerations: [{ operator: Exists }] }
---
apiVersion: batch/v1
kind: CronJob
metadata: { name: clean }
spec:
  schedule: "0 3 * * *"
  jobTemplate: { spec: { template: { spec: { restartPolicy: Never, containers: [{ name: clean, image: shop/clean:1 }] } } } }
---
apiVersion: batch/v1
kind: Job
metadata: { name: once }
spec: { suspend: true, template: { spec: { restartPolicy: Never, containers: [{ name: once, image: shop/once:1 }] } } }
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: { name: data }
spec: { accessModes: [ReadWriteOnce], resources: { requests: { storage: 1Gi } } }
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web }
spec: { rules: [{ host: web.example.com, http: { paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { name: http } } } }] } }] }
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: { name: closed }
spec: { podSelector: {}, policyTypes: [Ingress] }
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: { name: web }
spec:
  scaleTargetRef: { apiVersion: apps/v1, kind: Deployment, name: web }
  minReplicas: 1
  maxReplicas: 3
  metrics: [{ type: Resource, resource: { name: cpu, target: { type: Utilization, averageUtilization: 80 } } }]
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web }
spec: { minAvailable: 1, selector: { matchLabels: { app: web } } }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: { name: "web:reader" }
rules: [{ apiGroups: [""], resources: [configmaps], verbs: [get] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: { name: web }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: Role, name: "web:reader" }
subjects: [{ kind: ServiceAccount, name: web }]
---
apiVersion: v1
kind: Pod
metadata: { name: bare }
spec: { serviceAccountName: web, containers: [{ name: bare, image: "shop/bare:1" }] }
---
apiVersion: v1
kind: Secret
metadata: { name: token }
stringData: { token: canary-of-import }
"##;

struct Scene {
    place: Place,
    namespace: String,
}

impl Scene {
    fn new(stem: &str) -> Self {
        let place = Place::new();
        let namespace = cluster().namespace(stem);
        std::fs::copy(cluster().kubeconfig(), place.path().join("kubeconfig")).unwrap();
        Self { place, namespace }
    }

    /// Names no context: it is the current one's that is written.
    fn import(&self, more: &[&str]) -> Said {
        let own = [
            "import",
            "shop",
            "--namespace",
            &self.namespace,
            "--kubeconfig",
            "kubeconfig",
        ];
        self.place.run(&[&own, more].concat())
    }

    /// Imports into the file, and returns what was said.
    fn imported(&self, more: &[&str]) -> Said {
        let said = self.import(more);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.stdout.contains("context: peers\n"), "{said:?}");
        std::fs::write(self.place.path().join("shop.yaml"), &said.stdout).unwrap();
        said
    }

    fn plan(&self) -> (Option<i32>, Json) {
        let said = self.place.run(&["plan", "shop.yaml", "--output", "json"]);
        (said.code, said.json())
    }
}

/// What is adopted without a change, and everything else.
fn told(plan: &Json) -> (usize, Vec<&Json>) {
    let steps = plan["steps"].as_array().unwrap();
    let (adopted, rest): (Vec<&Json>, Vec<&Json>) = steps.iter().partition(|step| {
        let changes = step["changes"].as_array();
        step["action"] == "adopt" && changes.is_none_or(Vec::is_empty)
    });
    (adopted.len(), rest)
}

/// Of a kind of its own, with a field that its definition fills in and somebody's hold on it.
fn custom(scene: &Scene) -> Json {
    let group = format!("{}.example.com", scene.namespace);
    let schema = json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": {
        "size": { "type": "integer" }, "mode": { "type": "string", "default": "quick" },
        "colour": { "type": "string", "default": "red" },
        "limits": { "type": "object", "default": {}, "properties": { "burst": { "type": "integer", "default": 5 } } },
    } } } });
    let definition = json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("gadgets.{group}") },
        "spec": { "group": group, "scope": "Namespaced", "names": { "kind": "Gadget", "plural": "gadgets" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }] } });
    cluster().kubectl_apply(&scene.namespace, &definition.to_string());
    let crd = format!("crd/gadgets.{group}");
    cluster().kubectl(["wait", "--for=condition=Established", &crd]);
    json!({ "apiVersion": format!("{group}/v1"), "kind": "Gadget",
        "metadata": { "name": "one", "finalizers": ["example.com/hold"] }, "spec": { "size": 2, "colour": "blue" } })
}

fn imports_with(stem: &str, made: impl Fn(&Scene, &str)) {
    let scene = Scene::new(stem);
    let gadget = custom(&scene);
    made(&scene, &format!("{OBJECTS}---\n{gadget}\n"));
    let said = scene.imported(&[]);
    assert!(!said.stdout.contains("canary-of-import"), "{said:?}");
    assert!(
        said.stderr.contains("Secret/token: values of Secrets"),
        "{said:?}"
    );
    assert!(said.stderr.contains("Job/once: it runs once"), "{said:?}");
    let hold = "not declared: finalizers (example.com/hold) of Gadget/one";
    assert!(said.stderr.contains(hold), "{said:?}");
    for noise in [
        "clusterIPs",
        "terminationMessagePath",
        "progressDeadlineSeconds",
        "managedFields",
        "creationTimestamp",
        "status:",
        "last-applied",
        "defaultMode",
        "uid",
        "kube-api-access",
        "node.kubernetes.io",
        "nodeName",
        "preemptionPolicy",
        "quick",
        "burst",
    ] {
        assert!(!said.stdout.contains(noise), "{noise}: {}", said.stdout);
    }
    assert!(said.stdout.contains("colour: blue"), "{}", said.stdout);
    let (code, plan) = scene.plan();
    let (adopted, rest) = told(&plan);
    assert!(rest.is_empty(), "{rest:#?}\n{}", said.stdout);
    assert_eq!((code, adopted), (Some(2), 17), "{}", said.stdout);
    let apply = scene
        .place
        .run(&["apply", "shop.yaml", "--yes", "--no-wait"]);
    assert_eq!(apply.code, Some(0), "{apply:?}");
    let (code, plan) = scene.plan();
    assert_eq!(code, Some(0), "{plan:#}");
    // What is kept here is nothing to import again.
    let said = scene.import(&[]);
    assert!(said.stderr.contains("declares it already"), "{said:?}");
    let gadgets = format!("gadgets.{}.example.com", scene.namespace);
    let free = r#"{"metadata":{"finalizers":null}}"#;
    let namespace = scene.namespace.as_str();
    cluster().kubectl([
        "-n",
        namespace,
        "patch",
        &gadgets,
        "one",
        "--type=merge",
        "--patch",
        free,
    ]);
    cluster().kubectl(["delete", "crd", &gadgets]);
}

#[test]
fn what_kubectl_applied_is_imported_clean_and_its_first_plan_changes_nothing() {
    imports_with("import-applied", |scene, objects| {
        cluster().kubectl_apply(&scene.namespace, objects);
    });
}

#[test]
fn what_was_created_by_hand_is_imported_clean_and_its_first_plan_changes_nothing() {
    imports_with("import-created", |scene, objects| {
        cluster().kubectl_create(&scene.namespace, objects);
    });
}

#[test]
fn what_another_tool_manages_is_taken_only_where_asked_for() {
    let scene = Scene::new("import-helm");
    let object = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "web", "annotations": {
        "meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop" } }, "data": { "a": "b" } });
    cluster().kubectl_create(&scene.namespace, &object.to_string());
    let said = scene.import(&[]);
    assert!(
        said.stderr
            .contains("ConfigMap/web: Helm release shop/web manages it"),
        "{said:?}"
    );
    assert!(!said.stdout.contains("kubernetes/object"), "{said:?}");
    let said = scene.imported(&["--adopt", "--kinds", "configmaps"]);
    assert!(said.stdout.contains("adopt: true"), "{said:?}");
    assert!(!said.stdout.contains("meta.helm.sh"), "{said:?}");
    let apply = scene.place.run(&["apply", "shop.yaml", "--yes"]);
    assert_eq!(apply.code, Some(0), "{apply:?}");
    assert_eq!(scene.plan().0, Some(0));
}

#[test]
fn a_selector_takes_what_it_names_and_nothing_else() {
    let scene = Scene::new("import-selected");
    cluster().kubectl_apply(&scene.namespace, OBJECTS);
    let said = scene.imported(&["--selector", "app=web"]);
    let (code, plan) = scene.plan();
    let (adopted, rest) = told(&plan);
    assert!(rest.is_empty(), "{rest:#?}\n{}", said.stdout);
    // Of all the objects three carry the label themselves.
    let kinds = ["kind: ConfigMap", "kind: Service", "kind: Deployment"];
    assert!(
        kinds.iter().all(|kind| said.stdout.contains(kind)),
        "{said:?}"
    );
    assert_eq!((code, adopted), (Some(2), kinds.len()), "{}", said.stdout);
    let apply = ["apply", "shop.yaml", "--yes", "--no-wait"];
    let apply = scene.place.run(&apply);
    assert_eq!(apply.code, Some(0), "{apply:?}");
    assert_eq!(scene.plan().0, Some(0));
    // What it leaves out is as nobody's as before.
    let said = scene.imported(&[
        "--selector",
        "app notin (web), !nowhere",
        "--kinds",
        "services",
    ]);
    assert!(said.stdout.contains("name: headless"), "{said:?}");
    assert_eq!(
        said.stdout.matches("kubernetes/object").count(),
        1,
        "{said:?}"
    );
}

#[test]
fn a_slip_of_the_finger_is_no_empty_namespace() {
    let scene = Scene::new("import-slip");
    let said = scene.import(&["--kinds", "Deploiment"]);
    said.assert_only_talk(1);
    assert!(
        said.stderr.contains("serves no kind Deploiment"),
        "{said:?}"
    );
    let said = scene.import(&["--namespace", "nowhere"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let said = scene.place.run(&[
        "import",
        "shop",
        "--namespace",
        "nowhere",
        "--kubeconfig",
        "kubeconfig",
    ]);
    said.assert_only_talk(1);
    assert!(
        said.stderr.contains("the cluster has none of that name"),
        "{said:?}"
    );
    let said = scene.import(&["--selector", "app in (("]);
    assert_eq!(said.code, Some(1), "{said:?}");
}
