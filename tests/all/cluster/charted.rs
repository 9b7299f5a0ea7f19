//! Charts by the real helm, on a real cluster: values from three places, hooks, refusals.

use super::Scene;
use crate::peers::process::installed;
use serde_json::{Value as Json, json};

const DEPLOYMENT: &str = r#"apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
  labels: { app.kubernetes.io/managed-by: {{ .Release.Service }} }
spec:
  replicas: {{ required "replicas has to be set" .Values.replicas }}
  selector: { matchLabels: { app: {{ .Release.Name }} } }
  template:
    metadata: { labels: { app: {{ .Release.Name }} } }
    spec:
      containers:
      - name: web
        image: "{{ .Values.image.name }}:{{ .Values.image.tag }}"
        env:
        {{- range $name, $value := .Values.env }}
        - { name: {{ $name }}, value: {{ $value | quote }} }
        {{- end }}
"#;

const EXTRAS: &str = r#"apiVersion: v1
kind: Secret
metadata: { name: {{ .Release.Name }}-token }
stringData: { token: canary-in-chart }
---
apiVersion: v1
kind: ConfigMap
metadata: { name: {{ .Release.Name }}-seen }
data:
  looked-up: {{ lookup "v1" "Namespace" "" "default" | toJson | quote }}
  resolved: {{ getHostByName "localhost" | quote }}
  version: {{ .Capabilities.KubeVersion.Minor | quote }}
  monitored: {{ .Capabilities.APIVersions.Has "monitoring.coreos.com/v1" | quote }}
---
apiVersion: batch/v1
kind: Job
metadata:
  name: {{ .Release.Name }}-migrate
  annotations: { helm.sh/hook: pre-install }
spec: { template: { spec: { restartPolicy: Never, containers: [{ name: x, image: x }] } } }
"#;

const SCHEMA: &str = r#"{ "properties": { "replicas": { "type": ["integer", "null"] } } }"#;

fn scene(name: &'static str) -> Scene {
    let scene = Scene::new(name);
    let program = installed("render").join("helm");
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"]["helm"] = json!(program);
    });
    scene.world.commit(&[
        (
            "charts/web/Chart.yaml",
            "apiVersion: v2\nname: web\nversion: 1.0.0\n",
        ),
        (
            "charts/web/values.yaml",
            "image: { name: shop/web, tag: '1' }\nenv: { MODE: plain, GONE: x }\n",
        ),
        ("charts/web/values.schema.json", SCHEMA),
        ("charts/web/templates/deployment.yaml", DEPLOYMENT),
        ("charts/web/templates/extras.yaml", EXTRAS),
        ("charts/web/crds/widget.yaml", &crd()),
        ("prod.yaml", "replicas: 1\nimage: { tag: '2' }\n"),
    ]);
    scene
}

fn crd() -> String {
    let schema = json!({ "openAPIV3Schema": { "type": "object" } });
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": "charted.example.com" },
        "spec": {
            "group": "example.com", "scope": "Namespaced",
            "names": { "plural": "charted", "kind": "Charted" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": schema }],
        },
    })
    .to_string()
}

/// The chart as a resource, with these values of its own.
fn web(scene: &Scene, values: Json) -> Json {
    json!({
        "kind": "kubernetes/helm-chart",
        "lifecycle": { "dependsOn": ["namespace"] },
        "spec": {
            "chart": "charts/web", "namespace": scene.name, "valuesFiles": ["prod.yaml"], "values": values,
            "set": { "env.MODE": "a,b=c" }, "kubeVersion": "1.36", "apiVersions": ["monitoring.coreos.com/v1"],
        },
    })
}

#[test]
fn a_chart_is_applied_with_its_values_and_a_changed_one_is_one_precise_difference() {
    let scene = scene("charted");
    let values = |replicas: u32| json!({ "replicas": replicas, "env": { "GONE": null, "WHO": "${metadata.name}" } });
    let resources = |replicas| {
        [
            ("namespace", scene.namespace()),
            ("web", web(&scene, values(replicas))),
        ]
    };
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &resources(2));
    let live = scene.live("apps/v1/deployments/web").unwrap();
    assert_eq!(live["spec"]["replicas"], 2);
    let container = &live["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(container["image"], "shop/web:2");
    let env = json!([{ "name": "MODE", "value": "a,b=c" }, { "name": "WHO", "value": "charted" }]);
    assert_eq!(container["env"], env);
    let seen = &scene.live("configmaps/web-seen").unwrap()["data"];
    let nothing_live =
        json!({ "looked-up": "{}", "resolved": "", "version": "36", "monitored": "true" });
    assert_eq!(*seen, nothing_live);
    assert!(scene.live("secrets/web-token").is_some());
    assert!(scene.live("batch/v1/jobs/web-migrate").is_none());
    let said = daemon.logged("Spec is used, but worth a look", |_| true);
    assert!(
        format!("{said:?}").contains("web-migrate (pre-install)"),
        "{said:?}"
    );
    daemon.looked_again(scene.name);
    assert!(!daemon.log().contains("canary-in-chart"));
    daemon.terminate();

    let (plan, code) = scene.told(&["plan"]);
    assert_eq!(code, Some(0), "{plan}");
    assert!(plan.contains("hook-left-out"), "{plan}");
    scene.commit(json!({}), &resources(3));
    let (plan, code) = scene.told(&["plan"]);
    assert_eq!(code, Some(2), "{plan}");
    assert!(
        plan.contains("web[Deployment.apps/charted/web]") && plan.contains("spec.replicas"),
        "{plan}"
    );
    assert!(
        !plan.contains("ConfigMap/charted") && !plan.contains("canary-in-chart"),
        "{plan}"
    );
}

#[test]
fn what_a_chart_refuses_is_told_where_it_is_declared() {
    let scene = scene("charted-badly");
    let wrong = |values: Json| {
        scene.commit(
            json!({}),
            &[
                ("namespace", scene.namespace()),
                ("web", web(&scene, values)),
            ],
        );
        let (said, code) = scene.told(&["plan"]);
        assert_eq!(code, Some(1), "{said}");
        said.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let said = wrong(json!({ "replicas": null }));
    assert!(
        said.contains("environment.yaml:") && said.contains("replicas has to be set"),
        "{said}"
    );
    // The chart's own schema.
    let said = wrong(json!({ "replicas": "two" }));
    assert!(
        said.contains("render-failed") && said.contains("integer"),
        "{said}"
    );
    // Neither files of this machine nor addresses are read for it.
    scene.world.commit(&[(
        "charts/web/values.schema.json",
        r#"{ "$ref": "file:///etc/hostname" }"#,
    )]);
    let template = "{{ fail (.Files.Get \"../../prod.yaml\" | printf \"read <%s>\") }}\n";
    scene
        .world
        .commit(&[("charts/web/templates/extras.yaml", template)]);
    let said = wrong(json!({ "replicas": 2 }));
    assert!(
        said.contains("read <>") && !said.contains("hostname"),
        "{said}"
    );
    scene.world.commit(&[(
        "charts/web/templates/extras.yaml",
        "x: {{ randAlphaNum 20 }}\n",
    )]);
    let said = wrong(json!({ "replicas": 2 }));
    assert!(
        said.contains("render-varies") && said.contains("web/templates/extras.yaml"),
        "{said}"
    );
}
