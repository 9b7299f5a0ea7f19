//! Both sides of the built-in kinds' rules, in the shapes that their controllers write.

use super::words;
use serde_json::{Value as Json, json};

/// The first line of what is said of an object of the second generation.
fn said(api_version: &str, kind: &str, spec: &Json, status: &Json) -> String {
    let object = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "generation": 2 },
        "spec": spec, "status": status });
    let words = words(super::of(&object));
    words.lines().next().unwrap().to_owned()
}

#[test]
fn a_daemon_set_is_ready_when_every_node_has_its_newest_pod() {
    let set = |seen: u32, updated: u32, available: u32| {
        let status = json!({ "observedGeneration": seen, "currentNumberScheduled": 3, "desiredNumberScheduled": 3,
            "numberMisscheduled": 0, "numberReady": available, "numberAvailable": available,
            "numberUnavailable": 3 - available, "updatedNumberScheduled": updated });
        said("apps/v1", "DaemonSet", &json!({}), &status)
    };
    insta::assert_snapshot!([set(1, 3, 3), set(2, 1, 3), set(2, 3, 2), set(2, 3, 3)].join("\n"), @r"
    progressing: its controller has not seen the change yet
    progressing: 1 of 3 pods are updated
    progressing: 2 of 3 pods are available
    ready
    ");
    // A cluster of which no node is meant.
    let none = json!({ "observedGeneration": 2, "currentNumberScheduled": 0, "desiredNumberScheduled": 0,
        "numberMisscheduled": 0, "numberReady": 0 });
    assert_eq!(said("apps/v1", "DaemonSet", &json!({}), &none), "ready");
    // People update these, by deleting the pods.
    let by_hand = json!({ "updateStrategy": { "type": "OnDelete" } });
    let old = json!({ "observedGeneration": 2, "desiredNumberScheduled": 3, "numberAvailable": 3 });
    assert_eq!(said("apps/v1", "DaemonSet", &by_hand, &old), "ready");
}

#[test]
fn a_set_of_replicas_is_ready_when_all_of_them_are_available() {
    let of = |api_version: &str, kind: &str, seen: u32, available: u32| {
        let status = json!({ "observedGeneration": seen, "replicas": 2, "fullyLabeledReplicas": 2,
            "readyReplicas": available, "availableReplicas": available });
        said(api_version, kind, &json!({ "replicas": 2 }), &status)
    };
    for (api_version, kind) in [("apps/v1", "ReplicaSet"), ("v1", "ReplicationController")] {
        let both = [(1, 2), (2, 1), (2, 2)].map(|(seen, ready)| of(api_version, kind, seen, ready));
        let expected = [
            "progressing: its controller has not seen the change yet",
            "progressing: 1 of 2 pods are available",
            "ready",
        ];
        assert_eq!(both, expected, "{kind}");
        // Of none nothing is counted.
        let none = json!({ "observedGeneration": 2, "replicas": 0 });
        assert_eq!(
            said(api_version, kind, &json!({ "replicas": 0 }), &none),
            "ready"
        );
        let quota = json!({ "observedGeneration": 2, "replicas": 0, "conditions": [{ "type": "ReplicaFailure",
            "status": "True", "reason": "FailedCreate", "message": "exceeded quota" }] });
        assert_eq!(
            said(api_version, kind, &json!({ "replicas": 2 }), &quota),
            "failing: no pod can be made: FailedCreate: exceeded quota"
        );
    }
}

#[test]
fn a_load_balancer_is_ready_once_it_has_an_address() {
    let service = |ingress: Json| {
        let status = json!({ "loadBalancer": ingress });
        said("v1", "Service", &json!({ "type": "LoadBalancer" }), &status)
    };
    let none = "progressing: the load balancer has no address yet";
    assert_eq!(service(json!({})), none);
    assert_eq!(service(json!({ "ingress": [] })), none);
    let by_ip = json!([{ "ip": "192.0.2.1", "ipMode": "VIP" }]);
    assert_eq!(service(json!({ "ingress": by_ip })), "ready");
    let by_name = json!([{ "hostname": "lb.example.com" }]);
    assert_eq!(service(json!({ "ingress": by_name })), "ready");
}

#[test]
fn a_claim_is_ready_when_it_is_bound_and_a_volume_when_it_can_be() {
    let claim = |phase: &str| {
        let status = json!({ "phase": phase, "accessModes": ["ReadWriteOnce"], "capacity": { "storage": "1Gi" } });
        said("v1", "PersistentVolumeClaim", &json!({}), &status)
    };
    assert_eq!(claim("Bound"), "ready");
    assert_eq!(claim("Pending"), "progressing: it has no volume yet");
    assert_eq!(claim("Lost"), "failed: its volume is gone");
    let volume = |phase: &str| {
        let status = json!({ "phase": phase, "message": "no plugin", "lastPhaseTransitionTime": "2026-01-01T00:00:00Z" });
        said("v1", "PersistentVolume", &json!({}), &status)
    };
    for phase in ["Available", "Bound", "Released"] {
        assert_eq!(volume(phase), "ready", "{phase}");
    }
    assert_eq!(volume("Pending"), "progressing: it is not available yet");
    assert_eq!(
        volume("Failed"),
        "failed: it could not be reclaimed: no plugin"
    );
}

#[test]
fn a_range_of_addresses_is_ready_when_its_controller_says_so() {
    let range = |status: &str, reason: &str, message: &str| {
        let conditions = json!([{ "type": "Ready", "status": status, "reason": reason, "message": message,
            "lastTransitionTime": "2026-01-01T00:00:00Z" }]);
        let status = json!({ "conditions": conditions });
        said(
            "networking.k8s.io/v1",
            "ServiceCIDR",
            &json!({ "cidrs": ["192.0.2.0/24"] }),
            &status,
        )
    };
    assert_eq!(
        range("True", "", "Kubernetes Service CIDR is ready"),
        "ready"
    );
    let going = "There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR";
    assert_eq!(
        range("False", "Terminating", going),
        format!("progressing: it is not ready: Terminating: {going}")
    );
}
