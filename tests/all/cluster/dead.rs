//! Two clusters, one of which answers nothing at all: the other is looked after as if it were alone.

use super::Scene;
use crate::peers::kubernetes::cluster;
use serde_json::{Value as Json, json};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// An address that drops whatever is sent to it: nobody accepts, and the queue of those who wait is full.
struct BlackHole {
    address: SocketAddr,
    _listener: TcpListener,
    _waiting: Vec<TcpStream>,
}

impl BlackHole {
    fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let patience = Duration::from_millis(300);
        let knock = || TcpStream::connect_timeout(&address, patience).ok();
        let waiting: Vec<_> = std::iter::from_fn(knock).take(10_000).collect();
        assert!(waiting.len() < 10_000, "its queue is never full");
        Self {
            address,
            _listener: listener,
            _waiting: waiting,
        }
    }

    /// Writes a kubeconfig that leads here.
    fn kubeconfig(&self, folder: &Path) -> PathBuf {
        let file = folder.join("dead-kubeconfig");
        let kubeconfig = json!({ "apiVersion": "v1", "kind": "Config", "current-context": "dead",
            "clusters": [{ "name": "dead", "cluster": { "server": format!("https://{}", self.address), "insecure-skip-tls-verify": true } }],
            "contexts": [{ "name": "dead", "context": { "cluster": "dead", "user": "dead" } }],
            "users": [{ "name": "dead", "user": { "token": "t" } }] });
        std::fs::write(&file, kubeconfig.to_string()).unwrap();
        file
    }
}

fn page(namespace: &str, text: &str) -> Json {
    json!({ "kind": "kubernetes/object", "spec": { "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": { "name": "page", "namespace": namespace }, "data": { "text": text } } })
}

/// Says where a resource is, and what it is called there.
fn at(connection: &str, name: &str, mut resource: Json) -> Json {
    resource["connection"] = json!(connection);
    resource["spec"]["metadata"]["name"] = json!(name);
    resource
}

#[test]
fn a_dead_cluster_delays_no_other() {
    let hole = BlackHole::new();
    let scene = Scene::new("alive");
    let dead = hole.kubeconfig(scene.world.folder());
    let lost = json!({ "apiVersion": "reconciled.dev/v1alpha1", "kind": "Environment", "metadata": { "name": "lost" },
        "spec": { "connections": { "cluster": { "provider": "kubernetes", "kubeconfig": dead } },
            "reconcile": { "interval": "1s" }, "resources": { "page": page("default", "x") } } });
    scene.world.commit(&[("lost.yaml", &lost.to_string())]);
    let mut daemon = scene.world.start();
    let all = |text: &str| {
        [
            ("namespace", scene.namespace()),
            ("page", scene.config("page", text)),
        ]
    };
    scene.applied(&mut daemon, json!({}), &all("first"));
    let began = Instant::now();
    for text in ["second", "third", "fourth"] {
        scene.applied(&mut daemon, json!({}), &all(text));
        assert_eq!(scene.text("page").unwrap(), text);
    }
    // One answer of the dead one alone is waited for longer.
    assert!(
        began.elapsed() < Duration::from_secs(20),
        "{:?}",
        began.elapsed()
    );
    let unknown = daemon.episode("unknown", |unknown| unknown.environment.as_str() == "lost");
    assert!(
        matches!(
            unknown.details["code"].as_str(),
            Some("unreachable" | "timeout")
        ),
        "{unknown:?}"
    );
    drop(hole);
}

#[test]
fn a_dead_cluster_delays_no_other_of_its_own_environment() {
    let hole = BlackHole::new();
    let namespace = cluster().namespace("halved");
    let scene = Scene::new("halved");
    let dead = hole.kubeconfig(scene.world.folder());
    // Each of these is looked at only once the one before is known.
    let all = |text: &str| {
        let after = |name: &str| format!("${{resources.{name}.data.text}}");
        json!({
            "first": at("alive", "first", page(&namespace, text)),
            "second": at("alive", "second", page(&namespace, &after("first"))),
            "third": at("alive", "third", page(&namespace, &after("second"))),
            "lost-first": at("dead", "first", page("default", "x")),
            "lost-second": at("dead", "second", page("default", &after("first"))),
            "lost-third": at("dead", "third", page("default", &after("second"))),
        })
    };
    let commit = |text: &str| {
        let environment = json!({ "apiVersion": "reconciled.dev/v1alpha1", "kind": "Environment", "metadata": { "name": scene.name },
            "spec": { "reconcile": { "interval": "1s", "onDrift": "correct" }, "resources": all(text), "connections": {
                "alive": { "provider": "kubernetes", "context": "peers" },
                "dead": { "provider": "kubernetes", "kubeconfig": dead } } } });
        scene
            .world
            .commit(&[("environment.yaml", &environment.to_string())])
    };
    let live = |name: &str| {
        let path = format!("/api/v1/namespaces/{namespace}/configmaps/{name}");
        Some(cluster().get(&path)?["data"]["text"].as_str()?.to_owned())
    };
    commit("one");
    let mut daemon = scene.world.start();
    daemon.until("the live one is looked after", |_| {
        (live("third")? == "one").then_some(())
    });
    let began = Instant::now();
    for text in ["two", "three", "four"] {
        commit(text);
        daemon.until("the live one is looked after", |_| {
            (live("third")? == text).then_some(())
        });
    }
    // Three waves of looks at the dead one, and each after a commit.
    let took = began.elapsed();
    assert!(took < Duration::from_secs(25), "{took:?}");
    daemon.episode("unknown", |unknown| {
        let address = unknown.address.as_ref().map(ToString::to_string);
        address.as_deref() == Some("halved/lost-first")
            || unknown.details.to_string().contains("lost-first")
    });
    drop(hole);
}

#[test]
fn a_cluster_that_refuses_is_named_at_once_in_plain_words_and_its_objects_are_not_told_one_by_one()
{
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    // Nobody listens at the port for multiplexing TCP.
    let server = "https://127.0.0.1:1/";
    let kubeconfig = json!({ "apiVersion": "v1", "kind": "Config", "current-context": "peers",
        "clusters": [{ "name": "dead", "cluster": { "server": server, "insecure-skip-tls-verify": true } }],
        "contexts": [{ "name": "peers", "context": { "cluster": "dead", "user": "dead" } }],
        "users": [{ "name": "dead", "user": { "token": "t" } }] });
    std::fs::write(&file, kubeconfig.to_string()).unwrap();
    let scene = Scene::through("refusing", &file);
    let names: Vec<String> = (0..40).map(|nth| format!("page-{nth}")).collect();
    let pages = names.iter();
    let pages: Vec<_> = pages
        .map(|name| (name.as_str(), scene.config(name, "x")))
        .collect();
    let commit = scene.commit(json!({ "interval": "1h" }), &pages);
    let mut daemon = scene.world.start();
    let why =
        "the connection was refused; check that the server runs, and the address with its port";
    let (status, _) = daemon.until("it is named in /readyz", |daemon| {
        let (status, text) = daemon.try_page("/readyz")?;
        let told: Json = serde_json::from_str(&text).ok()?;
        let told = told["conditions"][format!("cluster {server}")].as_str()?;
        told.contains(why).then(|| (status, told.to_owned()))
    });
    assert!(status == 200 || status == 503, "{status}");
    daemon.run_of(scene.name, &commit);
    daemon.ready();
    let log = daemon.log();
    assert_eq!(daemon.lines("Cluster gives no answer").len(), 1, "{log}");
    for message in ["Step waits", "Live state cannot be told, leaving it alone"] {
        let said = daemon.lines(message).len();
        assert!((1..=3).contains(&said), "{said} times {message}: {log}");
    }
    for raw in ["client error", "os error", "tcp connect"] {
        assert!(!log.contains(raw), "{raw}: {log}");
    }
    let (status, code) = scene.told(&["status"]);
    assert_eq!(code, Some(2), "{status}");
    assert!(status.contains(why), "{status}");
}
