//! The daemon under the account that the manifests make: its rights suffice for a team's service, and
//! reach no further than they say.

use super::kubernetes::installed;
use crate::daemon::World;
use crate::peers::kubernetes::cluster;
use reconciled::ledger::RunOutcome;
use serde_json::json;
use std::path::Path;

const NAMESPACE: &str = "deployed-api-staging";

/// A repository with the staging environment of the example, and a daemon's settings that name the account's kubeconfig.
fn world() -> World {
    let world = World::new();
    let kubeconfig = cluster().kubeconfig_of("reconciled", "reconciled");
    world.settings(|settings| {
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": kubeconfig.to_str().unwrap() });
    });
    world.variable("SHOP_SESSION_KEY", "a-session");
    world
}

fn example(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("examples/kubernetes-api")
        .join(file);
    let text = std::fs::read_to_string(path).unwrap();
    text.replace("context: staging", "context: peers")
        .replace("shop-staging }", &format!("{NAMESPACE} }}"))
        .replace(
            "namespace: shop-staging\n",
            &format!("namespace: {NAMESPACE}\n"),
        )
        .replace("interval: 1m", "interval: 1s")
}

/// An environment that asks for more than the manifests grant, and for one thing that they do.
fn beyond() -> String {
    format!(
        "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: {{ name: beyond }}
spec:
  connections: {{ cluster: {{ provider: kubernetes, context: peers }} }}
  resources:
    role: {{ kind: kubernetes/object, spec: {{ apiVersion: rbac.authorization.k8s.io/v1, kind: ClusterRole, metadata: {{ name: deployed-beyond }},
      rules: [{{ apiGroups: [\"\"], resources: [secrets], verbs: [get] }}] }} }}
    pod: {{ kind: kubernetes/object, spec: {{ apiVersion: v1, kind: Pod, metadata: {{ name: beyond, namespace: {NAMESPACE} }},
      spec: {{ containers: [{{ name: x, image: \"shop/x:1\" }}] }} }} }}
    page: {{ kind: kubernetes/object, spec: {{ apiVersion: v1, kind: ConfigMap, metadata: {{ name: beyond, namespace: {NAMESPACE} }}, data: {{ a: b }} }} }}
"
    )
}

#[test]
fn its_rights_suffice_to_keep_the_example_and_for_no_role() {
    installed();
    let world = world();
    let files = [
        "environments/staging.yaml",
        "layers/api.yaml",
        "policies/api.yaml",
    ];
    let texts = files.map(|file| (file, example(file)));
    let mut all: Vec<_> = texts
        .iter()
        .map(|(file, text)| (*file, text.as_str()))
        .collect();
    let commit = world.commit(&all);
    let mut daemon = world.start();
    let summary = daemon.run_of("staging", &commit).summary.unwrap();
    assert_eq!(
        summary.outcome,
        RunOutcome::Done,
        "{summary:?}\n{}",
        daemon.log()
    );
    let config = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/api");
    let level = || cluster().get(&config).unwrap()["data"]["LOG_LEVEL"].clone();
    assert_eq!(level(), "debug");

    cluster().kubectl([
        "-n",
        NAMESPACE,
        "patch",
        "configmap/api",
        "-p",
        r#"{"data":{"LOG_LEVEL":"trace"}}"#,
    ]);
    let drift = daemon.episode("drift", |drift| drift.ended_at.is_some());
    assert_eq!(drift.how.as_deref(), Some("corrected"));
    let by = drift.details["by"][0].as_str().unwrap();
    assert!(by.starts_with("kubectl-patch"), "{drift:?}");
    assert_eq!(level(), "debug");

    // What the manifests keep from it, it says it may not, and does not.
    let beyond = beyond();
    all.push(("environments/beyond.yaml", &beyond));
    world.commit(&all);
    let page = format!("/api/v1/namespaces/{NAMESPACE}/configmaps/beyond");
    daemon.until("what it may do is done", |_| cluster().get(&page));
    for (resource, verb) in [("role", "get"), ("pod", "patch")] {
        let refused = daemon.until(format!("{resource} is said to be forbidden"), |_| {
            let episodes = world.episodes().into_iter();
            let address = format!("beyond/{resource}");
            let mut those = episodes.filter_map(|one| {
                let is_it = one.address.as_ref()?.to_string() == address;
                is_it.then(|| one.details["message"].as_str().map(str::to_owned))?
            });
            those.find(|told| told.contains("is forbidden"))
        });
        let account = "User \"system:serviceaccount:reconciled:reconciled\"";
        assert!(
            refused.contains(&format!("{account} cannot {verb} resource")),
            "{refused}"
        );
    }
    assert_eq!(
        cluster().get("/apis/rbac.authorization.k8s.io/v1/clusterroles/deployed-beyond"),
        None
    );
    assert_eq!(
        cluster().get(&format!("/api/v1/namespaces/{NAMESPACE}/pods/beyond")),
        None
    );
}
