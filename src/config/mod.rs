//! The daemon's own settings: `reconciled.yaml`, every key of which an environment variable can
//! also give. One element per file; each reads its part and describes it for the schema.
//!
//! Nothing here opens a secret: settings say where one lives. Nothing here is ever read from a
//! pull request's branch.
//!
//! # Environment variables
//! `RECONCILED_` and the key in capitals with `_` between words; `__` goes one level down, list
//! items have numbers from 0. A variable wins over the file, an empty one counts as not set.
//! `RECONCILED_WEB__LISTEN=0.0.0.0:9720`, `RECONCILED_REPOSITORIES__0__URL=https://…`,
//! `RECONCILED_GITHUB__TOKEN=…` (the token itself), `RECONCILED_GITHUB__TOKEN__FILE=/run/secrets/github`.
//! A value that begins with `[`, `{` or a quote is read as YAML. A variable that means no key is an error.

mod credentials;
mod describe;
mod element;
mod github;
mod ledger;
mod limits;
mod load;
mod log;
mod providers;
mod redact;
mod registries;
mod repositories;
mod secret;
mod size;
mod slack;
mod sops;
mod variables;
mod web;
mod webhook;

pub use credentials::Credentials;
pub use github::{GitHub, GitHubApp};
pub use ledger::Ledger;
pub use limits::{Limits, SourceLimits};
pub use load::schema;
pub use log::Log;
pub use providers::{Host, Kubernetes, Providers, Rest};
pub use registries::ChartRegistry;
pub use repositories::{Access, Repository};
pub use slack::{Slack, SlackAccess};
pub use sops::Sops;
pub use web::Web;
pub use webhook::Webhook;

use std::path::PathBuf;

/// Everything the daemon can be told. Two are equal where nothing has to be started anew.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The file they were read from.
    pub file: Option<PathBuf>,
    /// What this daemon keeps on disk: the ledger, and copies of repositories.
    pub state_folder: PathBuf,
    /// What is kept of charts that were fetched, for every process of these settings. Deleted, what versions
    /// meant is looked up again.
    pub charts_folder: PathBuf,
    /// Where environments come from.
    pub repositories: Vec<Repository>,
    /// How GitHub is reached.
    pub github: GitHub,
    /// How Slack is reached; `None` means that messages go to the log.
    pub slack: Option<Slack>,
    /// Where events are posted, if anywhere.
    pub webhook: Option<Webhook>,
    /// The record of what was done.
    pub ledger: Ledger,
    /// Health and metrics.
    pub web: Web,
    /// How much at once.
    pub limits: Limits,
    /// How secrets in repositories are opened.
    pub sops: Sops,
    /// What providers may do here.
    pub providers: Providers,
    /// The log.
    pub log: Log,
}

impl Settings {
    /// Returns the folder for copies of repositories; it can be deleted at any time.
    pub fn cache_folder(&self) -> PathBuf {
        self.state_folder.join("repositories")
    }

    /// Returns the files whose change means that the settings, or a secret they name, changed.
    pub fn paths_to_watch(&self) -> Vec<PathBuf> {
        let secrets = self
            .repositories
            .iter()
            .flat_map(Repository::paths)
            .chain(self.github.paths())
            .chain(self.slack.iter().filter_map(Slack::path))
            .chain(self.webhook.iter().filter_map(Webhook::path))
            .chain(self.sops.path())
            .chain(self.providers.kubernetes.paths());
        let mut paths: Vec<PathBuf> = self.file.iter().cloned().chain(secrets).collect();
        paths.sort();
        paths.dedup();
        paths
    }
}

#[cfg(test)]
mod tests;
