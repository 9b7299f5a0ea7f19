//! Health rules on the answers of real controllers, cut to what the rules read.

mod built_in;

use super::*;
use serde_json::json;

fn words(health: Health) -> String {
    match health {
        Health::Ready => "ready".to_owned(),
        Health::Paused(why) => format!("paused: {why}"),
        Health::Progressing(why) => format!("progressing: {why}"),
        Health::Failing(why) => format!("failing: {why}"),
        Health::Failed(why) => format!("failed: {why}"),
    }
}

fn deployment(status: Json) -> String {
    words(of(&json!({ "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "generation": 2 }, "spec": { "replicas": 3 }, "status": status })))
}

#[test]
fn a_deployment_is_ready_when_every_updated_pod_is_available() {
    let status = |seen: u32, updated: u32, all: u32, available: u32| {
        deployment(
            json!({ "observedGeneration": seen, "updatedReplicas": updated, "replicas": all, "availableReplicas": available }),
        )
    };
    assert_eq!(
        status(1, 3, 3, 3),
        "progressing: its controller has not seen the change yet"
    );
    assert_eq!(status(2, 1, 3, 3), "progressing: 1 of 3 pods are updated");
    assert_eq!(status(2, 3, 4, 3), "progressing: 1 old pods are going");
    assert_eq!(status(2, 3, 3, 2), "progressing: 2 of 3 pods are available");
    assert_eq!(status(2, 3, 3, 3), "ready");
}

#[test]
fn a_rollout_that_is_paused_is_not_waited_for() {
    let paused = |updated: u32, all: u32, available: u32| {
        words(of(&json!({ "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": { "generation": 2 }, "spec": { "replicas": 3, "paused": true },
            "status": { "observedGeneration": 2, "updatedReplicas": updated, "replicas": all, "availableReplicas": available } })))
    };
    let none = "paused: its rollout is paused: 0 of 3 pods are updated\nTake spec.paused away to let it go on.";
    assert_eq!(paused(0, 3, 3), none);
    assert_eq!(paused(0, 0, 0), none);
    assert!(paused(3, 4, 4).starts_with("paused: its rollout is paused: 1 old pods are going"));
    assert_eq!(paused(3, 3, 3), "ready");
    assert_eq!(paused(3, 3, 1), "progressing: 1 of 3 pods are available");
}

#[test]
fn a_rollout_past_its_deadline_has_failed() {
    let status = json!({ "observedGeneration": 2, "conditions": [
        { "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out" }] });
    assert!(deployment(status).starts_with("failed: the rollout made no progress"));
}

fn pod(status: Json) -> String {
    words(of(
        &json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "api-1", "namespace": "shop" },
        "spec": { "containers": [{ "name": "api", "resources": { "limits": { "memory": "64Mi" } } }] }, "status": status }),
    ))
}

fn waiting(reason: &str, restarts: u32, last: &str) -> String {
    pod(
        json!({ "phase": "Pending", "containerStatuses": [{ "name": "api", "image": "shop/api:typo", "restartCount": restarts,
        "state": { "waiting": { "reason": reason, "message": "Back-off" } },
        "lastState": { "terminated": { "reason": last, "exitCode": 137 } } }] }),
    )
}

#[test]
fn a_failing_pod_says_why_and_what_to_do() {
    insta::assert_snapshot!([
        waiting("ImagePullBackOff", 0, "Completed"),
        waiting("CrashLoopBackOff", 1, "Error"),
        waiting("CrashLoopBackOff", 5, "OOMKilled"),
        pod(json!({ "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "False",
            "reason": "Unschedulable", "message": "0/3 nodes are available: 3 Insufficient cpu." }] })),
    ].join("\n---\n"), @r"
    failing: container api: ImagePullBackOff: Back-off
    Check that the image shop/api:typo exists and that the node may pull it (imagePullSecrets).
    ---
    progressing: container api: CrashLoopBackOff: Error (exit code 137), 1 restarts
    Read its last words: kubectl logs -n shop api-1 -c api --previous
    ---
    failing: container api: CrashLoopBackOff: OOMKilled (exit code 137), 5 restarts
    Raise the memory limit of the container (it is 64Mi), or find what uses it.
    ---
    progressing: Pending: no node takes it: 0/3 nodes are available: 3 Insufficient cpu.
    Make room, lower its requests, or correct its selectors and tolerations.
    ");
}

#[test]
fn a_container_that_ended_says_so_wherever_its_pod_stands_now() {
    let ended = |reason: &str| json!({ "terminated": { "reason": reason, "exitCode": 137 } });
    let runs = |state: Json, last: Json| {
        pod(json!({ "phase": "Running", "containerStatuses": [
            { "name": "api", "ready": false, "restartCount": 2, "state": state, "lastState": last }], "conditions": [
            { "type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "unready: [api]" }] }))
    };
    let job = pod(json!({ "phase": "Failed", "containerStatuses": [
        { "name": "proxy", "state": ended("Error") }, { "name": "api", "state": ended("OOMKilled") }] }));
    insta::assert_snapshot!([
        runs(json!({ "running": {} }), ended("OOMKilled")),
        runs(ended("OOMKilled"), json!({})),
        runs(json!({ "running": {} }), ended("Error")),
        runs(json!({ "running": {} }), json!({})),
        job,
    ].join("\n---\n"), @r"
    progressing: not ready: ContainersNotReady: unready: [api]; container api ended: OOMKilled (exit code 137), 2 restarts
    Raise the memory limit of the container (it is 64Mi), or find what uses it.
    ---
    progressing: not ready: ContainersNotReady: unready: [api]; container api ended: OOMKilled (exit code 137), 2 restarts
    Raise the memory limit of the container (it is 64Mi), or find what uses it.
    ---
    progressing: not ready: ContainersNotReady: unready: [api]; container api ended: Error (exit code 137), 2 restarts
    Check the readiness probe and what the application waits for.
    ---
    progressing: not ready: ContainersNotReady: unready: [api]
    Check the readiness probe and what the application waits for.
    ---
    failed: it failed; container api: OOMKilled (exit code 137)
    Raise the memory limit of the container (it is 64Mi), or find what uses it.
    ");
}

#[test]
fn the_pods_of_the_revision_before_say_nothing_about_this_one() {
    let numbered = |revision: &str| json!({ "deployment.kubernetes.io/revision": revision });
    let deployment = |seen: i64| {
        json!({ "kind": "Deployment", "status": { "observedGeneration": seen },
            "metadata": { "uid": "d", "generation": 2, "annotations": numbered("2") } })
    };
    let set = |owner: &str, revision: &str, hash: &str| {
        json!({ "metadata": { "ownerReferences": [{ "uid": owner }], "annotations": numbered(revision),
            "labels": { "pod-template-hash": hash } } })
    };
    let sets = [
        set("d", "1", "old"),
        set("d", "2", "new"),
        set("x", "2", "other"),
    ];
    let pods = ["old", "new", "other"]
        .map(|hash| json!({ "metadata": { "labels": { "pod-template-hash": hash } } }));
    let kept = |seen, sets: &[Json]| newest::of(&deployment(seen), sets, pods.to_vec());
    assert_eq!(kept(2, &sets), pods[1..2]);
    assert!(kept(1, &sets).is_empty() && kept(2, &sets[..1]).is_empty());
}

#[test]
fn the_worst_pod_is_named_and_pods_that_go_are_not_counted() {
    let pod = |name: &str, going: bool, reason: &str| {
        json!({ "metadata": { "name": name, "deletionTimestamp": going.then_some("2026-01-01T00:00:00Z") },
            "status": { "containerStatuses": [{ "name": "api", "state": { "waiting": { "reason": reason } } }] } })
    };
    let pods = [
        pod("a", false, "ErrImagePull"),
        pod("b", true, "ImagePullBackOff"),
        pod("c", false, "ImagePullBackOff"),
    ];
    let worst = |pods: &[Json]| {
        let (pod, health, _) = pods::worst(pods).unwrap();
        format!(
            "{}: {}",
            pod["metadata"]["name"].as_str().unwrap(),
            words(health)
        )
    };
    assert!(worst(&pods).starts_with("c: failing: container api: ImagePullBackOff"));
    assert!(worst(&pods[..2]).starts_with("a: progressing"));
    // Evicted weeks ago, and nobody cleared it away; of a job it says why that does not get on.
    let mut evicted = pod("e", false, "");
    evicted["status"] = json!({ "phase": "Failed", "reason": "Evicted" });
    let both = |evicted: Json| worst(&[evicted, pods[0].clone()]);
    assert!(both(evicted.clone()).starts_with("a: progressing"));
    assert!(worst(&[evicted.clone()]).starts_with("e: failed"));
    evicted["metadata"]["ownerReferences"] = json!([{ "kind": "Job" }]);
    assert!(both(evicted).starts_with("e: failed"));
    assert!(pods::worst(&[]).is_none());
}

#[test]
fn jobs_claims_services_and_definitions_have_their_own_rules() {
    let of = |api_version: &str, kind: &str, rest: Json| {
        let mut object = json!({ "apiVersion": api_version, "kind": kind, "metadata": {} });
        object
            .as_object_mut()
            .unwrap()
            .extend(rest.as_object().unwrap().clone());
        words(of(&object))
    };
    let conditions = |kind: &str, status: &str| json!({ "status": { "conditions": [{ "type": kind, "status": status, "reason": "R", "message": "m" }] } });
    assert_eq!(
        of("batch/v1", "Job", conditions("Complete", "True")),
        "ready"
    );
    assert!(
        of("batch/v1", "Job", conditions("Failed", "True"))
            .starts_with("failed: the job failed: R: m")
    );
    assert_eq!(
        of("batch/v1", "Job", json!({})),
        "progressing: 0 of 1 pods have finished"
    );
    assert_eq!(
        of(
            "v1",
            "Service",
            json!({ "spec": { "type": "LoadBalancer" } })
        ),
        "progressing: the load balancer has no address yet\nCheck that something in the cluster provides load balancers."
    );
    assert_eq!(
        of("v1", "Service", json!({ "spec": { "type": "ClusterIP" } })),
        "ready"
    );
    assert!(
        of(
            "v1",
            "PersistentVolumeClaim",
            json!({ "status": { "phase": "Lost" } })
        )
        .starts_with("failed")
    );
    assert_eq!(
        of(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            conditions("Established", "True")
        ),
        "ready"
    );
    assert_eq!(
        of(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            json!({})
        ),
        "progressing: the server does not serve it yet"
    );
    assert_eq!(
        of("example.com/v1", "Thing", conditions("Ready", "False")),
        "progressing: it is not ready: R: m"
    );
    assert_eq!(
        of("example.com/v1", "Thing", conditions("Stalled", "True")),
        "failed: it is stalled: R: m"
    );
    assert_eq!(of("example.com/v1", "Thing", json!({})), "ready");
    assert_eq!(of("v1", "ConfigMap", json!({})), "ready");
}

fn with_conditions(api_version: &str, kind: &str, conditions: &[(&str, &str, &str)]) -> String {
    let conditions: Vec<Json> = conditions
        .iter()
        .map(|(kind, status, reason)| json!({ "type": kind, "status": status, "reason": reason, "message": "m" }))
        .collect();
    let health = of(
        &json!({ "apiVersion": api_version, "kind": kind, "metadata": { "generation": 1 },
        "status": { "observedGeneration": 1, "conditions": conditions } }),
    );
    words(health).lines().next().unwrap().to_owned()
}

#[test]
fn what_steers_or_stands_behind_the_api_says_why_it_does_not() {
    let autoscaler =
        |conditions: &[_]| with_conditions("autoscaling/v2", "HorizontalPodAutoscaler", conditions);
    insta::assert_snapshot!([
        autoscaler(&[("AbleToScale", "False", "FailedGetScale")]),
        autoscaler(&[("ScalingActive", "False", "FailedGetResourceMetric")]),
        autoscaler(&[("ScalingActive", "False", "ScalingDisabled")]),
        with_conditions("policy/v1", "PodDisruptionBudget", &[("DisruptionAllowed", "False", "SyncFailed")]),
        with_conditions("policy/v1", "PodDisruptionBudget", &[("DisruptionAllowed", "False", "InsufficientPods")]),
        with_conditions("apiregistration.k8s.io/v1", "APIService", &[("Available", "False", "ServiceNotFound")]),
        with_conditions("apiregistration.k8s.io/v1", "APIService", &[("Available", "True", "Passed")]),
        with_conditions("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", &[]),
        with_conditions("batch/v1", "CronJob", &[]),
        with_conditions("networking.k8s.io/v1", "Ingress", &[]),
    ].join("\n"), @r"
    progressing: it cannot scale its target: FailedGetScale: m
    ready
    ready
    progressing: its pods cannot be counted: SyncFailed: m
    ready
    progressing: the server behind it does not answer: ServiceNotFound: m
    ready
    ready
    ready
    ready
    ");
}

#[test]
fn custom_kinds_are_read_by_the_conventions_they_follow() {
    let custom = |conditions: &[_]| with_conditions("example.com/v1", "Thing", conditions);
    insta::assert_snapshot!([
        custom(&[("Synced", "False", "ReconcileError"), ("Ready", "True", "")]),
        custom(&[("Programmed", "False", "Pending")]),
        custom(&[("Reconciling", "True", "Progressing"), ("Ready", "True", "")]),
        custom(&[("Available", "Unknown", "Checking")]),
        custom(&[("Healthy", "False", "Whatever")]),
    ].join("\n"), @r"
    progressing: it was not taken in: ReconcileError: m
    progressing: it is not programmed: Pending: m
    progressing: it is being reconciled: Progressing: m
    progressing: it is not available: Checking: m
    ready
    ");
    let behind = json!({ "apiVersion": "example.com/v1", "kind": "Thing", "metadata": { "generation": 3 },
        "status": { "conditions": [{ "type": "Ready", "status": "True", "observedGeneration": 2 }] } });
    assert_eq!(words(of(&behind)), format!("progressing: {UNSEEN}"));
}

#[test]
fn a_route_waits_for_every_gateway_it_names() {
    let route = |parents: Json| {
        words(of(
            &json!({ "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": { "generation": 2 },
            "spec": { "parentRefs": [{ "name": "web" }] }, "status": { "parents": parents } }),
        ))
    };
    let verdict = |seen: u32, status: &str| {
        json!([{ "parentRef": { "name": "web" }, "conditions": [
            { "type": "Accepted", "status": status, "reason": "NoMatchingListener", "message": "m", "observedGeneration": seen }] }])
    };
    assert_eq!(
        route(json!([])),
        "progressing: not every gateway it names has answered yet"
    );
    assert_eq!(route(verdict(1, "True")), format!("progressing: {UNSEEN}"));
    assert_eq!(
        route(verdict(2, "False")),
        "progressing: gateway web does not take it: NoMatchingListener: m"
    );
    assert_eq!(route(verdict(2, "True")), "ready");
}

#[test]
fn a_stateful_set_that_is_rolled_out_in_part_is_ready() {
    let set = |partition: u32, updated: u32| {
        words(of(
            &json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {}, "spec": { "replicas": 3,
            "updateStrategy": { "rollingUpdate": { "partition": partition } } },
            "status": { "readyReplicas": 3, "replicas": 3, "availableReplicas": 3, "updatedReplicas": updated,
                "currentRevision": "a", "updateRevision": "b" } }),
        ))
    };
    assert_eq!(set(2, 0), "progressing: 0 of 1 pods are updated");
    assert_eq!(set(2, 1), "ready");
    assert_eq!(set(0, 2), "progressing: 2 of 3 pods are updated");
}

#[test]
fn what_people_update_or_paused_is_not_taken_for_what_works_or_gets_on() {
    let set = |ready: u32| {
        words(of(
            &json!({ "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {},
            "spec": { "replicas": 3, "updateStrategy": { "type": "OnDelete" } },
            "status": { "readyReplicas": ready, "replicas": 3, "availableReplicas": ready, "updatedReplicas": 0,
                "currentRevision": "a", "updateRevision": "b" } }),
        ))
    };
    assert_eq!(set(1), "progressing: 1 of 3 pods are ready");
    assert_eq!(set(3), "ready");
    let paused = words(of(
        &json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {},
        "spec": { "replicas": 3, "paused": true },
            "status": { "updatedReplicas": 0, "replicas": 3, "availableReplicas": 1 } }),
    ));
    assert!(
        paused.starts_with("progressing: 0 of 3 pods are updated, and its rollout is paused"),
        "{paused}"
    );
}

#[test]
fn what_is_being_deleted_names_what_it_waits_for() {
    let object = json!({ "apiVersion": "v1", "kind": "Namespace", "metadata": {
        "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/keep"] } });
    assert_eq!(
        words(of(&object)),
        "progressing: it is being deleted, and waits for the finalizers example.com/keep"
    );
}
