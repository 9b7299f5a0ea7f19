//! Secrets that live in a cluster, on a real API server, through the whole program.

use super::oracle::planned;
use super::recorder::{REPOSITORY, Recorder};
use super::{Daemon, World, environment};
use crate::peers::kubernetes::cluster;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value as Json, json};
use std::net::TcpListener;
use std::path::Path;

const CANARY: &str = "canary-of-cluster";

/// A namespace with Secrets, and a world that reads them as an account of few rights.
struct Scene {
    world: World,
    namespace: String,
}

impl Scene {
    /// The account may get the Secrets of these names.
    fn new(stem: &str, may_get: &[&str]) -> Self {
        Self::with(stem, &["get"], may_get)
    }

    fn with(stem: &str, verbs: &[&str], names: &[&str]) -> Self {
        let namespace = cluster().namespace(stem);
        let rules = json!({ "apiGroups": [""], "resources": ["secrets"], "verbs": verbs, "resourceNames": names });
        let kubeconfig = cluster().kubeconfig_limited_to(&namespace, &[rules]);
        let scene = Self {
            world: World::new(),
            namespace,
        };
        scene.reach_by(&kubeconfig);
        scene
    }

    fn reach_by(&self, kubeconfig: &Path) {
        self.world.settings(|settings| {
            settings["providers"]["kubernetes"] = json!({ "kubeconfig": kubeconfig });
        });
    }

    fn secrets(&self) -> String {
        format!("/api/v1/namespaces/{}/secrets", self.namespace)
    }

    fn secret(&self, name: &str, data: Json) {
        let body = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": name }, "data": data });
        cluster().post(&self.secrets(), &body);
    }

    fn patch(&self, name: &str, data: Json) {
        let path = format!("{}/{name}", self.secrets());
        assert!(cluster().merge_patch(&path, &json!({ "data": data })));
    }

    /// An environment `shop` with secrets, each the key `password` of the Secret of its name, and a file for each.
    fn shop(&self, names: &[&str], more: &str) -> String {
        let source = |name: &&str| {
            let namespace = &self.namespace;
            format!(
                "    {name}: {{ kubernetes: {{ namespace: {namespace}, name: {name}, key: password }} }}\n"
            )
        };
        let written = |name: &&str| {
            format!(
                "    {name}: {{ kind: host/env-file, spec: {{ path: /{name}.env, values: {{ PASSWORD: \"${{secrets.{name}}}\" }} }} }}\n"
            )
        };
        let secrets: String = names.iter().map(source).collect();
        let files: String = names.iter().map(written).collect();
        let text = environment("shop", &format!("  secrets:\n{secrets}"), &(files + more));
        text.replace(
            "  connections:\n",
            "  connections:\n    cluster: { provider: kubernetes, context: peers }\n",
        )
    }

    fn commit(&self, text: &str) -> String {
        self.world.commit(&[("shop.yaml", text)])
    }

    /// Waits until a file of the host holds a text.
    #[track_caller]
    fn holds(&self, daemon: &mut Daemon<'_>, path: &str, text: &str) {
        daemon.until(format!("{path} holds {text}"), |_| {
            self.world.live(path)?.contains(text).then_some(())
        });
    }

    /// Waits until the status says why a resource waits.
    #[track_caller]
    fn told(&self, daemon: &mut Daemon<'_>, text: &str) {
        daemon.until(format!("{text:?} is told"), |_| {
            let status = self.world.command(&["status"]).stdout;
            let status = status.split_whitespace().collect::<Vec<_>>().join(" ");
            status.contains(text).then_some(())
        });
    }
}

fn encoded(text: &str) -> Json {
    json!({ "password": STANDARD.encode(text) })
}

fn page(text: &str) -> String {
    super::file("page", "page", text)
}

#[test]
fn a_value_is_read_by_its_name_alone_and_a_new_one_comes_with_the_next_pass() {
    let scene = Scene::new("clustered", &["db", "cert"]);
    scene.secret("db", encoded(CANARY));
    scene.secret("locked", encoded(CANARY));
    scene.secret("cert", json!({ "password": STANDARD.encode(b"\xff\xfe") }));
    scene.commit(&scene.shop(&["db", "locked", "gone", "cert"], &page("one\n")));
    let mut daemon = scene.world.start();
    scene.holds(&mut daemon, "db.env", CANARY);
    scene.holds(&mut daemon, "page", "one");
    // What cannot be read waits with the reason, and nothing else does.
    for (id, code) in [
        ("locked", "forbidden"),
        ("gone", "forbidden"),
        ("cert", "secret-unusable"),
    ] {
        let of = |at: &reconciled::model::Address| at.resource.name() == id;
        let unknown = daemon.episode("unknown", |one| one.address.as_ref().is_some_and(of));
        assert_eq!(unknown.details["code"], code, "{unknown:?}");
        assert_eq!(scene.world.live(&format!("{id}.env")), None);
    }
    scene.told(
        &mut daemon,
        "the secret `cert` cannot be read: password of the Secret",
    );
    scene.patch("db", encoded(&format!("{CANARY}-rotated")));
    scene.holds(&mut daemon, "db.env", "rotated");
    // Gone, it deletes nothing, and what does not hang on it is kept up.
    scene.patch(
        "db",
        json!({ "password": null, "other": STANDARD.encode("x") }),
    );
    scene.told(&mut daemon, "has no key password; it has other");
    let namespace = scene.namespace.clone();
    cluster().kubectl(["-n", &namespace, "delete", "secret", "db"]);
    scene.told(&mut daemon, &format!("no Secret {namespace}/db"));
    scene.commit(&scene.shop(&["db"], &page("two\n")));
    scene.holds(&mut daemon, "page", "two");
    daemon.looked_again("shop");
    scene.holds(&mut daemon, "db.env", "rotated");
    scene.secret("db", encoded(&format!("{CANARY}-again")));
    scene.holds(&mut daemon, "db.env", "again");

    let said = format!(
        "{:?}{:?}",
        scene.world.command(&["plan"]),
        scene.world.command(&["status"])
    );
    let log = daemon.log() + &said;
    daemon.terminate();
    assert!(!log.contains(CANARY), "{log}");
    for entry in std::fs::read_dir(scene.world.folder().join("state")).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            assert!(!text.contains(CANARY), "{}", path.display());
        }
    }
    // Nothing else was asked of it, but whether it may watch what it reads: it may not.
    let asked = cluster().requests().into_iter();
    let asked = asked.filter(|one| one.user.contains(&format!("{namespace}:limited")));
    let verbs: std::collections::BTreeSet<String> = asked.map(|one| one.verb).collect();
    let known = ["get", "watch"].map(str::to_owned);
    assert_eq!(verbs, known.into(), "{verbs:?}");
}

#[test]
fn a_new_value_is_heard_of_at_once_where_it_may_be_watched() {
    let scene = Scene::with("rotated", &["get", "watch"], &["db"]);
    scene.secret("db", encoded(CANARY));
    let shop = scene.shop(&["db"], "");
    assert!(shop.contains("interval: 1s"), "{shop}");
    scene.commit(&shop.replace("interval: 1s", "interval: 1h"));
    let mut daemon = scene.world.start();
    scene.holds(&mut daemon, "db.env", CANARY);
    scene.patch("db", encoded(&format!("{CANARY}-rotated")));
    scene.holds(&mut daemon, "db.env", "rotated");
    let namespace = scene.namespace.as_str();
    cluster().kubectl(["-n", namespace, "annotate", "secret", "db", "by=hand"]);
    // Gone and there again, it is heard of, too.
    cluster().kubectl(["-n", namespace, "delete", "secret", "db"]);
    scene.told(&mut daemon, &format!("no Secret {namespace}/db"));
    scene.secret("db", encoded(&format!("{CANARY}-again")));
    scene.holds(&mut daemon, "db.env", "again");
    let log = daemon.log();
    daemon.terminate();
    assert!(!log.contains(CANARY), "{log}");
    let asked = cluster().requests().into_iter();
    let asked = asked.filter(|one| one.user.contains(&format!("{namespace}:limited")));
    let (watches, reads): (Vec<_>, Vec<_>) = asked.partition(|one| one.verb == "watch");
    assert!(watches.iter().all(|one| one.status == 200), "{watches:#?}");
    assert!(reads.iter().all(|one| one.verb == "get"), "{reads:#?}");
    assert!(reads.len() < 30, "{reads:#?}");
}

#[test]
fn a_dead_cluster_holds_up_only_what_is_made_of_its_secrets() {
    let scene = Scene::new("dead-source", &["db"]);
    scene.secret("db", encoded(CANARY));
    scene.commit(&scene.shop(&["db"], &page("one\n")));
    let mut daemon = scene.world.start();
    scene.holds(&mut daemon, "db.env", CANARY);
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let dead = scene.world.folder().join("dead");
    let kubeconfig = json!({ "apiVersion": "v1", "kind": "Config",
        "clusters": [{ "name": "dead", "cluster": { "server": format!("https://{port}"), "insecure-skip-tls-verify": true } }],
        "contexts": [{ "name": "peers", "context": { "cluster": "dead", "user": "dead" } }],
        "users": [{ "name": "dead", "user": { "token": "t" } }] });
    std::fs::write(&dead, kubeconfig.to_string()).unwrap();
    scene.reach_by(&dead);
    daemon.logged("Settings changed, starting anew with them", |_| true);
    scene.commit(&scene.shop(&["db"], &page("two\n")));
    scene.holds(&mut daemon, "page", "two");
    let unknown = daemon.episode("unknown", |_| true);
    assert_eq!(unknown.details["code"], "unreachable", "{unknown:?}");
    // Nor is it anybody's fault what lives behind it: a kubeconfig, and a secret of the cluster that leads to.
    let inner = "  connections:\n    inner: { provider: kubernetes, context: peers, kubeconfig: \"${secrets.kube}\" }\n";
    let far = scene.shop(&["far", "kube"], &page("two\n"));
    let far = far.replace("name: kube", "connection: cluster, name: kube");
    let far = far.replace("name: far", "connection: inner, name: far");
    scene.commit(&far.replace("  connections:\n", inner));
    let of = |at: &reconciled::model::Address| at.resource.name() == "far";
    let unknown = daemon.episode("unknown", |one| one.address.as_ref().is_some_and(of));
    assert_eq!(unknown.details["code"], "unreachable", "{unknown:?}");
    // Not even to be pruned it needs it.
    scene.commit(&scene.shop(&[], &page("two\n")).replace("  secrets:\n", ""));
    daemon.until("it is pruned", |_| {
        scene.world.live("db.env").is_none().then_some(())
    });
    let said = scene
        .world
        .command(&["validate", scene.world.repository().to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_branch_reads_a_secret_only_through_what_is_merged() {
    let scene = Scene::new("branched", &["db", "kube"]);
    scene.secret("db", encoded(CANARY));
    let admin = std::fs::read_to_string(cluster().kubeconfig()).unwrap();
    scene.secret("kube", json!({ "password": STANDARD.encode(admin) }));
    let recorder = Recorder::start();
    scene.world.variable("GITHUB", "github-token");
    scene.world.settings(|settings| {
        settings["repositories"][0]["github"] = REPOSITORY.into();
        settings["github"] = json!({ "token": { "env": "GITHUB" }, "apiUrl": recorder.url });
    });
    // A second cluster is reached by a kubeconfig that lives in the first.
    let config = |text: &str| {
        let namespace = &scene.namespace;
        format!(
            "    config: {{ kind: kubernetes/object, connection: inner, spec: {{ apiVersion: v1, kind: ConfigMap, metadata: {{ name: config, namespace: {namespace} }}, data: {{ text: {text} }} }} }}\n"
        )
    };
    let text = |text: &str| {
        let inner = "  connections:\n    inner: { provider: kubernetes, context: peers, kubeconfig: \"${secrets.kube}\" }\n";
        let shop = scene.shop(&["db", "kube"], &config(text));
        let shop = shop.replace("name: db", "connection: cluster, name: db");
        let shop = shop.replace("name: kube", "connection: cluster, name: kube");
        shop.replace("  connections:\n", inner)
    };
    let merged = text("one");
    let commit = scene.commit(&merged);
    let mut daemon = scene.world.start();
    daemon.run_of("shop", &commit);
    scene.holds(&mut daemon, "db.env", CANARY);

    let plan = planned(&scene.world, &recorder, &mut daemon, &text("two"));
    assert!(plan.contains("one") && plan.contains("two"), "{plan}");
    assert!(!plan.contains("used only after the merge"), "{plan}");
    // Another place for the same secret is not looked at, nor the same through another account.
    for (from, to) in [
        ("name: db, key: password", "name: kube, key: password"),
        ("context: peers }\n", "context: peers, namespace: other }\n"),
    ] {
        assert!(merged.contains(from), "{merged}");
        let plan = planned(
            &scene.world,
            &recorder,
            &mut daemon,
            &merged.replacen(from, to, 1),
        );
        assert!(plan.contains("(known after apply)"), "{to}: {plan}");
    }
    let sent = recorder.sent().concat() + &daemon.log();
    assert!(!sent.contains(CANARY), "{sent}");
    assert!(daemon.terminate().0.success());
}
