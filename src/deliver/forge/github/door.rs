//! One repository's door at GitHub's API: puts requests together, reads answers, keeps off while GitHub
//! asks for fewer requests. Never repeats what reached GitHub.

use super::answers::User;
use super::sign_in::{App, GitHubAccess, SignIn};
use super::{quota, refusal};
use crate::deliver::forge::ForgeError;
use crate::model::Secret;
use crate::net::http::header::{ACCEPT, ETAG, HeaderName, IF_NONE_MATCH};
use crate::net::http::{Method, StatusCode, Url};
use crate::net::{Client, Limiter, Limiters, Request, Response};
use crate::telemetry::Clock;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How many items a page holds; GitHub's most.
const PAGE: usize = 100;
/// How many pages are read at most.
const PAGES: usize = 20;
/// How long a request may take, its turn included.
const DEADLINE: Duration = Duration::from_secs(30);
/// A wait that GitHub asks for is waited out up to this; for longer ones nothing is even tried.
const PATIENCE: Duration = Duration::from_secs(5);
/// Requests a second of one account, and at once: far from the 900 points a minute that GitHub allows.
const PACE: (NonZeroU32, NonZeroU32) = (
    NonZeroU32::new(10).expect("ten is more than nothing"),
    NonZeroU32::new(20).expect("twenty is more than nothing"),
);

/// A repository at GitHub, and as whom it is asked.
pub(super) struct Door {
    client: Client,
    limiter: Limiter,
    /// Without a slash at the end.
    api: String,
    repository: String,
    sign_in: SignIn,
    /// Lists that are asked for again and again, by path, with what GitHub calls this state of them.
    known: Mutex<BTreeMap<String, (String, Bytes)>>,
}

/// One request.
struct Ask<'a> {
    doing: &'static str,
    method: Method,
    path: &'a str,
    body: Option<&'a Value>,
    /// What we have already: the answer may be that it is still so.
    known: Option<&'a str>,
}

impl Door {
    /// Makes the door; sends nothing.
    ///
    /// # Errors
    /// An address that is none, a repository that is not `owner/name`, a key that is none.
    pub(super) fn new(
        (api, repository): (&str, &str),
        access: GitHubAccess,
        (client, limiters, clock): (&Client, &Limiters, &Clock),
    ) -> Result<Self, ForgeError> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        let is_name = |part: &str| !part.is_empty() && part.chars().all(plain);
        let parts = repository.split_once('/');
        if !parts.is_some_and(|(owner, name)| is_name(owner) && is_name(name)) {
            let wrong = format!("write the repository as owner/name, not {repository:?}");
            return Err(ForgeError::Settings(wrong));
        }
        let api = api.trim_end_matches('/').to_owned();
        if Url::parse(&api).is_err() {
            let wrong = format!("{api:?} is not an address");
            return Err(ForgeError::Settings(wrong));
        }
        let key = format!("github {api} {}", access.account(repository));
        Ok(Self {
            client: client.clone(),
            limiter: limiters.get(&key, PACE.0, PACE.1),
            api,
            repository: repository.to_owned(),
            sign_in: SignIn::new(access, clock)?,
            known: Mutex::default(),
        })
    }

    /// Returns `owner/name`.
    pub(super) fn repository(&self) -> &str {
        &self.repository
    }

    /// Tells whether we are an App.
    pub(super) fn is_app(&self) -> bool {
        matches!(self.sign_in, SignIn::App(_))
    }

    /// Returns our own login; `None` for an App's token, which may not ask.
    pub(super) async fn login(&self) -> Result<Option<String>, ForgeError> {
        if let SignIn::App(app) = &self.sign_in {
            return app.login(self).await.map(Some);
        }
        let ask = Ask::to("ask who we are", "/user");
        match self.ask(&ask).await {
            Ok(answer) => parsed::<User>(ask.doing, &answer.body).map(|user| Some(user.login)),
            Err(ForgeError::Answered { status: 403, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads one thing of the repository's.
    pub(super) async fn one<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        rest: &str,
    ) -> Result<T, ForgeError> {
        let path = self.route(rest);
        parsed(doing, &self.ask(&Ask::to(doing, &path)).await?.body)
    }

    /// Reads every item of a list of the repository's, as far as twenty pages go.
    pub(super) async fn all<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        rest: &str,
    ) -> Result<Vec<T>, ForgeError> {
        self.pages(doing, rest, false).await
    }

    /// Reads a list like [`Door::all`], at no cost to our share of requests where it did not change.
    pub(super) async fn all_known<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        rest: &str,
    ) -> Result<Vec<T>, ForgeError> {
        self.pages(doing, rest, true).await
    }

    async fn pages<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        rest: &str,
        remembers: bool,
    ) -> Result<Vec<T>, ForgeError> {
        let mut all = Vec::new();
        let more = if rest.contains('?') { '&' } else { '?' };
        for page in 1..=PAGES {
            let path = self.route(&format!("{rest}{more}per_page={PAGE}&page={page}"));
            let body = if remembers {
                self.known(doing, path).await?
            } else {
                self.ask(&Ask::to(doing, &path)).await?.body
            };
            let some: Vec<T> = parsed(doing, &body)?;
            let full = some.len() >= PAGE;
            all.extend(some);
            if !full {
                break;
            }
        }
        Ok(all)
    }

    /// Reads what was read before, if it changed.
    async fn known(&self, doing: &'static str, path: String) -> Result<Bytes, ForgeError> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known().get(&path).cloned();
        let mut ask = Ask::to(doing, &path);
        ask.known = before.as_ref().map(|(name, _)| name.as_str());
        let answer = self.ask(&ask).await?;
        if let (StatusCode::NOT_MODIFIED, Some((_, body))) = (answer.status, before) {
            return Ok(body);
        }
        match answer.header(ETAG.as_str()) {
            Some(name) => known().insert(path, (name.to_owned(), answer.body.clone())),
            None => known().remove(&path),
        };
        Ok(answer.body)
    }

    /// Makes something in the repository, and reads the answer.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        rest: &str,
        body: &Value,
    ) -> Result<T, ForgeError> {
        self.write(doing, (Method::POST, rest), body).await
    }

    /// Changes something in the repository, and reads the answer.
    pub(super) async fn patch<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        rest: &str,
        body: &Value,
    ) -> Result<T, ForgeError> {
        self.write(doing, (Method::PATCH, rest), body).await
    }

    /// Takes something in the repository away.
    pub(super) async fn remove(&self, doing: &'static str, rest: &str) -> Result<(), ForgeError> {
        let path = self.route(rest);
        let ask = Ask {
            method: Method::DELETE,
            ..Ask::to(doing, &path)
        };
        self.ask(&ask).await.map(drop)
    }

    async fn write<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        (method, rest): (Method, &str),
        body: &Value,
    ) -> Result<T, ForgeError> {
        let path = self.route(rest);
        let ask = Ask {
            method,
            body: Some(body),
            ..Ask::to(doing, &path)
        };
        parsed(doing, &self.ask(&ask).await?.body)
    }

    /// Asks as the App itself, signed with its key. Where GitHub's clock is not ours, once more by GitHub's.
    pub(super) async fn as_app<T: DeserializeOwned>(
        &self,
        app: &App,
        doing: &'static str,
        (method, path): (Method, &str),
        body: Option<&Value>,
    ) -> Result<T, ForgeError> {
        let ask = Ask {
            method,
            body,
            ..Ask::to(doing, path)
        };
        let mut answer = self.once(&ask, &app.signature()?).await?;
        if answer.status == StatusCode::UNAUTHORIZED && app.corrected(&answer) {
            answer = self.once(&ask, &app.signature()?).await?;
        }
        parsed(doing, &good(&ask, answer)?.body)
    }

    /// Sends one request as whom we are. Returns the answer where it is good.
    async fn ask(&self, ask: &Ask<'_>) -> Result<Response, ForgeError> {
        let token = self.token().await?;
        let mut answer = self.once(ask, &token).await?;
        if answer.status == StatusCode::UNAUTHORIZED && self.sign_in.renews(&token).await {
            answer = self.once(ask, &self.token().await?).await?;
        }
        good(ask, answer)
    }

    /// Returns what lets us in now.
    pub(super) async fn token(&self) -> Result<Secret, ForgeError> {
        match &self.sign_in {
            SignIn::Token(token) => Ok(token.clone()),
            SignIn::App(app) => app.token(self).await,
        }
    }

    async fn once(&self, ask: &Ask<'_>, token: &Secret) -> Result<Response, ForgeError> {
        let doing = ask.doing;
        let held = self.limiter.held_for();
        if held.is_some_and(|wait| wait > PATIENCE) {
            return Err(ForgeError::Limited { doing });
        }
        let url = Url::parse(&format!("{}{}", self.api, ask.path));
        let url = url.map_err(|_| ForgeError::Settings(format!("{:?} is no path", ask.path)))?;
        let mut request = Request::new(ask.method.clone(), url)
            .header(ACCEPT, "application/vnd.github+json")
            .header(VERSION, "2022-11-28")
            .bearer(token)
            .deadline(DEADLINE)
            // The next poll repeats it.
            .idempotent(false)
            .limiter(&self.limiter);
        if let Some(known) = ask.known {
            request = request.header(IF_NONE_MATCH, known);
        }
        if let Some(body) = ask.body {
            request = request.json(body);
        }
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|source| ForgeError::Unreachable {
            doing,
            source: Box::new(source),
        })?;
        if let Some(wait) = quota::wait(&answer) {
            self.limiter.hold(wait);
        }
        Ok(answer)
    }

    /// Returns the path of something in the repository.
    fn route(&self, rest: &str) -> String {
        format!("/repos/{}/{rest}", self.repository)
    }
}

impl<'a> Ask<'a> {
    /// A question after what a path of the API, with its query, leads to.
    fn to(doing: &'static str, path: &'a str) -> Self {
        Self {
            doing,
            method: Method::GET,
            path,
            body: None,
            known: None,
        }
    }
}

fn good(ask: &Ask<'_>, answer: Response) -> Result<Response, ForgeError> {
    let is_known = answer.status == StatusCode::NOT_MODIFIED && ask.known.is_some();
    if answer.status.is_success() || is_known {
        Ok(answer)
    } else {
        Err(refusal::of(ask.doing, &answer))
    }
}

/// Source: "API Versions" in GitHub's documentation of the REST API.
const VERSION: HeaderName = HeaderName::from_static("x-github-api-version");

/// Reads a good answer; one that does not fit is somebody else's.
fn parsed<T: DeserializeOwned>(doing: &'static str, body: &[u8]) -> Result<T, ForgeError> {
    serde_json::from_slice(body).map_err(|_| ForgeError::Foreign { doing, status: 200 })
}
