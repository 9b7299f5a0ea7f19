//! What goes with its container though no plan names it: the container waits until that is gone.

use super::custom::definition;
use super::{Scene, with};
use crate::daemon::Daemon;
use crate::peers::kubernetes::cluster;
use serde_json::{Value as Json, json};

fn generous() -> Json {
    json!({ "deletionBudget": { "count": 20, "percent": 100 } })
}

fn unprotected(resource: Json) -> Json {
    with(resource, json!({ "protect": false }))
}

/// Something elsewhere that stays, so that the environment is not empty.
fn outside(scene: &Scene) -> Json {
    let name = format!("beside-{}", scene.name);
    let elsewhere = json!({ "metadata": { "name": name, "namespace": "default" } });
    scene.object("v1", "ConfigMap", &name, elsewhere)
}

/// What the plan says, once it says this.
fn planned(scene: &Scene, daemon: &mut Daemon<'_>, text: &str) -> String {
    daemon.until(format!("the plan says {text}"), |_| {
        let (plan, _) = scene.told(&["plan"]);
        plan.contains(text).then_some(plan)
    })
}

fn is_there(path: &str) -> bool {
    let live = cluster().get(path);
    live.is_some_and(|live| live["metadata"]["deletionTimestamp"].is_null())
}

#[test]
fn a_namespace_waits_for_what_was_made_in_it_by_hand() {
    let scene = Scene::new("unnamed");
    let service = json!({ "spec": { "selector": { "app": "api" }, "ports": [{ "port": 80 }] } });
    let all = [
        ("outside", outside(&scene)),
        ("namespace", unprotected(scene.namespace())),
        ("page", scene.config("page", "x")),
        ("api", scene.deployment(1, "shop/api:1")),
        ("front", scene.object("v1", "Service", "front", service)),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, generous(), &all);
    let claim = json!({ "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": { "name": "data" },
        "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } });
    cluster().kubectl_apply(scene.name, &claim.to_string());
    scene.kubectl(["create", "secret", "generic", "token", "--from-literal=a=b"]);

    scene.commit(generous(), &all[..1]);
    daemon.until("all that is ours in it is gone", |_| {
        let api = scene.live("apps/v1/deployments/api");
        (scene.text("page").is_none() && api.is_none()).then_some(())
    });
    // Pods and what else the Deployment made are its own, and go when it does.
    let both = "2 objects in it are named by no plan and would go with it (PersistentVolumeClaim data; Secret token). Delete them";
    planned(&scene, &mut daemon, both);
    daemon.looked_again(scene.name);
    assert!(is_there("/api/v1/namespaces/unnamed"));
    scene.kubectl(["delete", "persistentvolumeclaim/data"]);
    let one = "1 object in it is named by no plan and would go with it (Secret token). Delete it";
    planned(&scene, &mut daemon, one);
    daemon.looked_again(scene.name);
    assert!(is_there("/api/v1/namespaces/unnamed"));
    scene.kubectl(["delete", "secret/token"]);
    daemon.until("the namespace goes", |_| {
        (!is_there("/api/v1/namespaces/unnamed")).then_some(())
    });
}

#[test]
fn a_namespace_with_nothing_but_our_own_in_it_goes_at_once() {
    let scene = Scene::new("all-named");
    let service = json!({ "spec": { "selector": { "app": "api" }, "ports": [{ "port": 80 }] } });
    let all = [
        ("outside", outside(&scene)),
        ("namespace", unprotected(scene.namespace())),
        ("api", scene.deployment(1, "shop/api:1")),
        ("front", scene.object("v1", "Service", "front", service)),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, generous(), &all);
    scene.commit(generous(), &all[..1]);
    daemon.until("the namespace goes", |_| {
        (!is_there("/api/v1/namespaces/all-named")).then_some(())
    });
}

#[test]
fn a_definition_waits_for_the_objects_that_others_made_of_it() {
    let scene = Scene::new("unnamed-kind");
    let group = "unnamed.example.com";
    let all = [
        ("namespace", scene.namespace()),
        ("definition", unprotected(definition(group))),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, generous(), &all);
    let gadget = json!({ "apiVersion": format!("{group}/v1"), "kind": "Gadget", "metadata": { "name": "theirs" } });
    cluster().kubectl_apply("default", &gadget.to_string());
    scene.commit(generous(), &all[..1]);
    let text = "1 object in it is named by no plan and would go with it (Gadget default/theirs)";
    planned(&scene, &mut daemon, text);
    daemon.looked_again(scene.name);
    let path =
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gadgets.unnamed.example.com";
    assert!(is_there(path));
    cluster().kubectl(["delete", "gadgets.unnamed.example.com/theirs"]);
    daemon.until("the definition goes", |_| (!is_there(path)).then_some(()));
}
