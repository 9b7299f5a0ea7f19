//! Which repository, which branch, and how to get in.

use super::{Limits, Place, SourceError};
use crate::model::{RepoPath, Secret};
use std::path::PathBuf;

/// How to get in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Credentials {
    /// Nothing is sent.
    #[default]
    None,
    /// HTTPS: sent as a basic `Authorization` header, to the target's own host only.
    Token {
        /// The user's name; GitHub and GitLab take any.
        username: String,
        /// The token or password.
        token: Secret,
    },
    /// SSH: files on the daemon's machine.
    Key {
        /// The private key's file; `None` leaves the choice to the user's SSH agent.
        key: Option<PathBuf>,
        /// The file that lists the hosts we trust. Nothing else is trusted.
        known_hosts: PathBuf,
    },
}

/// One repository of the settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// What people call it; stands in every error and log line.
    pub name: String,
    /// Where it is: a path, `file://`, `https://`, `ssh://`, `user@host:path`, `git://`.
    pub url: String,
    /// The branch, short (`main`) or a full name (`refs/tags/v1`).
    pub branch: String,
    /// Only what is below this folder is read; the root takes all.
    pub folder: RepoPath,
    /// How to get in.
    pub credentials: Credentials,
    /// How much is read.
    pub limits: Limits,
}

impl Target {
    /// Takes a repository without credentials, whole, with the default limits.
    pub fn new(name: impl Into<String>, url: impl Into<String>, branch: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            url: url.into(),
            branch: branch.into(),
            folder: RepoPath::new("").expect("the root is a path of every repository"),
            credentials: Credentials::None,
            limits: Limits::default(),
        }
    }

    /// Returns the branch's full name.
    pub fn reference(&self) -> String {
        full_reference(&self.branch)
    }

    /// Reads the address.
    ///
    /// # Errors
    /// `Setting` where it cannot be used or would be unsafe.
    pub fn place(&self) -> Result<Place, SourceError> {
        Place::parse(&self.url).map_err(|reason| SourceError::Setting {
            target: self.name.clone(),
            reason,
        })
    }
}

/// Returns a reference's full name: a short one is a branch.
pub(crate) fn full_reference(name: &str) -> String {
    if name == "HEAD" || name.starts_with("refs/") {
        name.to_owned()
    } else {
        format!("refs/heads/{name}")
    }
}
