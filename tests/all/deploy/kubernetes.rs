//! The manifests on a real API server: taken without a warning, and the account may do what the daemon
//! needs and no more.

use super::deploy;
use crate::peers::kubernetes::{Cluster, cluster};
use crate::peers::wait::until;
use reconciled::config::Settings;
use std::collections::BTreeMap;
use std::sync::Once;
use std::time::Duration;

const ACCOUNT: &str = "--as=system:serviceaccount:reconciled:reconciled";
const PATIENCE: Duration = Duration::from_secs(180);

fn may(cluster: &Cluster, verb: &str, what: &str) -> bool {
    let (resource, below) = what.split_once('/').unwrap_or((what, ""));
    let below = format!("--subresource={below}");
    let asked = [
        "auth",
        "can-i",
        verb,
        resource,
        &below,
        "--all-namespaces",
        ACCOUNT,
    ];
    let output = cluster.try_kubectl(&asked, &[]);
    match String::from_utf8_lossy(&output.stdout).trim() {
        "yes" => true,
        "no" => false,
        other => panic!(
            "{asked:?}: {other} {}",
            String::from_utf8_lossy(&output.stderr)
        ),
    }
}

/// Applies the manifests, once for all tests.
pub(super) fn installed() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        let cluster = cluster();
        let folder = deploy("kubernetes");
        let apply = ["apply", "--filename", folder.to_str().unwrap()];
        let output = cluster.try_kubectl(&apply, &[]);
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{told}");
        // A pod that the namespace's own policy would refuse is only a warning here.
        assert!(!told.contains("Warning"), "{told}");
        until("the rights are gathered", PATIENCE, || {
            may(cluster, "patch", "deployments.apps").then_some(())
        });
    });
}

#[test]
fn the_manifests_are_taken_and_the_account_may_little() {
    installed();
    let cluster = cluster();
    until("a pod is let in", PATIENCE, || {
        let pods = cluster.kubectl(["get", "pods", "--namespace=reconciled", "--output=name"]);
        (!pods.trim().is_empty()).then_some(())
    });
    let needed = [
        ("create", "namespaces"),
        ("patch", "secrets"),
        ("delete", "ingresses.networking.k8s.io"),
        ("list", "pods"),
        ("watch", "configmaps"),
    ];
    for (verb, what) in needed {
        assert!(may(cluster, verb, what), "{verb} {what}");
    }
    let refused = [
        ("create", "pods"),
        ("create", "pods/exec"),
        ("get", "nodes"),
        ("patch", "clusterroles.rbac.authorization.k8s.io"),
        ("create", "rolebindings.rbac.authorization.k8s.io"),
        ("create", "serviceaccounts/token"),
        ("impersonate", "users"),
        ("patch", "customresourcedefinitions.apiextensions.k8s.io"),
        (
            "create",
            "mutatingwebhookconfigurations.admissionregistration.k8s.io",
        ),
        ("deletecollection", "deployments.apps"),
    ];
    for (verb, what) in refused {
        assert!(!may(cluster, verb, what), "{verb} {what}");
    }
}

#[test]
fn the_settings_are_read_without_a_mistake() {
    let text = std::fs::read_to_string(deploy("kubernetes/3-settings.yaml")).unwrap();
    let map: serde_json::Value = serde_yaml::from_str(&text).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("reconciled.yaml");
    std::fs::write(&path, map["data"]["reconciled.yaml"].as_str().unwrap()).unwrap();
    let variables = [
        ("RECONCILED_STATE_FOLDER", "/var/lib/reconciled"),
        ("GITHUB_TOKEN", "a-token"),
    ];
    let variables: BTreeMap<String, String> = variables
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    let settings = Settings::load(Some(&path), &variables).unwrap();
    assert_eq!(settings.web.listen.to_string(), "0.0.0.0:9720");
    assert_eq!(settings.state_folder.to_str(), Some("/var/lib/reconciled"));
}
