//! Kubernetes objects of unlike families, each in a namespace of its own: one with a status and a
//! controller, one that is secret, one of a custom kind.

use super::{CANARY, Edit, Subject};
use crate::peers::kubernetes::{Cluster, cluster};
use async_trait::async_trait;
use reconciled::model::{DigestKey, Kind, Value};
use reconciled::net::Limiters;
use reconciled::provider::{Kubernetes, KubernetesSettings, Provider};
use serde_json::{Value as Json, json};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Once};
use tempfile::TempDir;

conformance!(deployment, super::deployment);
conformance!(secret, super::secret);
conformance!(custom, super::custom);

type Change = (&'static str, fn(&mut Json));

/// One object in one namespace.
struct InCluster {
    cluster: &'static Cluster,
    namespace: String,
    /// Holds the kubeconfig, so that it can be broken.
    folder: TempDir,
    /// The collection's address below the namespace.
    collection: String,
    declared: Json,
    reordered: Option<Json>,
    mutations: Vec<Change>,
    immutable: Vec<Change>,
    /// What a person edits: the field, the text `sed` replaces in the manifest, and with what.
    edit: (&'static str, &'static str, fn(usize) -> String),
    edits: AtomicUsize,
}

fn subject(collection: &str, declared: impl Fn(&str) -> Json) -> InCluster {
    let cluster = cluster();
    let namespace = cluster.namespace("conformance");
    let folder = tempfile::tempdir().unwrap();
    std::fs::copy(cluster.kubeconfig(), folder.path().join("kubeconfig")).unwrap();
    let prefix = if collection.contains('/') {
        "/apis/"
    } else {
        "/api/v1"
    };
    let (group, plural) = collection.rsplit_once('/').unwrap_or(("", collection));
    InCluster {
        collection: format!("{prefix}{group}/namespaces/{namespace}/{plural}"),
        declared: declared(&namespace),
        cluster,
        namespace,
        folder,
        reordered: None,
        mutations: Vec::new(),
        immutable: Vec::new(),
        edit: ("", "", |_| String::new()),
        edits: AtomicUsize::new(0),
    }
}

fn env(name: &str, value: &str) -> Json {
    json!({ "name": name, "value": value })
}

async fn deployment() -> InCluster {
    let declared = |namespace: &str| {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "name": "api", "namespace": namespace, "labels": { "app": "api" }, "creationTimestamp": null },
            "spec": {
                "replicas": 2,
                "selector": { "matchLabels": { "app": "api" } },
                "template": {
                    "metadata": { "labels": { "app": "api" } },
                    "spec": { "containers": [{
                        "name": "api", "image": "shop/api:1",
                        "env": [env("TOKEN", CANARY), env("PORT", "8080")],
                        "resources": { "limits": { "cpu": "1", "memory": "64Mi" } },
                    }] },
                },
            },
        })
    };
    let mut subject = subject("apps/v1/deployments", declared);
    let mut reordered = subject.declared.clone();
    reordered["spec"]["template"]["spec"]["containers"][0]["env"]
        .as_array_mut()
        .unwrap()
        .reverse();
    subject.reordered = Some(reordered);
    subject.mutations = vec![
        ("spec.replicas", |object| {
            object["spec"]["replicas"] = json!(3);
        }),
        ("metadata.labels.tier", |object| {
            object["metadata"]["labels"]["tier"] = json!("front");
        }),
        ("spec.template.spec.containers[name=api].image", |object| {
            object["spec"]["template"]["spec"]["containers"][0]["image"] = json!("shop/api:2");
        }),
        (
            "spec.template.spec.containers[name=api].env[name=TOKEN].value",
            |object| {
                object["spec"]["template"]["spec"]["containers"][0]["env"][0] =
                    env("TOKEN", &format!("{CANARY}-2"));
            },
        ),
    ];
    subject.immutable = vec![("spec.selector", |object| {
        object["spec"]["selector"]["matchLabels"]["part"] = json!("x");
        object["spec"]["template"]["metadata"]["labels"]["part"] = json!("x");
    })];
    subject.edit = (
        "spec.template.spec.containers[name=api].image",
        "image: shop/api:.*",
        |nth| format!("image: shop/api:by-hand-{nth}"),
    );
    subject
}

async fn secret() -> InCluster {
    let declared = |namespace: &str| {
        json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": { "name": "api-env", "namespace": namespace, "annotations": { "example.com/note": "one" } },
            "stringData": { "URL": format!("postgres://{CANARY}"), "PORT": "5432" },
        })
    };
    let mut subject = subject("secrets", declared);
    subject.mutations = vec![
        ("stringData.URL", |object| {
            object["stringData"]["URL"] = json!(format!("{CANARY}-2"));
        }),
        ("stringData.MORE", |object| {
            object["stringData"]["MORE"] = json!(CANARY);
        }),
        (r#"metadata.annotations["example.com/note"]"#, |object| {
            object["metadata"]["annotations"]["example.com/note"] = json!("two");
        }),
    ];
    subject.immutable = vec![("type", |object| object["type"] = json!("example.com/other"))];
    // Base64 of a number, so that every edit is another.
    subject.edit = ("stringData.PORT", "PORT: .*", |nth| {
        format!("PORT: MDAw{}", ["MDEx", "MDIy", "MDMz"][nth % 3])
    });
    subject
}

async fn custom() -> InCluster {
    let group = "conformance.example.com";
    let schema = json!({ "type": "object", "properties": { "spec": { "type": "object", "properties": {
        "size": { "type": "integer", "default": 1 }, "colour": { "type": "string" },
        "tags": { "type": "array", "x-kubernetes-list-type": "set", "items": { "type": "string" } } } } } });
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": format!("widgets.{group}") },
        "spec": { "group": group, "scope": "Namespaced", "names": { "plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }] },
    });
    static DEFINED: Once = Once::new();
    DEFINED.call_once(|| {
        cluster().kubectl_apply("default", &definition.to_string());
        let named = format!("crd/widgets.{group}");
        cluster().kubectl([
            "wait",
            "--for=condition=Established",
            "--timeout=60s",
            &named,
        ]);
    });
    let declared = |namespace: &str| {
        json!({ "apiVersion": format!("{group}/v1"), "kind": "Widget", "metadata": { "name": "w", "namespace": namespace },
            "spec": { "colour": "green", "tags": ["a", "b"] } })
    };
    let mut subject = subject(&format!("{group}/v1/widgets"), declared);
    subject.mutations = vec![
        ("spec.colour", |object| {
            object["spec"]["colour"] = json!("blue");
        }),
        ("spec.size", |object| object["spec"]["size"] = json!(7)),
    ];
    subject.edit = ("spec.colour", "colour: .*", |nth| {
        format!("colour: by-hand-{nth}")
    });
    subject
}

impl InCluster {
    fn row(&self) -> Kind {
        let provider = self.provider();
        provider
            .kinds()
            .iter()
            .find(|row| row.name.as_str() == self.kind())
            .unwrap()
            .clone()
    }

    fn name(&self) -> &str {
        self.declared["metadata"]["name"].as_str().unwrap()
    }

    /// What a spec would give: a value that is marked as secret in it is sealed.
    fn sealed(&self, object: Json) -> Value {
        let seal = |value: Value, parts: &[&str]| {
            value.sealed_at(
                &parts
                    .iter()
                    .map(|part| (*part).to_owned())
                    .collect::<Vec<_>>(),
            )
        };
        let value = self.row().sealed(Value::from_json(object));
        seal(
            value,
            &[
                "spec",
                "template",
                "spec",
                "containers",
                "*",
                "env",
                "0",
                "value",
            ],
        )
    }

    fn changed(&self, changes: &[Change]) -> Vec<(&'static str, Value)> {
        let of = |(path, change): &Change| {
            let mut object = self.declared.clone();
            change(&mut object);
            (*path, self.sealed(object))
        };
        changes.iter().map(of).collect()
    }

    /// The plural and the name, as kubectl takes them.
    fn named(&self) -> String {
        let plural = self.collection.rsplit('/').next().unwrap();
        let group = if plural == "widgets" {
            ".conformance.example.com"
        } else {
            ""
        };
        format!("{plural}{group}/{}", self.name())
    }
}

#[async_trait]
impl Subject for InCluster {
    fn provider(&self) -> Arc<dyn Provider> {
        Arc::new(Kubernetes::new(
            KubernetesSettings::default(),
            Limiters::default(),
            DigestKey::new([7; 32]),
            None,
        ))
    }

    fn kind(&self) -> &'static str {
        "kubernetes/object"
    }

    fn connection(&self) -> (&'static str, Value) {
        let file = self.folder.path().join("kubeconfig");
        (
            "kubernetes",
            Value::from_json(json!({ "kubeconfig": file, "context": "peers" })),
        )
    }

    fn declared(&self) -> Value {
        self.sealed(self.declared.clone())
    }

    fn reordered(&self) -> Option<Value> {
        let seal = |value: Value, at: &str| {
            value.sealed_at(
                &[
                    "spec",
                    "template",
                    "spec",
                    "containers",
                    "*",
                    "env",
                    at,
                    "value",
                ]
                .map(str::to_owned),
            )
        };
        self.reordered
            .clone()
            .map(|object| seal(Value::from_json(object), "1"))
    }

    fn mutations(&self) -> Vec<(&'static str, Value)> {
        self.changed(&self.mutations)
    }

    fn immutable(&self) -> Vec<(&'static str, Value)> {
        self.changed(&self.immutable)
    }

    async fn make_by_hand(&self) {
        self.cluster
            .kubectl_create(&self.namespace, &self.declared.to_string());
    }

    async fn edit_by_hand(&self) -> Edit {
        let nth = self.edits.fetch_add(1, Ordering::SeqCst);
        let (path, from, to) = self.edit;
        let editor = format!("sed -i -E 's|{from}|{}|'", to(nth));
        let arguments = ["-n", &self.namespace, "edit", &self.named()];
        let output = self
            .cluster
            .try_kubectl(&arguments, &[("KUBE_EDITOR", &editor)]);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Edit {
            path,
            who: Some("kubectl-edit".to_owned()),
            when: true,
        }
    }

    async fn delete_by_hand(&self) {
        self.cluster
            .kubectl(["-n", &self.namespace, "delete", &self.named(), "--wait"]);
    }

    async fn fingerprint(&self) -> String {
        let list = self.cluster.get(&self.collection).unwrap();
        let seen: Vec<Json> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .cloned()
            .map(without_bustle)
            .collect();
        serde_json::to_string_pretty(&seen).unwrap()
    }

    async fn break_off(&self) {
        let file = self.folder.path().join("kubeconfig");
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(self.folder.path().join("good"), &text).unwrap();
        // Nothing listens there.
        let port = crate::peers::process::free_port();
        let line = text
            .split_whitespace()
            .find(|word| word.contains("https://127.0.0.1:"))
            .unwrap();
        let server = line.trim_matches(|c| matches!(c, '"' | ',' | '}'));
        let server = &server[server.find("https://").unwrap()..];
        std::fs::write(
            &file,
            text.replace(server, &format!("https://127.0.0.1:{port}")),
        )
        .unwrap();
    }

    async fn mend(&self) {
        let good = self.folder.path().join("good");
        std::fs::rename(good, self.folder.path().join("kubeconfig")).unwrap();
    }
}

/// Leaves out what controllers write while they work: that is no writing of ours.
fn without_bustle(mut object: Json) -> Json {
    object.as_object_mut().unwrap().shift_remove("status");
    let metadata = object["metadata"].as_object_mut().unwrap();
    let has_controller = metadata.get("generation").is_some();
    if has_controller {
        metadata.shift_remove("resourceVersion");
    }
    if let Some(Json::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.retain(|key, _| !key.starts_with("deployment.kubernetes.io/"));
        // Where the controller's is the only one, there are none before it and none but it afterwards.
        if annotations.is_empty() {
            metadata.shift_remove("annotations");
        }
    }
    if let Some(Json::Array(entries)) = metadata.get_mut("managedFields") {
        entries.retain(|entry| entry["manager"] != "kube-controller-manager");
    }
    object
}
