//! An account that may do less than Git asks for: what it may not see is unknown and said, what it may
//! do is done, and nothing is deleted for want of a right.

use super::Scene;
use crate::peers::kubernetes::cluster;
use serde_json::{Value as Json, json};

#[test]
fn what_is_forbidden_is_said_the_rest_goes_on_and_nothing_is_deleted() {
    let scene = Scene::new("few-rights");
    let secret = |text: &str| {
        scene.object(
            "v1",
            "Secret",
            "token",
            json!({ "stringData": { "text": text } }),
        )
    };
    let (namespace, page) = (("namespace", scene.namespace()), |text: &str| {
        ("page", scene.config("page", text))
    });
    let mut daemon = scene.world.start();
    let whole = [
        namespace.clone(),
        page("hello"),
        ("token", secret("a")),
        ("job", scene.config("job", "x")),
    ];
    scene.applied(&mut daemon, json!({}), &whole);
    let before = scene.live("secrets/token").unwrap();

    let rules = [
        json!({ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch", "create", "patch", "delete"] }),
        json!({ "apiGroups": [""], "resources": ["namespaces"], "verbs": ["get", "list", "watch", "patch"] }),
    ];
    scene.reach_by(&cluster().kubeconfig_limited_to(scene.name, &rules));
    daemon.logged("Settings changed, starting anew with them", |_| true);
    // To be kept, it is unknown; the rest is applied and pruned.
    scene.commit(
        json!({}),
        &[namespace.clone(), page("welcome"), ("token", secret("b"))],
    );
    let unknown = daemon.episode("unknown", |unknown| {
        scene.is(unknown.address.as_ref(), "token")
    });
    assert_eq!(unknown.details["code"], "forbidden", "{unknown:?}");
    daemon.until("the rest goes on", |_| {
        (scene.text("page")? == "welcome" && scene.text("job").is_none()).then_some(())
    });
    let (status, code) = scene.told(&["status"]);
    assert!(
        code == Some(2) && status.contains("cannot get resource \"secrets\""),
        "{status}"
    );
    // To be pruned, it waits.
    scene.commit(json!({}), &[namespace.clone(), page("goodbye")]);
    daemon.until("the rest goes on", |_| {
        (scene.text("page")? == "goodbye").then_some(())
    });
    daemon.looked_again(scene.name);
    assert_eq!(scene.live("secrets/token").unwrap(), before);

    scene.reach_by(&cluster().kubeconfig());
    daemon.until("with the right back, it is pruned", |_| {
        scene.live("secrets/token").is_none().then_some(())
    });
}

#[test]
fn what_the_account_may_not_watch_is_listed_and_status_says_so() {
    let account = cluster().namespace("unwatched");
    let rule = |resources: Json, verbs: Json| json!({ "apiGroups": [""], "resources": resources, "verbs": verbs });
    let rules = [
        rule(
            json!(["configmaps"]),
            json!(["get", "list", "create", "patch", "delete"]),
        ),
        rule(json!(["namespaces"]), json!(["*"])),
    ];
    let kubeconfig = cluster().kubeconfig_limited_to(&account, &rules);
    let scene = Scene::through("unwatched", &kubeconfig);
    let all = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &all);
    let said = "1 kind in its namespaces cannot be watched";
    daemon.until("status says what is listed", |_| {
        let (status, code) = scene.told(&["status"]);
        (status.contains(said) && code == Some(0)).then_some(())
    });
    let (_, page) = daemon.page("/metrics");
    assert!(
        page.contains("reconciled_kubernetes_unwatched 1\n"),
        "{page}"
    );
    // It is put back all the same, only later.
    scene.kubectl([
        "patch",
        "configmap",
        "page",
        "--patch",
        r#"{"data":{"text":"by hand"}}"#,
    ]);
    daemon.until("it is put back", |_| {
        (scene.text("page")? == "hello").then_some(())
    });
    // Given the right, it is watched.
    let watch = rule(json!(["configmaps"]), json!(["watch"]));
    let patch = json!([{ "op": "add", "path": "/rules/-", "value": watch }]);
    let role = format!("/apis/rbac.authorization.k8s.io/v1/clusterroles/{account}-limited");
    assert!(cluster().json_patch(&role, &patch).is_some());
    drop(daemon.terminate());
    let mut daemon = scene.world.start();
    daemon.until("status says no more of it", |_| {
        let (status, code) = scene.told(&["status"]);
        (!status.contains(said) && code == Some(0)).then_some(())
    });
}
