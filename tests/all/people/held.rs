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
    // No run carries that out: it is told as the end of the one that began it.
    let told = |scene: &Scene| {
        let roots = scene.slack.messages("infra").into_iter();
        let mut roots = roots.filter(|one| one["text"] == "✅ shop: old is gone");
        (roots.next(), roots.next())
    };
    let root = daemon.until("Slack hears that it is gone", |_| told(&scene).0);
    daemon.looked_again("shop");
    assert_eq!(told(&scene).1, None);
    let all = scene.said("infra");
    assert!(all.iter().all(|one| !one.contains("held back")), "{all:#?}");
    let thread = scene.slack.replies("infra", root["ts"].as_str().unwrap());
    let titles: Vec<&Value> = thread.iter().map(|one| &one["text"]).collect();
    assert_eq!(titles, ["✅ shop: old is gone"]);
    scene.assert_accepted();
}
