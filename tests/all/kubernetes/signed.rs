//! Signing in to a cluster: programs that answer, fail, hang or lie, and certificates that are rotated.

use super::{Scene, until};
use crate::peers::kubernetes::cluster;
use jiff::{SignedDuration, Timestamp};
use reconciled::model::{Connection, ConnectionName, Depth, DigestKey, Observation, Value};
use reconciled::net::Limiters;
use reconciled::provider::{Kubernetes, KubernetesSettings, Registry};
use serde_json::{Value as Json, json};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A scene whose connection is signed in by a shell script. The script finds its folder in `$FOLDER`.
fn by_program(stem: &str, script: &str) -> (Scene, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("sign-in.sh");
    std::fs::write(&file, script).unwrap();
    let user = json!({ "exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh", "interactiveMode": "Never",
        "args": [file, "--client-secret", "canary-argument"],
        "env": [{ "name": "FOLDER", "value": folder.path() }, { "name": "CLIENT_SECRET", "value": "canary-variable" }],
    } });
    let kubeconfig = kubeconfig(folder.path(), &user);
    let mut scene = Scene::through(cluster().namespace(stem), &kubeconfig);
    let settings = KubernetesSettings {
        exec_plugins: vec!["/bin/sh".to_owned()],
        kubeconfig: None,
    };
    let key = DigestKey::new([7; 32]);
    let provider = Kubernetes::new(settings, Limiters::default(), key, None);
    scene.registry = Registry::new(vec![Arc::new(provider)]);
    (scene, folder)
}

/// Writes a kubeconfig like the administrator's, for another user.
fn kubeconfig(folder: &Path, user: &Json) -> std::path::PathBuf {
    let text = std::fs::read_to_string(cluster().kubeconfig()).unwrap();
    let mut config: Json = serde_json::from_str(&text).unwrap();
    config["users"][0]["user"] = user.clone();
    let file = folder.join("kubeconfig");
    std::fs::write(&file, config.to_string()).unwrap();
    file
}

/// What a credential program prints, with the administrator's token.
fn answer(ends: Option<Timestamp>) -> String {
    let text = std::fs::read_to_string(cluster().kubeconfig()).unwrap();
    let config: Json = serde_json::from_str(&text).unwrap();
    let token = &config["users"][0]["user"]["token"];
    json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
        "status": { "token": token, "expirationTimestamp": ends } })
    .to_string()
}

fn unknown(seen: Observation) -> (&'static str, String) {
    match seen {
        Observation::Unknown { code, reason, .. } => (code, reason),
        other => panic!("it is known: {other:#?}"),
    }
}

fn runs(folder: &TempDir) -> usize {
    let runs = std::fs::read_to_string(folder.path().join("runs"));
    runs.unwrap_or_default().lines().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_hangs_delays_no_other_connection() {
    let (scene, _folder) = by_program("hung", "sleep 40");
    let object = scene.config("a", "x");
    let hung = scene.asked(&scene.wanted(&object), Depth::Predict);
    let healthy = Connection {
        name: ConnectionName::new("healthy").unwrap(),
        provider: "kubernetes".to_owned(),
        settings: Value::from_json(
            json!({ "kubeconfig": cluster().kubeconfig(), "context": "peers" }),
        ),
        location: None,
    };
    let mut other = hung.clone();
    other.connection = Arc::new(healthy);
    let (many, one) = ([hung], [other]);
    let begun = Instant::now();
    let slow = async {
        let mut answers = scene.registry.observe(&many).await;
        answers.remove(0).observation
    };
    let quick = async {
        let answers = scene.registry.observe(&one).await;
        (answers, begun.elapsed())
    };
    let (slow, (quick, took)) = tokio::join!(slow, quick);
    assert!(took < Duration::from_secs(15), "it took {took:?}");
    let seen = &quick[0].observation;
    assert!(matches!(seen, Observation::Absent { .. }), "{seen:#?}");
    let (code, reason) = unknown(slow);
    assert_eq!(code, "credentials", "{reason}");
    assert!(reason.contains("/bin/sh"), "{reason}");
    assert!(!reason.contains("canary"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_fails_is_told_without_what_it_was_given_or_said() {
    let ends = Timestamp::now() + SignedDuration::from_secs(4);
    let script = format!(
        "[ -e $FOLDER/runs ] && echo canary-output && echo canary-talk >&2 && exit 3\n\
         echo run >> $FOLDER/runs\ncat <<'END'\n{}\nEND\n",
        answer(Some(ends))
    );
    let (scene, folder) = by_program("fails", &script);
    let object = scene.config("a", "x");
    let seen = scene.look_at(&object, Depth::Predict).await;
    assert!(matches!(seen, Observation::Absent { .. }), "{seen:#?}");
    let (code, reason) = until("the token is over", async || {
        match scene.look_at(&object, Depth::Predict).await {
            Observation::Absent { .. } => None,
            seen => Some(unknown(seen)),
        }
    })
    .await;
    assert_eq!(code, "credentials", "{reason}");
    assert!(reason.contains("exit status: 3"), "{reason}");
    assert!(!reason.contains("canary"), "{reason}");
    // Mended: no start anew is needed.
    std::fs::write(
        folder.path().join("sign-in.sh"),
        format!("cat <<'END'\n{}\nEND\n", answer(None)),
    )
    .unwrap();
    until("it is asked again", async || {
        let seen = scene.look_at(&object, Depth::Predict).await;
        matches!(seen, Observation::Absent { .. }).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_whose_answer_is_over_is_told_so_and_not_asked_for_each_request() {
    let ended = Timestamp::now() - SignedDuration::from_secs(3600);
    let script = format!(
        "echo run >> $FOLDER/runs\ncat <<'END'\n{}\nEND\n",
        answer(Some(ended))
    );
    let (scene, folder) = by_program("over", &script);
    let objects: Vec<Json> = (0..20)
        .map(|nth| scene.config(&format!("c-{nth}"), "x"))
        .collect();
    for seen in scene.look(&objects, Depth::Predict).await.into_values() {
        let (code, reason) = unknown(seen);
        assert_eq!(code, "credentials", "{reason}");
        assert!(reason.contains("are over since"), "{reason}");
    }
    assert_eq!(runs(&folder), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_the_server_refuses_is_asked_for_anew() {
    let revoked = answer(None).replace("peers-administrator", "revoked");
    let script = format!(
        "echo run >> $FOLDER/runs\nif [ $(wc -l < $FOLDER/runs) = 1 ]; then cat <<'END'\n{revoked}\nEND\n\
         else cat <<'END'\n{}\nEND\nfi\n",
        answer(None)
    );
    let (scene, folder) = by_program("revoked", &script);
    let object = scene.config("a", "x");
    let seen = scene.look_at(&object, Depth::Predict).await;
    assert!(matches!(seen, Observation::Absent { .. }), "{seen:#?}");
    assert_eq!(runs(&folder), 2);
    scene.look_at(&object, Depth::Predict).await;
    assert_eq!(runs(&folder), 2, "a token without an end is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn certificates_are_taken_as_their_files_are_at_each_look() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("crt"), folder.path().join("key"));
    let user = json!({ "client-certificate": certificate, "client-key": key });
    let kubeconfig = kubeconfig(folder.path(), &user);
    let scene = Scene::through(cluster().namespace("rotated"), &kubeconfig);
    let object = scene.config("a", "x");
    for name in ["first", "second"] {
        cluster().certify(name, &certificate, &key);
        let (code, reason) = unknown(scene.look_at(&object, Depth::Predict).await);
        assert_eq!(code, "forbidden", "{reason}");
        assert!(reason.contains(&format!("\"{name}\"")), "{name}: {reason}");
    }
    std::fs::remove_file(&certificate).unwrap();
    let (code, reason) = unknown(scene.look_at(&object, Depth::Predict).await);
    assert_eq!(code, "connection", "{reason}");
    assert!(reason.contains("crt cannot be read"), "{reason}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_a_program_answered_is_renewed_before_it_ends() {
    let (scene, folder) = by_program(
        "certified",
        "echo run >> $FOLDER/runs\ncat $FOLDER/answer\n",
    );
    let object = scene.config("a", "x");
    let (certificate, key) = (folder.path().join("crt"), folder.path().join("key"));
    let write = |name: &str, ends: Timestamp| {
        cluster().certify(name, &certificate, &key);
        let text = |path: &Path| std::fs::read_to_string(path).unwrap();
        let answer = json!({ "apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
            "status": { "clientCertificateData": text(&certificate), "clientKeyData": text(&key), "expirationTimestamp": ends } });
        std::fs::write(folder.path().join("answer"), answer.to_string()).unwrap();
    };
    write("first", Timestamp::now() + SignedDuration::from_secs(30));
    let (_, reason) = unknown(scene.look_at(&object, Depth::Predict).await);
    assert!(reason.contains("\"first\""), "{reason}");
    write("second", Timestamp::now() + SignedDuration::from_hours(1));
    until("it is renewed", async || {
        let (_, reason) = unknown(scene.look_at(&object, Depth::Predict).await);
        reason.contains("\"second\"").then_some(())
    })
    .await;
}
