//! What providers may do for the repositories of this daemon. What a repository must not decide for
//! itself stands here: whether this machine's files may be written, and which programs may run.

use super::describe::{boolean, object, text, text_or, texts};
use super::element::Reading;
use super::registries::{self, ChartRegistry};
use crate::yaml::{Fields, Node};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use url::Url;

/// What providers may do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Providers {
    /// Files of this machine.
    pub host: Host,
    /// Clusters.
    pub kubernetes: Kubernetes,
    /// Clouds with a catalogue.
    pub rest: Rest,
}

/// Files of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Host {
    /// Whether environments may write here at all.
    pub allowed: bool,
    /// The folder that every path stands under.
    pub root: PathBuf,
}

impl Default for Host {
    /// Not unless somebody says so: whoever may merge could write any file this user may.
    fn default() -> Self {
        Self {
            allowed: false,
            root: PathBuf::from("/"),
        }
    }
}

/// Clusters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kubernetes {
    /// The kubeconfig of connections that name none; `None` means `KUBECONFIG` or `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// Credential programs of kubeconfigs that may be run, as the kubeconfig names them.
    pub exec_plugins: Vec<String>,
    /// The kustomize that builds kustomizations: a name on the PATH, or an absolute path.
    pub kustomize: String,
    /// The helm that renders charts: likewise.
    pub helm: String,
    /// Registries that charts may be fetched from.
    pub registries: Vec<ChartRegistry>,
}

impl Kubernetes {
    /// Returns the files whose change matters.
    pub(super) fn paths(&self) -> impl Iterator<Item = PathBuf> {
        self.registries.iter().flat_map(ChartRegistry::paths)
    }
}

impl Default for Kubernetes {
    fn default() -> Self {
        Self {
            kubeconfig: None,
            exec_plugins: Vec::new(),
            kustomize: "kustomize".to_owned(),
            helm: "helm".to_owned(),
            registries: Vec::new(),
        }
    }
}

/// Clouds with a catalogue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rest {
    /// Other addresses than the catalogue's, by provider (`digitalocean`): a proxy, a test server.
    pub base_urls: BTreeMap<String, Url>,
}

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> Providers {
    reading.element(node, |reading, fields| Providers {
        host: reading.element(fields.get("host"), host),
        kubernetes: reading.element(fields.get("kubernetes"), kubernetes),
        rest: reading.element(fields.get("rest"), rest),
    })
}

fn host(reading: &mut Reading, fields: &mut Fields<'_>) -> Host {
    let default = Host::default();
    let allowed = fields
        .get("allowed")
        .and_then(|node| reading.reader.boolean(node));
    Host {
        allowed: allowed.unwrap_or(default.allowed),
        root: reading.path(fields.get("root")).unwrap_or(default.root),
    }
}

fn kubernetes(reading: &mut Reading, fields: &mut Fields<'_>) -> Kubernetes {
    Kubernetes {
        kubeconfig: reading.path(fields.get("kubeconfig")),
        exec_plugins: reading.texts(fields.get("execPlugins")),
        kustomize: reading
            .text(fields.get("kustomize"))
            .unwrap_or_else(|| Kubernetes::default().kustomize),
        helm: reading
            .text(fields.get("helm"))
            .unwrap_or_else(|| Kubernetes::default().helm),
        registries: registries::read(reading, fields.get("registries")),
    }
}

fn rest(reading: &mut Reading, fields: &mut Fields<'_>) -> Rest {
    let Some(node) = fields.get("baseUrls") else {
        return Rest::default();
    };
    let entries = reading.reader.entries(node).unwrap_or_default();
    let address = |(key, node): &(crate::yaml::Key, Node)| {
        Some((key.text.clone(), reading.address(Some(node))?))
    };
    Rest {
        base_urls: entries.iter().filter_map(address).collect(),
    }
}

pub(super) fn schema() -> Value {
    let host = object(
        "Files, env files and nginx sites of this machine",
        &[],
        vec![
            (
                "allowed",
                boolean(
                    "Whether environments may write here: whoever may merge then may too",
                    false,
                ),
            ),
            (
                "root",
                text_or("The folder that every path stands under", "/"),
            ),
        ],
    );
    let rest = object(
        "Clouds",
        &[],
        vec![(
            "baseUrls",
            json!({
                "type": "object",
                "description": "Other addresses than the clouds' own, by provider: a proxy, a test server",
                "additionalProperties": text("The address", "http://127.0.0.1:8080"),
                "examples": [{ "digitalocean": "http://127.0.0.1:8080" }],
            }),
        )],
    );
    object(
        "What providers may do for the repositories of this daemon",
        &[],
        vec![
            ("host", host),
            ("kubernetes", of_kubernetes()),
            ("rest", rest),
        ],
    )
}

fn of_kubernetes() -> Value {
    object(
        "Clusters",
        &[],
        vec![
            (
                "kubeconfig",
                text(
                    "The kubeconfig of connections that name none; else KUBECONFIG or ~/.kube/config",
                    "/etc/reconciled/kubeconfig",
                ),
            ),
            (
                "execPlugins",
                texts(
                    "Credential programs of kubeconfigs that may be run, as the kubeconfig names them; they inherit no variable that a secret is read from",
                    &["aws"],
                ),
            ),
            (
                "kustomize",
                text_or(
                    "The program that builds kustomizations, by name or by path",
                    "kustomize",
                ),
            ),
            (
                "helm",
                text_or(
                    "The program that renders charts, by name or by path",
                    "helm",
                ),
            ),
            ("registries", registries::schema()),
        ],
    )
}
