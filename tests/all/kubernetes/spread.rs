//! Objects in many namespaces: few watches tell of them all, or one for each where the account may no more.

use super::watches::{EDIT, LONG, Watching, account, is_found, requests_of, since};
use super::{Scene, until};
use crate::peers::kubernetes::{Request, cluster};
use serde_json::{Value as Json, json};

/// Namespaces with a config each, of one environment.
async fn spread(scene: &Scene, count: usize) -> Vec<Json> {
    let name = |nth: usize| format!("{}-{nth}", scene.namespace);
    let mut configs = Vec::new();
    for nth in 0..count {
        let body = json!({ "metadata": { "name": name(nth) } });
        scene.cluster.post("/api/v1/namespaces", &body);
        let mut config = scene.config(&format!("c-{nth}"), "x");
        config["metadata"]["namespace"] = json!(name(nth));
        configs.push(config);
    }
    configs
}

/// Looks until nothing is asked any more; then an edit in the last namespace is told, and found.
async fn all_are_watched(mut watching: Watching, configs: &[Json]) {
    watching.scene.apply(configs).await;
    let namespace = watching.scene.namespace.clone();
    until("everything is watched", async || {
        let before = requests_of(&namespace).len();
        let plan = watching.scene.plan(configs).await;
        assert!(plan.is_empty(), "{:#?}", plan.steps);
        watching.scene.remember(&plan);
        since(&namespace, before).is_empty().then_some(())
    })
    .await;
    while watching.nudges.try_recv().is_ok() {}
    let last = configs.last().unwrap();
    let place = last["metadata"]["namespace"].as_str().unwrap();
    let name = format!("configmap/{}", last["metadata"]["name"].as_str().unwrap());
    let patched = cluster().try_kubectl(&["-n", place, "patch", &name, EDIT], &[]);
    assert!(patched.status.success(), "{patched:?}");
    watching.told(&[last]).await;
    assert!(is_found(&watching, configs, configs.len() - 1).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_in_many_namespaces_is_watched_by_few() {
    let (namespace, kubeconfig) = account("spread", &["*"]);
    let watching = Watching::through(&namespace, &kubeconfig, LONG);
    let configs = spread(&watching.scene, 12).await;
    all_are_watched(watching, &configs).await;
    let lists = requests_of(&namespace);
    let wide = |request: &Request| request.uri.starts_with("/api/v1/configmaps?");
    assert!(lists.iter().any(wide));
    // Ours alone are asked for, so that memory follows them.
    let whole = |request: &&Request| wide(request) && !request.uri.contains("labelSelector=");
    assert_eq!(lists.iter().find(whole).map(|one| &one.uri), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_of_some_namespaces_watches_each() {
    let namespace = cluster().namespace("few-rights");
    let kubeconfig = cluster().kubeconfig_limited_to(&namespace, &[]);
    let watching = Watching::through(&namespace, &kubeconfig, LONG);
    let configs = spread(&watching.scene, 12).await;
    let account = format!("--serviceaccount={namespace}:limited");
    for config in &configs {
        let place = config["metadata"]["namespace"].as_str().unwrap();
        let bind = [
            "-n",
            place,
            "create",
            "rolebinding",
            "all",
            "--clusterrole=cluster-admin",
            &account,
        ];
        let bound = cluster().try_kubectl(&bind, &[]);
        assert!(bound.status.success(), "{bound:?}");
    }
    all_are_watched(watching, &configs).await;
    let lists = requests_of(&namespace);
    let refused =
        |request: &Request| request.uri.starts_with("/api/v1/configmaps?") && request.status == 403;
    assert!(lists.iter().any(refused));
}
