//! Where a secret that lives outside the repository is found. A name, never the value.

use super::id::ConnectionName;
use super::snapshot::RepoPath;
use serde::{Deserialize, Serialize};

/// Where a secret's value lives. `source` fetches it, a cluster's through its connection the engine.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// An environment variable of the daemon, by name.
    Env(String),
    /// A file on the daemon's machine, by absolute path; one trailing newline is not part of the value.
    File(String),
    /// A value of a file of the repository that SOPS encrypted.
    Sops {
        /// The file.
        file: RepoPath,
        /// The value's path in it, with dots.
        key: String,
    },
    /// A value of a Secret of a cluster.
    Kubernetes(ClusterSecret),
}

/// A value of a Secret of a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ClusterSecret {
    /// The connection it is read through, of the same environment.
    pub connection: ConnectionName,
    /// The Secret's namespace; `None` means that of the connection.
    pub namespace: Option<String>,
    /// The Secret's name.
    pub name: String,
    /// The key in its data.
    pub key: String,
}

impl ClusterSecret {
    /// The provider whose connections lead to clusters.
    pub const PROVIDER: &str = "kubernetes";
}

impl std::fmt::Display for ClusterSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of the Secret ", self.key)?;
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}/")?;
        }
        write!(f, "{} through {}", self.name, self.connection)
    }
}

impl std::fmt::Display for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {path}"),
            Self::Sops { file, key } => write!(f, "{key} of the SOPS file {file}"),
            Self::Kubernetes(of) => of.fmt(f),
        }
    }
}
