//! A secret of one environment, and a pull request of another.

use super::scene::Scene;
use crate::peers::kubernetes::cluster;
use serde_json::{Value as Json, json};

const CANARY: &str = "canary-of-the-machine";

/// An environment with a config of its own beside these resources, which knows a secret where told to.
fn environment(name: &str, namespace: &str, knows: bool, page: Option<&str>) -> String {
    let config = |of: &str, text: &str| {
        json!({ "kind": "kubernetes/object", "spec": { "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": of, "namespace": namespace }, "data": { "text": text } } })
    };
    let mut resources = json!({ "own": config(name, "hello") });
    if let Some(text) = page {
        resources["page"] = config("page", text);
    }
    let secrets = match knows {
        true => json!({ "key": { "env": "KEY" } }),
        false => json!({}),
    };
    json!({ "apiVersion": "reconciled.dev/v1alpha1", "kind": "Environment", "metadata": { "name": name },
        "spec": {
            "connections": { "cluster": { "provider": "kubernetes", "context": "peers" } },
            "reconcile": { "interval": "1s" }, "secrets": secrets, "resources": resources,
        } })
    .to_string()
}

fn live(namespace: &str) -> Option<String> {
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/page");
    let live: Json = cluster().get(&path)?;
    Some(live["data"]["text"].as_str()?.to_owned())
}

#[test]
fn what_was_secret_under_one_environment_is_secret_under_any() {
    let namespace = &*cluster().namespace("sealed");
    let of_secret = Some("of ${secrets.key}");
    let one = environment("one", namespace, true, of_secret);
    let other = environment("other", namespace, false, None);
    let scene = Scene::new(&[("one.yaml", &one), ("other.yaml", &other)]);
    scene.world.variable("KEY", CANARY);
    let path = cluster().kubeconfig();
    scene.world.settings(|settings| {
        let path = path.to_str().unwrap();
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": path });
    });
    let mut daemon = scene.world.start();
    daemon.until("all of it is ours", |_| {
        (scene.world.owned().len() == 3).then_some(())
    });
    assert!(live(namespace).unwrap().contains(CANARY));

    let kept = environment("one", namespace, true, None);
    let moved = environment("other", namespace, false, Some("open"));
    let guess = format!("of {CANARY}");
    let guessed = environment("other", namespace, false, Some(&guess));
    let renamed = environment("third", namespace, false, Some("open"));
    let branches = [
        ("moved", vec![("one.yaml", &kept), ("other.yaml", &moved)]),
        ("renamed", vec![("one.yaml", &renamed)]),
        (
            "guessed",
            vec![("one.yaml", &kept), ("other.yaml", &guessed)],
        ),
    ];
    let mut numbers = Vec::new();
    for (branch, files) in branches {
        let files: Vec<(&str, &str)> = files
            .iter()
            .map(|(at, text)| (*at, text.as_str()))
            .collect();
        let number = scene.open(branch, None, &files);
        let (_, body) = scene.comment_with(&mut daemon, number, "Planned against");
        assert!(!body.contains(CANARY), "{branch}: {body}");
        // A right guess shows as a wrong one does.
        let shown = "data.text = (sensitive) -> (sensitive) (known after apply)";
        assert!(body.contains(shown), "{branch}: {body}");
        numbers.push(number);
    }

    scene.merge(numbers[0], "moved");
    daemon.until("the page is the other's", |_| {
        (live(namespace)? == "open").then_some(())
    });
    daemon.until("its result is told", |_| {
        let results = scene.results(numbers[0]);
        results
            .iter()
            .any(|(name, _)| name == "other")
            .then_some(())
    });
    for (_, body) in scene.comments(numbers[0]) {
        assert!(!body.contains(CANARY), "{body}");
    }
    let history = scene.world.command(&["history", "list"]);
    assert!(!format!("{}{}", history.stdout, history.stderr).contains(CANARY));
    let ledger = std::fs::read(scene.world.ledger_file()).unwrap();
    let mut parts = ledger.windows(CANARY.len());
    assert!(!parts.any(|part| part == CANARY.as_bytes()));
    scene.assert_accepted();
}
