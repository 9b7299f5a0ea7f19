//! One repository's door at GitHub's API: octocrab on our own wire, lists read to their end, and those that are
//! asked for again and again at no cost while they stay the same.
//!
//! Octocrab's calls are used as they are for Git's own objects, statuses and labels, and its builders for check runs.
//! Where an answer names people (pull requests, comments), only the fields of `answers` are read: octocrab's models
//! want eighteen of every author and many more of labels and teams, and one that an Enterprise server leaves out, or
//! that is null for a deleted account, would hide every pull request or have a comment written twice. And it edits
//! comments by POST, which GitHub no longer describes. Pages are counted, since a `Link` may lead to another server.

use super::answers::User;
use super::refusal::Asked as _;
use super::sign_in::{App, GitHubAccess, Token};
use super::wire::{Signs, Wire};
use crate::deliver::forge::ForgeError;
use crate::net::http::header::{ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use crate::net::http::{StatusCode, Url};
use crate::net::{Client, Limiters};
use crate::telemetry::Clock;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use octocrab::Octocrab;
use octocrab::checks::ChecksHandler;
use octocrab::git::GitHandler;
use octocrab::issues::IssueHandler;
use octocrab::repos::RepoHandler;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};

/// How many items a page holds; GitHub's most.
const PAGE: usize = 100;
/// How many pages are read at most.
const PAGES: usize = 20;
/// How many pages are remembered; beyond that all are read anew once.
const KNOWN: usize = 1_000;
/// Requests a second of one account, and at once: far from the 900 points a minute that GitHub allows.
const PACE: (NonZeroU32, NonZeroU32) = (
    NonZeroU32::new(10).expect("ten is more than nothing"),
    NonZeroU32::new(20).expect("twenty is more than nothing"),
);

/// Writes a second of one account, and at once: each costs five points, and no more than 80 a minute may make
/// content. Source: "Rate limits for the REST API", about secondary rate limits.
const WRITES: (NonZeroU32, NonZeroU32) = (
    NonZeroU32::new(1).expect("one is more than nothing"),
    NonZeroU32::new(20).expect("twenty is more than nothing"),
);

/// A repository at GitHub, and as whom it is asked.
pub(super) struct Door {
    crab: Octocrab,
    owner: String,
    name: String,
    /// Who we are where we are an App.
    app: Option<Arc<App>>,
    /// Lists that are asked for again and again, by path, with what GitHub calls this state of them.
    known: Mutex<BTreeMap<String, (HeaderValue, Bytes)>>,
}

impl Door {
    /// Makes the door, inside the runtime; sends nothing.
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
        let parts = parts.filter(|(owner, name)| is_name(owner) && is_name(name));
        let (owner, name) = parts.ok_or_else(|| {
            let wrong = format!("write the repository as owner/name, not {repository:?}");
            ForgeError::Settings(wrong)
        })?;
        let api = api.trim_end_matches('/').to_owned();
        if Url::parse(&api).is_err() {
            let wrong = format!("{api:?} is not an address");
            return Err(ForgeError::Settings(wrong));
        }
        let account = format!("github {api} {}", access.account(owner));
        let wire = Wire {
            client: client.clone(),
            limiter: limiters.get(&account, PACE.0, PACE.1),
            writes: limiters.get(&format!("{account} writes"), WRITES.0, WRITES.1),
            api,
        };
        let (app, signs): (_, Arc<dyn Signs>) = match access {
            GitHubAccess::Token(token) => (None, Arc::new(Token(token))),
            GitHubAccess::App {
                id,
                key,
                installation,
            } => {
                let app = App::new((id, &key, installation), (owner, name), (&wire, clock))?;
                let app = Arc::new(app);
                (Some(Arc::clone(&app)), app)
            }
        };
        Ok(Self {
            crab: wire.octocrab(signs),
            owner: owner.to_owned(),
            name: name.to_owned(),
            app,
            known: Mutex::default(),
        })
    }

    /// Returns whose repository it is.
    pub(super) fn owner(&self) -> &str {
        &self.owner
    }

    /// Tells whether this is the repository's name, in whatever case it is written.
    pub(super) fn is(&self, repository: &str) -> bool {
        let parts = repository.split_once('/');
        parts.is_some_and(|(owner, name)| {
            owner.eq_ignore_ascii_case(&self.owner) && name.eq_ignore_ascii_case(&self.name)
        })
    }

    /// Tells whether we are an App.
    pub(super) fn is_app(&self) -> bool {
        self.app.is_some()
    }

    /// Returns our own login; `None` for a token that may not ask.
    pub(super) async fn login(&self) -> Result<Option<String>, ForgeError> {
        if let Some(app) = &self.app {
            return app.login().await.map(Some);
        }
        let user = self.crab.get::<User, _, _>("/user", None::<&()>).await;
        match user.or_failed_to("ask who we are") {
            Ok(user) => Ok(Some(user.login)),
            Err(ForgeError::Answered { status: 403, .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The repository's check runs.
    pub(super) fn checks(&self) -> ChecksHandler<'_> {
        self.crab.checks(&self.owner, &self.name)
    }

    /// The repository's Git objects and references.
    pub(super) fn git(&self) -> GitHandler<'_> {
        self.crab.git(&self.owner, &self.name)
    }

    /// The repository's issues, which its pull requests are, too.
    pub(super) fn issues(&self) -> IssueHandler<'_> {
        self.crab.issues(&self.owner, &self.name)
    }

    /// The repository itself.
    pub(super) fn repository(&self) -> RepoHandler<'_> {
        self.crab.repos(&self.owner, &self.name)
    }

    /// Reads one thing of the repository's.
    pub(super) async fn one<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        rest: &str,
    ) -> Result<T, ForgeError> {
        let one = self.crab.get(self.route(rest), None::<&()>).await;
        one.or_failed_to(doing)
    }

    /// Makes something in the repository, and reads the answer.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        rest: &str,
        body: &impl Serialize,
    ) -> Result<T, ForgeError> {
        let made = self.crab.post(self.route(rest), Some(body)).await;
        made.or_failed_to(doing)
    }

    /// Changes something in the repository, and reads the answer.
    pub(super) async fn patch<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        rest: &str,
        body: &impl Serialize,
    ) -> Result<T, ForgeError> {
        let changed = self.crab.patch(self.route(rest), Some(body)).await;
        changed.or_failed_to(doing)
    }

    /// Reads every item of a list of the repository's, as far as twenty pages go.
    pub(super) async fn all<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        rest: &str,
    ) -> Result<Vec<T>, ForgeError> {
        let mut all = Vec::new();
        for page in self.pages(rest) {
            let some = self.crab.get::<Vec<T>, _, _>(page, None::<&()>).await;
            if !take(&mut all, some.or_failed_to(doing)?) {
                break;
            }
        }
        Ok(all)
    }

    /// Reads a list like [`Door::all`], at no cost to our share of requests where it did not change.
    pub(super) async fn all_known<T: DeserializeOwned>(
        &self,
        doing: &'static str,
        rest: &str,
    ) -> Result<Vec<T>, ForgeError> {
        let mut all = Vec::new();
        for page in self.pages(rest) {
            let body = self.known(page).await.or_failed_to(doing)?;
            let some = serde_json::from_slice::<Vec<T>>(&body);
            // What does not fit is somebody else's.
            let some = some.map_err(|_| ForgeError::Foreign { doing, status: 200 })?;
            if !take(&mut all, some) {
                break;
            }
        }
        Ok(all)
    }

    /// Reads what was read before, if it changed.
    async fn known(&self, path: String) -> octocrab::Result<Bytes> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known().get(&path).cloned();
        let name = before.iter().map(|(name, _)| (IF_NONE_MATCH, name.clone()));
        let headers = HeaderMap::from_iter(name);
        let answer = self.crab._get_with_headers(path.as_str(), Some(headers));
        let answer = answer.await?;
        if let (StatusCode::NOT_MODIFIED, Some((_, body))) = (answer.status(), before) {
            return Ok(body);
        }
        let answer = octocrab::map_github_error(answer).await?;
        let name = answer.headers().get(ETAG).cloned();
        let body = answer.into_body().collect().await?.to_bytes();
        let mut known = known();
        if known.len() >= KNOWN && !known.contains_key(&path) {
            known.clear();
        }
        match name {
            Some(name) => known.insert(path, (name, body.clone())),
            None => known.remove(&path),
        };
        Ok(body)
    }

    /// Returns the paths of a list's pages.
    fn pages(&self, rest: &str) -> impl Iterator<Item = String> {
        let more = if rest.contains('?') { '&' } else { '?' };
        let first = format!("{}{more}per_page={PAGE}&page=", self.route(rest));
        (1..=PAGES).map(move |page| format!("{first}{page}"))
    }

    /// Returns the path of something in the repository.
    fn route(&self, rest: &str) -> String {
        format!("/repos/{}/{}/{rest}", self.owner, self.name)
    }
}

/// Takes a page in. Returns whether there may be another.
fn take<T>(all: &mut Vec<T>, some: Vec<T>) -> bool {
    let is_full = some.len() >= PAGE;
    all.extend(some);
    is_full
}
