//! GitHub's REST API, as one account in one repository: octocrab on a wire of our own.
//!
//! ```text
//! door     one repository's octocrab    wire     carries its requests: one client, one pace, one retry
//! answers  the fields that are read     sign_in  as whom: a token's owner, or an App with its key
//! refusal  what any other answer means  quota    how long GitHub asks us to wait
//! ```

mod answers;
mod checks;
mod comments;
mod door;
mod key;
mod made;
mod proposals;
mod quota;
mod refusal;
mod sign_in;
mod talk;
mod wire;

pub use sign_in::GitHubAccess;

use super::{Check, Checks, Forge, ForgeError, PullRequest, Said, Sign, Status, StatusState, Talk};
use crate::model::Revision;
use crate::net::{Client, Limiters};
use crate::telemetry::Clock;
use answers::Pull;
use async_trait::async_trait;
use door::Door;
use made::Made;
use octocrab::models;
use refusal::Asked as _;
use tokio::sync::OnceCell;

/// GitHub's limit for a status description, in characters.
const DESCRIPTION: usize = 140;

/// How to reach one repository on GitHub.
#[derive(Clone, Debug)]
pub struct GitHubSettings {
    /// Where the repository is read on the web.
    pub page: String,
    /// The API's address; `https://api.github.com` or an Enterprise server's `…/api/v3`.
    pub api_url: String,
    /// A token, or an App, that may read the repository, and write pull requests and commit statuses or checks.
    pub access: GitHubAccess,
    /// `owner/name`.
    pub repository: String,
}

/// One repository on GitHub.
pub struct GitHub {
    door: Door,
    page: String,
    me: OnceCell<Option<String>>,
    made: Made,
}

impl GitHub {
    /// Makes the client, inside the runtime; sends nothing.
    ///
    /// # Errors
    /// An address that is none, a repository that is not `owner/name`, a key that is none.
    pub fn new(
        settings: GitHubSettings,
        (client, limiters, clock): (&Client, &Limiters, &Clock),
    ) -> Result<Self, ForgeError> {
        let place = (settings.api_url.as_str(), settings.repository.as_str());
        Ok(Self {
            door: Door::new(place, settings.access, (client, limiters, clock))?,
            page: settings.page,
            me: OnceCell::new(),
            made: Made::default(),
        })
    }
}

impl GitHub {
    /// Returns a pull request where it was merged as this commit: whoever writes a message can name any.
    async fn merged_itself_as(
        &self,
        number: u64,
        revision: &Revision,
    ) -> Result<Option<Pull>, ForgeError> {
        let (doing, rest) = ("look at a merged pull request", format!("pulls/{number}"));
        match self.door.one::<Pull>(doing, &rest).await {
            Ok(pull) => Ok(Some(pull).filter(|pull| pull.is_merged_as(revision))),
            // An issue's number, or another repository's.
            Err(ForgeError::Answered { status: 404, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Forge for GitHub {
    async fn open_pull_requests(&self) -> Result<Vec<PullRequest>, ForgeError> {
        let doing = "list the open pull requests";
        let pulls: Vec<Pull> = self.door.all_known(doing, "pulls?state=open").await?;
        let pulls = pulls.into_iter();
        Ok(pulls.map(|pull| pull.of(&self.door)).collect())
    }

    async fn merged_as(
        &self,
        revision: &Revision,
        named: Option<u64>,
    ) -> Result<Vec<PullRequest>, ForgeError> {
        let (doing, rest) = (
            "find the merged pull requests",
            format!("commits/{revision}/pulls"),
        );
        let pulls: Vec<Pull> = self.door.all_known(doing, &rest).await?;
        let merged = pulls.into_iter().filter(|pull| pull.merged_at.is_some());
        let mut merged: Vec<Pull> = merged.collect();
        // That list is an index, which follows a merge after a while; the pull request itself is written by it.
        if let (true, Some(number)) = (merged.is_empty(), named) {
            merged.extend(self.merged_itself_as(number, revision).await?);
        }
        let merged = merged.into_iter();
        Ok(merged.map(|pull| pull.of(&self.door)).collect())
    }

    async fn put_comment(
        &self,
        number: u64,
        marker: &str,
        body: &str,
        known: Option<u64>,
    ) -> Result<u64, ForgeError> {
        self.write_comment(number, marker, body, known).await
    }

    fn comment_page(&self, number: u64, comment: u64) -> Option<String> {
        let page = &self.page;
        Some(format!("{page}/pull/{number}#issuecomment-{comment}"))
    }

    async fn put_status(&self, status: &Status<'_>) -> Result<(), ForgeError> {
        let Status {
            revision,
            context,
            state,
            description,
            page,
        } = *status;
        let state = match state {
            StatusState::Pending => models::StatusState::Pending,
            StatusState::Success => models::StatusState::Success,
            StatusState::Failure => models::StatusState::Failure,
            StatusState::Error => models::StatusState::Error,
        };
        let repository = self.door.repository();
        let status = repository.create_status(revision.to_string(), state);
        let status = status.context(context.to_owned());
        let mut status = status.description(description.chars().take(DESCRIPTION).collect());
        if let Some(page) = page {
            status = status.target(page.to_owned());
        }
        let set = status.send().await;
        set.or_failed_to("set the commit status")?;
        Ok(())
    }
}

#[async_trait]
impl Checks for GitHub {
    fn has_checks(&self) -> bool {
        self.door.is_app()
    }

    async fn checks_on(&self, head: &Revision) -> Result<Vec<(String, u64)>, ForgeError> {
        self.check_runs(head).await
    }

    async fn put_check(&self, check: &Check<'_>, known: Option<u64>) -> Result<u64, ForgeError> {
        self.write_check(check, known).await
    }
}

#[async_trait]
impl Talk for GitHub {
    async fn said_after(&self, number: u64, known: Option<&Said>) -> Result<Vec<Said>, ForgeError> {
        self.comments_after(number, known).await
    }

    async fn may_write(&self, login: &str) -> Result<bool, ForgeError> {
        self.permission(login).await
    }

    async fn react(&self, comment: u64, sign: Sign) -> Result<(), ForgeError> {
        self.react_to(comment, sign).await
    }
}
