//! A cluster that refuses, is broken in part, or is spoken to in the wrong way: the rest goes on, what
//! is unknown is said, and nothing is deleted.

use super::{Scene, until};
use crate::peers::kubernetes::cluster;
use reconciled::model::{Action, Class, Depth, Fault as _, Observation, Prediction};
use serde_json::{Value as Json, json};

fn unknown(observation: &Observation) -> (&'static str, Class, &str) {
    match observation {
        Observation::Unknown {
            reason,
            code,
            class,
        } => (code, *class, reason),
        other => panic!("{other:#?}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_right_is_unknown_and_never_absent() {
    let namespace = cluster().namespace("limited");
    let all = json!(["get", "list", "patch", "create", "update", "delete"]);
    let rules = [json!({ "apiGroups": [""], "resources": ["configmaps"], "verbs": all })];
    let kubeconfig = cluster().kubeconfig_limited_to(&namespace, &rules);
    let mut admin = Scene::through(namespace.clone(), &cluster().kubeconfig());
    let secret = admin.object("v1", "Secret", "s", json!({ "stringData": { "a": "b" } }));
    let objects = [admin.config("a", "x"), secret.clone()];
    admin.apply(&objects).await;
    let mut scene = Scene::through(namespace, &kubeconfig);
    scene.owned = admin.owned;
    let seen = scene.look(&objects, Depth::Predict).await;
    let (code, class, reason) = unknown(&seen[&scene.address(&secret)]);
    assert_eq!((code, class), ("forbidden", Class::User));
    assert!(
        reason.contains("cannot get resource \"secrets\""),
        "{reason}"
    );
    assert!(matches!(
        seen[&scene.address(&objects[0])],
        Observation::Present(_)
    ));
    // To be pruned or to be changed: it waits, and the other one goes on.
    let plan = scene.plan(&[scene.config("a", "y")]).await;
    assert_eq!(scene.step(&plan, &secret).action, Action::Wait);
    assert_eq!(scene.step(&plan, &objects[0]).action, Action::Update);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_may_only_read_is_told_so_by_the_plan() {
    let namespace = cluster().namespace("readonly");
    let rules =
        [json!({ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"] })];
    let kubeconfig = cluster().kubeconfig_limited_to(&namespace, &rules);
    let mut admin = Scene::through(namespace.clone(), &cluster().kubeconfig());
    let objects = [admin.config("a", "x")];
    admin.apply(&objects).await;
    let mut scene = Scene::through(namespace, &kubeconfig);
    scene.owned = admin.owned;
    let step = scene.step(&scene.plan(&[scene.config("a", "y")]).await, &objects[0]);
    assert_eq!(step.action, Action::Wait);
    assert!(
        step.reason
            .as_ref()
            .unwrap()
            .contains("cannot patch resource \"configmaps\""),
        "{:?}",
        step.reason
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_broken_api_group_costs_only_its_own_kinds() {
    let scene = Scene::new("broken");
    let group = format!("{}.example.com", scene.namespace);
    let name = format!("v1.{group}");
    let service = json!({ "apiVersion": "apiregistration.k8s.io/v1", "kind": "APIService", "metadata": { "name": name },
        "spec": { "group": group, "version": "v1", "groupPriorityMinimum": 1000, "versionPriority": 15, "insecureSkipTLSVerify": true,
            "service": { "namespace": scene.namespace, "name": "nowhere" } } });
    scene.cluster.kubectl_apply("default", &service.to_string());
    let thing = scene.object(&format!("{group}/v1"), "Thing", "t", json!({}));
    let config = scene.config("a", "x");
    let seen = until("the group is known to be down", async || {
        let seen = scene
            .look(&[thing.clone(), config.clone()], Depth::PredictAll)
            .await;
        let down = matches!(
            &seen[&scene.address(&thing)],
            Observation::Unknown {
                code: "api-group-unavailable",
                ..
            }
        );
        down.then_some(seen)
    })
    .await;
    let to_prune = scene.look_for(&thing).await;
    scene.cluster.kubectl(["delete", "apiservice", &name]);
    assert!(
        matches!(
            seen[&scene.address(&config)],
            Observation::Absent {
                prediction: Some(Prediction::Becomes { .. })
            }
        ),
        "{seen:#?}"
    );
    assert_eq!(unknown(&to_prune).1, Class::Transient);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kind_the_cluster_does_not_serve_is_said() {
    let scene = Scene::new("unserved");
    let thing = scene.object("nowhere.example.com/v1", "Thing", "t", json!({}));
    let seen = scene.look_at(&thing, Depth::Predict).await;
    let (code, class, reason) = unknown(&seen);
    assert_eq!((code, class), ("not-served", Class::User));
    assert_eq!(
        reason,
        "the cluster serves no kind Thing in v1 of nowhere.example.com; declare its CRD here, or correct apiVersion and kind"
    );
    assert!(matches!(
        scene.look_for(&thing).await,
        Observation::Absent { .. }
    ));
    let old = scene.object("apps/v1beta1", "Deployment", "api", json!({}));
    assert_eq!(
        unknown(&scene.look_at(&old, Depth::Predict).await).0,
        "not-served"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_in_an_object_is_told_before_anything_is_written() {
    let scene = Scene::new("mistaken");
    let refused = async |object: Json| match scene.look_at(&object, Depth::PredictAll).await {
        Observation::Absent {
            prediction: Some(Prediction::Refused { reason, .. }),
        } => reason,
        other => panic!("{other:#?}"),
    };
    let mut unknown_field = scene.deployment("api", 1, "shop/api:1");
    unknown_field["spec"]["replica"] = json!(2);
    let told = refused(unknown_field).await;
    assert!(told.contains("spec.replica"), "{told}");
    let mut negative = scene.deployment("api", 1, "shop/api:1");
    negative["spec"]["replicas"] = json!(-1);
    let told = refused(negative).await;
    assert_eq!(
        told,
        "spec.replicas: invalid value: must be greater than or equal to 0"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_holds_data_and_cannot_change_waits() {
    let mut scene = Scene::new("stateful");
    let claim = |mode: &str| {
        scene.object("v1", "PersistentVolumeClaim", "data", json!({ "spec": { "accessModes": [mode], "resources": { "requests": { "storage": "1Gi" } } } }))
    };
    let (before, after) = (claim("ReadWriteOnce"), claim("ReadWriteMany"));
    scene.apply(&[before]).await;
    let step = scene.step(&scene.plan(std::slice::from_ref(&after)).await, &after);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    assert!(
        step.reason
            .as_ref()
            .unwrap()
            .contains("cannot change in place"),
        "{:?}",
        step.reason
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_somebody_made_since_the_plan_stays_theirs() {
    let mut scene = Scene::new("faster");
    let config = scene.config("a", "x");
    let plan = scene.plan(std::slice::from_ref(&config)).await;
    let step = scene.step(&plan, &config);
    assert_eq!(step.action, Action::Create);
    let path = format!("/api/v1/namespaces/{}/configmaps", scene.namespace);
    let theirs = json!({ "metadata": { "name": "a" }, "data": { "text": "x", "more": "theirs" } });
    scene.cluster.post(&path, &theirs);
    // In the same second, mostly: the times the server keeps do not tell the two apart.
    let error = scene.carry_out(&step).await.unwrap_err();
    assert_eq!(error.code(), "moved", "{error}");
    let live = scene.cluster.get(&format!("{path}/a")).unwrap();
    assert_eq!(live["data"], theirs["data"]);
    assert!(live["metadata"]["labels"].is_null(), "{live:#}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_entry_of_a_list_that_clashes_with_another_managers_names_that_manager() {
    let mut scene = Scene::new("clash");
    let service = |ports: Json| {
        let spec = json!({ "selector": { "app": "web" }, "ports": ports });
        scene.object("v1", "Service", "web", json!({ "spec": spec }))
    };
    let http = json!({ "name": "http", "port": 80 });
    let before = service(json!([http]));
    let after = service(json!([http, { "name": "metrics", "port": 9100 }]));
    let other = service(json!([{ "name": "metrics", "port": 9090, "protocol": "TCP" }]));
    let free = service(json!([http, { "name": "web-metrics", "port": 9100 }]));
    scene.apply(std::slice::from_ref(&before)).await;
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), other.to_string()).unwrap();
    let file = file.path().to_str().unwrap();
    scene.cluster.kubectl([
        "apply",
        "--server-side",
        "--field-manager=mesh",
        "--filename",
        file,
    ]);
    // What the mesh adds beside ours is the mesh's, and no drift.
    scene.settled(std::slice::from_ref(&before)).await;

    let step = scene.step(&scene.plan(std::slice::from_ref(&after)).await, &after);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    let reason = step.reason.unwrap();
    let named = "an entry port=9090, protocol=TCP with the same name \"metrics\", which mesh keeps";
    assert!(reason.contains(named), "{reason}");
    // As it says: the declared one has another name.
    scene.apply(std::slice::from_ref(&free)).await;
    scene.settled(std::slice::from_ref(&free)).await;
    let live = scene.cluster.get(&format!(
        "/api/v1/namespaces/{}/services/web",
        scene.namespace
    ));
    assert_eq!(live.unwrap()["spec"]["ports"].as_array().unwrap().len(), 3);
}
