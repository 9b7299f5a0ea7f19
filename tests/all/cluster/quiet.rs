//! A quiet cluster costs no requests: counted in the API server's own audit log, over the whole program.

use super::{Scene, cluster};
use serde_json::{Value as Json, json};

/// Enough that anything asked of each of them shows.
const CONFIGS: usize = 40;
const DEPLOYMENTS: usize = 10;

/// How many times the environment is compared while nothing may be asked.
const LOOKS: usize = 3;

#[test]
fn the_daemon_compares_fifty_objects_again_and_again_and_asks_nothing() {
    let account = cluster().namespace("quiet-account");
    let rules = [json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] })];
    let kubeconfig = cluster().kubeconfig_limited_to(&account, &rules);
    let scene = Scene::through("quiet-daemon", &kubeconfig);
    let mut all = vec![("namespace".to_owned(), scene.namespace())];
    let configs = (0..CONFIGS).map(|nth| format!("c-{nth}"));
    all.extend(configs.map(|name| (name.clone(), scene.config(&name, "x"))));
    let deployments = (0..DEPLOYMENTS).map(|nth| format!("d-{nth}"));
    all.extend(deployments.map(|name| {
        let mut deployment = scene.deployment(0, "shop/api:1");
        deployment["spec"]["metadata"]["name"] = json!(name);
        (name, deployment)
    }));
    let all: Vec<(&str, Json)> = all
        .iter()
        .map(|(id, one)| (id.as_str(), one.clone()))
        .collect();
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &all);

    let user = format!("system:serviceaccount:{account}:limited");
    let asked = || {
        let requests = cluster().requests().into_iter();
        let ours = requests.filter(|one| one.user == user && one.verb != "watch");
        ours.map(|one| format!("{} {}", one.verb, one.uri))
            .collect::<Vec<_>>()
    };
    // What the controllers note on new objects is taken in before it is quiet. A watch that the server ends after
    // minutes is begun again, which is the one request there may be; it lists nothing.
    let mut said = Vec::new();
    let is_quiet = (0..30).any(|_| {
        let before = asked().len();
        for _ in 0..LOOKS {
            daemon.looked_again(scene.name);
        }
        said = asked().split_off(before);
        said.is_empty()
    });
    assert!(is_quiet, "it is never quiet: {said:#?}");
    // It was not for want of looking.
    scene.kubectl([
        "patch",
        "configmap/c-7",
        "--patch={\"data\":{\"text\":\"hacked\"}}",
        "--field-manager=kubectl-edit",
    ]);
    daemon.until("an edit is put back", |_| {
        (scene.text("c-7")? == "x").then_some(())
    });
    daemon.episode("drift", |drift| drift.how.as_deref() == Some("corrected"));
}
