//! The noise corpus: objects of every kind, written as people write them, are applied once and then
//! are no drift, ever. The shapes stand in `noise/*.yaml`.

mod by_hand;

use super::requests::requests_of;
use super::{Scene, readiness, until};
use crate::peers::kubernetes::cluster;
use reconciled::model::{Action, Depth, RepoPath, Step, Value};
use reconciled::plan::Plan;
use reconciled::yaml::{self, Flavour, Limits};
use serde_json::{Value as Json, json};
use std::collections::{BTreeMap, BTreeSet};

/// Reads one file of the corpus as the program reads a folder of manifests.
fn corpus(file: &str, namespace: &str) -> Vec<Json> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/kubernetes/noise");
    let text = std::fs::read_to_string(format!("{folder}/{file}.yaml")).unwrap();
    let text = text.replace("NAMESPACE", namespace);
    let path = RepoPath::new(&format!("{file}.yaml")).unwrap();
    let limits = Limits::manifests();
    let parsed = yaml::parse(&path, text.as_bytes(), Flavour::Kubernetes, &limits);
    assert!(parsed.diagnostics().next().is_none(), "{file}: {parsed:?}");
    let documents = parsed.documents.iter();
    documents.map(|document| document.root.to_json()).collect()
}

const FILES: [&str; 11] = [
    "config",
    "definitions",
    "network",
    "storage",
    "rights",
    "scaling",
    "scalers",
    "admission",
    "workloads",
    "custom",
    "mutated",
];

/// Carries out what a look of somebody finds who knows nothing but what is ours: each object is asked about again,
/// and none is written.
async fn applied_anew(scene: &Scene, objects: &[Json]) {
    let kubeconfig = scene.connection.settings.get("kubeconfig");
    let kubeconfig = kubeconfig.and_then(Value::as_str).unwrap();
    let mut anew = Scene {
        owned: scene.owned.clone(),
        environment: scene.environment.clone(),
        ..Scene::through(scene.namespace.clone(), kubeconfig.as_ref())
    };
    anew.forget();
    let before = requests_of(&scene.namespace).len();
    anew.apply(objects).await;
    let sent = requests_of(&scene.namespace).split_off(before);
    let (asked, written): (Vec<_>, Vec<_>) = sent
        .iter()
        .filter(|request| !matches!(request.verb.as_str(), "get" | "list" | "watch"))
        .filter(|request| !request.uri.contains("selfsubject"))
        .partition(|request| request.uri.contains("dryRun=All"));
    assert!(written.is_empty(), "{written:#?}");
    assert!(asked.len() >= objects.len(), "{}", asked.len());
}

/// What a step would do, for whoever reads a failure.
fn told(step: &Step) -> String {
    let changes = step.changes.iter().map(|change| {
        let shown = |side: &Option<reconciled::model::Value>| {
            side.as_ref().map_or("nothing".to_owned(), |value| {
                value.masked_json().to_string()
            })
        };
        let (before, after) = (shown(&change.before), shown(&change.after));
        format!("\n    {}: {before} -> {after}", change.path)
    });
    let changes: String = changes.collect();
    let reason = step.reason.as_deref().unwrap_or_default();
    let by = step.touched_by.iter().map(|touch| touch.by.as_str());
    let by: Vec<&str> = by.collect();
    format!(
        "{} {:?} {reason} {by:?}{changes}",
        step.address, step.action
    )
}

#[track_caller]
fn still(plan: &Plan) {
    let steps = plan.steps.iter();
    let moved: Vec<String> = steps
        .filter(|step| step.action != Action::None)
        .map(told)
        .collect();
    assert!(moved.is_empty(), "{}", moved.join("\n"));
}

/// Everything in the corpus, applied, and whatever the controllers do with it done.
async fn applied() -> (Scene, Vec<Json>) {
    let namespace = cluster().namespace("noise");
    let rules = [
        json!({ "apiGroups": ["*"], "resources": ["*"], "verbs": ["*"] }),
        json!({ "nonResourceURLs": ["*"], "verbs": ["*"] }),
    ];
    let kubeconfig = cluster().kubeconfig_limited_to(&namespace, &rules);
    let mut scene = Scene::through(namespace.clone(), &kubeconfig);
    let policies = corpus("policies", &namespace);
    scalers_are_served(&namespace).await;
    scene.apply(&policies).await;
    mutates(&namespace).await;
    let objects: Vec<Json> = FILES
        .iter()
        .flat_map(|file| corpus(file, &namespace))
        .chain(policies)
        .collect();
    all_applied(&mut scene, &objects).await;
    operators_act(&scene);
    at_rest(&namespace).await;
    (scene, objects)
}

/// Applies wave by wave as a run does, and names every object that is refused.
async fn all_applied(scene: &mut Scene, objects: &[Json]) {
    let plan = scene.plan(objects).await;
    let stuck = plan.steps.iter().filter(|step| !step.action.writes());
    let mut refused: Vec<String> = stuck
        .filter(|step| step.action != Action::None)
        .map(told)
        .collect();
    let mut steps: Vec<&Step> = plan.steps.iter().collect();
    steps.retain(|step| step.action.writes());
    steps.sort_by_key(|step| step.wave);
    for step in steps {
        if let Err(error) = scene.carry_out(step).await {
            refused.push(format!("{}: {error:?}", step.address));
        }
    }
    assert!(refused.is_empty(), "{}", refused.join("\n"));
}

/// Defines what scales workloads besides the server's own, once for every test.
pub(super) async fn scalers_are_served(namespace: &str) {
    for definition in corpus("scaler_definitions", namespace) {
        cluster().kubectl_apply(namespace, &definition.to_string());
        let name = definition["metadata"]["name"].as_str().unwrap();
        cluster().kubectl([
            "wait",
            "--for=condition=Established",
            &format!("crd/{name}"),
        ]);
    }
}

/// Does what the operators do that are not there: KEDA labels what it scales by, and goes to zero by itself.
fn operators_act(scene: &Scene) {
    for name in ["bare-queue", "full-queue", "of-worker"] {
        let labels = json!({ "scaledobject.keda.sh/name": name });
        let patch = json!({ "metadata": { "labels": labels } });
        scene.merged("scaledobject", name, "keda", &patch);
    }
    let path = format!(
        "/apis/apps/v1/namespaces/{}/deployments/scaled-worker/scale?fieldManager=keda",
        scene.namespace
    );
    let zero = json!([{ "op": "replace", "path": "/spec/replicas", "value": 0 }]);
    cluster().json_patch(&path, &zero).unwrap();
}

/// Waits until the policies act: the server reads them a moment after it stored them.
async fn mutates(namespace: &str) {
    let probe = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "mutated", "namespace": namespace }, "spec": {
        "selector": { "matchLabels": { "app": "mutated" } }, "template": { "metadata": { "labels": { "app": "mutated" } },
            "spec": { "containers": [{ "name": "app", "image": "a" }] } } } });
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments?dryRun=All");
    until("the policies act", async || {
        let made = cluster().post(&path, &probe);
        let is_labelled = made["metadata"]["labels"]["platform.example.com/zone"] == "blue";
        let pod = &made["spec"]["template"]["spec"];
        (is_labelled && pod["initContainers"][0]["name"] == "mesh").then_some(())
    })
    .await;
}

/// Waits until the controllers have done their part.
async fn at_rest(namespace: &str) {
    let read = |path: &str| cluster().get(&path.replace("NAMESPACE", namespace));
    until("the autoscaler acts", async || {
        let live = read("/apis/apps/v1/namespaces/NAMESPACE/deployments/scaled")?;
        (live["spec"]["replicas"] == 2).then_some(())
    })
    .await;
    until("the roles are aggregated", async || {
        let live = read("/apis/rbac.authorization.k8s.io/v1/clusterroles/noise-aggregate")?;
        (live["rules"].as_array()?.len() == 2).then_some(())
    })
    .await;
    until("the claim is bound", async || {
        let live = read("/api/v1/namespaces/NAMESPACE/persistentvolumeclaims/bound-by-name")?;
        (live["status"]["phase"] == "Bound").then_some(())
    })
    .await;
}

/// Every kind of the server's own that can be written and changed.
pub(super) fn built_in_kinds() -> BTreeSet<String> {
    let services = "/apis/apiregistration.k8s.io/v1/apiservices?labelSelector=kube-aggregator.kubernetes.io/automanaged%3Donstart";
    let services = cluster().get(services).unwrap();
    let mut kinds = BTreeSet::new();
    for service in services["items"].as_array().unwrap() {
        let part = |key: &str| service["spec"][key].as_str().unwrap_or_default();
        let path = match part("group") {
            "" => format!("/api/{}", part("version")),
            group => format!("/apis/{group}/{}", part("version")),
        };
        let served = cluster().get(&path).unwrap();
        let served = served["resources"].as_array().unwrap().iter();
        let can = |resource: &Json, verb: &str| {
            let verbs = resource["verbs"].as_array();
            verbs.is_some_and(|verbs| verbs.iter().any(|one| one == verb))
        };
        let text = |resource: &Json, key: &str| resource[key].as_str().unwrap().to_owned();
        let written = served.filter(|one| {
            !text(one, "name").contains('/') && can(one, "create") && can(one, "patch")
        });
        kinds.extend(written.map(|one| text(one, "kind")));
    }
    assert!(kinds.len() > 40, "{kinds:?}");
    kinds
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_people_write_is_no_drift_once_it_is_applied() {
    let (mut scene, objects) = applied().await;
    assert!(objects.len() >= 150, "{}", objects.len());
    let left_out: Vec<String> = built_in_kinds()
        .into_iter()
        .filter(|kind| !objects.iter().any(|object| object["kind"] == kind.as_str()))
        .collect();
    assert!(left_out.is_empty(), "not in the corpus: {left_out:?}");
    readiness::of_every_kind(&scene, &objects).await;
    // What the answer to the write tells, then what the server says when it is asked again.
    still(&scene.plan(&objects).await);
    scene.forget();
    for depth in [Depth::PredictAll, Depth::Predict] {
        let plan = scene.plan_at(&objects, depth).await;
        still(&plan);
        scene.remember(&plan);
    }
    // What was asked once is not asked again, and nothing was written to find out.
    let before = requests_of(&scene.namespace).len();
    still(&scene.plan(&objects).await);
    let asked = requests_of(&scene.namespace).split_off(before);
    let asked: Vec<String> = asked
        .iter()
        .filter(|request| !matches!(request.verb.as_str(), "list" | "get"))
        .map(|request| format!("{} {}", request.verb, request.uri))
        .collect();
    assert!(asked.is_empty(), "{asked:#?}");
    let before = ours(&objects);
    assert!(before.len() >= 150, "{}", before.len());
    applied_anew(&scene, &objects).await;
    let after = ours(&objects);
    for (object, stands) in &before {
        assert_eq!(
            after.get(object),
            Some(stands),
            "{object} was written again"
        );
    }
    by_hand::every_change_is_shown(&mut scene, &objects).await;
}

/// What shows whether somebody wrote what we declare: the version of an object that no controller notes
/// anything on, of every other one its generation and what the server keeps of our last write.
fn ours(objects: &[Json]) -> BTreeMap<String, Json> {
    let file = tempfile::NamedTempFile::new().unwrap();
    let all = json!({ "apiVersion": "v1", "kind": "List", "items": objects });
    std::fs::write(file.path(), all.to_string()).unwrap();
    let path = file.path().to_str().unwrap();
    let get = ["get", "--show-managed-fields", "-o", "json", "-f", path];
    let found: Json = serde_json::from_str(&cluster().kubectl(get)).unwrap();
    let stands = |object: &Json| {
        let metadata = &object["metadata"];
        let entries = metadata["managedFields"].as_array().unwrap().iter();
        let own: Vec<&Json> = entries
            .filter(|one| one["manager"] == "reconciled")
            .collect();
        assert!(!own.is_empty(), "{object}");
        let others = metadata["managedFields"].as_array().unwrap().len() > own.len();
        let version = match others || !object["status"].is_null() {
            true => &metadata["generation"],
            false => &metadata["resourceVersion"],
        };
        let name = format!(
            "{}/{}/{}",
            object["kind"], metadata["namespace"], metadata["name"]
        );
        (name, json!([version, own]))
    };
    let found = found["items"].as_array().unwrap();
    found.iter().map(stands).collect()
}
