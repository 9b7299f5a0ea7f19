//! What people and controllers do to objects that are ours.

use super::{Scene, paths, until};
use reconciled::model::{Action, Depth, Observation, Owner};
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scale_by_hand_is_found_with_who_and_put_back() {
    let mut scene = Scene::new("scaled");
    let objects = [scene.deployment("api", 2, "shop/api:1")];
    scene.apply(&objects).await;
    scene.cluster.kubectl([
        "-n",
        &scene.namespace,
        "scale",
        "deployment/api",
        "--replicas=5",
    ]);
    let step = scene.step(&scene.plan(&objects).await, &objects[0]);
    assert_eq!(
        (step.action, paths(&step)),
        (Action::Update, vec!["spec.replicas".to_owned()])
    );
    assert!(step.is_only_drift());
    let touch = step.touched_by.first().unwrap();
    assert_eq!(touch.by, "kubectl");
    assert_eq!(touch.path.as_ref().unwrap().to_string(), "spec.replicas");
    // The API server keeps no time for changes through the scale subresource.
    assert_eq!(touch.at, None);
    scene.carry_out(&step).await.unwrap();
    scene.settled(&objects).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_autoscaler_keeps_the_replicas_it_sets() {
    let mut scene = Scene::new("autoscaled");
    let api = scene.deployment("api", 2, "shop/api:1");
    let scaler = scene.object("autoscaling/v2", "HorizontalPodAutoscaler", "api", json!({ "spec": {
        "minReplicas": 3, "maxReplicas": 5,
        "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "api" },
        "metrics": [{ "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } } }],
    } }));
    let objects = [api.clone(), scaler];
    scene.apply(&objects).await;
    let path = format!(
        "/apis/apps/v1/namespaces/{}/deployments/api",
        scene.namespace
    );
    until("the autoscaler acts", async || {
        (scene.cluster.get(&path)?["spec"]["replicas"] == 3).then_some(())
    })
    .await;
    let step = scene.step(&scene.plan(&objects).await, &api);
    assert_eq!(step.action, Action::None, "{step:#?}");
    let yielded: Vec<(String, &str)> = step
        .yielded
        .iter()
        .map(|(path, by)| (path.to_string(), by.as_str()))
        .collect();
    assert_eq!(
        yielded,
        [("spec.replicas".to_owned(), "HorizontalPodAutoscaler api")]
    );
    // Another field of the same object still changes, and the autoscaler's stays.
    let objects = [scene.deployment("api", 2, "shop/api:2"), objects[1].clone()];
    scene.apply(&objects).await;
    let live = scene.cluster.get(&path).unwrap();
    assert_eq!(live["spec"]["replicas"], 3);
    assert_eq!(
        live["spec"]["template"]["spec"]["containers"][0]["image"],
        "shop/api:2"
    );
    scene.settled(&objects).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_field_that_goes_from_git_goes_from_the_object() {
    let mut scene = Scene::new("dropped");
    let with = |labels: serde_json::Value| {
        let mut object = scene.config("a", "x");
        object["metadata"]["labels"] = labels;
        object
    };
    let (two, one) = (
        with(json!({ "tier": "front", "team": "shop" })),
        with(json!({ "tier": "front" })),
    );
    scene.apply(std::slice::from_ref(&two)).await;
    let step = scene.step(&scene.plan(std::slice::from_ref(&one)).await, &one);
    assert_eq!(
        (step.action, paths(&step)),
        (Action::Update, vec!["metadata.labels.team".to_owned()])
    );
    scene.carry_out(&step).await.unwrap();
    scene.settled(&[one]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_lost_ledger_has_forgotten_is_found_by_its_mark() {
    let mut scene = Scene::new("lost");
    let objects: Vec<_> = ["a", "b", "c", "d"]
        .map(|name| scene.config(name, "x"))
        .into();
    scene.apply(&objects).await;
    scene.owned.clear();
    let seen = scene.look(&objects[..3], Depth::Read).await;
    let Some(Observation::Present(live)) = seen.get(&scene.address(&objects[3])) else {
        panic!("{seen:#?}")
    };
    assert_eq!(
        live.owner,
        Some(Owner::Resource(scene.address(&objects[3])))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_that_mean_the_same_are_no_drift() {
    let mut scene = Scene::new("forms");
    let objects = [
        scene.object("v1", "Service", "api", json!({ "spec": { "selector": { "app": "api" }, "ports": [{ "port": 80, "name": "plain" }, { "port": 443, "name": "tls" }] } })),
        scene.object("v1", "PersistentVolumeClaim", "data", json!({ "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1024Mi" } } } })),
        scene.object("apps/v1", "Deployment", "api", json!({ "metadata": { "name": "api", "namespace": scene.namespace, "creationTimestamp": null }, "spec": {
            "selector": { "matchLabels": { "app": "api" } }, "template": { "metadata": { "creationTimestamp": null, "labels": { "app": "api" } }, "spec": {
                "containers": [{ "name": "api", "image": "shop/api:1", "resources": { "limits": { "cpu": "1000m", "memory": "0.5Gi" } },
                    "ports": [{ "containerPort": 80 }], "livenessProbe": { "httpGet": { "path": "/", "port": 80 } } }] } } }, "status": {} })),
        scene.object("networking.k8s.io/v1", "Ingress", "api", json!({ "spec": { "rules": [{ "host": "a.example.com", "http": { "paths": [{ "path": "/", "pathType": "Prefix",
            "backend": { "service": { "name": "api", "port": { "number": 80 } } } }] } }] } })),
        scene.object("rbac.authorization.k8s.io/v1", "Role", "api", json!({ "rules": [{ "apiGroups": [""], "resources": ["pods"], "verbs": ["get"] }] })),
        scene.object("batch/v1", "CronJob", "api", json!({ "spec": { "schedule": "0 * * * *", "jobTemplate": { "spec": { "template": { "spec": {
            "restartPolicy": "Never", "containers": [{ "name": "x", "image": "shop/x:1" }] } } } } } })),
    ];
    scene.apply(&objects).await;
    scene.settled(&objects).await;
    let plan = scene.plan_at(&objects, Depth::Predict).await;
    assert!(plan.steps.iter().all(|step| step.action == Action::None));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_write_while_it_is_looked_at_is_no_drift() {
    let mut scene = Scene::new("restless");
    let objects: Vec<_> = (0..40)
        .map(|nth| scene.config(&format!("c-{nth}"), "x"))
        .collect();
    scene.apply(&objects).await;
    let (cluster, namespace) = (scene.cluster, scene.namespace.clone());
    let writer = tokio::task::spawn_blocking(move || {
        for nth in 0..4 {
            let label = format!("others.example.com/turn={nth}");
            let (space, every) = (namespace.as_str(), "--all");
            cluster.kubectl([
                "-n",
                space,
                "label",
                "configmap",
                every,
                "--overwrite",
                "--field-manager=some-operator",
                &label,
            ]);
        }
    });
    let mut looks = 0;
    while !writer.is_finished() {
        // One that remembers nothing asks about every object.
        scene.forget();
        let plan = scene.plan(&objects).await;
        let moved = plan.steps.iter().find(|step| step.action != Action::None);
        assert!(moved.is_none(), "after {looks} looks: {moved:#?}");
        looks += 1;
    }
    writer.await.unwrap();
    assert!(looks > 0);
}
