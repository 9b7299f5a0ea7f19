//! What is declared in any order is made in the one that it needs.

use super::{Scene, with};
use crate::peers::kubernetes::cluster;
use reconciled::ledger::RunOutcome;
use serde_json::json;

/// The names of the objects of a namespace in the order in which they were made.
fn made(scene: &Scene) -> Vec<String> {
    let begin = format!("/api/v1/namespaces/{}/", scene.name);
    let mut names = Vec::new();
    for request in cluster().requests() {
        let path = request.uri.split('?').next().unwrap();
        let named = path.strip_prefix(&begin);
        let is_ours = request.verb == "patch" && request.uri.contains("fieldManager=reconciled");
        let name = named.and_then(|rest| rest.rsplit('/').next());
        if let Some(name) = name.filter(|_| is_ours && !request.uri.contains("dryRun")) {
            names.push(name.to_owned());
        }
    }
    names
}

#[test]
fn what_comes_after_others_is_made_after_them() {
    let scene = Scene::new("in-order");
    let after = |name: &str, before: &str| {
        let lifecycle = json!({ "dependsOn": [before] });
        with(scene.config(name, "x"), lifecycle)
    };
    let resources = [
        ("a", after("a", "m")),
        ("m", after("m", "z")),
        ("namespace", scene.namespace()),
        ("z", scene.config("z", "x")),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &resources);
    assert_eq!(made(&scene), ["z", "m", "a"]);
}

#[test]
fn what_is_read_of_an_object_is_known_when_it_is_there() {
    let scene = Scene::new("read");
    let service = scene.object(
        "v1",
        "Service",
        "front",
        json!({ "spec": { "selector": { "app": "api" }, "ports": [{ "port": 80 }] } }),
    );
    let page = |text: &str| scene.config("a-page", text);
    let resources = |text: &str| {
        [
            ("a-page", page(text)),
            ("front", service.clone()),
            ("namespace", scene.namespace()),
        ]
    };
    let mut daemon = scene.world.start();
    let text = "http://${resources.front.spec.clusterIP}:80";
    scene.applied(&mut daemon, json!({}), &resources(text));
    let live = scene.live("services/front").unwrap();
    let address = live["spec"]["clusterIP"].as_str().unwrap();
    assert_eq!(
        scene.text("a-page").unwrap(),
        format!("http://{address}:80")
    );
    assert_eq!(made(&scene), ["front", "a-page"]);
    assert_eq!(scene.told(&["plan"]).1, Some(0));
    // Another address in its place is found with the object that tells it.
    let edit = r#"--patch={"data":{"text":"http://10.9.9.9:80"}}"#;
    scene.kubectl(["patch", "configmap/a-page", edit]);
    daemon.until("it is put back", |_| {
        (scene.text("a-page")? == format!("http://{address}:80")).then_some(())
    });
}

#[test]
fn nothing_is_taken_away_while_what_takes_its_place_does_not_work() {
    let scene = Scene::new("replaced");
    let named = |name: &str, image: &str| {
        let mut made = scene.deployment(1, image);
        made["spec"]["metadata"]["name"] = json!(name);
        for path in [
            "/spec/spec/selector/matchLabels",
            "/spec/spec/template/metadata/labels",
        ] {
            made.pointer_mut(path).unwrap()["app"] = json!(name);
        }
        with(made, json!({ "deadline": "10s" }))
    };
    let budget = json!({ "deletionBudget": { "count": 20, "percent": 100 } });
    let all =
        |id: &'static str, image: &str| [("namespace", scene.namespace()), (id, named(id, image))];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, budget.clone(), &all("web", "shop/api:1"));
    let commit = scene.commit(budget.clone(), &all("web-v2", "shop/api:missing"));
    let run = daemon.run_of(scene.name, &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Failed);
    let (shown, _) = scene.told(&["history", "show", &run.id.to_string()]);
    assert!(
        shown.contains("kept: replaced/web-v2 has to work first"),
        "{shown}"
    );
    // It is as declared now, and there is nothing left to write but the delete.
    daemon.logged("Step waits", |line| {
        let why = line["reason"].as_str().unwrap();
        line["address"] == "replaced/web" && why.contains("kept: replaced/web-v2")
    });
    assert!(scene.live("apps/v1/deployments/web").is_some());
    let (plan, _) = scene.told(&["plan"]);
    assert!(plan.contains("replaced/web-v2 has to work first"), "{plan}");
    scene.commit(budget, &all("web-v2", "shop/api:2"));
    daemon.until("the old one goes once the new one works", |_| {
        scene
            .live("apps/v1/deployments/web")
            .is_none()
            .then_some(())
    });
    let live = scene.live("apps/v1/deployments/web-v2").unwrap();
    assert_eq!(live["status"]["availableReplicas"], 1);
}
