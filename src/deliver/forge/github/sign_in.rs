//! Who we are at GitHub: the owner of a token, or an App, which signs in with its key and gets tokens for
//! one repository and an hour.
//!
//! Source: "Authenticating as a GitHub App installation" in GitHub's documentation. What an App is asked for is
//! read as far as it is needed: octocrab's `Installation` and `App` want an owner who is a person or an
//! organisation, and an Enterprise may own them.

use super::key::Key;
use super::refusal::Asked as _;
use super::wire::{Signs, Wire};
use crate::deliver::forge::ForgeError;
use crate::model::{Digest, Secret};
use crate::net::Response;
use crate::telemetry::Clock;
use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};
use octocrab::Octocrab;
use octocrab::models::apps::CreateInstallationAccessToken;
use serde::Deserialize;
use std::sync::Arc;
use tokio::sync::Mutex;

/// A token is renewed this long before it ends.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

/// How GitHub lets us in.
#[derive(Clone, Debug)]
pub enum GitHubAccess {
    /// A token.
    Token(Secret),
    /// A GitHub App.
    App {
        /// Its id or its client id.
        id: String,
        /// Its private key, as PEM.
        key: Secret,
        /// Its installation; looked up by the repository where it is not given.
        installation: Option<u64>,
    },
}

impl GitHubAccess {
    /// Returns what tells one account from another, and nothing of its secret.
    pub(super) fn account(&self, owner: &str) -> String {
        match self {
            Self::Token(token) => Digest::of(token.expose()).short().to_owned(),
            // Each owner has an installation, and each installation limits of its own.
            Self::App { id, .. } => format!("app {id} of {owner}"),
        }
    }
}

/// A token that is what it is.
pub(super) struct Token(pub(super) Secret);

#[async_trait]
impl Signs for Token {
    async fn secret(&self) -> Result<Secret, ForgeError> {
        Ok(self.0.clone())
    }
}

/// A GitHub App, with its token of now.
pub(super) struct App {
    key: Arc<Key>,
    /// Asks as the App itself.
    crab: Octocrab,
    /// The owner and the name of the repository that tokens are for.
    repository: (String, String),
    given: Option<u64>,
    now: Mutex<Installed>,
}

#[derive(Default)]
struct Installed {
    id: Option<u64>,
    token: Option<(Secret, Timestamp)>,
}

#[derive(Deserialize)]
struct Installation {
    id: u64,
}

#[derive(Deserialize)]
struct Minted {
    token: String,
    expires_at: Timestamp,
}

#[derive(Deserialize)]
struct Slug {
    slug: String,
}

impl App {
    /// Makes the App with this id; sends nothing.
    ///
    /// # Errors
    /// Its key is no RSA key.
    pub(super) fn new(
        (id, key, given): (String, &Secret, Option<u64>),
        repository: (&str, &str),
        (wire, clock): (&Wire, &Clock),
    ) -> Result<Self, ForgeError> {
        let key = Arc::new(Key::new(id, key, clock)?);
        Ok(Self {
            crab: wire.octocrab(Arc::clone(&key) as Arc<dyn Signs>),
            key,
            repository: (repository.0.to_owned(), repository.1.to_owned()),
            given,
            now: Mutex::default(),
        })
    }

    /// Returns the login of what the App writes.
    pub(super) async fn login(&self) -> Result<String, ForgeError> {
        let app = self.crab.get("/app", None::<&()>).await;
        let Slug { slug } = app.or_failed_to("ask which App we are")?;
        Ok(format!("{slug}[bot]"))
    }

    async fn installation(&self) -> Result<u64, ForgeError> {
        let (owner, name) = &self.repository;
        let path = format!("/repos/{owner}/{name}/installation");
        let found = self.crab.get(path, None::<&()>).await;
        match found.or_failed_to("find where the App is installed") {
            Ok(Installation { id }) => Ok(id),
            Err(ForgeError::Answered { status: 404, .. }) => Err(ForgeError::Settings(format!(
                "the App is not installed in {owner}/{name}"
            ))),
            Err(error) => Err(error),
        }
    }
}

#[async_trait]
impl Signs for App {
    /// Returns a token for the repository, made anew where the last one ends soon.
    async fn secret(&self) -> Result<Secret, ForgeError> {
        // Whoever else asks waits for this one's answer.
        let mut now = self.now.lock().await;
        let soon = self.key.time() + EARLY;
        if let Some((token, until)) = &now.token
            && *until > soon
        {
            return Ok(token.clone());
        }
        let installation = match self.given.or(now.id) {
            Some(id) => id,
            None => self.installation().await?,
        };
        now.id = Some(installation);
        let wanted = CreateInstallationAccessToken {
            repositories: Some(vec![self.repository.1.clone()]),
            ..CreateInstallationAccessToken::default()
        };
        let path = format!("/app/installations/{installation}/access_tokens");
        let minted = self.crab.post(path, Some(&wanted)).await;
        let minted = minted.or_failed_to("sign in as the App");
        // It may have been installed anew.
        let Minted { token, expires_at } = minted.inspect_err(|_| now.id = None)?;
        let token = Secret::new(token);
        now.token = Some((token.clone(), expires_at));
        Ok(token)
    }

    async fn has_another(&self, refused: &Secret, _answer: &Response) -> bool {
        let mut now = self.now.lock().await;
        let current = now.token.as_ref();
        if current.is_some_and(|(token, _)| token == refused) {
            now.token = None;
        }
        true
    }
}
