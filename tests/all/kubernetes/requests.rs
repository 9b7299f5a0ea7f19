//! How much the API server is asked: from its own audit log, by an account of the test's own.

use super::Scene;
use crate::peers::kubernetes::{Request, cluster};
use serde_json::json;

fn requests_of(namespace: &str) -> Vec<Request> {
    let user = format!("system:serviceaccount:{namespace}:limited");
    cluster()
        .requests()
        .into_iter()
        .filter(|request| request.user == user)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_that_finds_nothing_to_do_lists_and_asks_nothing_twice() {
    let namespace = cluster().namespace("quiet");
    let rules = [json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] })];
    let kubeconfig = cluster().kubeconfig_limited_to(&namespace, &rules);
    let mut scene = Scene::through(namespace.clone(), &kubeconfig);
    let configs = (0..20).map(|nth| scene.config(&format!("c-{nth}"), "x"));
    let deployments = (0..10).map(|nth| scene.deployment(&format!("d-{nth}"), 0, "shop/api:1"));
    let objects: Vec<_> = configs.chain(deployments).collect();

    scene.apply(&objects).await;
    let writes = requests_of(&namespace);
    let budget = objects.len() + objects.len() / 10 + 4;
    assert!(
        writes.len() <= budget,
        "{} requests for {} objects",
        writes.len(),
        objects.len()
    );

    scene.settled(&objects).await;
    let before = requests_of(&namespace).len();
    scene.settled(&objects).await;
    let quiet = requests_of(&namespace).split_off(before);
    let asked: Vec<String> = quiet
        .iter()
        .map(|request| format!("{} {}", request.verb, request.uri))
        .collect();
    assert!(
        quiet.iter().all(|request| request.verb == "list"),
        "{asked:#?}"
    );
    // Two kinds in one namespace, looked at twice.
    assert_eq!(quiet.len(), 4, "{asked:#?}");
}
