//! One request, with its deadline and what may be done with it.

use super::error::HttpError;
use crate::model::Secret;
use crate::net::limiter::Limiter;
use ::http::Method;
use ::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use base64::Engine as _;
use bytes::Bytes;
use std::time::Duration;
use url::Url;
use zeroize::Zeroizing;

/// The largest answer read unless a request says otherwise, in bytes.
pub const ANSWER_LIMIT: usize = 32 * 1024 * 1024;

/// One request. `Debug` shows method and address only.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) deadline: Option<Duration>,
    pub(super) idempotent: bool,
    pub(super) limiter: Option<Limiter>,
    pub(super) answer_limit: usize,
    /// The first thing that was wrong while it was put together.
    pub(super) refused: Option<String>,
}

impl Request {
    /// Starts a request. Everything but POST and PATCH counts as idempotent (RFC 9110, 9.2.2).
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            idempotent: method.is_idempotent(),
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            deadline: None,
            limiter: None,
            answer_limit: ANSWER_LIMIT,
            refused: None,
        }
    }

    /// Adds a header that may be seen in logs.
    #[must_use]
    pub fn header(self, name: HeaderName, value: &str) -> Self {
        self.put(name, value, false)
    }

    /// Adds `Authorization: Bearer …`.
    #[must_use]
    pub fn bearer(self, token: &Secret) -> Self {
        let value = Zeroizing::new(format!("Bearer {}", token.expose()));
        self.put(AUTHORIZATION, &value, true)
    }

    /// Adds `Authorization: Basic …`.
    #[must_use]
    pub fn basic(self, user: &str, password: &Secret) -> Self {
        let pair = Zeroizing::new(format!("{user}:{}", password.expose()));
        let value = Zeroizing::new(format!(
            "Basic {}",
            base64::engine::general_purpose::STANDARD.encode(pair.as_bytes())
        ));
        self.put(AUTHORIZATION, &value, true)
    }

    /// Sets the body, its content type left to `header`.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to JSON, and the content type where none was set.
    #[must_use]
    pub fn json(mut self, body: &serde_json::Value) -> Self {
        self.body = Bytes::from(body.to_string());
        self.headers
            .entry(CONTENT_TYPE)
            .or_insert(HeaderValue::from_static("application/json"));
        self
    }

    /// Sets how long it may take in all, repeats and waiting included. Unset: the client's time-out.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }

    /// Says whether sending it twice does no more than sending it once, where the method misleads
    /// (a POST that only asks, a create under a client's own key).
    #[must_use]
    pub fn idempotent(mut self, idempotent: bool) -> Self {
        self.idempotent = idempotent;
        self
    }

    /// Makes it wait for its account's turn.
    #[must_use]
    pub fn limiter(mut self, limiter: &Limiter) -> Self {
        self.limiter = Some(limiter.clone());
        self
    }

    /// Sets the largest answer that is read, in bytes.
    #[must_use]
    pub fn answer_limit(mut self, bytes: usize) -> Self {
        self.answer_limit = bytes;
        self
    }

    /// Returns the address without credentials and query, as errors and logs show it.
    pub fn shown_url(&self) -> String {
        shown(&self.url)
    }

    fn put(mut self, name: HeaderName, value: &str, secret: bool) -> Self {
        match HeaderValue::from_str(value) {
            Ok(mut value) => {
                value.set_sensitive(secret);
                self.headers.insert(name, value);
            }
            Err(_) => {
                self.refused.get_or_insert(format!(
                    "the header {name} holds a character that cannot be sent (a line break?)"
                ));
            }
        }
        self
    }

    /// Tells what is wrong with the request before anything is sent.
    pub(super) fn check(&self) -> Result<(), HttpError> {
        let reason = match &self.refused {
            Some(reason) => reason.clone(),
            None if !self.url.username().is_empty() || self.url.password().is_some() => {
                "the address holds credentials; give them apart from it".to_owned()
            }
            None if !matches!(self.url.scheme(), "http" | "https") => {
                format!("{} is not a scheme of the web", self.url.scheme())
            }
            None => return Ok(()),
        };
        Err(HttpError::Invalid {
            url: self.shown_url(),
            reason,
        })
    }
}

impl std::fmt::Debug for Request {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.method, self.shown_url())
    }
}

/// Shows an address without user, password, query and fragment: each may hold a token.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.set_fragment(None);
    // Both fail only for addresses that cannot hold credentials.
    let _no_user = url.set_username("");
    let _no_password = url.set_password(None);
    url.to_string()
}
