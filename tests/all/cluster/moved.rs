//! Files and resources that take another name: their objects stay the same, and nothing is deleted.

use super::Scene;
use crate::daemon::Daemon;
use crate::peers::kubernetes::cluster;
use serde_json::{Value as Json, json};

const PAGE: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: page }\ndata: { text: x }\n";
const OTHER: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: other }\ndata: { text: x }\n";

fn folder(scene: &Scene, path: &str) -> Json {
    json!({ "kind": "kubernetes/manifests", "spec": { "path": path, "namespace": scene.name } })
}

/// The uids of everything that the moves are about.
fn uids(scene: &Scene) -> [Json; 3] {
    ["page", "other", "single"].map(|name| {
        let live = scene.live(&format!("configmaps/{name}"));
        live.unwrap_or_else(|| panic!("{name} is gone"))["metadata"]["uid"].clone()
    })
}

/// Moves a file, which the next commit takes along.
fn moved(scene: &Scene, from: &str, to: &str) {
    let folder = scene.world.repository().join(to);
    std::fs::create_dir_all(folder.parent().unwrap()).unwrap();
    scene.world.git(&["mv", from, to]);
}

/// Waits until a commit is applied; nothing is new, and nothing goes.
#[track_caller]
fn moves(scene: &Scene, daemon: &mut Daemon<'_>, resources: &[(&str, Json)]) {
    let before = uids(scene);
    // Not even one delete is within the budget.
    let none = json!({ "deletionBudget": { "count": 0, "percent": 0 } });
    scene.applied(daemon, none, resources);
    assert_eq!(uids(scene), before);
    assert_eq!(scene.told(&["plan"]).1, Some(0));
    let addresses: Vec<String> = scene
        .world
        .owned()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(addresses.len(), 4, "{addresses:?}");
}

#[test]
fn what_is_only_called_alike_in_another_place_holds_nothing_up() {
    let scene = Scene::new("alike");
    let other = cluster().namespace("alike-elsewhere");
    let page = |name: &str| {
        json!({ "kind": "kubernetes/object", "spec": {
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { "text": "x" } } })
    };
    // Both leave the namespace to their connections, as to the contexts of two kubeconfigs.
    let commit = |name: &str, namespace: &str, resources: Json| {
        let text = json!({ "apiVersion": "reconciled.dev/v1alpha1", "kind": "Environment", "metadata": { "name": name }, "spec": {
            "connections": { "cluster": { "provider": "kubernetes", "context": "peers", "namespace": namespace } },
            "reconcile": { "interval": "1s" }, "resources": resources } });
        let path = format!("{name}.yaml");
        scene.world.commit(&[(path.as_str(), &text.to_string())])
    };
    let mut daemon = scene.world.start();
    let both =
        json!({ "namespace": scene.namespace(), "page": page("page"), "rest": page("rest") });
    let here = commit(scene.name, scene.name, both);
    scene.done(&mut daemon, &here);
    let there = commit("elsewhere", &other, json!({ "page": page("page") }));
    daemon.run_of("elsewhere", &there);
    let one = json!({ "namespace": scene.namespace(), "rest": page("rest") });
    let dropped = commit(scene.name, scene.name, one);
    scene.done(&mut daemon, &dropped);
    assert!(scene.live("configmaps/page").is_none());
    assert!(
        cluster()
            .get(&format!("/api/v1/namespaces/{other}/configmaps/page"))
            .is_some()
    );
}

#[test]
fn what_takes_another_name_keeps_its_objects() {
    let scene = Scene::new("renamed");
    let mut daemon = scene.world.start();
    let namespace = || ("namespace", scene.namespace());
    let single = || scene.config("single", "x");
    scene
        .world
        .commit(&[("k8s/page.yaml", PAGE), ("k8s/other.yaml", OTHER)]);
    let all = [
        namespace(),
        ("shop", folder(&scene, "k8s")),
        ("single", single()),
    ];
    scene.applied(&mut daemon, json!({}), &all);
    // A file in the folder.
    moved(&scene, "k8s/page.yaml", "k8s/front/page.yaml");
    moves(&scene, &mut daemon, &all);
    // Both objects in one file.
    scene.world.git(&["rm", "--quiet", "k8s/front/page.yaml"]);
    let both = format!("{PAGE}---\n{OTHER}");
    std::fs::write(scene.world.repository().join("k8s/other.yaml"), both).unwrap();
    moves(&scene, &mut daemon, &all);
    // The folder, the resource that names it, and one beside it.
    moved(&scene, "k8s/other.yaml", "deploy/all.yaml");
    let all = [
        namespace(),
        ("store", folder(&scene, "deploy")),
        ("alone", single()),
    ];
    moves(&scene, &mut daemon, &all);
    let live = scene.live("configmaps/single").unwrap();
    let address = &live["metadata"]["annotations"]["reconciled.dev/address"];
    assert_eq!(address, "renamed/alone");
}
