//! What a rollout waits for, on the terminal of whoever waits for it or asks: why it is not ready, and what to do.

use super::{Scene, with};
use serde_json::{Value as Json, json};
use std::io::{BufRead as _, BufReader};

const NEXT: &str = "Check that the image shop/api:missing exists";

fn unpulled(scene: &Scene, deadline: &str) -> [(&'static str, Json); 2] {
    let api = scene.deployment(1, "shop/api:missing");
    [
        ("namespace", scene.namespace()),
        ("api", with(api, json!({ "deadline": deadline }))),
    ]
}

/// Asserts that it stands there once why the rollout waits, with what to do below.
#[track_caller]
fn says_why_once(text: &str, begins: &str) {
    let mut lines = text.lines().filter(|line| !line.contains("api: creat"));
    let why = lines.find(|line| line.contains(begins) && line.contains("pod api-"));
    let why = why.unwrap_or_else(|| panic!("{begins} in {text}"));
    assert!(why.contains("ImagePullBackOff"), "{why}");
    let next = lines.next().unwrap_or_default();
    assert!(next.trim_start().starts_with(NEXT), "{text}");
    assert!(!lines.any(|line| line.contains(begins)), "{text}");
}

#[test]
fn an_apply_says_it_while_it_waits_and_at_its_end() {
    let scene = Scene::new("unpulled-by-hand");
    scene.commit(json!({}), &unpulled(&scene, "20s"));
    let file = scene.world.repository().join("environment.yaml");
    let apply = ["apply", file.to_str().unwrap(), "--yes"];
    let said = scene.world.command(&apply);
    assert_eq!(said.code, Some(1), "{said:?}");
    says_why_once(&said.stderr, "… api: ");
    says_why_once(&said.stdout, "✗ api: failed: not ready after 20s");

    let said = scene
        .world
        .command(&[&apply[..], &["--output", "json"]].concat());
    assert_eq!((said.code, said.stderr.as_str()), (Some(1), ""), "{said:?}");
    let told: Json = serde_json::from_str(&said.stdout).unwrap();
    let steps = told["plan"]["steps"].as_array().unwrap().iter();
    let mut api = steps.filter(|step| step["address"] == "unpulled-by-hand/api");
    let reason = api.next().unwrap()["reason"].as_str().unwrap();
    assert!(
        reason.contains("ImagePullBackOff") && reason.contains(NEXT),
        "{reason}"
    );
}

#[test]
fn status_says_it_while_the_daemon_waits_and_so_does_who_asked_it_to_apply() {
    let scene = Scene::new("unpulled-now");
    let mut daemon = scene.world.start();
    let observe = || json!({ "onMerge": "observe" });
    let commit = scene.commit(observe(), &unpulled(&scene, "3m"));
    daemon.run_of(scene.name, &commit);
    let mut apply = scene.world.spawn(&["apply", scene.name, "--yes"]);
    let mut said = BufReader::new(apply.stderr.take().unwrap()).lines();
    let mut lines = said.by_ref().map(Result::unwrap);
    let why = lines.find(|line| line.contains("… api: ") && line.contains("pod api-"));
    assert!(why.unwrap().contains("ImagePullBackOff"));
    assert!(lines.next().unwrap().contains(NEXT));

    let (status, _) = scene.told(&["status"]);
    assert!(status.contains("under way"), "{status}");
    says_why_once(&status, "waits for api: ");
    let told = scene.world.command(&["status", "--output", "json"]);
    let told: Json = serde_json::from_str(&told.stdout).unwrap();
    let why = told["environments"][0]["waits"]["api"].as_str().unwrap();
    assert!(why.contains(NEXT), "{told}");

    // Something newer ends the wait, and who waited hears of it.
    scene.commit(observe(), &[("namespace", scene.namespace())]);
    let output = apply.wait_with_output().unwrap();
    let ended = String::from_utf8(output.stdout).unwrap();
    assert!(ended.contains("cut short by a newer revision"), "{ended}");
    daemon.until("status speaks of it no more", |_| {
        let (status, _) = scene.told(&["status"]);
        (!status.contains("waits for api")).then_some(())
    });
}
