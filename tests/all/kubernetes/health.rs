//! Workloads that work and that do not, as the real controllers report them.

use super::{Scene, until};
use reconciled::model::{Depth, Health, Observation};
use serde_json::{Value as Json, json};

async fn health_of(scene: &Scene, object: &Json) -> Health {
    match scene.look_at(object, Depth::Read).await {
        Observation::Present(live) => live.health,
        other => panic!("{other:#?}"),
    }
}

async fn failure(image: &str) -> String {
    let mut scene = Scene::new("failing");
    let api = scene.deployment("api", 1, image);
    scene.apply(std::slice::from_ref(&api)).await;
    let why = until("the failure is seen", async || {
        match health_of(&scene, &api).await {
            Health::Failed(why) => Some(why),
            Health::Ready | Health::Progressing(_) => None,
        }
    })
    .await;
    assert!(why.contains("pod api-"), "{why}");
    why
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rollout_becomes_ready_and_says_what_it_waits_for() {
    let mut scene = Scene::new("rollout");
    let api = scene.deployment("api", 2, "shop/api:1");
    let plan = scene.plan(std::slice::from_ref(&api)).await;
    let applied = scene.carry_out(&scene.step(&plan, &api)).await.unwrap();
    assert!(
        matches!(applied.health, Health::Progressing(_)),
        "{:?}",
        applied.health
    );
    until("the rollout is ready", async || {
        (health_of(&scene, &api).await == Health::Ready).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_that_is_not_there_is_named() {
    let why = failure("shop/api:missing").await;
    assert!(
        why.contains("ImagePullBackOff")
            && why.contains("Check that the image shop/api:missing exists"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_crashes_is_told_from_one_without_memory() {
    let why = failure("shop/api:crashing").await;
    assert!(
        why.contains("CrashLoopBackOff") && why.contains("--previous"),
        "{why}"
    );
    let why = failure("shop/api:hungry").await;
    assert!(
        why.contains("OOMKilled") && why.contains("it is 64Mi"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pod_no_node_takes_gives_the_scheduler_s_words() {
    let mut scene = Scene::new("pending");
    let mut api = scene.deployment("api", 1, "shop/api:1");
    api["spec"]["template"]["spec"]["nodeSelector"] = json!({ "disk": "none" });
    scene.apply(std::slice::from_ref(&api)).await;
    let why = until("the scheduler has spoken", async || {
        match health_of(&scene, &api).await {
            Health::Progressing(why) if why.contains("no node takes it") => Some(why),
            _ => None,
        }
    })
    .await;
    assert!(
        why.contains("node(s) didn't match Pod's node affinity/selector"),
        "{why}"
    );
}
