//! One account of the cluster for every request, and what it may not do told by the plan.

use super::{Scene, until};
use crate::peers::kubernetes::{Request, cluster};
use reconciled::model::{
    Action, Connection, ConnectionName, Depth, DigestKey, Health, Observation, Value,
};
use reconciled::net::Limiters;
use reconciled::provider::{Kubernetes, KubernetesSettings, Nudge, Registry};
use serde_json::{Value as Json, json};
use std::sync::Arc;

/// Makes an account with these rights in its namespace, which the credentials may only impersonate.
fn through_an_account(stem: &str, rules: &Json) -> (Scene, String) {
    let namespace = cluster().namespace(stem);
    let group = "rbac.authorization.k8s.io";
    cluster().post(
        &format!("/api/v1/namespaces/{namespace}/serviceaccounts"),
        &json!({ "metadata": { "name": "deployer" } }),
    );
    cluster().post(
        &format!("/apis/{group}/v1/namespaces/{namespace}/roles"),
        &json!({ "metadata": { "name": "deployer" }, "rules": rules }),
    );
    cluster().post(
        &format!("/apis/{group}/v1/namespaces/{namespace}/rolebindings"),
        &json!({ "metadata": { "name": "deployer" }, "roleRef": { "apiGroup": group, "kind": "Role", "name": "deployer" },
            "subjects": [{ "kind": "ServiceAccount", "name": "deployer", "namespace": namespace }] }),
    );
    let only = json!({ "apiGroups": [""], "resources": ["serviceaccounts"], "verbs": ["impersonate"], "resourceNames": ["deployer"] });
    let kubeconfig = cluster().kubeconfig_limited_to(&namespace, &[only]);
    let mut scene = Scene::through(namespace.clone(), &kubeconfig);
    let account = format!("{namespace}/deployer");
    let settings =
        json!({ "kubeconfig": kubeconfig, "context": "peers", "serviceAccount": account });
    scene.connection = Arc::new(Connection {
        name: ConnectionName::new("cluster").unwrap(),
        provider: "kubernetes".to_owned(),
        settings: Value::from_json(settings),
        location: None,
    });
    let user = format!("system:serviceaccount:{namespace}:limited");
    (scene, user)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_is_made_as_the_connection_s_account() {
    let rules = json!([
        { "apiGroups": [""], "resources": ["configmaps", "pods", "pods/log", "events"], "verbs": ["*"] },
        { "apiGroups": ["apps"], "resources": ["deployments", "replicasets"], "verbs": ["*"] },
    ]);
    let (mut scene, user) = through_an_account("acting", &rules);
    // It watches too, for somebody who listens.
    let (nudge, _nudges) = Nudge::channel(64);
    let (settings, key) = (KubernetesSettings::default(), DigestKey::new([7; 32]));
    let provider = Kubernetes::new(settings, Limiters::default(), key, Some(nudge));
    scene.registry = Registry::new(vec![Arc::new(provider)]);
    let mut crashing = scene.deployment("crashing", 1, "shop/api:crashing");
    crashing["spec"]["template"]["spec"]["containers"][0]["name"] = json!("talker");
    let objects = [
        scene.config("a", "x"),
        scene.deployment("hungry", 1, "shop/api:hungry"),
        crashing,
    ];
    scene.apply(&objects).await;
    super::health::why(&scene, &objects[1], "OOMKilled").await;
    super::health::why(&scene, &objects[2], "it last said").await;
    scene.settled(&objects).await;
    let delete = scene.step(&scene.plan(&objects[1..]).await, &objects[0]);
    assert_eq!(delete.action, Action::Delete, "{:?}", delete.reason);
    scene.carry_out(&delete).await.unwrap();
    let account = format!("system:serviceaccount:{}:deployer", scene.namespace);
    // A watch is written down when it ends.
    drop(scene);
    let requests = until("the watches have ended", async || {
        let requests = cluster().requests();
        let of_ours = |one: &Request| one.user == user && one.verb == "watch";
        requests.iter().any(of_ours).then_some(requests)
    })
    .await;
    let ours: Vec<_> = requests
        .iter()
        .filter(|request| request.user == user)
        .collect();
    let verbs: std::collections::BTreeSet<&str> =
        ours.iter().map(|request| request.verb.as_str()).collect();
    assert!(
        ["get", "list", "patch", "delete", "create", "watch"]
            .iter()
            .all(|verb| verbs.contains(verb)),
        "{verbs:?}"
    );
    // Discovery, rights, logs, metrics and schemas are among them.
    for part in [
        "/apis",
        "selfsubject",
        "/log?",
        "metrics.k8s.io",
        "/openapi/v3",
    ] {
        assert!(ours.iter().any(|one| one.uri.contains(part)), "{part}");
    }
    let others: Vec<_> = ours
        .iter()
        .filter(|request| request.acting != account)
        .collect();
    assert!(others.is_empty(), "{others:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_that_may_not_be_impersonated_sees_nothing() {
    let (mut scene, _) = through_an_account("unheard", &json!([]));
    let Value::Map(mut settings) = scene.connection.settings.clone() else {
        panic!("settings are a map")
    };
    settings.insert(
        "serviceAccount".to_owned(),
        Value::from("kube-system/default"),
    );
    scene.connection = Arc::new(Connection {
        settings: Value::Map(settings),
        ..(*scene.connection).clone()
    });
    let seen = scene.look_at(&scene.config("a", "x"), Depth::Predict).await;
    let Observation::Unknown { code, reason, .. } = seen else {
        panic!("{seen:#?}")
    };
    assert_eq!(code, "forbidden", "{reason}");
    assert!(reason.contains("cannot impersonate"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delete_that_would_be_forbidden_waits_and_is_asked_about_once() {
    let rules = json!([{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch", "patch", "create"] }]);
    let (mut scene, user) = through_an_account("kept", &rules);
    let objects = ["a", "b", "c"].map(|name| scene.config(name, "x"));
    scene.apply(&objects).await;
    let reviews = || {
        let requests = cluster().requests();
        let ours = requests.iter().filter(|request| request.user == user);
        ours.filter(|request| request.uri.contains("selfsubject"))
            .count()
    };
    assert_eq!(reviews(), 0);
    for _ in 0..2 {
        let plan = scene.plan(&[]).await;
        for object in &objects {
            let step = scene.step(&plan, object);
            assert_eq!(step.action, Action::Wait, "{step:#?}");
            let why = step.reason.unwrap();
            assert!(
                why.contains("lacks the verb delete on configmaps in namespace kept-"),
                "{why}"
            );
        }
    }
    // The rules of the namespace once, and once the kind that they do not show.
    assert_eq!(reviews(), 2);
    assert!(matches!(
        scene.look_at(&objects[0], Depth::Predict).await,
        Observation::Present(live) if live.health == Health::Ready
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replace_whose_delete_would_be_forbidden_waits_and_says_so() {
    let rules = json!([{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch", "patch", "create"] }]);
    let (mut scene, _) = through_an_account("fixed", &rules);
    let config = |text: &str| {
        let rest = json!({ "data": { "text": text }, "immutable": true });
        scene.object("v1", "ConfigMap", "a", rest)
    };
    let (before, after) = (config("x"), config("y"));
    scene.apply(&[before]).await;
    let step = scene.step(&scene.plan(std::slice::from_ref(&after)).await, &after);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    let why = step.reason.unwrap();
    assert!(
        why.contains("data cannot change in place, and to replace it the connection's account lacks the verb delete on configmaps"),
        "{why}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replace_whose_create_would_be_forbidden_waits_before_anything_is_deleted() {
    let rules = json!([{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch", "patch", "delete"] }]);
    let (mut scene, _) = through_an_account("unmade", &rules);
    let config = |text: &str| {
        let rest = json!({ "data": { "text": text }, "immutable": true });
        scene.object("v1", "ConfigMap", "a", rest)
    };
    let (before, after) = (config("x"), config("y"));
    // Made while the connection's account could still do so.
    let able = json!({ "kubeconfig": cluster().kubeconfig(), "context": "peers" });
    let able = Arc::new(Connection {
        settings: Value::from_json(able),
        ..(*scene.connection).clone()
    });
    let limited = std::mem::replace(&mut scene.connection, able);
    scene.apply(&[before]).await;
    scene.connection = limited;
    let step = scene.step(&scene.plan(std::slice::from_ref(&after)).await, &after);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    let why = step.reason.unwrap();
    assert!(
        why.contains("data cannot change in place, and to replace it the connection's account lacks the verb create on configmaps"),
        "{why}"
    );
}

/// A definition of a kind, and an object of it.
fn defined(scene: &Scene, scope: &str) -> [Json; 2] {
    let group = format!("{}.example.com", scene.namespace);
    let schema = json!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true });
    let definition = json!({ "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": { "name": format!("things.{group}") },
        "spec": { "group": group, "scope": scope, "names": { "kind": "Thing", "plural": "things" },
            "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": schema } }] } });
    let mut thing = scene.object(&format!("{group}/v1"), "Thing", "one", json!({}));
    if scope == "Cluster" {
        let metadata = thing["metadata"].as_object_mut().unwrap();
        metadata.shift_remove("namespace");
    }
    [definition, thing]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_creation_that_would_be_forbidden_is_told_before_it_is_tried() {
    let may = |verbs: &[&str]| json!([{ "apiGroups": [""], "resources": ["configmaps"], "verbs": verbs }]);
    for (lacks, verbs) in [
        ("patch", &["get", "list", "watch", "create"]),
        ("create", &["get", "list", "watch", "patch"]),
    ] {
        let (scene, _) = through_an_account("unwritten", &may(verbs));
        let config = scene.config("a", "x");
        let plan = scene.plan_at(std::slice::from_ref(&config), Depth::PredictAll);
        let step = scene.step(&plan.await, &config);
        assert_eq!(step.action, Action::Wait, "{step:#?}");
        let why = step.reason.unwrap();
        let what = format!("cannot {lacks} resource \"configmaps\"");
        assert!(why.contains(&what), "{why}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_is_told_of_what_is_made_beside_its_definition_or_its_namespace() {
    for scope in ["Namespaced", "Cluster"] {
        let (scene, _) = through_an_account("untold", &json!([]));
        let [definition, thing] = defined(&scene, scope);
        let objects = [definition.clone(), thing.clone()];
        let plan = scene.plan_at(&objects, Depth::PredictAll).await;
        let step = scene.step(&plan, &thing);
        assert_eq!(step.action, Action::Wait, "{step:#?}");
        let why = step.reason.unwrap();
        let group = format!("{}.example.com", scene.namespace);
        let place = match scope {
            "Cluster" => String::new(),
            _ => format!(" in namespace {}", scene.namespace),
        };
        let what = format!("lacks the verb create on things.{group}{place}");
        assert!(why.contains(&what), "{why}");
    }
    // With the right it is deferred as ever.
    let mut scene = Scene::new("told");
    let [definition, thing] = defined(&scene, "Namespaced");
    let namespace = format!("{}-new", scene.namespace);
    let mut config = scene.config("a", "x");
    config["metadata"]["namespace"] = json!(namespace);
    let made =
        json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": namespace } });
    let objects = [definition, thing.clone(), made, config.clone()];
    let plan = scene.plan_at(&objects, Depth::PredictAll).await;
    for object in [&thing, &config] {
        let step = scene.step(&plan, object);
        assert_eq!(step.action, Action::Create, "{step:#?}");
    }
    // Of a namespace that comes only its own dry-run could tell, so the rights are asked for.
    let rules = json!([{ "apiGroups": [""], "resources": ["configmaps"], "verbs": ["patch"] },
        { "apiGroups": [""], "resources": ["configmaps", "namespaces"], "verbs": ["get", "list", "watch"] }]);
    scene.connection = Arc::new(Connection {
        settings: Value::from_json(
            json!({ "kubeconfig": cluster().kubeconfig_limited_to(&scene.namespace, rules.as_array().unwrap()), "context": "peers" }),
        ),
        ..(*scene.connection).clone()
    });
    let plan = scene.plan_at(&objects[2..], Depth::PredictAll).await;
    let step = scene.step(&plan, &config);
    assert_eq!(step.action, Action::Wait, "{step:#?}");
    let what = format!("lacks the verb create on configmaps in namespace {namespace}");
    assert!(step.reason.as_ref().unwrap().contains(&what), "{step:#?}");
}
