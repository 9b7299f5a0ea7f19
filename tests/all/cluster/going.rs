//! Deletes that somebody holds back: named soon, followed beside everything else, and not begun a second time.

use super::{Scene, cluster, with};
use reconciled::ledger::RunOutcome;
use serde_json::{Value as Json, json};

const WHO: &str = "example.com/hold (put there by vault-operator)";

fn generous() -> Json {
    json!({ "deletionBudget": { "count": 20, "percent": 100 } })
}

/// Has an operator hold an object, or let it go.
fn hold(scene: &Scene, object: &str, finalizers: &Json) {
    let patch = json!({ "metadata": { "finalizers": finalizers } });
    let patch = format!("--patch={patch}");
    let by = "--field-manager=vault-operator";
    scene.kubectl(["patch", object, "--type=merge", by, &patch]);
}

fn held() -> Json {
    json!(["example.com/hold"])
}

fn is_going(scene: &Scene, path: &str) -> Option<()> {
    let live = scene.live(path)?;
    live["metadata"]["deletionTimestamp"].as_str().map(drop)
}

fn deletes(scene: &Scene, path: &str) -> usize {
    let path = format!("/namespaces/{}/{path}", scene.name);
    let requests = cluster().requests().into_iter();
    let those = requests.filter(|one| one.verb == "delete" && one.uri.contains(&path));
    those.count()
}

#[test]
fn it_is_named_and_followed_and_holds_up_nothing_but_what_hangs_on_it() {
    let scene = Scene::new("held-back");
    let above = with(
        scene.config("above", "x"),
        json!({ "dependsOn": ["below"] }),
    );
    let all = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
        ("below", scene.config("below", "x")),
        ("above", above),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, generous(), &all);
    hold(&scene, "configmap/above", &held());
    let commit = scene.commit(generous(), &all[..2]);
    let run = daemon.run_of(scene.name, &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Held);
    is_going(&scene, "configmaps/above").unwrap();
    daemon.logged("Not gone yet, going on beside it", |line| {
        line["address"] == "held-back/above" && line["why"].as_str().unwrap().contains(WHO)
    });
    daemon.logged("Step waits", |line| {
        line["address"] == "held-back/above" && line["reason"].as_str().unwrap().contains(WHO)
    });
    let (status, code) = scene.told(&["status"]);
    assert!(code == Some(2) && status.contains(WHO), "{status}");
    scene.kubectl(["edit", "configmap/page"]);
    daemon.episode("drift", |drift| drift.how.as_deref() == Some("corrected"));
    assert_eq!(scene.text("page").unwrap(), "hello");
    assert_eq!(scene.text("below").unwrap(), "x");

    daemon.kill();
    let mut daemon = scene.world.start();
    daemon.looked_again(scene.name);
    scene.commit(
        generous(),
        &[all[0].clone(), ("page", scene.config("page", "new"))],
    );
    daemon.until("what is new is applied", |_| {
        (scene.text("page")? == "new").then_some(())
    });
    let (plan, _) = scene.told(&["plan"]);
    let behind = "it goes after held-back/above, which is not gone yet";
    assert!(plan.contains(WHO) && plan.contains(behind), "{plan}");
    assert_eq!(deletes(&scene, "configmaps/above"), 1);
    assert_eq!(scene.text("below").unwrap(), "x");

    hold(&scene, "configmap/above", &Json::Null);
    daemon.until("both are gone and no longer ours", |_| {
        (scene.text("below").is_none() && scene.world.owned().len() == 2).then_some(())
    });
    daemon.until("all is well", |_| {
        (scene.told(&["status"]).1 == Some(0)).then_some(())
    });
    let failing = scene.world.episodes();
    assert!(
        failing.iter().all(|one| one.condition == "drift"),
        "{failing:#?}"
    );
}

#[test]
fn what_is_not_gone_in_its_time_is_told_as_failing_until_it_is() {
    let scene = Scene::new("overdue");
    let slow = with(scene.config("slow", "x"), json!({ "deadline": "5s" }));
    let all = [("namespace", scene.namespace()), ("slow", slow)];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, generous(), &all);
    hold(&scene, "configmap/slow", &held());
    let mut destroy = generous();
    destroy["destroy"] = json!(true);
    scene.commit(destroy, &all[1..]);
    let failing = daemon.episode("failing", |failing| {
        scene.is(failing.address.as_ref(), "slow")
    });
    let told = failing.details.to_string();
    assert!(
        told.contains("not gone after 5s") && told.contains(WHO),
        "{told}"
    );
    let (status, _) = scene.told(&["status"]);
    assert!(status.contains("not gone after 5s"), "{status}");
    assert_eq!(deletes(&scene, "configmaps/slow"), 1);
    hold(&scene, "configmap/slow", &Json::Null);
    daemon.episode("failing", |failing| failing.ended_at.is_some());
    assert_eq!(scene.world.episodes().len(), 1);
}

/// A Deployment, which has to be made anew for another selector.
fn selecting(scene: &Scene, app: &str) -> Json {
    let selector = json!({ "matchLabels": { "app": app } });
    let template = json!({ "metadata": { "labels": { "app": app } },
        "spec": { "containers": [{ "name": "api", "image": "shop/api:1" }] } });
    let spec = json!({ "replicas": 0, "selector": selector, "template": template });
    let made = scene.object("apps/v1", "Deployment", "api", json!({ "spec": spec }));
    with(made, json!({ "replace": true }))
}

#[test]
fn what_is_replaced_and_held_back_is_made_again_once_it_is_gone() {
    let scene = Scene::new("remade");
    let at = |app| {
        [
            ("namespace", scene.namespace()),
            ("api", selecting(&scene, app)),
        ]
    };
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, generous(), &at("one"));
    hold(&scene, "deployment/api", &held());
    let commit = scene.commit(generous(), &at("two"));
    let run = daemon.run_of(scene.name, &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Held);
    daemon.looked_again(scene.name);
    is_going(&scene, "apps/v1/deployments/api").unwrap();
    let (plan, _) = scene.told(&["plan"]);
    assert!(plan.contains(WHO), "{plan}");
    hold(&scene, "deployment/api", &Json::Null);
    daemon.until("it is made again", |_| {
        let live = scene.live("apps/v1/deployments/api")?;
        (live["spec"]["selector"]["matchLabels"]["app"] == "two").then_some(())
    });
    daemon.until("all is well", |_| {
        (scene.told(&["status"]).1 == Some(0)).then_some(())
    });
    let episodes = scene.world.episodes();
    assert!(episodes.is_empty(), "{episodes:#?}");
}

#[test]
fn what_is_replaced_and_goes_while_nobody_looks_is_made_again_and_no_drift() {
    let scene = Scene::new("unseen");
    let at = |app| {
        [
            ("namespace", scene.namespace()),
            ("api", selecting(&scene, app)),
        ]
    };
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, generous(), &at("one"));
    hold(&scene, "deployment/api", &held());
    let commit = scene.commit(generous(), &at("two"));
    let run = daemon.run_of(scene.name, &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Held);
    daemon.kill();
    hold(&scene, "deployment/api", &Json::Null);
    scene.kubectl(["wait", "--for=delete", "deployment/api", "--timeout=300s"]);
    let mut daemon = scene.world.start();
    daemon.until("it is made again", |_| {
        let live = scene.live("apps/v1/deployments/api")?;
        (live["spec"]["selector"]["matchLabels"]["app"] == "two").then_some(())
    });
    daemon.until("all is well", |_| {
        (scene.told(&["status"]).1 == Some(0)).then_some(())
    });
    let episodes = scene.world.episodes();
    assert!(episodes.is_empty(), "{episodes:#?}");
}
