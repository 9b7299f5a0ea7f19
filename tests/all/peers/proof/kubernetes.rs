//! The cluster has a real API server, controllers and scheduler, and the played node tells good pods from bad ones.

use std::time::Duration;

use serde_json::{Value, json};

use crate::peers::kubernetes::cluster;
use crate::peers::wait::until;

const SOON: Duration = Duration::from_secs(30);

fn deployment(name: &str, image: &str) -> String {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "main", "image": image}]},
        }},
    })
    .to_string()
}

#[test]
fn the_api_server_is_the_version_go_mod_names() {
    let version = cluster().version();
    let modules = include_str!("../../../peers/go.mod");
    assert!(
        modules.contains(&format!("k8s.io/kubernetes {version}"))
            || std::env::var_os("KUBEBUILDER_ASSETS").is_some(),
        "the server says {version}"
    );
}

#[test]
fn the_autoscaler_takes_the_replicas_of_a_deployment() {
    let namespace = cluster().namespace("autoscaler");
    cluster().kubectl_apply(&namespace, &deployment("web", "web:1"));
    cluster().kubectl([
        "-n",
        &namespace,
        "autoscale",
        "deployment",
        "web",
        "--min=2",
        "--max=3",
    ]);
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/web");
    let web = until("the deployment has two ready pods", SOON, || {
        cluster()
            .get(&path)
            .filter(|web| web["status"]["readyReplicas"] == 2)
    });
    let managers: Vec<&Value> = web["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .collect();
    let scaler = managers
        .iter()
        .find(|entry| entry["subresource"] == "scale")
        .unwrap();
    assert_eq!(scaler["manager"], "kube-controller-manager");
}

#[test]
fn a_deployment_whose_image_is_missing_never_gets_ready() {
    let namespace = cluster().namespace("missing");
    cluster().kubectl_apply(&namespace, &deployment("web", "web:missing"));
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let pod = until("the pod says why it waits", SOON, || {
        let pods = cluster().get(&path)?;
        let pod = pods["items"].get(0)?.clone();
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"]
            .is_string()
            .then_some(pod)
    });
    assert_eq!(
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"],
        "ImagePullBackOff"
    );
    assert_eq!(pod["status"]["phase"], "Pending");
}

#[test]
fn a_pod_deleted_by_hand_goes_and_comes_back_under_another_name() {
    let namespace = cluster().namespace("deleted");
    cluster().kubectl_apply(&namespace, &deployment("web", "web:1"));
    let path = format!("/api/v1/namespaces/{namespace}/pods");
    let running = || {
        let pods = cluster().get(&path)?;
        let [pod] = pods["items"].as_array()?.as_slice() else {
            return None;
        };
        (pod["status"]["phase"] == "Running")
            .then(|| pod["metadata"]["name"].as_str().unwrap().to_owned())
    };
    let first = until("the pod runs", SOON, running);
    cluster().kubectl(["-n", &namespace, "delete", "pod", &first, "--wait=false"]);
    until("another pod runs alone", SOON, || {
        running().filter(|name| *name != first)
    });
}

#[test]
fn a_limited_account_is_refused_what_its_rules_leave_out() {
    let namespace = cluster().namespace("limited");
    let rule = json!({"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]});
    let config = cluster().kubeconfig_limited_to(&namespace, &[rule]);
    let as_limited = |arguments: &[&str]| {
        let config = config.to_str().unwrap();
        let arguments = [&["--kubeconfig", config, "-n", &namespace], arguments].concat();
        cluster().try_kubectl(&arguments, &[])
    };
    assert!(as_limited(&["get", "configmaps"]).status.success());
    let refused = as_limited(&["get", "secrets"]);
    let talk = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        talk.contains("(Forbidden)") && talk.contains(&format!("{namespace}:limited")),
        "{talk}"
    );
    // The audit log is written before the answer is sent, so both requests are in it by now.
    let user = format!("system:serviceaccount:{namespace}:limited");
    let seen = cluster().requests();
    let refused = seen
        .iter()
        .find(|request| request.user == user && request.status == 403)
        .unwrap();
    assert!(
        refused.uri.contains("/secrets") && refused.verb == "list",
        "{refused:?}"
    );
    assert!(refused.agent.starts_with("kubectl/"), "{refused:?}");
}

#[test]
fn a_pod_the_test_claims_keeps_the_status_the_test_gives() {
    let namespace = cluster().namespace("claimed");
    let pods = format!("/api/v1/namespaces/{namespace}/pods");
    let pod = json!({
        "metadata": {"name": "claimed", "annotations": {"peers/status": "mine"}},
        "spec": {"containers": [{"name": "main", "image": "web:1"}]},
    });
    cluster().post(&pods, &pod);
    let path = format!("{pods}/claimed");
    until("the scheduler has placed the pod", SOON, || {
        cluster()
            .get(&path)
            .filter(|pod| pod["spec"]["nodeName"].is_string())
    });
    let status = json!({"status": {"phase": "Failed", "reason": "Evicted"}});
    assert!(cluster().merge_patch(&format!("{path}/status"), &status));
    assert_eq!(cluster().get(&path).unwrap()["status"]["reason"], "Evicted");
    assert!(!cluster().merge_patch(&path, &json!({"spec": {"nodeName": "other"}})));
}
