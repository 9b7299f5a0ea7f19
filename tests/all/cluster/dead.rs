//! Two clusters, one of which answers nothing at all: the other is looked after as if it were alone.

use super::Scene;
use serde_json::json;
use std::net::{SocketAddr, TcpListener, TcpStream};
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
}

#[test]
fn a_dead_cluster_delays_no_other() {
    let hole = BlackHole::new();
    let scene = Scene::new("alive");
    let dead = scene.world.folder().join("dead-kubeconfig");
    let kubeconfig = json!({ "apiVersion": "v1", "kind": "Config", "current-context": "dead",
        "clusters": [{ "name": "dead", "cluster": { "server": format!("https://{}", hole.address), "insecure-skip-tls-verify": true } }],
        "contexts": [{ "name": "dead", "context": { "cluster": "dead", "user": "dead" } }],
        "users": [{ "name": "dead", "user": { "token": "t" } }] });
    std::fs::write(&dead, kubeconfig.to_string()).unwrap();
    let page = |namespace: &str| {
        json!({ "kind": "kubernetes/object", "spec": { "apiVersion": "v1", "kind": "ConfigMap",
            "metadata": { "name": "page", "namespace": namespace }, "data": { "text": "x" } } })
    };
    let lost = json!({ "apiVersion": "reconciled.dev/v1alpha1", "kind": "Environment", "metadata": { "name": "lost" },
        "spec": { "connections": { "cluster": { "provider": "kubernetes", "kubeconfig": dead } },
            "reconcile": { "interval": "1s" }, "resources": { "page": page("default") } } });
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
