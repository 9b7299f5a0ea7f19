//! Deletes that hang: what they wait for and whose move that is, as the real controllers say it.

use super::defined::gadgets;
use super::health::health_of;
use super::{Scene, until};
use reconciled::model::{Action, EnvironmentName, Fault as _, Health, Step};
use reconciled::provider::ProviderError;
use serde_json::{Value as Json, json};
use std::time::Duration;

/// Plans the delete of one object that is ours, for a run that waits for a moment only.
async fn delete(scene: &mut Scene, object: &Json) -> Step {
    for owned in &mut scene.owned {
        owned.protected = false;
    }
    let plan = scene.plan(&[]).await;
    let step = scene.step(&plan, object);
    assert_eq!(step.action, Action::Delete, "{:?}", step.reason);
    Step {
        deadline: Duration::from_secs(3),
        ..step
    }
}

async fn refusal(scene: &mut Scene, step: &Step) -> String {
    let error = scene.carry_out(step).await.unwrap_err();
    assert_eq!(error.code(), "under-way", "{error}");
    assert!(matches!(error, ProviderError::UnderWay { .. }), "{error:?}");
    error.to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_finalizer_is_named_with_who_put_it_there() {
    let mut scene = Scene::new("finalized");
    let config = scene.config("a", "x");
    scene.apply(std::slice::from_ref(&config)).await;
    let patch = r#"{"metadata":{"finalizers":["example.com/hold"]}}"#;
    let namespace = scene.namespace.clone();
    let by = |patch: &str| {
        let arguments = [
            "-n",
            &namespace,
            "patch",
            "cm",
            "a",
            "--type=merge",
            "--field-manager=vault-operator",
            "-p",
            patch,
        ];
        scene.cluster.kubectl(arguments);
    };
    by(patch);
    let step = delete(&mut scene, &config).await;
    let told = refusal(&mut scene, &step).await;
    let who = "example.com/hold (put there by vault-operator)";
    assert!(told.contains(who), "{told}");
    // The next look follows it, counts from when it began, and sends no second delete.
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/a");
    let begun = scene.cluster.get(&path).unwrap()["metadata"]["deletionTimestamp"].clone();
    let begun: jiff::Timestamp = begun.as_str().unwrap().parse().unwrap();
    let plan = scene.plan(&[]).await;
    let going = scene.step(&plan, &config);
    assert_eq!(going.action, Action::Wait, "{going:#?}");
    assert!(going.reason.as_deref().unwrap().contains(who), "{going:#?}");
    assert_eq!(going.gone_by, Some(begun + going.deadline));
    let cluster = scene.cluster;
    let arguments = [
        "-n",
        &namespace,
        "patch",
        "cm",
        "a",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ];
    cluster.kubectl(arguments);
    scene.carry_out(&step).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_in_use_and_a_namespace_with_content_say_what_is_left() {
    let mut scene = Scene::new("in-use");
    let claim = scene.object(
        "v1",
        "PersistentVolumeClaim",
        "data",
        json!({ "spec": {
        "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Gi" } } } }),
    );
    scene.apply(std::slice::from_ref(&claim)).await;
    // Held by a pod that no node takes yet: the claim is used as soon as the pod is there.
    let pod = scene.object(
        "v1",
        "Pod",
        "user",
        json!({ "spec": { "nodeName": "played",
        "volumes": [{ "name": "data", "persistentVolumeClaim": { "claimName": "data" } }],
        "containers": [{ "name": "user", "image": "shop/user:1" }] } }),
    );
    scene
        .cluster
        .kubectl_apply(&scene.namespace, &pod.to_string());
    let path = format!(
        "/api/v1/namespaces/{}/persistentvolumeclaims/data",
        scene.namespace
    );
    until("the claim is protected", async || {
        let live = scene.cluster.get(&path)?;
        live["metadata"]["finalizers"].is_array().then_some(())
    })
    .await;
    let step = delete(&mut scene, &claim).await;
    let told = refusal(&mut scene, &step).await;
    assert!(
        told.contains("kubernetes.io/pvc-protection (taken off once no pod uses the claim)"),
        "{told}"
    );

    let mut scene = Scene::new("filled");
    let inner = format!("{}-inner", scene.namespace);
    let namespace =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": inner } });
    scene.apply(std::slice::from_ref(&namespace)).await;
    let held = json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "held", "namespace": inner, "finalizers": ["example.com/hold"] } });
    scene.cluster.kubectl_apply(&inner, &held.to_string());
    let step = delete(&mut scene, &namespace).await;
    refusal(&mut scene, &step).await;
    until("the controller has looked into it", async || {
        let live = scene.cluster.get(&format!("/api/v1/namespaces/{inner}"))?;
        live["status"]["conditions"].is_array().then_some(())
    })
    .await;
    let told = refusal(&mut scene, &step).await;
    assert!(
        told.contains("configmaps. has 1 resource instances"),
        "{told}"
    );
    assert!(
        told.contains("example.com/hold in 1 resource instances"),
        "{told}"
    );
    scene.cluster.kubectl([
        "-n",
        &inner,
        "patch",
        "cm",
        "held",
        "--type=merge",
        "-p",
        r#"{"metadata":{"finalizers":null}}"#,
    ]);
    until("it is gone", async || {
        let live = scene.cluster.get(&format!("/api/v1/namespaces/{inner}"));
        live.is_none().then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_holds_data_is_deleted_only_where_git_says_so() {
    let mut scene = Scene::new("precious");
    let group = format!("{}.example.com", scene.namespace);
    let inner = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": format!("{}-inner", scene.namespace) } });
    let volume = json!({ "apiVersion": "v1", "kind": "PersistentVolume", "metadata": { "name": format!("{}-volume", scene.namespace) },
        "spec": { "capacity": { "storage": "1Gi" }, "accessModes": ["ReadWriteOnce"], "hostPath": { "path": "/nowhere" } } });
    let objects = [inner, volume, super::order::definition(&group)];
    scene.apply(&objects).await;
    let plan = scene.plan(&[]).await;
    for object in &objects {
        let step = scene.step(&plan, object);
        assert_eq!(step.action, Action::Wait, "{step:#?}");
        assert!(step.reason.unwrap().contains("protected"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_come_last_and_go_first() {
    let mut scene = Scene::new("hooked");
    let webhook = json!({ "apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
        "metadata": { "name": scene.namespace }, "webhooks": [] });
    let objects = [
        webhook.clone(),
        scene.config("a", "x"),
        scene.deployment("api", 0, "shop/api:1"),
    ];
    let plan = scene.plan(&objects).await;
    let waves = |plan: &reconciled::plan::Plan| {
        objects.clone().map(|object| scene.step(plan, &object).wave)
    };
    let [hook, config, workload] = waves(&plan);
    assert!(
        hook > workload && workload > config,
        "{hook} {workload} {config}"
    );
    scene.apply(&objects).await;
    // Deletes are carried out by falling wave.
    let plan = scene.plan(&[]).await;
    let deletes = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::Delete);
    assert_eq!(deletes.count(), 3, "{:#?}", plan.steps);
    let [hook, config, workload] = objects
        .clone()
        .map(|object| scene.step(&plan, &object).wave);
    assert!(
        hook > workload && workload > config,
        "{hook} {workload} {config}"
    );
}

/// The same cluster under another context, which gives a namespace.
fn other_way(scene: &Scene) -> (tempfile::TempDir, Scene) {
    let text = std::fs::read_to_string(scene.cluster.kubeconfig()).unwrap();
    let mut kubeconfig: Json = serde_json::from_str(&text).unwrap();
    kubeconfig["contexts"][0]["context"]["namespace"] = json!(scene.namespace);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, kubeconfig.to_string()).unwrap();
    let mut other = Scene::through(scene.namespace.clone(), &file);
    other.environment = EnvironmentName::new(format!("{}-beside", scene.namespace)).unwrap();
    (folder, other)
}

async fn kept_for(scene: &mut Scene, step: &Step, address: &str) {
    let error = scene.carry_out(step).await.unwrap_err();
    let told = error.to_string();
    assert!(
        error.code() == "in-use" && told.contains(address),
        "{error:?}"
    );
    assert!(error.hint().is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_namespace_takes_nothing_along_that_another_environment_reaches_by_another_way() {
    let mut scene = Scene::new("two-ways");
    let space =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": scene.namespace } });
    scene.apply(std::slice::from_ref(&space)).await;
    let (_folder, mut other) = other_way(&scene);
    let mut inside = other.config("inside", "x");
    inside["metadata"]
        .as_object_mut()
        .unwrap()
        .remove("namespace");
    other.apply(std::slice::from_ref(&inside)).await;
    let step = delete(&mut scene, &space).await;
    let address = other.address(&inside).to_string();
    kept_for(&mut scene, &step, &address).await;
    let path = format!("/api/v1/namespaces/{}", scene.namespace);
    assert!(scene.cluster.get(&path).unwrap()["metadata"]["deletionTimestamp"].is_null());

    other
        .cluster
        .kubectl(["-n", &scene.namespace, "delete", "cm", "inside"]);
    if let Err(error) = scene.carry_out(&step).await {
        assert_eq!(error.code(), "under-way", "{error}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_definition_takes_nothing_along_that_another_environment_reaches_by_another_way() {
    let mut scene = Scene::new("two-ways");
    let group = format!("{}.example.com", scene.namespace);
    let definition = gadgets(&group, &["v1"]);
    scene.apply(std::slice::from_ref(&definition)).await;
    until("its objects can be made", async || {
        (health_of(&scene, &definition).await == Health::Ready).then_some(())
    })
    .await;
    let (_folder, mut other) = other_way(&scene);
    let gadget = other.object(&format!("{group}/v1"), "Gadget", "g", json!({}));
    other.apply(std::slice::from_ref(&gadget)).await;
    let step = delete(&mut scene, &definition).await;
    let address = other.address(&gadget).to_string();
    kept_for(&mut scene, &step, &address).await;
}
