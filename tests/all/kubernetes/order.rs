//! Objects that need each other in one plan: a definition and its objects, a namespace and its content.

use super::{Scene, until};
use reconciled::model::{Action, Depth, Observation, Prediction};
use serde_json::{Value as Json, json};

pub(super) fn definition(group: &str) -> Json {
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": { "name": format!("gadgets.{group}") },
        "spec": { "group": group, "scope": "Namespaced", "names": { "plural": "gadgets", "singular": "gadget", "kind": "Gadget", "listKind": "GadgetList" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }] } })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_and_its_object_are_one_plan() {
    let mut scene = Scene::new("definition");
    let group = format!("{}.example.com", scene.namespace);
    let gadget = scene.object(
        &format!("{group}/v1"),
        "Gadget",
        "g",
        json!({ "spec": { "size": 1 } }),
    );
    let objects = [gadget.clone(), definition(&group)];
    let seen = scene.look(&objects, Depth::PredictAll).await;
    let Observation::Absent {
        prediction: Some(Prediction::Deferred(what)),
    } = &seen[&scene.address(&gadget)]
    else {
        panic!("{seen:#?}");
    };
    assert_eq!(*what, format!("the CRD of Gadget in {group}"));
    let plan = scene.plan_at(&objects, Depth::PredictAll).await;
    assert!(
        plan.steps.iter().all(|step| step.action == Action::Create),
        "{:#?}",
        plan.steps
    );
    let (first, second) = (scene.step(&plan, &objects[1]), scene.step(&plan, &gadget));
    assert!(first.wave < second.wave);
    scene.carry_out(&first).await.unwrap();
    // At once: that the server takes a moment to serve the kind is not the run's business.
    scene.carry_out(&second).await.unwrap();
    scene.apply(&objects).await;
    scene.settled(&objects).await;
    for owned in &mut scene.owned {
        owned.protected = false;
    }
    let plan = scene.plan(std::slice::from_ref(&gadget)).await;
    let kept = scene.step(&plan, &objects[1]);
    assert_eq!(kept.action, Action::Wait, "{:?}", kept.reason);
    // What goes with its definition is gone, and that is no error.
    scene
        .cluster
        .kubectl(["delete", &format!("crd/gadgets.{group}"), "--wait"]);
    until("its kind is gone", async || {
        match scene.look_for(&gadget).await {
            Observation::Absent { prediction: None } => Some(()),
            _ => None,
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_and_its_content_are_one_plan() {
    let mut scene = Scene::new("outer");
    let inner = format!("{}-inner", scene.namespace);
    let namespace =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": inner } });
    let mut config = scene.config("a", "x");
    config["metadata"]["namespace"] = json!(inner);
    let objects = [config.clone(), namespace.clone()];
    let seen = scene.look(&objects, Depth::PredictAll).await;
    let Observation::Absent {
        prediction: Some(Prediction::Deferred(what)),
    } = &seen[&scene.address(&config)]
    else {
        panic!("{seen:#?}");
    };
    assert_eq!(*what, format!("the namespace {inner}"));
    // Alone, it is refused, and the reason says what is missing.
    let Observation::Absent {
        prediction: Some(Prediction::Refused { reason, immutable }),
    } = scene.look_at(&config, Depth::PredictAll).await
    else {
        panic!("it is not refused");
    };
    assert!(
        reason.contains(&format!("namespaces \"{inner}\" not found")) && immutable.is_empty(),
        "{reason}"
    );
    scene.apply(&objects).await;
    scene.settled(&objects).await;
    // Nobody protects it: it still goes only once all that is in it goes, and after that.
    for owned in &mut scene.owned {
        owned.protected = false;
    }
    let plan = scene.plan(std::slice::from_ref(&config)).await;
    assert_eq!(scene.step(&plan, &namespace).action, Action::Wait);
    // Pruned together, contents and all.
    let plan = scene.plan(&[]).await;
    let outer = scene.step(&plan, &namespace);
    assert_eq!(outer.action, Action::Delete, "{:?}", outer.reason);
    assert!(outer.after.contains(&scene.address(&config)));
    let delete = scene.step(&plan, &config);
    assert_eq!(delete.action, Action::Delete);
    scene.carry_out(&delete).await.unwrap();
    assert!(matches!(
        scene.look_for(&config).await,
        Observation::Absent { .. }
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_makes_between_plan_and_write_is_not_taken() {
    let mut scene = Scene::new("raced");
    let objects = [scene.config("a", "ours")];
    let step = scene.step(&scene.plan(&objects).await, &objects[0]);
    assert_eq!(step.action, Action::Create);
    scene
        .cluster
        .kubectl_apply(&scene.namespace, &scene.config("a", "theirs").to_string());
    let path = format!("/api/v1/namespaces/{}/configmaps/a", scene.namespace);
    let before = scene.cluster.get(&path);
    let error = scene.carry_out(&step).await.unwrap_err();
    assert_eq!(reconciled::model::Fault::code(&error), "moved", "{error}");
    assert_eq!(before, scene.cluster.get(&path));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_makes_that_is_at_odds_with_nothing_is_given_back() {
    let mut scene = Scene::new("outrun");
    let objects = [scene.config("a", "ours")];
    let step = scene.step(&scene.plan(&objects).await, &objects[0]);
    let mut theirs = scene.config("a", "");
    theirs["data"] = json!({ "other": "theirs" });
    scene
        .cluster
        .kubectl_create(&scene.namespace, &theirs.to_string());
    let path = format!("/api/v1/namespaces/{}/configmaps/a", scene.namespace);
    let content = |object: Option<Json>| {
        let object = object.unwrap();
        let metadata = &object["metadata"];
        json!([object["data"], metadata["labels"], metadata["annotations"]])
    };
    let before = content(scene.cluster.get(&path));
    // A server keeps times to the second: made and written to in one, it could pass for our making.
    until("the second is over", async || {
        let made = scene.cluster.get(&path)?["metadata"]["creationTimestamp"].clone();
        let made: jiff::Timestamp = made.as_str()?.parse().ok()?;
        (jiff::Timestamp::now().as_second() > made.as_second()).then_some(())
    })
    .await;
    let error = scene.carry_out(&step).await.unwrap_err();
    assert_eq!(reconciled::model::Fault::code(&error), "moved", "{error}");
    assert_eq!(before, content(scene.cluster.get(&path)));
    let step = scene.step(&scene.plan(&objects).await, &objects[0]);
    // What they wrote into it would go: that takes a word.
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    let why = step.reason.unwrap();
    assert!(why.contains("lifecycle: { adopt: true }"), "{why}");
}
