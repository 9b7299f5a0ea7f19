//! How much the API server is asked: from its own audit log, by an account of the test's own.

use super::{Scene, until};
use crate::peers::kubernetes::{Request, cluster};
use reconciled::model::{Action, Depth, Observation};
use serde_json::{Value as Json, json};

pub(super) fn requests_of(namespace: &str) -> Vec<Request> {
    let user = format!("system:serviceaccount:{namespace}:limited");
    cluster()
        .requests()
        .into_iter()
        .filter(|request| request.user == user)
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_that_finds_nothing_to_do_lists_and_asks_nothing_twice() {
    let namespace = cluster().namespace("quiet");
    let rules = [json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] })];
    let kubeconfig = cluster().kubeconfig_limited_to(&namespace, &rules);
    let mut scene = Scene::through(namespace.clone(), &kubeconfig);
    let configs = (0..20).map(|nth| scene.config(&format!("c-{nth}"), "x"));
    let deployments = (0..10).map(|nth| scene.deployment(&format!("d-{nth}"), 0, "shop/api:1"));
    let objects: Vec<_> = configs.chain(deployments).collect();

    scene.apply(&objects).await;
    let writes = requests_of(&namespace);
    let budget = objects.len() + objects.len() / 10 + 4;
    assert!(
        writes.len() <= budget,
        "{} requests for {} objects",
        writes.len(),
        objects.len()
    );

    // Right after the write, and after the controllers noted on it what they do.
    assert_eq!(quiet_pass(&scene, &objects).await, LISTS);
    let api = format!("/apis/apps/v1/namespaces/{namespace}/deployments/d-0");
    until("the controllers noted on it", async || {
        let live = scene.cluster.get(&api)?;
        let revision = &live["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
        (revision == "1" && live["status"]["observedGeneration"] == 1).then_some(())
    })
    .await;
    assert_eq!(quiet_pass(&scene, &objects).await, LISTS);
    // Another process knows it from the ledger.
    let after = Scene {
        owned: scene.owned.clone(),
        environment: scene.environment.clone(),
        ..Scene::through(namespace.clone(), &kubeconfig)
    };
    let asked = quiet_pass(&after, &objects).await;
    assert_eq!(dry_runs(&asked), 0, "{asked:#?}");
    assert_eq!(quiet_pass(&after, &objects).await, LISTS);
    // A status is no change, whoever writes it.
    scene.cluster.kubectl([
        "-n",
        &namespace,
        "patch",
        "deployment/d-0",
        "--subresource=status",
        "--type=merge",
        r#"--patch={"status":{"observedGeneration":1,"collisionCount":1}}"#,
    ]);
    assert_eq!(quiet_pass(&scene, &objects).await, LISTS);
}

/// Two kinds in one namespace.
const LISTS: [&str; 2] = ["list configmaps", "list deployments"];

/// Looks once, asserts that nothing is to be done, and returns what was asked for.
pub(super) async fn quiet_pass(scene: &Scene, objects: &[Json]) -> Vec<String> {
    let before = requests_of(&scene.namespace).len();
    let plan = scene.plan(objects).await;
    assert!(plan.is_empty(), "{:#?}", plan.steps);
    let mut asked: Vec<String> = requests_of(&scene.namespace)
        .split_off(before)
        .iter()
        .map(|request| {
            let path = request.uri.split('?').next().unwrap_or_default();
            let what = path.rsplit('/').next().unwrap_or_default();
            let dry = if request.uri.contains("dryRun=All") {
                " (dry-run)"
            } else {
                ""
            };
            format!("{} {what}{dry}", request.verb)
        })
        .collect();
    asked.sort();
    asked
}

fn dry_runs(asked: &[String]) -> usize {
    asked.iter().filter(|one| one.contains("dry-run")).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_others_change_is_asked_about_once_and_then_known() {
    let namespace = cluster().namespace("touched");
    let rules = [json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] })];
    let kubeconfig = cluster().kubeconfig_limited_to(&namespace, &rules);
    let mut scene = Scene::through(namespace.clone(), &kubeconfig);
    let objects: Vec<Json> = (0..4)
        .map(|nth| scene.deployment(&format!("d-{nth}"), 0, "shop/api:1"))
        .collect();
    scene.apply(&objects).await;
    let edits: [&[&str]; 4] = [
        &["label", "deployment/d-0", "by=mesh", "--field-manager=mesh"],
        &[
            "annotate",
            "deployment/d-1",
            "by=mesh",
            "--field-manager=mesh",
        ],
        &[
            "patch",
            "deployment/d-2",
            "--field-manager=mesh",
            r#"--patch={"spec":{"minReadySeconds":3}}"#,
        ],
        // The same value, by another manager who owns it from then on as well.
        &[
            "apply",
            "--server-side",
            "--field-manager=another",
            "--filename",
        ],
    ];
    let same = tempfile::NamedTempFile::new().unwrap();
    let part = scene.object(
        "apps/v1",
        "Deployment",
        "d-3",
        json!({ "spec": { "replicas": 0 } }),
    );
    std::fs::write(same.path(), part.to_string()).unwrap();
    for edit in edits {
        let mut arguments = vec!["-n", namespace.as_str()];
        arguments.extend(edit);
        if edit[0] == "apply" {
            arguments.push(same.path().to_str().unwrap());
        }
        let output = scene.cluster.try_kubectl(&arguments, &[]);
        assert!(output.status.success(), "{output:?}");
    }
    let before = requests_of(&namespace).len();
    let plan = scene.plan(&objects).await;
    let asked = requests_of(&namespace).split_off(before);
    let dry = asked.iter().filter(|one| one.uri.contains("dryRun=All"));
    assert_eq!(dry.count(), 4);
    // What is not declared and fights nothing is let be; it is remembered that it was asked about.
    scene.remember(&plan);
    let asked = quiet_pass(&scene, &objects).await;
    assert_eq!(asked, ["list deployments"]);
    // A declared field still shows.
    let declared = ["-n", &namespace, "scale", "deployment/d-1", "--replicas=1"];
    scene.cluster.kubectl(declared);
    let plan = scene.plan(&objects).await;
    assert_eq!(scene.step(&plan, &objects[1]).action, Action::Update);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_schema_voids_what_was_told_of_its_kind() {
    let mut scene = Scene::new("schema");
    let group = format!("{}.example.com", scene.namespace);
    let definition = |default: &str| {
        json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": { "name": format!("gadgets.{group}") },
            "spec": { "group": group, "scope": "Namespaced", "names": { "kind": "Gadget", "plural": "gadgets" },
                "versions": [{ "name": "v1", "served": true, "storage": true, "schema": { "openAPIV3Schema": { "type": "object", "properties": {
                    "spec": { "type": "object", "properties": { "size": { "type": "string" }, "colour": { "type": "string", "default": default } } } } } } }] },
        })
    };
    let gadget = scene.object(
        &format!("{group}/v1"),
        "Gadget",
        "a",
        json!({ "spec": { "size": "1" } }),
    );
    let definitions = |default| vec![definition(default), gadget.clone()];
    scene.apply(&definitions("red")).await;
    let told = || async {
        let seen = scene.look_at(&gadget, Depth::Predict).await;
        let Observation::Present(live) = seen else {
            panic!("{seen:#?}")
        };
        live.verdict.clone()
    };
    let first = told().await;
    assert!(first.is_some());
    assert_eq!(told().await, first);
    scene.cluster.kubectl([
        "patch",
        "crd",
        &format!("gadgets.{group}"),
        "--type=json",
        r#"--patch=[{"op":"add","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/weight","value":{"type":"string","default":"1"}}]"#,
    ]);
    // A process that begins later asks what is served, and knows nothing of the schema before.
    until("the schema is another", async || {
        let later = Scene {
            owned: scene.owned.clone(),
            environment: scene.environment.clone(),
            ..Scene::through(scene.namespace.clone(), &scene.cluster.kubeconfig())
        };
        let seen = later.look_at(&gadget, Depth::Predict).await;
        let Observation::Present(live) = seen else {
            panic!("{seen:#?}")
        };
        (live.verdict != first).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kubeconfig_is_read_at_each_look_and_not_at_each_write() {
    let namespace = cluster().namespace("reread");
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::copy(cluster().kubeconfig(), &file).unwrap();
    let mut scene = Scene::through(namespace, &file);
    let object = scene.config("a", "x");
    let plan = scene.plan(std::slice::from_ref(&object)).await;
    std::fs::remove_file(&file).unwrap();
    let step = scene.step(&plan, &object);
    scene.carry_out(&step).await.unwrap();
    let seen = scene.look_at(&object, Depth::Predict).await;
    assert!(matches!(seen, Observation::Unknown { .. }), "{seen:#?}");
    std::fs::copy(cluster().kubeconfig(), &file).unwrap();
    scene.settled(&[object]).await;
}
