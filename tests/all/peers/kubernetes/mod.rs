//! One Kubernetes for the whole test process: etcd, API server, controllers and scheduler as plain processes, and a node that is played.
//!
//! The API is real in full; only containers never run: [`node`] sets the status that a kubelet would, and answers for their logs.

mod metrics;
mod node;
pub(crate) mod second;
mod start;
pub(crate) mod webhook;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::process::Guarded;
use super::wait::{outside, until};

/// A running control plane. It ends with the test process.
#[derive(Debug)]
pub(crate) struct Cluster {
    url: String,
    etcd_url: String,
    /// Data, logs and credentials; removed at the end.
    folder: PathBuf,
    programs: PathBuf,
    http: reqwest::blocking::Client,
    _processes: Vec<Guarded>,
}

/// What the API server did for somebody: a line of its audit log.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) user: String,
    /// As whom it was asked; empty where it was asked as the user itself.
    pub(crate) acting: String,
    pub(crate) agent: String,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub(crate) verb: String,
    /// Path and query.
    pub(crate) uri: String,
    pub(crate) status: u64,
}

/// The cluster that all tests share, started by the first that asks (about five seconds).
pub(crate) fn cluster() -> &'static Cluster {
    static CLUSTER: OnceLock<Cluster> = OnceLock::new();
    CLUSTER.get_or_init(|| outside(start::start))
}

impl Cluster {
    /// A kubeconfig file of a cluster administrator; its one context is called `peers`.
    pub(crate) fn kubeconfig(&self) -> PathBuf {
        self.folder.join("kubeconfig")
    }

    /// Makes a namespace for one test: the stem and a number. It stays until the cluster ends, for whoever reads the wreck.
    pub(crate) fn namespace(&self, stem: &str) -> String {
        static MADE: AtomicU32 = AtomicU32::new(1);
        let name = format!("{stem}-{}", MADE.fetch_add(1, Ordering::Relaxed));
        let body = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}});
        self.post("/api/v1/namespaces", &body);
        // Pods are refused until the controller has made the account they run under.
        let account = format!("/api/v1/namespaces/{name}/serviceaccounts/default");
        until(
            "the namespace has its account",
            Duration::from_secs(20),
            || self.get(&account),
        );
        name
    }

    /// A kubeconfig file of a new ServiceAccount that may do only what the rules say, cluster-wide.
    ///
    /// Rules are RBAC's own: `{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]}`.
    pub(crate) fn kubeconfig_limited_to(&self, namespace: &str, rules: &[Value]) -> PathBuf {
        let group = "rbac.authorization.k8s.io";
        let name = format!("{namespace}-limited");
        let accounts = format!("/api/v1/namespaces/{namespace}/serviceaccounts");
        self.post(&accounts, &json!({"metadata": {"name": "limited"}}));
        self.post(
            &format!("/apis/{group}/v1/clusterroles"),
            &json!({"metadata": {"name": name}, "rules": rules}),
        );
        self.post(
            &format!("/apis/{group}/v1/clusterrolebindings"),
            &json!({
                "metadata": {"name": name},
                "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": name},
                "subjects": [{"kind": "ServiceAccount", "name": "limited", "namespace": namespace}],
            }),
        );
        self.kubeconfig_of(namespace, "limited")
    }

    /// A kubeconfig file of a ServiceAccount that exists, with a token good for an hour.
    pub(crate) fn kubeconfig_of(&self, namespace: &str, account: &str) -> PathBuf {
        let path = format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}/token");
        let answer = self.post(&path, &json!({"spec": {"expirationSeconds": 3600}}));
        let token = answer["status"]["token"].as_str().unwrap();
        let file = self
            .folder
            .join(format!("kubeconfig-{namespace}-{account}"));
        start::write_kubeconfig(&file, &self.url, &self.folder, token);
        file
    }

    /// Writes a certificate of a new key for a user, who may do no more than anybody.
    pub(crate) fn certify(&self, user: &str, certificate: &Path, key: &Path) {
        let made = tempfile::tempdir_in(&self.folder).unwrap();
        let sign = format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN={user} -CA ../clients.crt -CAkey ../clients.key -keyout key -out crt"
        );
        start::openssl(made.path(), &sign);
        std::fs::copy(made.path().join("crt"), certificate).unwrap();
        std::fs::copy(made.path().join("key"), key).unwrap();
    }

    /// Runs kubectl as an administrator and gives back what it printed. Panics when it fails.
    pub(crate) fn kubectl<const N: usize>(&self, arguments: [&str; N]) -> String {
        let output = self.try_kubectl(&arguments, &[]);
        let talk = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {arguments:?}: {talk}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Runs kubectl as an administrator, also where it is expected to fail, with environment variables (`KUBE_EDITOR`).
    pub(crate) fn try_kubectl(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        Command::new(self.programs.join("kubectl"))
            .arg("--kubeconfig")
            .arg(self.kubeconfig())
            .args(arguments)
            .envs(environment.iter().copied())
            .output()
            .unwrap()
    }

    /// Applies YAML with `kubectl apply`, as a person would.
    pub(crate) fn kubectl_apply(&self, namespace: &str, yaml: &str) {
        self.kubectl_with("apply", namespace, yaml);
    }

    /// Creates objects as an administrator, who keeps no files of them.
    pub(crate) fn kubectl_create(&self, namespace: &str, yaml: &str) {
        self.kubectl_with("create", namespace, yaml);
    }

    fn kubectl_with(&self, verb: &str, namespace: &str, yaml: &str) {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), yaml).unwrap();
        let file = file.path().to_str().unwrap();
        self.kubectl(["-n", namespace, verb, "-f", file]);
    }

    /// Reads a path of the API; nothing where there is none.
    pub(crate) fn get(&self, path: &str) -> Option<Value> {
        let answer = outside(|| self.http.get(self.at(path)).send()?.json::<Value>()).unwrap();
        if answer["kind"] == "Status" && answer["code"] == 404 {
            return None;
        }
        assert!(answer["kind"] != "Status", "{path}: {answer}");
        Some(answer)
    }

    /// Sends an object to a collection of the API. Panics when it is refused.
    pub(crate) fn post(&self, path: &str, body: &Value) -> Value {
        let send = || {
            self.http
                .post(self.at(path))
                .json(body)
                .send()?
                .json::<Value>()
        };
        let answer = outside(send).unwrap();
        assert!(answer["status"] != "Failure", "{path}: {answer}");
        answer
    }

    /// Merges a patch into an object; false where the API server refuses.
    pub(crate) fn merge_patch(&self, path: &str, patch: &Value) -> bool {
        let send = || {
            let request = self.http.patch(self.at(path)).body(patch.to_string());
            request
                .header("content-type", "application/merge-patch+json")
                .send()
        };
        outside(send).unwrap().status().is_success()
    }

    /// Changes an object by a JSON patch and gives back what it is now; nothing where the API server refuses.
    pub(crate) fn json_patch(&self, path: &str, patch: &Value) -> Option<Value> {
        let send = || {
            let request = self.http.patch(self.at(path)).body(patch.to_string());
            request
                .header("content-type", "application/json-patch+json")
                .send()
        };
        let answer = outside(send).unwrap();
        let is_done = answer.status().is_success();
        is_done.then(|| outside(|| answer.json()).unwrap())
    }

    /// What the API server has answered since its start, from its audit log.
    pub(crate) fn requests(&self) -> Vec<Request> {
        let text = |event: &Value, name: &str| event[name].as_str().unwrap_or_default().to_owned();
        std::fs::read_to_string(self.folder.join("audit.log"))
            .unwrap()
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .map(|event| Request {
                user: event["user"]["username"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                acting: event["impersonatedUser"]["username"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                agent: text(&event, "userAgent"),
                verb: text(&event, "verb"),
                uri: text(&event, "requestURI"),
                status: event["responseStatus"]["code"].as_u64().unwrap_or_default(),
            })
            .collect()
    }

    /// The version the API server tells: `v1.36.3`.
    pub(crate) fn version(&self) -> String {
        let answer =
            outside(|| self.http.get(self.at("/version")).send()?.json::<Value>()).unwrap();
        answer["gitVersion"].as_str().unwrap().to_owned()
    }

    fn at(&self, path: &str) -> String {
        format!("{}{path}", self.url)
    }
}
