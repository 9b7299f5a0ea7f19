//! A rollout that does not work: why, and what to do about it, wherever people look.

use super::scene::Scene;
use crate::daemon::Daemon;
use crate::peers::kubernetes::{Cluster, cluster};
use serde_json::{Value, json};

/// What is wrong with each deployment: its name, what its reason says, and what to do.
const WRONG: [(&str, &[&str], &str); 5] = [
    (
        "unpulled",
        &["ImagePullBackOff"],
        "Check that the image shop/api:missing exists",
    ),
    (
        "crashing",
        &[
            "CrashLoopBackOff",
            "it last said",
            "no database at postgres",
        ],
        "Read its last words",
    ),
    (
        "hungry",
        &[
            "CrashLoopBackOff",
            "OOMKilled (exit code 137)",
            "it used 63Mi when it was measured last",
        ],
        "Raise the memory limit of the container (it is 64Mi)",
    ),
    (
        "homeless",
        &["no node takes it", "node affinity/selector"],
        "Make room",
    ),
    (
        "probed",
        &["ContainersNotReady", "Readiness probe failed", "503"],
        "Check the readiness probe",
    ),
];

fn deployment(namespace: &str, name: &str, image: &str) -> Value {
    let selector = match name {
        "homeless" => json!({ "disk": "none" }),
        // Until the node has it.
        "late" => json!({ namespace: "late" }),
        _ => json!({}),
    };
    let is_mine = ["probed", "late"].contains(&name);
    let status = if is_mine { "mine" } else { "played" };
    json!({
        "kind": "kubernetes/object", "lifecycle": { "deadline": "30s" },
        "spec": {
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": name, "namespace": namespace },
            "spec": {
                "selector": { "matchLabels": { "app": name } },
                "template": {
                    "metadata": { "labels": { "app": name }, "annotations": { "peers/status": status } },
                    "spec": { "nodeSelector": selector, "containers": [{
                        "name": "talker", "image": image, "resources": { "limits": { "memory": "64Mi" } },
                    }] },
                },
            },
        },
    })
}

/// The environment, which has these deployments or none yet.
pub(super) fn shop(namespace: &str, images: &[(&str, &str)]) -> String {
    let deployments = images.iter().map(|(name, image)| {
        let deployment = deployment(namespace, name, image);
        format!("    {name}: {deployment}\n")
    });
    let config = json!({ "kind": "kubernetes/object", "spec": { "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "page", "namespace": namespace }, "data": { "text": "x" } } });
    let resources = format!("    page: {config}\n{}", deployments.collect::<String>());
    format!(
        "apiVersion: reconciled.dev/v1alpha1\nkind: Environment\nmetadata: {{ name: shop }}\nspec:\n  connections:\n\
         \x20   cluster: {{ provider: kubernetes, context: peers }}\n  reconcile: {{ interval: 1s }}\n  resources:\n{resources}"
    )
}

/// Plays a kubelet whose readiness probe fails; `None` while the pod has no node.
fn fail_the_probe(cluster: &Cluster, namespace: &str) -> Option<()> {
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    let list = cluster.get(&format!("{pods}?labelSelector=app%3Dprobed"))?;
    let pod = &list["items"][0];
    pod["spec"]["nodeName"].as_str()?;
    let name = pod["metadata"]["name"].as_str()?;
    let status = json!({ "phase": "Running", "conditions": [{ "type": "Ready", "status": "False",
            "reason": "ContainersNotReady", "message": "containers with unready status: [talker]" }],
        "containerStatuses": [{ "name": "talker", "image": "shop/api:1", "imageID": "", "ready": false,
            "restartCount": 0, "state": { "running": {} } }] });
    let path = format!("{pods}/{name}/status");
    assert!(cluster.merge_patch(&path, &json!({ "status": status })));
    let path = format!("/api/v1/namespaces/{namespace}/events");
    let about = json!({ "kind": "Pod", "namespace": namespace, "name": name, "uid": pod["metadata"]["uid"] });
    cluster.post(&path, &json!({ "metadata": { "generateName": "played-" }, "type": "Warning", "reason": "Unhealthy",
        "involvedObject": about, "lastTimestamp": "2026-01-01T00:01:00Z",
        "message": "Readiness probe failed: HTTP probe failed with statuscode: 503" }));
    Some(())
}

/// Has the memory measured that is too little; `None` while there is no such pod.
fn measure(cluster: &Cluster, namespace: &str) -> Option<()> {
    let pods = format!("/api/v1/namespaces/{namespace}/pods?labelSelector=app%3Dhungry");
    let pod = cluster.get(&pods)?["items"].get(0)?.clone();
    cluster.uses(&pod, "talker", "63Mi");
    Some(())
}

/// Returns what of a reason a text does not say, read as a person does.
fn missing(text: &str) -> Vec<&'static str> {
    let plain = text
        .replace("&#58;", ":")
        .replace("&#91;", "[")
        .replace("&#93;", "]");
    let all = WRONG.iter();
    let parts = all.flat_map(|(_, parts, next)| parts.iter().chain([next]));
    let parts = parts.filter(|part| !plain.contains(**part));
    parts.copied().collect()
}

#[test]
fn why_a_rollout_fails_stands_on_the_terminal_on_the_pull_request_and_in_slack() {
    let cluster = cluster();
    let namespace = cluster.namespace("unwell");
    cluster.measures();
    let scene = Scene::new(&[("shop.yaml", &shop(&namespace, &[]))]);
    let kubeconfig = cluster.kubeconfig();
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": kubeconfig });
    });
    let good = scene.world.git(&["rev-parse", "main"]);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &good);
    let images = [
        ("unpulled", "shop/api:missing"),
        ("crashing", "shop/api:crashing"),
        ("hungry", "shop/api:hungry"),
        ("homeless", "shop/api:1"),
        ("probed", "shop/api:1"),
    ];
    let bad = shop(&namespace, &images);
    let number = scene.open("bad", None, &[("shop.yaml", &bad)]);
    let merge = scene.merge(number, "bad");
    daemon.until("its memory is measured", |_| measure(cluster, &namespace));
    daemon.until("the pod has a node", |_| {
        fail_the_probe(cluster, &namespace)
    });
    let run = daemon.run_of("shop", &merge);
    let shown = scene
        .world
        .command(&["history", "show", &run.id.to_string()]);
    assert_eq!(missing(&shown.stdout), [""; 0], "{}", shown.stdout);
    let (_, body) = scene.comment_with(&mut daemon, number, "Failed in shop");
    assert_eq!(missing(&body), [""; 0], "{body}");
    let said = daemon.until("Slack is told", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.starts_with("❌ shop: 5 failed"))
    });
    assert_eq!(missing(&said), [""; 0], "{said}");
    // It stays so: who asks later reads the same.
    for (name, ..) in WRONG {
        daemon.episode("failing", |one| {
            let address = one.address.as_ref().map(ToString::to_string);
            one.ended_at.is_none() && address == Some(format!("shop/{name}"))
        });
    }
    let status = scene.world.command(&["status"]);
    assert_eq!(status.code, Some(2));
    assert_eq!(missing(&status.stdout), [""; 0], "{}", status.stdout);
    scene.assert_accepted();
}

#[test]
fn what_did_not_work_before_a_merge_is_no_failure_of_it() {
    let cluster = cluster();
    let namespace = cluster.namespace("unrelated-merge");
    let images = [("unpulled", "shop/api:missing")];
    let before = shop(&namespace, &images).replace("30s", "5s");
    let scene = Scene::new(&[("shop.yaml", &before)]);
    let kubeconfig = cluster.kubeconfig();
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": kubeconfig });
    });
    let mut daemon = scene.started();
    let said = daemon.until("it does not work, and people know", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.starts_with("❌ shop: ") && one.contains("1 failed"))
    });
    // What to do next stands on a line of its own; in JSON a break is two characters.
    assert!(!said.contains(r"\\n"), "{said}");
    assert!(said.contains(r"\n      Check that the image"), "{said}");

    let after = before.replace("\"text\":\"x\"", "\"text\":\"y\"");
    assert_ne!(after, before);
    let number = scene.open("page", None, &[("shop.yaml", &after)]);
    let merge = scene.merge(number, "page");
    daemon.run_of("shop", &merge);
    let (_, body) = scene.comment_with(&mut daemon, number, "reconciled:result:");
    assert!(body.contains("### 🟢 Applied in shop: 1 done"), "{body}");
    assert!(body.contains("did not work before it either"), "{body}");
    let next = "Check that the image shop/api&#58;missing exists";
    assert!(body.contains(next) && !body.contains(r"\n"), "{body}");
    let status = scene.status(&mut daemon, &merge, "reconciled/shop");
    assert_eq!(status["state"], "success", "{status}");
    daemon.until("Slack says no more than that", |_| {
        let mut said = scene.said("infra").into_iter();
        said.find(|one| one.starts_with("✅ shop: 1 changed"))
    });
    scene.assert_accepted();
}

/// Plays a kubelet that has a container of the one pod wait.
fn waits(cluster: &Cluster, namespace: &str, reason: &str, restarts: u8) -> Option<()> {
    let state = json!({ "waiting": { "reason": reason } });
    stands(cluster, namespace, &state, restarts)
}

/// Plays a kubelet that has it run, and not be ready, until it crashes again.
fn runs(cluster: &Cluster, namespace: &str, restarts: u8) -> Option<()> {
    stands(cluster, namespace, &json!({ "running": {} }), restarts)
}

fn stands(cluster: &Cluster, namespace: &str, state: &Value, restarts: u8) -> Option<()> {
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    let list = cluster.get(&format!("{pods}?labelSelector=app%3Dlate"))?;
    let pod = &list["items"][0];
    pod["spec"]["nodeName"].as_str()?;
    let ended = json!({ "terminated": { "reason": "Error", "exitCode": 1 } });
    let container = json!({ "name": "talker", "image": "shop/api:1", "imageID": "", "ready": false,
        "restartCount": restarts, "state": state,
        "lastState": if restarts > 0 { ended } else { json!({}) } });
    let is_running = state.get("running").is_some();
    let unready = json!([{ "type": "Ready", "status": "False", "reason": "ContainersNotReady",
        "message": "containers with unready status: [talker]" }]);
    let status = json!({ "phase": if is_running { "Running" } else { "Pending" },
        "conditions": if is_running { unready } else { json!([]) }, "containerStatuses": [container] });
    let path = format!("{pods}/{}/status", pod["metadata"]["name"].as_str()?);
    let is_taken = cluster.merge_patch(&path, &json!({ "status": status }));
    is_taken.then_some(())
}

#[test]
fn what_fails_for_another_reason_now_says_the_newest_wherever_it_was_told() {
    let cluster = cluster();
    let namespace = cluster.namespace("newest");
    let scene = Scene::new(&[("shop.yaml", &shop(&namespace, &[]))]);
    let kubeconfig = cluster.kubeconfig();
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": kubeconfig });
    });
    let mut daemon = scene.world.start();
    let late = shop(&namespace, &[("late", "shop/api:1")]).replace("30s", "5s");
    let number = scene.open("late", None, &[("shop.yaml", &late)]);
    let merge = scene.merge(number, "late");
    daemon.run_of("shop", &merge);
    let stands = |daemon: &mut Daemon<'_>, text: &str| {
        let failing = daemon.episode("failing", |one| one.details.to_string().contains(text));
        assert!(failing.ended_at.is_none(), "{failing:?}");
        let status = scene.world.command(&["status"]).stdout;
        assert!(status.contains(text), "{status}");
    };
    let says = |daemon: &mut Daemon<'_>, text: &str| {
        stands(daemon, text);
        scene.comment_with(daemon, number, text);
    };
    says(&mut daemon, "no node takes it");

    let label = json!({ "metadata": { "labels": { namespace.as_str(): "late" } } });
    assert!(cluster.merge_patch("/api/v1/nodes/played", &label));
    daemon.until("its pod has a node", |_| {
        waits(cluster, &namespace, "ImagePullBackOff", 0)
    });
    says(&mut daemon, "ImagePullBackOff");
    let titled = |all: Vec<Value>, what: &str| {
        let is_it = |one: &Value| one["text"].as_str().unwrap().contains(what);
        all.into_iter().filter(is_it).collect::<Vec<_>>()
    };
    let roots = |scene: &Scene| titled(scene.slack.messages("infra"), "1 failed");
    let root = daemon.until("Slack has a message on the run", |_| roots(&scene).pop());
    let said = root["blocks"].to_string();
    assert!(said.contains("no node takes it"), "{said}");
    let ts = root["ts"].as_str().unwrap();
    let replies = |scene: &Scene| titled(scene.slack.replies("infra", ts), "shop/late: does not");
    daemon.until("its thread says what is in the way now", |_| {
        let said = replies(&scene).pop()?["blocks"].to_string();
        said.contains("ImagePullBackOff").then_some(())
    });

    // It crashes, and by that alone it may still come up.
    waits(cluster, &namespace, "CrashLoopBackOff", 1).unwrap();
    says(&mut daemon, "CrashLoopBackOff");
    daemon.until("Slack says it in the same thread", |_| {
        let said = replies(&scene).pop()?["blocks"].to_string();
        said.contains("CrashLoopBackOff").then_some(())
    });
    waits(cluster, &namespace, "CrashLoopBackOff", 7).unwrap();
    // The same cause in other words is no news where people are told.
    stands(&mut daemon, "7 restarts");
    daemon.looked_again("shop");
    let alone = titled(scene.slack.messages("infra"), "shop/late");
    assert_eq!(alone, [] as [Value; 0]);
    assert_eq!(roots(&scene).len(), 1, "{:#?}", roots(&scene));
    assert_eq!(replies(&scene).len(), 2, "{:#?}", replies(&scene));
    scene.assert_accepted();
}

#[test]
fn a_crash_loop_is_told_once_though_it_runs_between_two_crashes() {
    let cluster = cluster();
    let namespace = cluster.namespace("crash-loop");
    let scene = Scene::new(&[("shop.yaml", &shop(&namespace, &[]))]);
    let kubeconfig = cluster.kubeconfig();
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"] = json!({ "kubeconfig": kubeconfig });
    });
    let mut daemon = scene.world.start();
    let label = json!({ "metadata": { "labels": { namespace.as_str(): "late" } } });
    assert!(cluster.merge_patch("/api/v1/nodes/played", &label));
    let late = shop(&namespace, &[("late", "shop/api:1")]).replace("30s", "5s");
    let number = scene.open("late", None, &[("shop.yaml", &late)]);
    let merge = scene.merge(number, "late");
    daemon.until("it crashes", |_| {
        waits(cluster, &namespace, "CrashLoopBackOff", 1)
    });
    daemon.run_of("shop", &merge);
    let found = |daemon: &mut Daemon<'_>, text: &str| {
        daemon.episode("failing", |one| one.details.to_string().contains(text));
    };
    let crash = "CrashLoopBackOff: Error";
    found(&mut daemon, "CrashLoopBackOff");
    scene.comment_with(&mut daemon, number, "CrashLoopBackOff");
    runs(cluster, &namespace, 1).unwrap();
    found(&mut daemon, "ContainersNotReady");
    scene.comment_with(&mut daemon, number, "ContainersNotReady");
    let writes = || {
        let slack = scene.slack.server.requests().into_iter();
        let slack = slack.filter(|one| one.path.contains("chat."));
        let github = scene.github.server.requests().into_iter();
        let github = github.filter(|one| one.method == "PATCH");
        slack.chain(github).map(|one| one.body).collect::<Vec<_>>()
    };
    daemon.looked_again("shop");
    let settled = daemon.until("both are told", |_| {
        let all = writes();
        let says = |what: &str| all.iter().any(|body| body.contains(what));
        (says("CrashLoopBackOff") && says("ContainersNotReady")).then(|| all.clone())
    });
    for _ in 0..3 {
        waits(cluster, &namespace, "CrashLoopBackOff", 1).unwrap();
        found(&mut daemon, crash);
        runs(cluster, &namespace, 1).unwrap();
        found(&mut daemon, "ContainersNotReady");
    }
    daemon.looked_again("shop");
    let (_, log) = daemon.terminate();
    assert_eq!(writes()[settled.len()..], [] as [String; 0], "{log}");
    scene.assert_accepted();
}
