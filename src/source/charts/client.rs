//! The part of the OCI distribution protocol that a pull needs: a manifest, a blob, and the two ways to
//! say who asks. Source: OCI distribution specification 1.1; its token authentication as Docker's
//! registry documents it.
//!
//! Credentials go to the registry, and to the address of tokens that it names; neither over plain http
//! unless the settings say so of the registry. A redirect to other storage gets none.

use super::ChartError;
use super::door::Turn;
use super::manifest::{self, Layer};
use crate::config::ChartRegistry;
use crate::model::{ChartReference, Digest, Secret};
use crate::net::Client;
use crate::net::http::{HeaderMap, Method, Request, Response, Url, header};
use bytes::Bytes;
use tokio::sync::MutexGuard;

/// The largest manifest, in bytes.
const MANIFEST_LIMIT: usize = 1024 * 1024;

/// The largest answer with a token, in bytes.
const TOKEN_LIMIT: usize = 256 * 1024;

/// How often one answer may say that it is elsewhere.
const MOST_REDIRECTS: usize = 3;

/// What is asked for.
#[derive(Clone, Copy)]
pub(super) enum What<'w> {
    /// The manifest that has a tag.
    Manifest(&'w str),
    /// The manifest that has a digest.
    Pinned(&'w Digest),
    /// The chart itself.
    Layer(&'w Layer),
}

/// One turn at a registry, for one chart.
pub(super) struct Session<'d> {
    client: Client,
    registry: &'d ChartRegistry,
    chart: &'d ChartReference,
    account: Option<(String, Secret)>,
    entry: Entry,
    turn: MutexGuard<'d, Turn>,
}

/// How we say who asks.
enum Entry {
    /// Not at all, until the registry wants to know.
    Unasked,
    Basic,
    Bearer(Secret),
}

impl<'d> Session<'d> {
    pub(super) fn new(
        client: Client,
        registry: &'d ChartRegistry,
        chart: &'d ChartReference,
        account: Option<(String, Secret)>,
        turn: MutexGuard<'d, Turn>,
    ) -> Self {
        Self {
            client,
            registry,
            chart,
            account,
            entry: Entry::Unasked,
            turn,
        }
    }

    /// Fetches something. What comes is not checked against its digest here.
    ///
    /// # Errors
    /// There was no answer, or it is not what was asked for.
    pub(super) async fn get(&mut self, what: What<'_>) -> Result<Bytes, ChartError> {
        let found = self.fetch(what).await;
        if let Err(error) = &found {
            self.turn.failed(error);
        }
        found
    }

    async fn fetch(&mut self, what: What<'_>) -> Result<Bytes, ChartError> {
        let (part, accept, limit, named) = match what {
            What::Manifest(tag) => (
                format!("manifests/{tag}"),
                manifest::TYPE,
                MANIFEST_LIMIT,
                "its manifest",
            ),
            What::Pinned(digest) => (
                format!("manifests/sha256:{digest}"),
                manifest::TYPE,
                MANIFEST_LIMIT,
                "its manifest",
            ),
            What::Layer(layer) => (
                format!("blobs/sha256:{}", layer.digest),
                "*/*",
                layer.size,
                "its archive",
            ),
        };
        let url = self.url(&part)?;
        let request = || {
            Request::new(Method::GET, url.clone())
                .header(header::ACCEPT, accept)
                .answer_limit(limit)
        };
        let mut answer = self.send(self.named(request()), named).await?;
        if answer.status.as_u16() == 401 && matches!(self.entry, Entry::Unasked) {
            self.entry = self.challenged(&answer.headers).await?;
            answer = self.send(self.named(request()), named).await?;
        }
        let mut at = url.clone();
        for _ in 0..MOST_REDIRECTS {
            let Some(next) = elsewhere(&answer, &at) else {
                break;
            };
            self.may_go(&next)?;
            at = next;
            let request = Request::new(Method::GET, at.clone()).answer_limit(limit);
            answer = self.send(request, named).await?;
        }
        self.body(answer)
    }

    fn body(&self, answer: Response) -> Result<Bytes, ChartError> {
        match answer.status.as_u16() {
            200 => Ok(answer.body),
            status @ (401 | 403) => Err(ChartError::Denied {
                who: self.who(),
                status,
            }),
            404 => Err(ChartError::Missing),
            status => Err(ChartError::Answered { status }),
        }
    }

    fn who(&self) -> &'static str {
        match self.account {
            Some(_) => "the account of the settings",
            None => "whoever has no account",
        }
    }

    async fn send(&self, request: Request, named: &'static str) -> Result<Response, ChartError> {
        let answer = self.client.send(request).await;
        answer.map_err(|error| ChartError::http(&error, named))
    }

    fn url(&self, part: &str) -> Result<Url, ChartError> {
        let scheme = if self.registry.plain_http {
            "http"
        } else {
            "https"
        };
        let ChartReference {
            registry,
            repository,
            ..
        } = self.chart;
        let text = format!("{scheme}://{registry}/v2/{repository}/{part}");
        Url::parse(&text).map_err(|error| ChartError::Settings {
            reason: error.to_string(),
        })
    }

    fn named(&self, request: Request) -> Request {
        match (&self.entry, &self.account) {
            (Entry::Bearer(token), _) => request.bearer(token),
            (Entry::Basic, Some((user, password))) => request.basic(user, password),
            _ => request,
        }
    }

    /// Finds out how the registry wants to be told who asks.
    async fn challenged(&self, headers: &HeaderMap) -> Result<Entry, ChartError> {
        let all = headers.get_all(header::WWW_AUTHENTICATE).iter();
        let all = all.filter_map(|value| value.to_str().ok());
        for challenge in all {
            let (scheme, rest) = challenge.split_once(' ').unwrap_or((challenge, ""));
            if scheme.eq_ignore_ascii_case("bearer") {
                return self.token(rest).await.map(Entry::Bearer);
            }
            if scheme.eq_ignore_ascii_case("basic") {
                return Ok(Entry::Basic);
            }
        }
        Ok(Entry::Basic)
    }

    async fn token(&self, challenge: &str) -> Result<Secret, ChartError> {
        let realm = parameter(challenge, "realm").and_then(|realm| Url::parse(realm).ok());
        let mut realm = realm.ok_or_else(|| ChartError::Unreachable {
            reason: "it does not say where it gives tokens".to_owned(),
        })?;
        self.may_go(&realm)?;
        let scope = format!("repository:{}:pull", self.chart.repository);
        if let Some(service) = parameter(challenge, "service") {
            realm.query_pairs_mut().append_pair("service", service);
        }
        realm.query_pairs_mut().append_pair("scope", &scope);
        let request = Request::new(Method::GET, realm).answer_limit(TOKEN_LIMIT);
        let request = match &self.account {
            Some((user, password)) => request.basic(user, password),
            None => request,
        };
        let answer = self.send(request, "its token").await?;
        let given = answer.json();
        self.body(answer)?;
        let given = given.as_ref();
        let token = given.and_then(|given| given.get("token").or(given.get("access_token")));
        match token.and_then(serde_json::Value::as_str) {
            Some(token) => Ok(Secret::new(token)),
            None => Err(ChartError::Unreachable {
                reason: "it gave no token".to_owned(),
            }),
        }
    }

    /// An allowed registry may keep its blobs and its accounts elsewhere, but takes nobody off TLS.
    fn may_go(&self, to: &Url) -> Result<(), ChartError> {
        let plain = self.registry.plain_http && to.scheme() == "http";
        if plain || to.scheme() == "https" {
            return Ok(());
        }
        Err(ChartError::Unreachable {
            reason: "it leads to an address without TLS".to_owned(),
        })
    }
}

/// Returns where an answer says that it is instead.
fn elsewhere(answer: &Response, at: &Url) -> Option<Url> {
    if !answer.status.is_redirection() {
        return None;
    }
    at.join(answer.header("location")?).ok()
}

/// Returns one parameter of a challenge: `realm="…",service="…"`. Source: RFC 9110, 11.2.
fn parameter<'c>(challenge: &'c str, name: &str) -> Option<&'c str> {
    let mut rest = challenge;
    loop {
        let (key, after) = rest.split_once('=')?;
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key
            .trim()
            .trim_start_matches(',')
            .trim()
            .eq_ignore_ascii_case(name)
        {
            return Some(value);
        }
        rest = next;
    }
}

#[cfg(test)]
mod tests {
    use super::parameter;

    #[test]
    fn a_challenge_is_taken_apart() {
        let challenge =
            r#"realm="https://auth.example.com/token?a=b",service="registry, of us", scope=x"#;
        let found = ["realm", "SERVICE", "scope", "error"].map(|name| parameter(challenge, name));
        let realm = "https://auth.example.com/token?a=b";
        assert_eq!(
            found,
            [Some(realm), Some("registry, of us"), Some("x"), None]
        );
        for odd in ["", "realm", "realm=\"", "=", ",,,"] {
            assert_eq!(parameter(odd, "realm"), None, "{odd}");
        }
    }
}
