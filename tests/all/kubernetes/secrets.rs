//! Secrets of live objects reach nothing that is shown: values, annotations, and the server's words.

use super::Scene;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reconciled::model::{Action, Depth, Observation, Prediction, Secret, Value};
use serde_json::json;
use std::sync::Arc;

const CANARY: &str = "canary-81d0";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_kubectl_remembers_of_a_secret_is_not_shown() {
    let mut scene = Scene::new("remembered");
    let secret = scene.object(
        "v1",
        "Secret",
        "s",
        json!({ "stringData": { "a": CANARY } }),
    );
    scene
        .cluster
        .kubectl_apply(&scene.namespace, &secret.to_string());
    let path = format!("/api/v1/namespaces/{}/secrets/s", scene.namespace);
    assert!(
        scene
            .cluster
            .get(&path)
            .unwrap()
            .to_string()
            .contains(CANARY),
        "kubectl keeps what was applied"
    );
    let seen = scene.look_at(&secret, Depth::Predict).await;
    assert!(!format!("{seen:?}").contains(CANARY), "{seen:?}");
    assert!(
        !format!("{seen:?}").contains("Y2FuYXJ5"),
        "in base64: {seen:?}"
    );
    let step = scene.step(&scene.plan(std::slice::from_ref(&secret)).await, &secret);
    assert_eq!(step.action, Action::Adopt);
    scene.carry_out(&step).await.unwrap();
    scene.settled(&[secret]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_s_refusal_does_not_quote_a_secret() {
    let scene = Scene::new("quoted");
    let object = scene.config("a", "x");
    let mut wanted = scene.wanted(&object);
    let Value::Map(fields) = Arc::make_mut(&mut wanted.desired) else {
        panic!("an object is a map")
    };
    let Some(Value::Map(metadata)) = fields.get_mut("metadata") else {
        panic!("it has metadata")
    };
    let label = Value::Secret(Secret::new(format!("{CANARY} is no label")));
    metadata.insert(
        "labels".to_owned(),
        Value::Map([("token".to_owned(), label)].into_iter().collect()),
    );
    let seen = scene.ask(&[scene.asked(&wanted, Depth::PredictAll)]).await;
    let shown = format!("{seen:?}");
    assert!(!shown.contains(CANARY), "{shown}");
    let Some(Observation::Absent {
        prediction: Some(Prediction::Refused { reason, .. }),
    }) = seen.get(&wanted.address)
    else {
        panic!("{shown}");
    };
    assert!(reason.contains("metadata.labels"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_what_is_live_nor_what_is_declared_is_shown_wherever_it_stands() {
    let mut scene = Scene::new("both-sides");
    let secret = |text: &str| {
        let data = json!({ "stringData": { "a": format!("{CANARY}-{text}") }, "data": { "b": STANDARD.encode(CANARY) } });
        scene.object("v1", "Secret", "s", data)
    };
    let (old, new) = (secret("old"), secret("new"));
    scene.apply(std::slice::from_ref(&old)).await;
    // Somebody copies what is declared next into a note, and changes what is live.
    let path = format!(
        "/api/v1/namespaces/{}/secrets/s?fieldManager=kubectl-edit",
        scene.namespace
    );
    let by_hand = json!({ "metadata": { "annotations": { "note": format!("it is {CANARY}-new") } },
        "data": { "a": STANDARD.encode(format!("{CANARY}-by-hand")) } });
    assert!(scene.cluster.merge_patch(&path, &by_hand));
    let plan = scene.plan(std::slice::from_ref(&new)).await;
    let step = scene.step(&plan, &new);
    assert_eq!(step.action, Action::Update);
    let told = format!("{step:?} {}", serde_json::to_string(&step).unwrap());
    assert!(told.contains("stringData"), "{told}");
    assert!(!told.contains(CANARY), "{told}");
    assert!(!told.contains("Y2FuYXJ5"), "in base64: {told}");
}
