//! A cluster that is reached by a kubeconfig out of a secret.

use super::Scene;
use crate::peers::kubernetes::cluster;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};

/// The administrator's kubeconfig as people put one into a secret: it names no file.
fn whole() -> Json {
    let text = std::fs::read_to_string(cluster().kubeconfig()).unwrap();
    let mut config: Json = serde_json::from_str(&text).unwrap();
    let server = config["clusters"][0]["cluster"].as_object_mut().unwrap();
    let authority = server.remove("certificate-authority").unwrap();
    let authority = std::fs::read(authority.as_str().unwrap()).unwrap();
    server.insert(
        "certificate-authority-data".to_owned(),
        STANDARD.encode(authority).into(),
    );
    config
}

#[test]
fn a_kubeconfig_out_of_a_secret_reaches_its_cluster_and_is_read_anew() {
    let scene = Scene::through("handed", "/nowhere/kubeconfig".as_ref());
    let secret = tempfile::NamedTempFile::new().unwrap();
    let mut config = whole();
    std::fs::write(secret.path(), config.to_string()).unwrap();
    let commit = |text: &str| {
        let connection = json!({ "provider": "kubernetes", "kubeconfig": "${secrets.access}" });
        let secrets = json!({ "access": { "file": secret.path() } });
        scene.commit_page(connection, secrets, text)
    };
    let mut daemon = scene.world.start();
    scene.done(&mut daemon, &commit("one"));
    assert_eq!(scene.text("page").unwrap(), "one");

    // Another account's, which may do nothing: the next look signs in as that.
    let token = config["users"][0]["user"]["token"]
        .as_str()
        .unwrap()
        .to_owned();
    let nobody = cluster().namespace("nobody");
    let limited = std::fs::read_to_string(cluster().kubeconfig_limited_to(&nobody, &[])).unwrap();
    let limited: Json = serde_json::from_str(&limited).unwrap();
    config["users"] = limited["users"].clone();
    std::fs::write(secret.path(), config.to_string()).unwrap();
    commit("two");
    let unknown = daemon.episode("unknown", |unknown| unknown.ended_at.is_none());
    let told = unknown.details.to_string();
    assert!(told.contains("forbidden"), "{told}");
    assert_eq!(scene.text("page").unwrap(), "one");
    let said = [
        daemon.log(),
        scene.told(&["plan"]).0,
        scene.told(&["status"]).0,
    ]
    .concat();
    assert!(!said.contains(&token));
}

#[test]
fn a_credential_program_gets_its_settings_and_no_secret_of_ours() {
    let folder = tempfile::tempdir().unwrap();
    let mut config = whole();
    let token = config["users"][0]["user"]["token"].clone();
    let answer = json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": { "token": token } });
    let path = |name: &str| folder.path().join(name);
    let seen = path("seen");
    let script = format!("env > {}\ncat <<'END'\n{answer}\nEND\n", seen.display());
    std::fs::write(path("sign-in.sh"), script).unwrap();
    config["users"][0]["user"] = json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh",
        "interactiveMode": "Never", "args": [path("sign-in.sh")] } });
    std::fs::write(path("kubeconfig"), config.to_string()).unwrap();
    let scene = Scene::through("signed-in", &path("kubeconfig"));
    scene.world.settings(|settings| {
        settings["providers"]["kubernetes"]["execPlugins"] = json!(["/bin/sh"]);
    });
    let environment = json!({ "apiVersion": "reconciled.dev/v1alpha1", "kind": "Environment", "metadata": { "name": scene.name },
        "spec": {
            "secrets": { "cloud": { "env": "DIGITALOCEAN_TOKEN" } },
            "connections": { "cluster": { "provider": "kubernetes", "context": "peers" } },
            "resources": { "namespace": scene.namespace(), "page": scene.config("page", "${secrets.cloud}") },
        } });
    let variables = [
        ("DIGITALOCEAN_TOKEN", "canary-of-ours"),
        ("AWS_PROFILE", "prod"),
    ];
    let mut daemon = scene.world.start_with(&variables);
    let commit = scene
        .world
        .commit(&[("environment.yaml", &environment.to_string())]);
    daemon.run_of(scene.name, &commit);
    let seen = std::fs::read_to_string(seen).unwrap();
    assert!(
        seen.lines().any(|line| line == "AWS_PROFILE=prod"),
        "{seen}"
    );
    assert!(
        !seen.contains("canary-of-ours") && !seen.contains("DIGITALOCEAN"),
        "{seen}"
    );
}
