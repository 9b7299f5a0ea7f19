//! GitHub over octocrab, with a token. Answers are read into just the fields needed, so that an
//! Enterprise server of another version does not break it.

mod proposals;

use super::{Forge, ForgeError, PullRequest, StatusState};
use crate::model::{Revision, Secret};
use async_trait::async_trait;
use octocrab::Octocrab;
use serde::Deserialize;
use serde_json::json;
use std::time::Duration;
use tokio::sync::OnceCell;

/// How many comments or pull requests a page holds; GitHub's most.
const PAGE: usize = 100;
/// How many pages are read at most.
const PAGES: usize = 20;
/// GitHub's limit for a status description, in characters.
const DESCRIPTION: usize = 140;

/// How to reach one repository on GitHub.
#[derive(Clone, Debug)]
pub struct GitHubSettings {
    /// The API's address; `https://api.github.com` or an Enterprise server's `…/api/v3`.
    pub api_url: String,
    /// A token that may read the repository, and write pull requests and commit statuses.
    pub token: Secret,
    /// `owner/name`.
    pub repository: String,
}

/// One repository on GitHub.
pub struct GitHub {
    client: Octocrab,
    repository: String,
    me: OnceCell<Option<String>>,
}

#[derive(Deserialize)]
struct User {
    login: String,
    #[serde(default, rename = "type")]
    kind: String,
}

impl User {
    /// Tells whether a comment of theirs may be ours. An App does not know its own login, and is a bot.
    fn may_be(&self, me: Option<&str>) -> bool {
        me.map_or(self.kind == "Bot", |me| self.login == me)
    }
}

#[derive(Deserialize)]
struct Repo {
    full_name: String,
}

#[derive(Deserialize)]
struct Side {
    sha: String,
    #[serde(rename = "ref")]
    branch: String,
    repo: Option<Repo>,
}

#[derive(Deserialize)]
struct Pull {
    number: u64,
    head: Side,
    base: Side,
    merged_at: Option<String>,
}

#[derive(Deserialize)]
struct Comment {
    id: u64,
    body: Option<String>,
    user: Option<User>,
}

impl GitHub {
    /// Makes the client; sends nothing.
    ///
    /// # Errors
    /// An address that is none, a repository that is not `owner/name`.
    pub fn new(settings: &GitHubSettings) -> Result<Self, ForgeError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let named = settings
            .repository
            .split_once('/')
            .is_some_and(|(owner, name)| {
                [owner, name]
                    .iter()
                    .all(|part| !part.is_empty() && part.chars().all(plain))
            });
        if !named {
            return Err(ForgeError::Settings(format!(
                "write the repository as owner/name, not {:?}",
                settings.repository
            )));
        }
        let client = Octocrab::builder()
            .base_uri(settings.api_url.as_str())
            .map_err(|_| ForgeError::Settings(format!("{:?} is not an address", settings.api_url)))?
            .personal_token(settings.token.expose().to_owned())
            .set_connect_timeout(Some(Duration::from_secs(10)))
            .set_read_timeout(Some(Duration::from_secs(30)))
            .build()
            .map_err(|_| ForgeError::Settings("the client could not be made".to_owned()))?;
        Ok(Self {
            client,
            repository: settings.repository.clone(),
            me: OnceCell::new(),
        })
    }

    fn route(&self, rest: &str) -> String {
        format!("/repos/{}/{rest}", self.repository)
    }

    async fn pages<T: for<'de> Deserialize<'de>>(
        &self,
        doing: &'static str,
        rest: &str,
        mut query: serde_json::Value,
    ) -> Result<Vec<T>, ForgeError> {
        let mut all = Vec::new();
        query["per_page"] = json!(PAGE);
        for page in 1..=PAGES {
            query["page"] = json!(page);
            let some: Vec<T> = self
                .client
                .get(self.route(rest), Some(&query))
                .await
                .map_err(|error| read(doing, error))?;
            let full = some.len() >= PAGE;
            all.extend(some);
            if !full {
                break;
            }
        }
        Ok(all)
    }

    /// Our own login; `None` for an App's token, which may not ask. What is not known is asked again: taken
    /// for an App we would take a stranger's words for ours.
    async fn me(&self) -> Result<Option<&str>, ForgeError> {
        let doing = "ask who we are";
        let ask = || async {
            let asked = self.client.get::<User, _, ()>("/user", None).await;
            match asked.map_err(|error| read(doing, error)) {
                Ok(user) => Ok(Some(user.login)),
                Err(ForgeError::Answered { status: 403, .. }) => Ok(None),
                Err(error) => Err(error),
            }
        };
        Ok(self.me.get_or_try_init(ask).await?.as_deref())
    }

    fn pull(&self, pull: Pull) -> PullRequest {
        let head_repo = pull.head.repo.as_ref().map(|repo| repo.full_name.as_str());
        PullRequest {
            number: pull.number,
            head: Revision::new(pull.head.sha),
            base_branch: pull.base.branch,
            // A head whose repository is gone was a fork's.
            from_fork: head_repo.is_none_or(|name| !name.eq_ignore_ascii_case(&self.repository)),
        }
    }

    async fn find_comment(&self, number: u64, marker: &str) -> Result<Option<u64>, ForgeError> {
        let me = self.me().await?;
        let comments: Vec<Comment> = self
            .pages(
                "list the comments",
                &format!("issues/{number}/comments"),
                json!({}),
            )
            .await?;
        let ours = |comment: &&Comment| {
            let body = comment.body.as_deref();
            let author = comment.user.as_ref();
            body.is_some_and(|body| body.starts_with(marker))
                && author.is_some_and(|author| author.may_be(me))
        };
        Ok(comments.iter().find(ours).map(|comment| comment.id))
    }
}

#[async_trait]
impl Forge for GitHub {
    async fn open_pull_requests(&self) -> Result<Vec<PullRequest>, ForgeError> {
        let pulls = self
            .pages(
                "list the open pull requests",
                "pulls",
                json!({ "state": "open" }),
            )
            .await?;
        Ok(pulls.into_iter().map(|pull| self.pull(pull)).collect())
    }

    async fn merged_as(&self, revision: &Revision) -> Result<Vec<PullRequest>, ForgeError> {
        let rest = format!("commits/{revision}/pulls");
        let pulls: Vec<Pull> = self
            .pages("find the merged pull requests", &rest, json!({}))
            .await?;
        let merged = pulls.into_iter().filter(|pull| pull.merged_at.is_some());
        Ok(merged.map(|pull| self.pull(pull)).collect())
    }

    async fn put_comment(
        &self,
        number: u64,
        marker: &str,
        body: &str,
        known: Option<u64>,
    ) -> Result<u64, ForgeError> {
        let body = json!({ "body": body });
        let known = match known {
            Some(id) => Some(id),
            None => self.find_comment(number, marker).await?,
        };
        if let Some(id) = known {
            let rest = self.route(&format!("issues/comments/{id}"));
            match self
                .client
                .patch::<Comment, _, _>(rest, Some(&body))
                .await
                .map_err(|e| read("edit the comment", e))
            {
                Ok(comment) => return Ok(comment.id),
                Err(ForgeError::Answered {
                    status: 404 | 410, ..
                }) => {}
                Err(error) => return Err(error),
            }
        }
        let rest = self.route(&format!("issues/{number}/comments"));
        let comment: Comment = self
            .client
            .post(rest, Some(&body))
            .await
            .map_err(|error| read("write the comment", error))?;
        Ok(comment.id)
    }

    async fn put_status(
        &self,
        revision: &Revision,
        context: &str,
        state: StatusState,
        description: &str,
    ) -> Result<(), ForgeError> {
        let description: String = description.chars().take(DESCRIPTION).collect();
        let body = json!({ "state": state, "context": context, "description": description });
        let rest = self.route(&format!("statuses/{revision}"));
        let _status: serde_json::Value = self
            .client
            .post(rest, Some(&body))
            .await
            .map_err(|error| read("set the commit status", error))?;
        Ok(())
    }
}

fn read(doing: &'static str, error: octocrab::Error) -> ForgeError {
    match error {
        octocrab::Error::GitHub { source, .. } => answered(doing, &source),
        other => ForgeError::Unreachable {
            doing,
            source: Box::new(other),
        },
    }
}

fn answered(doing: &'static str, said: &octocrab::GitHubError) -> ForgeError {
    let (status, message) = (said.status_code.as_u16(), said.message.clone());
    let words = message.to_lowercase();
    let told = ["rate limit", "abuse detection"].map(|why| words.contains(why));
    if status == 429 || (status == 403 && told.contains(&true)) {
        return ForgeError::Limited { doing };
    }
    // Source: "Troubleshooting the REST API" and every error in GitHub's documentation: a JSON object with the
    // address of the documentation. A proxy's page has none.
    let is_githubs = said.documentation_url.is_some() || status >= 500;
    match status {
        _ if !is_githubs => ForgeError::Foreign { doing, status },
        401 => ForgeError::Unauthorised { doing },
        _ => ForgeError::Answered {
            doing,
            status,
            message,
        },
    }
}
