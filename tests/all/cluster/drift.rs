//! What people and controllers do to objects that Git declares: found, attributed, put back or told.

use super::Scene;
use crate::daemon::Daemon;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reconciled::ledger::Episode;
use serde_json::json;

const DEPLOYMENT: &str = "apps/v1/deployments/api";

/// Waits until the drift of a resource ended, and returns who was named; when is left out.
fn corrected(scene: &Scene, daemon: &mut Daemon<'_>, resource: &str) -> Vec<String> {
    let drift = daemon.episode("drift", |drift: &Episode| {
        scene.is(drift.address.as_ref(), resource) && drift.ended_at.is_some()
    });
    assert_eq!(drift.how.as_deref(), Some("corrected"), "{drift:?}");
    assert_ne!(drift.details["differences"], json!([]), "{drift:?}");
    by(&drift)
}

/// Who is named, without when.
pub(super) fn by(drift: &Episode) -> Vec<String> {
    let told: Vec<String> = serde_json::from_value(drift.details["by"].clone()).unwrap();
    let who = told.iter().map(|by| by.split(" at ").next().unwrap());
    who.map(str::to_owned).collect()
}

#[test]
fn what_people_do_by_hand_is_found_with_who_and_put_back() {
    let scene = Scene::new("by-hand");
    let resources = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
        ("other", scene.config("other", "hello")),
        ("api", scene.deployment(2, "shop/api:1")),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &resources);
    // It was waited for.
    assert_eq!(
        scene.live(DEPLOYMENT).unwrap()["status"]["readyReplicas"],
        2
    );

    scene.kubectl(["edit", "configmap/page"]);
    assert_eq!(corrected(&scene, &mut daemon, "page"), ["kubectl-edit"]);
    assert_eq!(scene.text("page").unwrap(), "hello");

    scene.kubectl(["scale", "deployment/api", "--replicas=5"]);
    assert_eq!(corrected(&scene, &mut daemon, "api"), ["kubectl"]);
    assert_eq!(scene.live(DEPLOYMENT).unwrap()["spec"]["replicas"], 2);

    scene.kubectl(["delete", "configmap/other"]);
    corrected(&scene, &mut daemon, "other");
    assert_eq!(scene.text("other").unwrap(), "hello");

    // And then there is nothing left to do.
    daemon.looked_again(scene.name);
    let runs = scene.world.runs(scene.name).len();
    daemon.looked_again(scene.name);
    assert_eq!(scene.world.runs(scene.name).len(), runs);
    assert_eq!(
        scene.told(&["status"]).1,
        Some(0),
        "{:?}",
        scene.told(&["status"])
    );
}

#[test]
fn where_drift_is_only_reported_it_stays() {
    let scene = Scene::new("reported");
    let resources = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({ "onDrift": "report" }), &resources);
    scene.kubectl(["edit", "configmap/page"]);
    let drift = daemon.episode("drift", |drift| scene.is(drift.address.as_ref(), "page"));
    assert_eq!(by(&drift), ["kubectl-edit"], "{drift:?}");
    daemon.looked_again(scene.name);
    assert_eq!(scene.text("page").unwrap(), "hacked");
    let (status, code) = scene.told(&["status"]);
    assert!(
        code == Some(2) && status.contains("drift page"),
        "{code:?} {status}"
    );

    // Put back by the one who did it.
    scene.kubectl([
        "patch",
        "configmap/page",
        "--patch",
        r#"{"data":{"text":"hello"}}"#,
    ]);
    let ended = daemon.episode("drift", |drift| drift.ended_at.is_some());
    assert_eq!(
        (ended.id, ended.how.as_deref()),
        (drift.id, Some("live equals Git again"))
    );
    assert_eq!(scene.told(&["status"]).1, Some(0));
}

#[test]
fn what_somebody_added_stays_where_drift_is_only_reported() {
    let scene = Scene::new("reported-added");
    let resources = [
        ("namespace", scene.namespace()),
        ("api", scene.deployment(0, "shop/api:1")),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({ "onDrift": "report" }), &resources);
    let variable = || {
        let live = scene.live(DEPLOYMENT).unwrap();
        live["spec"]["template"]["spec"]["containers"][0]["env"].clone()
    };
    let debug = json!([{ "name": "DEBUG", "value": "1" }]);
    let set = |value: &str| {
        scene.kubectl([
            "set",
            "env",
            "deployment/api",
            "--field-manager=kubectl-set",
            value,
        ]);
    };
    set("DEBUG=1");
    let drift = daemon.episode("drift", |drift| scene.is(drift.address.as_ref(), "api"));
    assert_eq!(by(&drift), ["kubectl-set"], "{drift:?}");
    let told = drift.details["differences"].to_string();
    assert!(told.contains("env"), "{told}");
    daemon.looked_again(scene.name);
    daemon.looked_again(scene.name);
    assert_eq!(variable(), debug);
    let (status, code) = scene.told(&["status"]);
    assert!(
        code == Some(2) && status.contains("drift api"),
        "{code:?} {status}"
    );
    set("DEBUG-");
    let ended = daemon.episode("drift", |drift| drift.ended_at.is_some());
    assert_eq!(
        (ended.id, ended.how.as_deref()),
        (drift.id, Some("live equals Git again"))
    );
}

#[test]
fn an_autoscaler_keeps_what_it_sets_though_drift_is_corrected() {
    let scene = Scene::new("scaled-by-load");
    let scaler = scene.object("autoscaling/v2", "HorizontalPodAutoscaler", "api", json!({ "spec": {
        "minReplicas": 3, "maxReplicas": 5,
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "api" },
        "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } } }],
    } }));
    let resources = [
        ("namespace", scene.namespace()),
        ("api", scene.deployment(2, "shop/api:1")),
        ("scaler", scaler),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &resources);
    let replicas = || scene.live(DEPLOYMENT).unwrap()["spec"]["replicas"].clone();
    daemon.until("the autoscaler acts", |_| (replicas() == 3).then_some(()));
    daemon.looked_again(scene.name);
    daemon.looked_again(scene.name);
    assert_eq!(replicas(), 3);
    let episodes = scene.world.episodes();
    assert!(episodes.is_empty(), "{episodes:?}");
    let (plan, code) = scene.told(&["plan"]);
    assert_eq!(code, Some(0), "{plan}");
}

#[test]
fn who_changes_back_again_and_again_what_is_put_right_is_named_once_with_what_to_do() {
    let scene = Scene::new("fought-over");
    let resources = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
    ];
    let mut daemon = scene.world.start();
    scene.applied(&mut daemon, json!({}), &resources);
    // As Argo CD does that still has it in an application, with its mark.
    let patch = r#"{"metadata":{"annotations":{"argocd.argoproj.io/tracking-id":"web:/ConfigMap:x/page"}},"data":{"text":"theirs"}}"#;
    let sync = || {
        scene.kubectl([
            "patch",
            "configmap/page",
            "--field-manager=argocd-controller",
            "--patch",
            patch,
        ]);
    };
    let put_right = |daemon: &mut Daemon<'_>| {
        daemon.until("it is put right", |_| {
            (scene.text("page")? == "hello").then_some(())
        });
    };
    for times in 1..=3 {
        sync();
        put_right(&mut daemon);
        daemon.until(format!("it is written down, {times}"), |_| {
            let episodes = scene.world.episodes().into_iter();
            let over = episodes.filter(|one| one.condition == "drift" && one.ended_at.is_some());
            (over.count() == times).then_some(())
        });
        let known = scene.world.episodes();
        let known = known.iter().any(|one| one.condition == "fought-over");
        assert!(!known || times == 3, "said after {times}");
    }
    let fight = daemon.episode("fought-over", |_| true);
    assert!(scene.is(fight.address.as_ref(), "page"), "{fight:?}");
    let said = fight.details.to_string();
    assert!(
        said.contains("argocd-controller changed it back") && said.contains("Argo CD application"),
        "{said}"
    );
    let (status, code) = scene.told(&["status"]);
    assert!(
        code == Some(2) && status.contains("fought-over page"),
        "{code:?} {status}"
    );
    // Once, however often more.
    sync();
    put_right(&mut daemon);
    daemon.looked_again(scene.name);
    let fights = scene.world.episodes().into_iter();
    let fights = fights.filter(|one| one.condition == "fought-over");
    assert_eq!(fights.count(), 1);
    let told = daemon.lines("Somebody keeps changing back what is put right");
    assert_eq!(told.len(), 1, "{told:?}");
}

#[test]
fn a_secret_that_somebody_copied_into_an_open_object_is_told_to_nobody() {
    let canary = "canary-of-a-copy-7";
    let scene = Scene::new("copied");
    scene.world.variable("TOKEN", canary);
    let secret = scene.object(
        "v1",
        "Secret",
        "token",
        json!({ "stringData": { "token": "${secrets.token}", "up": "${secrets.token.upperAscii()}",
            "auth": "${base64.encode('bot:' + secrets.token)}", "part": "${secrets.token.substring(0, 12)}",
            "open": "postgres.shop.svc" } }),
    );
    let resources = [
        ("namespace", scene.namespace()),
        ("page", scene.config("page", "hello")),
        ("token", secret),
    ];
    let mut daemon = scene.world.start();
    let secrets = json!({ "token": { "env": "TOKEN" } });
    let commit = scene.commit_with(secrets, json!({ "onDrift": "report" }), &resources);
    daemon.run_of(scene.name, &commit);
    // What is made of it is it, too; what Git writes out beside it is not.
    let encoded = STANDARD.encode(format!("bot:{canary}"));
    let (up, part) = (canary.to_ascii_uppercase(), &canary[..12]);
    let (longer, twice) = (
        STANDARD.encode(format!("robot:{canary}")),
        STANDARD.encode(&encoded),
    );
    let made = format!("{up} {encoded} {twice} {longer}");
    let patch = json!({ "data": { "text": format!("{canary} of hello"), "made": made, "part": part,
        "open": "postgres.shop.svc" } })
    .to_string();
    scene.kubectl(["patch", "configmap/page", "--patch", &patch]);
    let drift = daemon.episode("drift", |drift| scene.is(drift.address.as_ref(), "page"));
    let told = drift.details.to_string();
    assert!(told.contains("(sensitive) of hello"), "{told}");
    assert!(told.contains("postgres.shop.svc"), "{told}");
    let of_longer = &longer[8..longer.len() - 4];
    let all = [canary, &up, part, &encoded, &twice, of_longer];
    let is_clean = |said: &str| all.iter().all(|one| !said.contains(*one));
    for command in [&["plan"][..], &["status"], &["history", "show", "1"]] {
        for format in ["text", "json"] {
            let args = [&["--output", format], command].concat();
            let said = scene.told(&args).0;
            assert!(is_clean(&said), "{args:?}: {said}");
        }
    }
    let (_, log) = daemon.terminate();
    assert!(is_clean(&told) && is_clean(&log), "{told} {log}");
}

#[test]
fn what_somebody_made_in_the_place_of_ours_is_overwritten_by_nobody_but_an_approval() {
    let scene = Scene::new("in-its-place");
    let mut page = scene.config("page", "hello");
    // It was needed once, and stayed in Git.
    page["lifecycle"] = json!({ "adopt": true });
    let resources = [("namespace", scene.namespace()), ("page", page)];
    let mut daemon = scene.world.start();
    let reconcile = json!({ "onDrift": "report" });
    scene.applied(&mut daemon, reconcile, &resources);
    // Nobody sees the moment in which there is none.
    daemon.terminate();
    scene.kubectl(["delete", "configmap/page"]);
    scene.kubectl(["create", "configmap", "page", "--from-literal=text=theirs"]);
    let mut daemon = scene.world.start();
    daemon.until("it is said that it waits", |_| {
        let (said, _) = scene.told(&["status"]);
        said.contains("waits for an approval: nothing was merged")
            .then_some(())
    });
    daemon.looked_again(scene.name);
    assert_eq!(scene.text("page").unwrap(), "theirs");
}
