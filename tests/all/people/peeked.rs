//! A pull request that declares what others have: whoever can push a branch reads nothing by it.

use super::scene::Scene;
use crate::peers::kubernetes::cluster;
use serde_json::{Value as Json, json};

const CANARY: &str = "canary-of-others";

fn environment(name: &str, resources: &Json) -> String {
    json!({ "apiVersion": "reconciled.dev/v1alpha1", "kind": "Environment", "metadata": { "name": name },
        "spec": {
            "connections": { "cluster": { "provider": "kubernetes", "context": "peers" } },
            "reconcile": { "interval": "1s" }, "resources": resources,
        } })
    .to_string()
}

/// A config map of one text.
fn config(namespace: &str, name: &str, text: &str) -> Json {
    json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": namespace },
        "data": { "text": text } })
}

fn resource(spec: Json, lifecycle: Json) -> Json {
    json!({ "kind": "kubernetes/object", "spec": spec, "lifecycle": lifecycle })
}

#[test]
fn what_is_nobody_s_here_is_told_to_no_branch_that_declares_it() {
    let namespace = &*cluster().namespace("peeked");
    let own = |text: &str| resource(config(namespace, "own", text), json!({}));
    let shop = |resources: Json| environment("shop", &resources);
    let scene = Scene::new(&[("shop.yaml", &shop(json!({ "own": own("of-ours") })))]);
    let path = cluster().kubeconfig();
    scene.world.settings(|settings| {
        let path = path.to_str().unwrap();
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": path });
    });
    let mut theirs = config(namespace, "theirs", CANARY);
    theirs["data"]["more"] = json!(CANARY);
    cluster().kubectl_create(namespace, &theirs.to_string());
    // One that `kubectl apply` made is taken over without being told to.
    cluster().kubectl_apply(namespace, &config(namespace, "applied", CANARY).to_string());
    let mut daemon = scene.started();

    let declared = |name: &str, lifecycle: Json| resource(config(namespace, name, "x"), lifecycle);
    let reads = config(namespace, "copy", "is ${resources.peek.data.text}");
    let peeking = json!({ "peek": declared("theirs", json!({})) });
    let both = json!({ "own": own("of-us"), "peek": declared("theirs", json!({ "adopt": true })),
        "copy": resource(reads, json!({})) });
    let applied = json!({ "own": own("of-us"), "peek": declared("applied", json!({})) });
    let branches = [
        ("other", "other.yaml", environment("other", &peeking)),
        ("adopting", "shop.yaml", shop(both)),
        ("applied", "shop.yaml", shop(applied)),
    ];
    let mut shown = Vec::new();
    for (branch, file, text) in &branches {
        let number = scene.open(branch, None, &[(file, text)]);
        let (_, body) = scene.comment_with(&mut daemon, number, "Planned against");
        let body = body.replace('\n', " ");
        assert!(!body.contains(CANARY), "{branch}: {body}");
        assert!(
            body.contains("data.text = (sensitive) -> \"x\""),
            "{branch}: {body}"
        );
        shown.push(body);
    }
    // What is ours is shown as it is, and what reads of theirs is known later.
    assert!(
        shown[1].contains("\"of-ours\" -> \"of-us\""),
        "{}",
        shown[1]
    );
    assert!(shown[1].contains("(known after apply)"), "{}", shown[1]);
    for (name, text) in [("theirs", CANARY), ("applied", CANARY)] {
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
        assert_eq!(cluster().get(&path).unwrap()["data"]["text"], text);
    }
    scene.assert_accepted();
}
