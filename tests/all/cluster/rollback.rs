//! A merged change that does not become ready puts the environment back, where the environment says so.

use super::{Scene, ruled, with};
use crate::peers::kubernetes::cluster;
use reconciled::ledger::RunOutcome;
use serde_json::{Value as Json, json};

/// The node that is played finds every image but `missing`.
fn api(scene: &Scene, tag: &str) -> Json {
    with(
        scene.deployment(1, &format!("shop/api:{tag}")),
        json!({ "deadline": "15s" }),
    )
}

fn image(scene: &Scene) -> Option<Json> {
    let live = scene.live("apps/v1/deployments/api")?;
    Some(live["spec"]["template"]["spec"]["containers"][0]["image"].clone())
}

#[test]
fn what_does_not_become_ready_is_put_back_and_not_tried_again() {
    let scene = Scene::new("put-back");
    let on_failure = || json!({ "onFailure": "rollback" });
    let mut daemon = scene.world.start();
    let all = |tag: &str| [("namespace", scene.namespace()), ("api", api(&scene, tag))];
    let good = scene.commit(on_failure(), &all("1"));
    daemon.run_of(scene.name, &good);
    let bad = scene.commit(on_failure(), &all("missing"));
    daemon.run_of(scene.name, &bad);
    daemon.until("the good state is back", |_| {
        let run = scene.world.runs(scene.name).into_iter().next()?;
        (run.trigger == "rollback" && run.revision.as_str() == good && run.summary.is_some())
            .then_some(())
    });
    assert_eq!(image(&scene), Some(json!("shop/api:1")));
    let runs = scene.world.runs(scene.name).into_iter();
    let notes = runs.filter_map(|run| run.summary?.note.filter(|_| run.revision.as_str() == bad));
    let notes: Vec<String> = notes.collect();
    assert!(
        notes.iter().any(|note| note.contains("shop/api:missing")),
        "{notes:?}"
    );
    daemon.looked_again(scene.name);
    assert_eq!(image(&scene), Some(json!("shop/api:1")));
    let (status, code) = scene.told(&["status"]);
    assert_eq!(code, Some(2), "{status}");
    let told = format!(
        "rolled back from {} to {} by reconciled",
        &bad[..10],
        &good[..10]
    );
    assert!(status.contains(&told), "{status}");
    assert!(status.contains("shop/api:missing"), "{status}");
    // What is merged next is applied.
    let next = scene.commit(
        on_failure(),
        &[
            ("namespace", scene.namespace()),
            ("api", api(&scene, "1")),
            ("more", scene.config("more", "x")),
        ],
    );
    daemon.run_of(scene.name, &next);
    assert_eq!(scene.text("more").unwrap(), "x");
    assert_eq!(scene.told(&["status"]).1, Some(0));
}

#[test]
fn without_a_word_what_does_not_become_ready_stays_and_is_told() {
    let scene = Scene::new("kept-bad");
    let mut daemon = scene.world.start();
    let all = |tag: &str| [("namespace", scene.namespace()), ("api", api(&scene, tag))];
    let good = scene.commit(json!({}), &all("1"));
    daemon.run_of(scene.name, &good);
    let bad = scene.commit(json!({}), &all("missing"));
    daemon.run_of(scene.name, &bad);
    daemon.looked_again(scene.name);
    assert_eq!(image(&scene), Some(json!("shop/api:missing")));
    assert!(
        scene
            .world
            .runs(scene.name)
            .iter()
            .all(|run| run.trigger != "rollback")
    );
}

#[test]
fn what_heals_within_its_deadline_is_not_put_back() {
    let scene = Scene::new("healed");
    let on_failure = || json!({ "onFailure": "rollback" });
    let mut daemon = scene.world.start();
    let all = |api: Json| {
        let api = with(api, json!({ "deadline": "5m" }));
        [("namespace", scene.namespace()), ("api", api)]
    };
    let good = scene.commit(on_failure(), &all(scene.deployment(1, "shop/api:1")));
    daemon.run_of(scene.name, &good);
    // The node leaves this pod to the test, which finds its image late.
    let mut slow = scene.deployment(1, "shop/api:2");
    slow["spec"]["spec"]["template"]["metadata"]["annotations"] = json!({ "peers/status": "mine" });
    let commit = scene.commit(on_failure(), &all(slow));
    let path = daemon.until("the new pod has a node", |_| {
        let path = format!("/api/v1/namespaces/{}/pods", scene.name);
        let all = cluster().get(&path)?;
        let is_ours = |pod: &&Json| {
            pod["metadata"]["annotations"]["peers/status"] == "mine"
                && pod["spec"]["nodeName"].is_string()
        };
        let pod = all["items"].as_array()?.iter().find(is_ours)?;
        Some(format!(
            "{path}/{}/status",
            pod["metadata"]["name"].as_str()?
        ))
    });
    let is_now = |phase: &str, ready: &str, state: Json| {
        let status = json!({ "phase": phase, "conditions": [{ "type": "Ready", "status": ready }],
            "containerStatuses": [{ "name": "api", "image": "shop/api:2", "imageID": "", "restartCount": 0,
                "ready": ready == "True", "state": state }] });
        assert!(cluster().merge_patch(&path, &json!({ "status": status })));
    };
    is_now(
        "Pending",
        "False",
        json!({ "waiting": { "reason": "ImagePullBackOff", "message": "Back-off" } }),
    );
    daemon.logged("Waiting until it is ready", |line| {
        line["why"].as_str().unwrap().contains("ImagePullBackOff")
    });
    is_now("Running", "True", json!({ "running": {} }));
    let summary = daemon.run_of(scene.name, &commit).summary.unwrap();
    assert_eq!(summary.outcome, RunOutcome::Done, "{summary:?}");
    daemon.looked_again(scene.name);
    assert_eq!(image(&scene), Some(json!("shop/api:2")));
    assert_eq!(scene.told(&["status"]).1, Some(0));
}

#[test]
fn the_deadline_of_what_may_heal_counts_on_after_a_restart() {
    let scene = Scene::new("restarted");
    let on_failure = || json!({ "onFailure": "rollback" });
    let mut daemon = scene.world.start();
    let all = |tag: &str| [("namespace", scene.namespace()), ("api", api(&scene, tag))];
    let good = scene.commit(on_failure(), &all("1"));
    daemon.run_of(scene.name, &good);
    let bad = scene.commit(on_failure(), &all("missing"));
    daemon.logged("Waiting until it is ready", |line| {
        line["why"].as_str().unwrap().contains("ImagePullBackOff")
    });
    daemon.kill();
    let mut daemon = scene.world.start();
    // Nobody waits for it any more, and it is put back no sooner than its time is over.
    let failing = daemon.episode("failing", |failing| {
        scene.is(failing.address.as_ref(), "api")
    });
    let back = daemon.until("the good state is back", |_| {
        let mut runs = scene.world.runs(scene.name).into_iter();
        runs.find(|run| run.trigger == "rollback" && run.summary.is_some())
    });
    assert_eq!(image(&scene), Some(json!("shop/api:1")), "{bad}");
    let waited = back.begun_at.duration_since(failing.opened_at);
    assert!(waited.as_secs() >= 14, "{waited:?}");
}

#[test]
fn what_was_failing_before_a_merge_takes_nothing_of_its_deadline() {
    let scene = Scene::new("failing-long");
    let mut daemon = scene.world.start();
    let all = |api: Json| [("namespace", scene.namespace()), ("api", api)];
    let good = scene.commit(json!({}), &all(api(&scene, "1")));
    daemon.run_of(scene.name, &good);
    let bad = scene.commit(json!({}), &all(api(&scene, "missing")));
    daemon.run_of(scene.name, &bad);
    let failing = daemon.episode("failing", |failing| {
        scene.is(failing.address.as_ref(), "api")
    });
    daemon.until("it fails for longer than it may", |_| {
        let fails = jiff::Timestamp::now().duration_since(failing.opened_at);
        (fails.as_secs() > 15).then_some(())
    });
    daemon.terminate();
    let mut daemon = scene.world.start();
    let merged_at = jiff::Timestamp::now();
    let mut fix = api(&scene, "missing");
    fix["spec"]["spec"]["template"]["metadata"]["annotations"] = json!({ "fix": "slow" });
    scene.commit(json!({ "onFailure": "rollback" }), &all(fix));
    daemon.logged("Waiting until it is ready", |line| {
        line["why"].as_str().unwrap().contains("ImagePullBackOff")
    });
    daemon.kill();
    let mut daemon = scene.world.start();
    let back = daemon.until("the good state is back", |_| {
        let mut runs = scene.world.runs(scene.name).into_iter();
        runs.find(|run| run.trigger == "rollback" && run.summary.is_some())
    });
    assert_eq!(image(&scene), Some(json!("shop/api:1")));
    let waited = back.begun_at.duration_since(merged_at);
    assert!(waited.as_secs() >= 14, "{waited:?}");
}

#[test]
fn what_fails_since_before_a_merge_that_leaves_it_alone_takes_nothing_back() {
    let scene = Scene::new("unrelated");
    let on_failure = || json!({ "onFailure": "rollback" });
    let database = json!({ "kind": "kubernetes/object", "spec": {
        "apiVersion": format!("{}/v1", ruled::group(&scene)), "kind": "Database",
        "metadata": { "name": "main", "namespace": scene.name }, "spec": { "size": 1 } } });
    let lifecycle = json!({ "dependsOn": ["definition", "namespace"], "health": [ruled::rule()] });
    let all = |text: &str| {
        [
            ("definition", ruled::definition(&scene)),
            ("namespace", scene.namespace()),
            ("database", with(database.clone(), lifecycle.clone())),
            ("other", scene.config("other", text)),
        ]
    };
    let mut daemon = scene.world.start();
    let good = scene.commit(on_failure(), &all("one"));
    // Its namespace and its definition are waited for before it.
    daemon.logged("Waiting until it is ready", |line| {
        line["address"].as_str().unwrap().ends_with("/database")
    });
    ruled::phase(&scene, "Ready");
    let summary = daemon.run_of(scene.name, &good).summary.unwrap();
    assert_eq!(summary.outcome, RunOutcome::Done, "{summary:?}");
    // It breaks for good, by itself; and something else is merged a day later.
    ruled::phase(&scene, "Broken");
    daemon.episode("failing", |failing| {
        scene.is(failing.address.as_ref(), "database")
    });
    let merged = scene.commit(on_failure(), &all("two"));
    daemon.run_of(scene.name, &merged);
    daemon.looked_again(scene.name);
    assert_eq!(scene.text("other").unwrap(), "two");
    let runs = scene.world.runs(scene.name);
    assert!(runs.iter().all(|run| run.trigger != "rollback"), "{runs:?}");
    // What breaks because of a merge is taken back still.
    let mut larger = database.clone();
    larger["spec"]["spec"]["size"] = json!(2);
    let mut next = all("two");
    next[2].1 = with(larger, lifecycle.clone());
    scene.commit(on_failure(), &next);
    daemon.until("it is taken back", |_| {
        let mut runs = scene.world.runs(scene.name).into_iter();
        runs.find(|run| run.trigger == "rollback" && run.revision.as_str() == merged)
    });
    // One merge is, and not what was merged before it: that was no worse for what was broken already.
    assert_eq!(scene.text("other").unwrap(), "two");
}

#[test]
fn a_person_puts_a_cluster_back_to_whatever_revision() {
    let scene = Scene::new("back-by-hand");
    let mut daemon = scene.world.start();
    let all = |tag: &str| [("namespace", scene.namespace()), ("api", api(&scene, tag))];
    let commits = ["1", "2", "3"].map(|tag| {
        let commit = scene.commit(json!({}), &all(tag));
        let summary = daemon.run_of(scene.name, &commit).summary.unwrap();
        assert_eq!(summary.outcome, RunOutcome::Done, "{summary:?}");
        commit
    });
    let (said, code) = scene.told(&["rollback", scene.name, "--to", "0123456789", "--yes"]);
    assert_ne!(code, Some(0), "{said}");
    let (said, code) = scene.told(&["rollback", scene.name, "--to", &commits[0][..10], "--yes"]);
    assert_eq!(code, Some(0), "{said}");
    daemon.until("the first revision is applied, and works", |_| {
        let run = scene.world.runs(scene.name).into_iter().next()?;
        let is_back = run.trigger == "rollback" && run.revision.as_str() == commits[0];
        let is_done = run.summary?.outcome == RunOutcome::Done;
        (is_back && is_done).then_some(())
    });
    assert_eq!(image(&scene), Some(json!("shop/api:1")));
    // What is merged beside it brings nothing back.
    scene.world.commit(&[("README.md", "unrelated")]);
    daemon.looked_again(scene.name);
    assert_eq!(image(&scene), Some(json!("shop/api:1")));
    let (said, code) = scene.told(&["rollback", scene.name, "--end", "--yes"]);
    assert_eq!(code, Some(0), "{said}");
    daemon.until("Git is followed again", |_| {
        (image(&scene)? == "shop/api:3").then_some(())
    });
}

#[test]
fn what_was_cut_short_in_between_goes_back_too_and_is_named() {
    let scene = Scene::new("back-over");
    let on_failure = || json!({ "onFailure": "rollback" });
    let mut daemon = scene.world.start();
    let all = |api: Json| [("namespace", scene.namespace()), ("api", api)];
    let good = scene.commit(on_failure(), &all(api(&scene, "1")));
    daemon.run_of(scene.name, &good);
    // The node leaves this pod to the test, which has it never start.
    let mut slow = scene.deployment(1, "shop/api:2");
    slow["spec"]["spec"]["template"]["metadata"]["annotations"] = json!({ "peers/status": "mine" });
    let slow = with(slow, json!({ "deadline": "10m" }));
    let between = scene.commit(on_failure(), &all(slow));
    daemon.until("its rollout is waited for", |_| {
        let mut runs = scene.world.runs(scene.name).into_iter();
        runs.find(|run| run.revision.as_str() == between)
    });
    let bad = scene.commit(on_failure(), &all(api(&scene, "missing")));
    daemon.run_of(scene.name, &bad);
    daemon.until("the good state is back", |_| {
        (image(&scene)? == "shop/api:1").then_some(())
    });
    let (status, _) = scene.told(&["status"]);
    let told = format!(
        "{} goes back with it, which was merged in between and never went well",
        &between[..10]
    );
    assert!(status.contains(&told), "{status}");
}
