//! Drift of what a chart renders, where people are to be asked: no field of a spec says it, so it is told as that and
//! left, and nobody is asked in vain.

use super::scene::Scene;
use crate::daemon::Daemon;
use crate::peers::kubernetes::cluster;
use crate::peers::process::installed;
use serde_json::{Value, json};

const CHARTED: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: charted }\ndata: { text: {{ .Values.text }} }\n";

/// Why nobody is asked about what the chart renders.
const WHY: &str = "it is rendered (kubernetes/helm-chart): change what it is rendered from";

fn shop(namespace: &str) -> String {
    let plain = json!({ "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "plain", "namespace": namespace }, "data": { "text": "one" } });
    format!(
        "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: {{ name: shop }}\nspec:\n  connections:\n\
         \x20   cluster: {{ provider: kubernetes, context: peers }}\n\
         \x20 reconcile: {{ interval: 1s, onDrift: propose }}\n  resources:\n\
         \x20   plain: {{ kind: kubernetes/object, spec: {plain} }}\n\
         \x20   web: {{ kind: kubernetes/helm-chart, spec: {{ chart: chart, namespace: {namespace}, values: {{ text: one }} }} }}\n"
    )
}

#[test]
fn what_a_chart_renders_is_told_as_that_and_asked_about_never() {
    let cluster = cluster();
    let namespace = cluster.namespace("charted-drift");
    let chart = "apiVersion: v2\nname: web\nversion: 1.0.0\n";
    let scene = Scene::new(&[
        ("shop.yaml", &shop(&namespace)),
        ("chart/Chart.yaml", chart),
        ("chart/templates/charted.yaml", CHARTED),
    ]);
    let (kubeconfig, helm) = (cluster.kubeconfig(), installed("render").join("helm"));
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": kubeconfig, "helm": helm });
    });
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.rest_after("shop", &first);
    let edit = |name: &str| {
        let patch = r#"--patch={"data":{"text":"mine"}}"#;
        let who = "--field-manager=kubectl-edit";
        cluster.kubectl([
            "--namespace",
            &namespace,
            "patch",
            "configmap",
            name,
            who,
            patch,
        ]);
    };
    edit("charted");
    let drift = daemon.episode("drift", |drift| drift.details.to_string().contains(WHY));
    assert!(drift.ended_at.is_none(), "{drift:?}");
    let says = |daemon: &mut Daemon<'_>, part: &str| {
        daemon.until(format!("Slack says {part}"), |_| {
            scene
                .said("infra")
                .into_iter()
                .find(|one| one.contains(part))
        });
    };
    says(&mut daemon, "change what it is rendered from");
    let status = scene.world.command(&["status"]);
    assert_eq!(status.code, Some(2));
    let next = format!("{WHY}; `reconciled apply` puts it back");
    assert!(status.stdout.contains(&next), "{status:?}");
    let runs = || scene.world.runs("shop").len();
    let before = runs();
    for _ in 0..3 {
        daemon.looked_again("shop");
    }
    assert_eq!(runs(), before, "it asks itself the same again and again");
    assert_eq!(scene.github.pulls(), Vec::<Value>::new());

    // Beside it what can be written is asked about, and the request names what cannot.
    edit("plain");
    let asked = daemon.until("a request is open", |_| scene.github.pulls().pop());
    let body = asked["body"].as_str().unwrap();
    assert!(body.contains("`\"mine\"`"), "{body}");
    assert!(body.contains("change what it is rendered from"), "{body}");
    let at = format!("/api/v1/namespaces/{namespace}/configmaps/charted");
    assert_eq!(cluster.get(&at).unwrap()["data"]["text"], "mine");
    // Who does what the status says has it back.
    let merged = scene.merge(1, asked["head"]["ref"].as_str().unwrap());
    daemon.run_of("shop", &merged);
    let applied = scene.world.command(&["apply", "shop", "--yes"]);
    assert_eq!(applied.code, Some(0), "{applied:?}");
    let text = || -> Value { cluster.get(&at).unwrap()["data"]["text"].clone() };
    assert_eq!(text(), "one");
    scene.assert_accepted();
}
