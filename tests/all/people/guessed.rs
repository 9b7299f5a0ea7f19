//! Guesses of a secret that a branch writes where they are repeated: its plan says of a right one what it says of
//! a wrong one.

use super::scene::Scene;
use crate::peers::kubernetes::cluster;
use serde_json::json;

const CANARY: &str = "Summer-2026-prod";

/// An environment with a rule of its own and a service of this type, where it has one.
fn environment(namespace: &str, rule: Option<&str>, service: Option<&str>) -> String {
    let object = |kind: &str, name: &str, rest: &str, of: serde_json::Value| {
        let mut object = json!({ "apiVersion": "v1", "kind": kind,
            "metadata": { "name": name, "namespace": namespace } });
        object[rest] = of;
        json!({ "kind": "kubernetes/object", "spec": object })
    };
    let mut resources = json!({ "own": object("ConfigMap", "own", "data", json!({ "text": "hello" })),
        "token": object("Secret", "token", "stringData", json!({ "t": "${secrets.key}" })) });
    if let Some(rule) = rule {
        resources["own"]["lifecycle"] =
            json!({ "health": [{ "kind": "ConfigMap", "ready": rule }] });
        let reads = json!({ "uid": "${resources.own.uid}" });
        resources["reads"] = object("ConfigMap", "reads", "data", reads);
    }
    if let Some(of_type) = service {
        let spec = json!({ "type": of_type, "ports": [{ "port": 80 }] });
        resources["service"] = object("Service", "service", "spec", spec);
    }
    json!({ "apiVersion": "reconciled.dev/v1alpha1", "kind": "Environment", "metadata": { "name": "shop" },
        "spec": {
            "connections": { "cluster": { "provider": "kubernetes", "context": "peers" } },
            "reconcile": { "interval": "1s" }, "secrets": { "key": { "env": "KEY" } },
            "resources": resources,
        } })
    .to_string()
}

#[test]
fn what_a_branch_says_itself_is_not_hidden_for_being_right() {
    let namespace = &*cluster().namespace("guessed");
    let scene = Scene::new(&[("shop.yaml", &environment(namespace, None, None))]);
    scene.world.variable("KEY", CANARY);
    let path = cluster().kubeconfig();
    scene.world.settings(|settings| {
        let path = path.to_str().unwrap();
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": path });
    });
    let mut daemon = scene.started();
    let mut ask = |branch: &str, rule: Option<&str>, service: Option<&str>| {
        let text = environment(namespace, rule, service);
        let number = scene.open(branch, None, &[("shop.yaml", &text)]);
        let (_, body) = scene.comment_with(&mut daemon, number, "Planned against");
        body.split("Planned against").next().unwrap().to_owned()
    };
    // A rule, a name in one, and what the server repeats, whole and as a part of something longer.
    for (nth, form) in ["object.data.text == 'GUESS'", "object.data['GUESS'] == 'x'"]
        .into_iter()
        .enumerate()
    {
        let mut shown = |how: &str, guess: &str| {
            let rule = form.replace("GUESS", guess);
            ask(&format!("rule-{nth}-{how}"), Some(&rule), None)
        };
        let right = shown("right", CANARY);
        assert!(
            right.contains("lifecycle.health&#91;0&#93;.ready")
                || right.contains("lifecycle.health[0].ready"),
            "{right}"
        );
        assert_eq!(right, shown("wrong", "Spring-2025-test"));
    }
    for (nth, form) in ["GUESS", "of-GUESS", "it is GUESS"].into_iter().enumerate() {
        let mut shown = |how: &str, guess: &str| {
            let service = form.replace("GUESS", guess);
            ask(&format!("service-{nth}-{how}"), None, Some(&service))
        };
        let right = shown("right", CANARY);
        assert!(right.contains("supported values"), "{right}");
        let wrong = shown("wrong", "Spring-2025-test");
        // What the plan says of the branch's own fields is as the branch has it.
        assert_eq!(
            right.replace(CANARY, "GUESS"),
            wrong.replace("Spring-2025-test", "GUESS")
        );
    }
    scene.assert_accepted();
}
