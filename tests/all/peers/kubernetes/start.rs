//! Starts the control plane: which programs, in which order, with which flags, and how each tells that it is ready.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use reqwest::blocking::Client;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use super::{Cluster, node};
use crate::peers::process::{Guarded, free_port, installed};
use crate::peers::wait::until;

/// The administrator's token: the cluster lives on loopback for as long as one test process.
pub(super) const TOKEN: &str = "peers-administrator";

/// Long, because a cold machine with two cores may be compiling beside it.
pub(super) const READY_WITHIN: Duration = Duration::from_secs(300);

/// Starts everything and returns when the API serves, controllers act and the node is there.
pub(super) fn start() -> Cluster {
    let programs = installed("kubernetes");
    let folder = tempfile::Builder::new()
        .prefix("peers-kubernetes-")
        .tempdir()
        .unwrap()
        .keep();
    let (etcd_port, peer_port, port) = (free_port(), free_port(), free_port());
    let etcd_url = format!("http://127.0.0.1:{etcd_port}");
    let url = format!("https://127.0.0.1:{port}");
    write_credentials(&folder);

    let run = |name: &str, arguments: &[String]| {
        // The API server writes to the folder until it ends, so its guard is the one to remove it.
        let remove = name == "kube-apiserver";
        Guarded::start(&programs.join(name), arguments, &folder, &[], remove)
    };
    let etcd = run("etcd", &etcd_flags(&folder, &etcd_url, peer_port));
    let mut server = run(
        "kube-apiserver",
        &server_flags(&folder, &folder, &etcd_url, port),
    );
    let http = until("the API server is ready", READY_WITHIN, || {
        server.assert_running();
        let http = client(&folder)?;
        let answer = http.get(format!("{url}/readyz")).send().ok()?;
        answer.status().is_success().then_some(http)
    });
    let kubeconfig = folder.join("kubeconfig");
    write_kubeconfig(&kubeconfig, &url, &folder, TOKEN);

    let shared = [
        format!("--kubeconfig={}", kubeconfig.display()),
        "--leader-elect=false".into(),
        "--secure-port=0".into(),
    ];
    let controllers = run(
        "kube-controller-manager",
        &[&shared[..], &controller_flags(&folder)].concat(),
    );
    let scheduler = run("kube-scheduler", &shared);
    let kubelet_port = free_port();
    let kubelet = node::kubelet(&folder, kubelet_port);
    let cluster = Cluster {
        url,
        etcd_url,
        folder,
        programs,
        http,
        _processes: vec![server, etcd, controllers, scheduler, kubelet],
    };
    node::start(&cluster, kubelet_port);
    let account = "/api/v1/namespaces/default/serviceaccounts/default";
    until("the controllers act", READY_WITHIN, || cluster.get(account));
    cluster
}

fn write_credentials(folder: &Path) {
    openssl(
        folder,
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out accounts.key",
    );
    openssl(
        folder,
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=clients -keyout clients.key -out clients.crt",
    );
    let user = format!("{TOKEN},administrator,administrator,system:masters\n");
    fs::write(folder.join("tokens.csv"), user).unwrap();
    let policy = serde_json::json!({
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived", "ResponseStarted"],
        "rules": [{"level": "Metadata"}],
    });
    fs::write(folder.join("audit.json"), policy.to_string()).unwrap();
}

/// Runs openssl in a folder; no argument holds a space.
pub(super) fn openssl(folder: &Path, arguments: &str) {
    let made = Command::new("openssl")
        .args(arguments.split(' '))
        .current_dir(folder)
        .output()
        .unwrap();
    let talk = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "openssl {arguments}: {talk}");
}

fn etcd_flags(folder: &Path, url: &str, peer_port: u16) -> Vec<String> {
    let peer = format!("http://127.0.0.1:{peer_port}");
    vec![
        format!("--data-dir={}", folder.join("etcd").display()),
        format!("--listen-client-urls={url}"),
        format!("--advertise-client-urls={url}"),
        format!("--listen-peer-urls={peer}"),
        format!("--initial-advertise-peer-urls={peer}"),
        format!("--initial-cluster=default={peer}"),
        "--unsafe-no-fsync".into(),
        "--log-level=warn".into(),
    ]
}

/// The flags of an API server with the credentials of one folder, that writes to another.
pub(super) fn server_flags(folder: &Path, own: &Path, etcd_url: &str, port: u16) -> Vec<String> {
    let key = folder.join("accounts.key");
    let key = key.display();
    vec![
        format!("--etcd-servers={etcd_url}"),
        "--bind-address=127.0.0.1".into(),
        "--advertise-address=127.0.0.1".into(),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", own.display()),
        format!("--token-auth-file={}", folder.join("tokens.csv").display()),
        format!("--client-ca-file={}", folder.join("clients.crt").display()),
        "--authorization-mode=RBAC".into(),
        "--service-account-issuer=https://kubernetes.default.svc".into(),
        format!("--service-account-key-file={key}"),
        format!("--service-account-signing-key-file={key}"),
        "--service-cluster-ip-range=10.0.0.0/16".into(),
        "--endpoint-reconciler-type=none".into(),
        // The node lifecycle controller, which would lift the taint, is off: nobody sends heartbeats.
        "--disable-admission-plugins=TaintNodesByCondition".into(),
        format!(
            "--audit-policy-file={}",
            folder.join("audit.json").display()
        ),
        format!("--audit-log-path={}", own.join("audit.log").display()),
    ]
}

fn controller_flags(folder: &Path) -> Vec<String> {
    vec![
        "--controllers=*,-node-lifecycle-controller,-taint-eviction-controller".into(),
        format!(
            "--service-account-private-key-file={}",
            folder.join("accounts.key").display()
        ),
        format!("--root-ca-file={}", folder.join("apiserver.crt").display()),
        // Quick enough for a test to wait for.
        "--horizontal-pod-autoscaler-sync-period=1s".into(),
        "--kube-api-qps=200".into(),
        "--kube-api-burst=400".into(),
    ]
}

/// A client for the administrator, as soon as the server has made its certificate.
pub(super) fn client(folder: &Path) -> Option<Client> {
    let chain = fs::read(folder.join("apiserver.crt")).ok()?;
    let chain = reqwest::Certificate::from_pem_bundle(&chain).ok()?;
    let mut headers = HeaderMap::new();
    let bearer = format!("Bearer {TOKEN}");
    headers.insert(AUTHORIZATION, HeaderValue::from_str(&bearer).unwrap());
    let client = Client::builder()
        .tls_certs_only(chain)
        .default_headers(headers);
    client
        .no_proxy()
        .timeout(Duration::from_secs(30))
        .build()
        .ok()
}

/// Writes a kubeconfig file with one context, `peers`, for who holds a token.
pub(super) fn write_kubeconfig(file: &Path, url: &str, folder: &Path, token: &str) {
    let authority = folder.join("apiserver.crt");
    let text = serde_json::json!({
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "peers",
        "clusters": [{"name": "peers", "cluster": {"server": url, "certificate-authority": authority}}],
        "contexts": [{"name": "peers", "context": {"cluster": "peers", "user": "peers"}}],
        "users": [{"name": "peers", "user": {"token": token}}],
    });
    fs::write(file, text.to_string()).unwrap();
}
