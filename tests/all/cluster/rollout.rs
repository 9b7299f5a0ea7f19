//! Rollouts that do not become ready: said why, and cut short by the commit that mends them.

use super::proxy::{Fault, Proxy};
use super::{Scene, cluster, with};
use crate::daemon::Daemon;
use reconciled::ledger::{RunOutcome, RunRecord};
use serde_json::{Value as Json, json};

fn resources(scene: &Scene, deployment: Json) -> [(&'static str, Json); 2] {
    within(scene, deployment, "10m")
}

fn within(scene: &Scene, deployment: Json, deadline: &str) -> [(&'static str, Json); 2] {
    [
        ("namespace", scene.namespace()),
        ("api", with(deployment, json!({ "deadline": deadline }))),
    ]
}

fn run_at(scene: &Scene, commit: &str) -> Option<RunRecord> {
    let runs = scene.world.runs(scene.name);
    runs.into_iter().find(|run| run.revision.as_str() == commit)
}

/// Waits until the daemon waits for the rollout of a commit.
fn waits(scene: &Scene, daemon: &mut Daemon<'_>, commit: &str) {
    daemon.until("the rollout is waited for", |_| {
        let live = scene.live("apps/v1/deployments/api")?;
        let run = run_at(scene, commit).filter(|run| run.summary.is_none());
        run.filter(|_| live["status"]["unavailableReplicas"] == 1)
    });
}

#[test]
fn a_newer_commit_cuts_the_wait_short_and_is_rolled_out() {
    let scene = Scene::new("stuck");
    let mut daemon = scene.world.start();
    scene.applied(
        &mut daemon,
        json!({}),
        &resources(&scene, scene.deployment(1, "shop/api:1")),
    );

    // The node leaves this pod to the test, which has it never start.
    let mut stuck = scene.deployment(1, "shop/api:2");
    stuck["spec"]["spec"]["template"]["metadata"]["annotations"] =
        json!({ "peers/status": "mine" });
    let commit = scene.commit(json!({}), &resources(&scene, stuck));
    waits(&scene, &mut daemon, &commit);
    daemon.logged("Waiting until it is ready", |line| {
        let why = line["why"].as_str().unwrap();
        // The pod of the first commit was pending for a moment, too.
        let revision = line["span"]["revision"].as_str().unwrap();
        commit.starts_with(revision) && why.contains("pod api-") && why.contains("it is Pending")
    });
    scene.applied(
        &mut daemon,
        json!({}),
        &resources(&scene, scene.deployment(1, "shop/api:3")),
    );
    let run = run_at(&scene, &commit).unwrap();
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Stopped);
    let (shown, _) = scene.told(&["history", "show", &run.id.to_string()]);
    assert!(
        shown.contains("cut short by a newer revision") && shown.contains("it is Pending"),
        "{shown}"
    );
}

#[test]
fn an_image_that_cannot_be_pulled_is_told_and_the_commit_that_mends_it_goes_well_at_once() {
    let scene = Scene::new("unpulled");
    let mut daemon = scene.world.start();
    scene.applied(
        &mut daemon,
        json!({}),
        &resources(&scene, scene.deployment(1, "shop/api:1")),
    );
    let commit = scene.commit(
        json!({}),
        &within(&scene, scene.deployment(1, "shop/api:missing"), "10s"),
    );
    let run = daemon.run_of(scene.name, &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Failed);
    let failing = daemon.episode("failing", |failing| {
        scene.is(failing.address.as_ref(), "api")
    });
    let told = failing.details.to_string();
    assert!(
        told.contains("ImagePullBackOff")
            && told.contains("Check that the image shop/api:missing exists"),
        "{told}"
    );
    let (status, code) = scene.told(&["status"]);
    assert!(
        code == Some(2) && status.contains("ImagePullBackOff"),
        "{status}"
    );

    // Looked at again it is as declared, and still no success.
    daemon.looked_again(scene.name);
    let episodes = scene.world.episodes();
    let open =
        |one: &&reconciled::ledger::Episode| one.condition == "failing" && one.ended_at.is_none();
    assert_eq!(episodes.iter().filter(open).count(), 1, "{episodes:#?}");

    // The pods of the mistake are still there when this one is looked at first.
    scene.applied(
        &mut daemon,
        json!({}),
        &resources(&scene, scene.deployment(1, "shop/api:3")),
    );
    daemon.episode("failing", |failing| {
        failing.how.as_deref() == Some("recovered")
    });
    assert_eq!(scene.told(&["status"]).1, Some(0));
}

#[test]
fn a_rollout_that_somebody_paused_is_not_waited_for_and_said() {
    let scene = Scene::new("halted");
    let mut daemon = scene.world.start();
    let at = |image| {
        let ours = json!({ "ignore": ["/spec/paused"], "deadline": "10m" });
        let api = with(scene.deployment(1, image), ours);
        [("namespace", scene.namespace()), ("api", api)]
    };
    scene.applied(&mut daemon, json!({}), &at("shop/api:1"));
    scene.kubectl(["rollout", "pause", "deployment/api"]);
    let commit = scene.commit(json!({}), &at("shop/api:2"));
    let run = daemon.run_of(scene.name, &commit);
    // No version to go back to: nobody knows whether it works.
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Held);
    let (shown, _) = scene.told(&["history", "show", &run.id.to_string()]);
    let why = "its rollout is paused: 0 of 1 pods are updated";
    assert!(shown.contains(&format!("updated, but {why}")), "{shown}");
    daemon.looked_again(scene.name);
    assert_eq!(scene.told(&["status"]).1, Some(2));
    // What was held and is ready by itself is said to be.
    scene.kubectl(["rollout", "resume", "deployment/api"]);
    daemon.until("it goes on, and is well", |_| {
        let live = scene.live("apps/v1/deployments/api")?;
        let is_well = || scene.told(&["status"]).1 == Some(0);
        (live["status"]["updatedReplicas"] == 1 && is_well()).then_some(())
    });
}

#[test]
fn a_job_that_goes_when_it_is_done_runs_once() {
    let scene = Scene::new("passing");
    let mut daemon = scene.world.start();
    let job = scene.object("batch/v1", "Job", "migrate", json!({ "spec": { "ttlSecondsAfterFinished": 20, "template": {
        "metadata": { "labels": { "app": "migrate" }, "annotations": { "peers/status": "mine" } },
        "spec": { "restartPolicy": "Never", "containers": [{ "name": "migrate", "image": "shop/api:1" }] } } } }));
    let resources = [("namespace", scene.namespace()), ("migrate", job)];
    let commit = scene.commit(json!({}), &resources);
    let pods = format!("/api/v1/namespaces/{}/pods", scene.name);
    let pod = daemon.until("its pod has a node", |_| {
        let found = cluster().get(&pods)?["items"][0].clone();
        found["spec"]["nodeName"].is_string().then_some(found)
    });
    let path = format!(
        "{pods}/{}/status",
        pod["metadata"]["name"].as_str().unwrap()
    );
    let ended = json!({ "phase": "Succeeded", "containerStatuses": [{ "name": "migrate", "image": "shop/api:1", "imageID": "",
        "ready": false, "restartCount": 0, "state": { "terminated": { "reason": "Completed", "exitCode": 0 } } }] });
    assert!(cluster().merge_patch(&path, &json!({ "status": ended })));
    let run = daemon.run_of(scene.name, &commit);
    assert_eq!(run.summary.unwrap().outcome, RunOutcome::Done);
    daemon.until("it is gone", |_| {
        scene.live("batch/v1/jobs/migrate").is_none().then_some(())
    });
    for _ in 0..2 {
        daemon.looked_again(scene.name);
    }
    assert!(scene.live("batch/v1/jobs/migrate").is_none());
    assert!(
        scene.world.episodes().is_empty(),
        "{:?}",
        scene.world.episodes()
    );
}

#[test]
fn a_watch_that_fell_silent_makes_no_rollout_fail() {
    let proxy = Proxy::start();
    let scene = Scene::through("unheard", &proxy.kubeconfig);
    let mut daemon = scene.world.start();
    let hourly = || json!({ "interval": "1h" });
    let at = |image| within(&scene, scene.deployment(1, image), "20s");
    scene.applied(&mut daemon, hourly(), &at("shop/api:1"));
    daemon.until("it is looked at once more", |_| {
        let runs = scene.world.runs(scene.name);
        runs.iter().find(|run| run.trigger == "check").map(|_| ())
    });
    proxy.answer(Some(Fault::Held));
    scene.applied(&mut daemon, hourly(), &at("shop/api:2"));
}

#[test]
fn a_restart_by_hand_is_nobodys_drift_and_what_it_waits_for_is_said() {
    let scene = Scene::new("restarted");
    let mut daemon = scene.world.start();
    let all = resources(&scene, scene.deployment(1, "shop/api:1"));
    scene.applied(&mut daemon, json!({}), &all);
    scene.kubectl(["rollout", "restart", "deployment/api"]);
    daemon.looked_again(scene.name);
    daemon.looked_again(scene.name);
    let live = scene.live("apps/v1/deployments/api").unwrap();
    let annotations = &live["spec"]["template"]["metadata"]["annotations"];
    assert!(
        annotations["kubectl.kubernetes.io/restartedAt"].is_string(),
        "{live}"
    );
    let drifted = scene.world.episodes().into_iter();
    let drifted = drifted.filter(|one| one.condition == "drift").count();
    assert_eq!(drifted, 0);
    for run in scene.world.runs(scene.name) {
        let summary = run.summary.unwrap();
        let is_said = summary.note.is_some();
        assert!(
            summary.outcome != RunOutcome::Held || is_said,
            "{summary:?}"
        );
    }
}
