//! Where pull requests live: lists them, keeps one comment on each, sets commit statuses, opens some.
//!
//! Says nothing of its own: bodies come rendered. Never repeats a request; the next poll does.

mod github;
mod logged;
mod proposals;

pub use github::{GitHub, GitHubSettings};
pub use logged::LoggedForge;
pub use proposals::{Draft, Proposals, Proposed, Standing};

use crate::model::{Class, Fault, Revision};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// A pull request, as far as a plan needs to know it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PullRequest {
    /// Its number.
    pub number: u64,
    /// The commit it would merge.
    pub head: Revision,
    /// The branch it would merge into.
    pub base_branch: String,
    /// True where its head is another repository's: then nothing live is read for it.
    pub from_fork: bool,
}

impl PullRequest {
    /// Returns the Git reference its head can be fetched by.
    pub fn head_ref(&self) -> String {
        format!("refs/pull/{}/head", self.number)
    }
}

/// What a commit status says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StatusState {
    /// Not known yet.
    Pending,
    /// The plan could be made, or nothing is touched.
    Success,
    /// A person has to change the specs.
    Failure,
    /// It could not be told.
    Error,
}

/// Why the forge did not answer as hoped.
#[derive(Debug, thiserror::Error)]
pub enum ForgeError {
    /// The forge says who we are is not enough.
    #[error("{doing}: the forge refused our credentials")]
    Unauthorised {
        /// What was tried.
        doing: &'static str,
    },
    /// Too many requests.
    #[error("{doing}: the forge asks for fewer requests")]
    Limited {
        /// What was tried.
        doing: &'static str,
    },
    /// It answered something else than asked.
    #[error("{doing}: the forge answered {status}: {message}")]
    Answered {
        /// What was tried.
        doing: &'static str,
        /// The HTTP status.
        status: u16,
        /// The forge's words.
        message: String,
    },
    /// Somebody else answered, a proxy say: it is no verdict on anything.
    #[error("{doing}: what came back, with status {status}, is no answer of the forge's")]
    Foreign {
        /// What was tried.
        doing: &'static str,
        /// The HTTP status.
        status: u16,
    },
    /// No answer.
    #[error("{doing}: no answer from the forge")]
    Unreachable {
        /// What was tried.
        doing: &'static str,
        /// What was seen.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// Somebody else committed to a branch of ours.
    #[error("write the branch {branch}: somebody else committed to it")]
    Moved {
        /// The branch.
        branch: String,
    },
    /// The settings cannot be used.
    #[error("use the GitHub settings: {0}")]
    Settings(String),
}

impl ForgeError {
    /// Tells whether what was asked for can never be: what it is about is gone, locked, or not ours.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::Answered {
                status: 403 | 404 | 410 | 422,
                ..
            }
        )
    }
}

impl Fault for ForgeError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unauthorised { .. } => "forge-unauthorised",
            Self::Limited { .. } => "forge-limited",
            Self::Answered { .. } => "forge-answered",
            Self::Foreign { .. } => "forge-foreign",
            Self::Unreachable { .. } => "forge-unreachable",
            Self::Moved { .. } => "forge-moved",
            Self::Settings(_) => "forge-settings",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Unauthorised { .. } => {
                "Give a token that may read the repository, and write pull requests and commit statuses.".to_owned()
            }
            Self::Settings(_) => "Look at `github` in the settings file.".to_owned(),
            Self::Moved { branch } => format!(
                "Merge or close its pull request, or delete the branch: {branch} is made anew then."
            ),
            Self::Foreign { .. } => {
                "Look for a proxy between here and GitHub. It is kept and tried again.".to_owned()
            }
            _ => "It is tried again at the next poll; nothing else waits for it.".to_owned(),
        })
    }

    fn class(&self) -> Class {
        match self {
            Self::Unauthorised { .. } | Self::Moved { .. } | Self::Settings(_) => Class::User,
            Self::Answered { status, .. } if *status < 500 => Class::User,
            _ => Class::Transient,
        }
    }
}

/// Where pull requests live.
#[async_trait]
pub trait Forge: Proposals + Send + Sync {
    /// Tells whether it can be asked for pull requests at all: not without credentials.
    fn sees_pull_requests(&self) -> bool {
        true
    }
    /// Lists the open pull requests.
    async fn open_pull_requests(&self) -> Result<Vec<PullRequest>, ForgeError>;
    /// Finds the merged pull requests that a commit came from: none where it was pushed, and more than
    /// one only where they had the commit in common.
    async fn merged_as(&self, revision: &Revision) -> Result<Vec<PullRequest>, ForgeError>;
    /// Writes or rewrites our one comment on a pull request. `marker` is the body's first line, by
    /// which it is found where `known` is not given or gone. Returns the comment's id.
    async fn put_comment(
        &self,
        number: u64,
        marker: &str,
        body: &str,
        known: Option<u64>,
    ) -> Result<u64, ForgeError>;
    /// Sets our status on a commit. `context` names it, `description` has at most 140 characters.
    async fn put_status(
        &self,
        revision: &Revision,
        context: &str,
        state: StatusState,
        description: &str,
    ) -> Result<(), ForgeError>;
}
