//! The daemon as a pod: who it is, and whom it trusts, stand in files that the kubelet puts there and rotates.

use super::Scene;
use crate::peers::kubernetes::cluster;
use serde_json::{Value as Json, json};
use std::path::Path;

/// A pod's own mounts: what is written to the folder is what the account's files say.
const POD: &str =
    "mount -t tmpfs none /run && mkdir -p /run/secrets/kubernetes.io/serviceaccount &&
    mount --bind \"$1\" /run/secrets/kubernetes.io/serviceaccount && shift && exec \"$@\"";

/// Writes the files of an account as a kubelet does; returns where the server is.
fn account(folder: &Path, kubeconfig: &Path, namespace: &str) -> (String, String) {
    let config: Json = serde_json::from_str(&std::fs::read_to_string(kubeconfig).unwrap()).unwrap();
    let server = &config["clusters"][0]["cluster"];
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let authority = std::fs::read(server["certificate-authority"].as_str().unwrap()).unwrap();
    write("ca.crt", &authority);
    write("namespace", namespace.as_bytes());
    let token = &config["users"][0]["user"]["token"];
    write("token", token.as_str().unwrap().as_bytes());
    let url = server["server"].as_str().unwrap();
    let (host, port) = url.trim_start_matches("https://").rsplit_once(':').unwrap();
    (host.to_owned(), port.trim_end_matches('/').to_owned())
}

#[test]
fn a_pod_is_its_account_and_goes_on_with_the_token_that_takes_the_place_of_the_first() {
    let scene = Scene::through("inside", "/nowhere/kubeconfig".as_ref());
    let home = cluster().namespace("home");
    let every = json!(["get", "list", "watch", "create", "patch"]);
    let rules =
        [json!({ "apiGroups": [""], "resources": ["configmaps", "namespaces"], "verbs": every })];
    let kubeconfig = cluster().kubeconfig_limited_to(&home, &rules);
    let folder = tempfile::tempdir().unwrap();
    let (host, port) = account(folder.path(), &kubeconfig, &home);

    let pod = [
        "unshare",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        POD,
        "pod",
    ];
    let mounted = folder.path().to_str().unwrap();
    let mut daemon = scene.world.start_by(
        &[&pod[..], &[mounted]].concat(),
        &[
            ("KUBERNETES_SERVICE_HOST", &host),
            ("KUBERNETES_SERVICE_PORT", &port),
        ],
    );
    let commit = |text: &str| {
        let connection = json!({ "provider": "kubernetes", "inCluster": true });
        scene.commit_page(connection, json!({}), text)
    };
    scene.done(&mut daemon, &commit("one"));
    assert_eq!(scene.text("page").unwrap(), "one");
    let who = format!("system:serviceaccount:{home}:limited");
    let path = format!("/api/v1/namespaces/{}/configmaps/page", scene.name);
    let wrote = cluster().requests();
    assert!(
        wrote
            .iter()
            .any(|one| one.user == who && one.uri.starts_with(&path)),
        "{who} wrote nothing"
    );

    // The account of that name is another one now: what the first token says is worth nothing.
    cluster().kubectl(["delete", "serviceaccount/limited", "--namespace", &home]);
    let accounts = format!("/api/v1/namespaces/{home}/serviceaccounts");
    cluster().post(&accounts, &json!({ "metadata": { "name": "limited" } }));
    account(
        folder.path(),
        &cluster().kubeconfig_of(&home, "limited"),
        &home,
    );
    commit("two");
    daemon.until("the new token is used", |_| {
        (scene.text("page")? == "two").then_some(())
    });
}
