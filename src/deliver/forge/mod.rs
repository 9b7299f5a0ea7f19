//! Where pull requests live: lists them, keeps one comment on each, writes check runs or sets commit
//! statuses, hears what people say, opens some.
//!
//! Says nothing of its own: bodies come rendered. Never repeats a request; the next poll does.

mod check;
mod error;
mod github;
mod logged;
mod proposals;
mod talk;

pub use check::{Check, Checks};
pub use error::ForgeError;
pub use github::{GitHub, GitHubAccess, GitHubSettings};
pub use logged::LoggedForge;
pub use proposals::{Draft, Proposals, Proposed, Standing};
pub use talk::{Said, Sign, Talk};

use crate::model::Revision;
use async_trait::async_trait;
use jiff::Timestamp;
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
    /// When it was changed or talked about last, in whole seconds; `None` where nobody can tell.
    pub moved_at: Option<Timestamp>,
}

impl PullRequest {
    /// Returns the Git reference its head can be fetched by.
    pub fn head_ref(&self) -> String {
        format!("refs/pull/{}/head", self.number)
    }
}

/// A commit status.
#[derive(Clone, Copy, Debug)]
pub struct Status<'a> {
    /// The commit it stands on.
    pub revision: &'a Revision,
    /// Its name.
    pub context: &'a str,
    /// The verdict.
    pub state: StatusState,
    /// The verdict in a few words, at most 140 characters.
    pub description: &'a str,
    /// The page it leads to.
    pub page: Option<&'a str>,
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

/// Where pull requests live.
#[async_trait]
pub trait Forge: Checks + Proposals + Talk {
    /// Tells whether it can be asked for pull requests at all: not without credentials.
    fn sees_pull_requests(&self) -> bool {
        true
    }
    /// Lists the open pull requests.
    async fn open_pull_requests(&self) -> Result<Vec<PullRequest>, ForgeError>;
    /// Finds the merged pull requests that a commit came from: none where it was pushed, or was merged so lately that
    /// this is not known yet, and more than one only where they had the commit in common. `named` is the one that
    /// the commit itself says it merged.
    async fn merged_as(
        &self,
        revision: &Revision,
        named: Option<u64>,
    ) -> Result<Vec<PullRequest>, ForgeError>;
    /// Writes or rewrites our one comment on a pull request. `marker` is the body's first line, by
    /// which it is found where `known` is not given or gone. Returns the comment's id.
    async fn put_comment(
        &self,
        number: u64,
        marker: &str,
        body: &str,
        known: Option<u64>,
    ) -> Result<u64, ForgeError>;
    /// Returns the page of a comment; `None` where it has none.
    fn comment_page(&self, _number: u64, _comment: u64) -> Option<String> {
        None
    }
    /// Sets our status on a commit.
    async fn put_status(&self, status: &Status<'_>) -> Result<(), ForgeError>;
}
