//! A delete that somebody holds back: on the pull request whose merge deletes, on those after it, and in `status`.

use super::scene::Scene;
use crate::peers::kubernetes::cluster;
use serde_json::{Value, json};

/// Each part of the finalizer and of who put it there; Markdown escapes what is between.
const WHO: [&str; 2] = ["example.com/hold", "vault-operator"];

fn shop(namespace: &str, pages: &[(&str, &str)]) -> String {
    let page = |(name, text): &(&str, &str)| {
        let spec = json!({ "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": name, "namespace": namespace }, "data": { "text": text } });
        format!("    {name}: {{ kind: kubernetes/object, spec: {spec} }}\n")
    };
    let pages: String = pages.iter().map(page).collect();
    format!(
        "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: {{ name: shop }}\nspec:\n  connections:\n\
         \x20   cluster: {{ provider: kubernetes, context: peers }}\n\
         \x20 reconcile: {{ interval: 1s, deletionBudget: {{ count: 20, percent: 100 }} }}\n  resources:\n{pages}"
    )
}

fn names_who(text: &str) -> bool {
    WHO.iter().all(|part| text.contains(part))
}

#[test]
fn who_holds_a_delete_back_is_named_on_the_pull_request_and_in_the_status() {
    let cluster = cluster();
    let namespace = cluster.namespace("held-in-public");
    let two = [("page", "hello"), ("old", "x")];
    let scene = Scene::new(&[("shop.yaml", &shop(&namespace, &two))]);
    let kubeconfig = cluster.kubeconfig();
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": kubeconfig });
    });
    let first = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &first);
    let hold = |finalizers: Value| {
        let patch = json!({ "metadata": { "finalizers": finalizers } });
        let patch = format!("--patch={patch}");
        let by = "--field-manager=vault-operator";
        let at = ["--namespace", &namespace, "patch", "configmap/old"];
        cluster.kubectl([at[0], at[1], at[2], at[3], "--type=merge", by, &patch]);
    };
    hold(json!(["example.com/hold"]));

    let number = scene.open("less", None, &[("shop.yaml", &shop(&namespace, &two[..1]))]);
    scene.comment_with(&mut daemon, number, "1 to delete");
    scene.merge(number, "less");
    let (_, body) = scene.comment_with(&mut daemon, number, WHO[1]);
    assert!(names_who(&body), "{body}");
    assert!(body.starts_with("<!-- reconciled:result:"), "{body}");
    daemon.until("status names it", |_| {
        names_who(&scene.world.command(&["status"]).stdout).then_some(())
    });

    let more = shop(&namespace, &[("page", "welcome")]);
    let next = scene.open("more", None, &[("shop.yaml", &more)]);
    let (_, body) = scene.comment_with(&mut daemon, next, "1 to update");
    assert!(names_who(&body), "{body}");

    hold(Value::Null);
    scene.comment_with(&mut daemon, number, "🟢 Applied in shop");
    // No run carries that out: where Slack was told that it waits, it is told the end as well, once.
    daemon.looked_again("shop");
    let all = scene.said("infra");
    assert!(all.iter().all(|one| !one.contains("held back")), "{all:#?}");
    let ends = all.iter().filter(|one| *one == "✅ shop: old is gone");
    assert!(ends.count() <= 1, "{all:#?}");
    scene.assert_accepted();
}
