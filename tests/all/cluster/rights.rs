//! An account that may do less than Git asks for: what it may not see is unknown and said, what it may
//! do is done, and nothing is deleted for want of a right.

use super::Scene;
use crate::peers::kubernetes::cluster;
use serde_json::json;

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
