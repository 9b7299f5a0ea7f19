//! The daemon on a real cluster: the real program, a Git repository, and an API server with its
//! controllers. What the provider alone does is asked in `kubernetes`.

mod charted;
mod custom;
mod dead;
mod drift;
mod faults;
mod going;
mod handed;
mod imported;
mod inside;
mod kustomized;
mod moved;
mod ordered;
pub(crate) mod proxy;
mod quiet;
mod registered;
mod removal;
mod rights;
mod rollback;
mod rollout;
mod ruled;
mod unnamed;
mod waits;
mod watched;

use crate::daemon::{Daemon, World};
use crate::peers::kubernetes::cluster;
use reconciled::ledger::RunOutcome;
use serde_json::{Value as Json, json};
use std::path::Path;

/// A repository with one environment, which is called like the one namespace it declares.
struct Scene {
    world: World,
    name: &'static str,
}

impl Scene {
    fn new(name: &'static str) -> Self {
        Self::through(name, &cluster().kubeconfig())
    }

    /// The same through another kubeconfig than the administrator's.
    fn through(name: &'static str, kubeconfig: &Path) -> Self {
        let scene = Self {
            world: World::new(),
            name,
        };
        scene.reach_by(kubeconfig);
        scene
    }

    /// Has the daemon use a kubeconfig from now on.
    fn reach_by(&self, kubeconfig: &Path) {
        let path = kubeconfig.to_str().unwrap();
        self.world.settings(|settings| {
            settings["providers"]["kubernetes"] = json!({ "kubeconfig": path });
        });
    }

    /// Commits the environment with these resources, compared each second and corrected unless told otherwise.
    fn commit(&self, reconcile: Json, resources: &[(&str, Json)]) -> String {
        self.commit_with(json!({}), reconcile, resources)
    }

    /// The same with secrets.
    fn commit_with(&self, secrets: Json, reconcile: Json, resources: &[(&str, Json)]) -> String {
        let mut all = json!({ "interval": "1s", "onDrift": "correct" });
        merge(&mut all, reconcile);
        let connection = json!({ "provider": "kubernetes", "context": "peers" });
        self.commit_reached(connection, secrets, all, resources)
    }

    /// The same through another connection, kept just as is said here.
    fn commit_reached(
        &self,
        connection: Json,
        secrets: Json,
        reconcile: Json,
        resources: &[(&str, Json)],
    ) -> String {
        let resources: serde_json::Map<String, Json> = resources
            .iter()
            .map(|(id, resource)| ((*id).to_owned(), resource.clone()))
            .collect();
        let environment = json!({
            "apiVersion": "reconciled.dev/v1alpha1", "kind": "Environment", "metadata": { "name": self.name },
            "spec": {
                "connections": { "cluster": connection },
                "secrets": secrets, "reconcile": reconcile, "resources": resources,
            },
        });
        let text = serde_json::to_string_pretty(&environment).unwrap();
        self.world.commit(&[("environment.yaml", &text)])
    }

    /// Commits the namespace and a page in it through a connection.
    fn commit_page(&self, connection: Json, secrets: Json, text: &str) -> String {
        let resources = [
            ("namespace", self.namespace()),
            ("page", self.config("page", text)),
        ];
        self.commit_reached(connection, secrets, json!({ "interval": "1s" }), &resources)
    }

    /// Commits, and waits until all of it is applied and ready.
    #[track_caller]
    fn applied(&self, daemon: &mut Daemon<'_>, reconcile: Json, resources: &[(&str, Json)]) {
        let commit = self.commit(reconcile, resources);
        self.done(daemon, &commit);
    }

    /// Waits until all of a commit is applied and ready.
    #[track_caller]
    fn done(&self, daemon: &mut Daemon<'_>, commit: &str) {
        let summary = daemon.run_of(self.name, commit).summary.unwrap();
        assert_eq!(
            summary.outcome,
            RunOutcome::Done,
            "{summary:?}\n{}",
            daemon.log()
        );
    }

    /// An object in the namespace, as a resource.
    fn object(&self, api_version: &str, kind: &str, name: &str, rest: Json) -> Json {
        let mut spec = json!({ "apiVersion": api_version, "kind": kind, "metadata": { "name": name, "namespace": self.name } });
        merge(&mut spec, rest);
        json!({ "kind": "kubernetes/object", "spec": spec })
    }

    fn namespace(&self) -> Json {
        json!({ "kind": "kubernetes/object", "spec": { "apiVersion": "v1", "kind": "Namespace", "metadata": { "name": self.name } } })
    }

    fn config(&self, name: &str, text: &str) -> Json {
        self.object("v1", "ConfigMap", name, json!({ "data": { "text": text } }))
    }

    fn deployment(&self, replicas: u32, image: &str) -> Json {
        self.object(
            "apps/v1",
            "Deployment",
            "api",
            json!({ "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": "api" } },
            "template": { "metadata": { "labels": { "app": "api" } }, "spec": { "containers": [
                { "name": "api", "image": image, "resources": { "requests": { "cpu": "100m" } } },
            ] } },
        } }),
        )
    }

    /// Reads an object of the namespace: `configmaps/a`, `apps/v1/deployments/api`.
    fn live(&self, path: &str) -> Option<Json> {
        let name = self.name;
        let path = match path.split('/').collect::<Vec<_>>()[..] {
            [plural, object] => format!("/api/v1/namespaces/{name}/{plural}/{object}"),
            [group, version, plural, object] => {
                format!("/apis/{group}/{version}/namespaces/{name}/{plural}/{object}")
            }
            _ => panic!("{path}"),
        };
        cluster().get(&path)
    }

    /// The text of a config.
    fn text(&self, name: &str) -> Option<String> {
        let live = self.live(&format!("configmaps/{name}"))?;
        Some(live["data"]["text"].as_str()?.to_owned())
    }

    /// Runs kubectl in the namespace, as an administrator.
    fn kubectl<const N: usize>(&self, arguments: [&str; N]) {
        let all: Vec<&str> = ["--namespace", self.name]
            .into_iter()
            .chain(arguments)
            .collect();
        // `kubectl edit` hands the file to this.
        let editor = [("KUBE_EDITOR", "sed -i s/hello/hacked/")];
        let output = cluster().try_kubectl(&all, &editor);
        assert!(
            output.status.success(),
            "{all:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    /// What a command of the program prints, and its exit code.
    fn told(&self, arguments: &[&str]) -> (String, Option<i32>) {
        let said = self.world.command(arguments);
        (format!("{}{}", said.stdout, said.stderr), said.code)
    }

    fn is(&self, address: Option<&reconciled::model::Address>, resource: &str) -> bool {
        address.is_some_and(|address| address.to_string() == format!("{}/{resource}", self.name))
    }
}

fn merge(into: &mut Json, more: Json) {
    match (into, more) {
        (Json::Object(into), Json::Object(more)) => {
            for (key, value) in more {
                merge(into.entry(key).or_insert(Json::Null), value);
            }
        }
        (into, more) => *into = more,
    }
}

/// A resource with a lifecycle.
fn with(mut resource: Json, lifecycle: Json) -> Json {
    resource["lifecycle"] = lifecycle;
    resource
}
