//! Where a secret that lives outside the repository is found. A name, never the value.

use super::snapshot::RepoPath;
use serde::{Deserialize, Serialize};

/// Where a secret's value lives. `source::secrets` fetches it.
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
}

impl std::fmt::Display for SecretSource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Env(name) => write!(f, "the environment variable {name}"),
            Self::File(path) => write!(f, "the file {path}"),
            Self::Sops { file, key } => write!(f, "{key} of the SOPS file {file}"),
        }
    }
}
