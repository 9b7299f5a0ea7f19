//! Who we are at GitHub: the owner of a token, or an App, which signs in with its key and gets tokens for
//! one repository and an hour.
//!
//! Source: "Authenticating as a GitHub App installation" in GitHub's documentation.

use super::door::Door;
use super::quota;
use crate::deliver::forge::ForgeError;
use crate::model::{Digest, Secret};
use crate::net::Response;
use crate::net::http::Method;
use crate::telemetry::Clock;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Deserialize;
use serde_json::json;
use std::sync::atomic::{AtomicI64, Ordering};
use tokio::sync::Mutex;

/// A token is renewed this long before it ends.
const EARLY: SignedDuration = SignedDuration::from_mins(5);
/// How far back a key's signature is dated, as GitHub advises against clocks that differ.
const BACK: i64 = 60;
/// How long a key's signature holds, in seconds; GitHub takes ten minutes at most.
const HOLDS: i64 = 540;
/// Clocks that differ by less, in seconds, are not the reason for a refusal.
const ALIKE: i64 = 30;

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
    pub(super) fn account(&self, repository: &str) -> String {
        match self {
            Self::Token(token) => Digest::of(token.expose()).short().to_owned(),
            // Each owner has an installation, and each installation limits of its own.
            Self::App { id, .. } => {
                let owner = repository.split('/').next().unwrap_or_default();
                format!("app {id} of {owner}")
            }
        }
    }
}

/// How requests are signed.
pub(super) enum SignIn {
    Token(Secret),
    App(Box<App>),
}

/// A GitHub App, with its token of now.
pub(super) struct App {
    id: String,
    key: EncodingKey,
    given: Option<u64>,
    clock: Clock,
    /// How far GitHub's clock is ahead of ours, in seconds.
    ahead: AtomicI64,
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

impl SignIn {
    /// Makes what signs requests.
    ///
    /// # Errors
    /// The App's key is no RSA key.
    pub(super) fn new(access: GitHubAccess, clock: &Clock) -> Result<Self, ForgeError> {
        let (id, key, given) = match access {
            GitHubAccess::Token(token) => return Ok(Self::Token(token)),
            GitHubAccess::App {
                id,
                key,
                installation,
            } => (id, key, installation),
        };
        let key = EncodingKey::from_rsa_pem(key.expose().as_bytes()).map_err(|_| {
            let wrong = "the App's key is no RSA key in PEM form, as GitHub gives it out";
            ForgeError::Settings(wrong.to_owned())
        })?;
        Ok(Self::App(Box::new(App {
            id,
            key,
            given,
            clock: clock.clone(),
            ahead: AtomicI64::new(0),
            now: Mutex::default(),
        })))
    }

    /// Tells whether another token can be had for one that was refused.
    pub(super) async fn renews(&self, refused: &Secret) -> bool {
        let Self::App(app) = self else {
            return false;
        };
        let mut now = app.now.lock().await;
        if now
            .token
            .as_ref()
            .is_some_and(|(token, _)| token == refused)
        {
            now.token = None;
        }
        true
    }
}

impl App {
    /// Returns a token for the repository behind a door, made anew where the last one ends soon.
    pub(super) async fn token(&self, door: &Door) -> Result<Secret, ForgeError> {
        // Whoever else asks waits for this one's answer.
        let mut now = self.now.lock().await;
        let soon = self.time() + EARLY;
        if let Some((token, until)) = &now.token
            && *until > soon
        {
            return Ok(token.clone());
        }
        let installation = match self.given.or(now.id) {
            Some(id) => id,
            None => self.installation(door).await?,
        };
        now.id = Some(installation);
        let name = door.repository().split('/').next_back();
        let body = json!({ "repositories": [name.unwrap_or_default()] });
        let path = format!("/app/installations/{installation}/access_tokens");
        let (doing, method) = ("sign in as the App", Method::POST);
        let minted: Result<Minted, _> =
            door.as_app(self, doing, (method, &path), Some(&body)).await;
        // It may have been installed anew.
        let Minted { token, expires_at } = minted.inspect_err(|_| now.id = None)?;
        let token = Secret::new(token);
        now.token = Some((token.clone(), expires_at));
        Ok(token)
    }

    /// Returns the login of what the App writes.
    pub(super) async fn login(&self, door: &Door) -> Result<String, ForgeError> {
        let doing = "ask which App we are";
        let Slug { slug } = door
            .as_app(self, doing, (Method::GET, "/app"), None)
            .await?;
        Ok(format!("{slug}[bot]"))
    }

    async fn installation(&self, door: &Door) -> Result<u64, ForgeError> {
        let (doing, path) = (
            "find where the App is installed",
            format!("/repos/{}/installation", door.repository()),
        );
        let found: Result<Installation, _> =
            door.as_app(self, doing, (Method::GET, &path), None).await;
        match found {
            Ok(Installation { id }) => Ok(id),
            Err(ForgeError::Answered { status: 404, .. }) => Err(ForgeError::Settings(format!(
                "the App is not installed in {}",
                door.repository()
            ))),
            Err(error) => Err(error),
        }
    }

    /// Signs a request with the key.
    ///
    /// # Errors
    /// The key cannot sign.
    pub(super) fn signature(&self) -> Result<Secret, ForgeError> {
        let at = self.time().as_second();
        let claims = json!({ "iat": at - BACK, "exp": at + HOLDS, "iss": self.id });
        let signed = jsonwebtoken::encode(&Header::new(Algorithm::RS256), &claims, &self.key);
        let signed =
            signed.map_err(|_| ForgeError::Settings("the App's key cannot sign".to_owned()))?;
        Ok(Secret::new(signed))
    }

    /// Takes GitHub's time from a refusal. Returns whether ours was off, so that another try may help.
    pub(super) fn corrected(&self, refusal: &Response) -> bool {
        let Some(theirs) = quota::date(refusal) else {
            return false;
        };
        let off = theirs.as_second() - self.clock.now().as_second();
        let before = self.ahead.swap(off, Ordering::Relaxed);
        (off - before).abs() > ALIKE
    }

    /// The time by GitHub's clock, as far as it is known.
    fn time(&self) -> Timestamp {
        let ahead = SignedDuration::from_secs(self.ahead.load(Ordering::Relaxed));
        self.clock
            .now()
            .saturating_add(ahead)
            .unwrap_or(Timestamp::MAX)
    }
}
