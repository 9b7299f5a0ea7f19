//! The one HTTP client: one pool, one TLS stack, one place where a request is repeated.
//!
//! Knows no API: a status is an answer, and what it means is the caller's to say.

mod error;
mod repeat;
mod request;
mod response;
#[cfg(test)]
mod tests;

pub use ::http::header;
pub use ::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
pub use error::HttpError;
pub use request::{ANSWER_LIMIT, Request};
pub use response::{Response, Streaming};
pub use url::Url;

use super::Lost;
use std::path::PathBuf;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout_at};

/// How many redirects one request follows.
const MOST_REDIRECTS: u32 = 5;
/// Of a body that nobody wants so many bytes are read, and for so long.
const PASSED_OVER: usize = 64 * 1024;
const SOON: Duration = Duration::from_secs(1);

/// How the client is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpSettings {
    /// How long a request may take that names no deadline of its own.
    pub timeout: Duration,
    /// PEM certificates trusted besides the system's.
    pub ca_file: Option<PathBuf>,
    /// How we name ourselves.
    pub user_agent: String,
    /// Past the proxies that environment variables name: for what is on this machine.
    pub direct: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            ca_file: None,
            user_agent: concat!("reconciled/", env!("CARGO_PKG_VERSION")).to_owned(),
            direct: false,
        }
    }
}

/// The one HTTP client. Clones share its pool. A proxy is taken from the usual environment variables.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    timeout: Duration,
}

impl Client {
    /// Makes the client.
    ///
    /// # Errors
    /// The CA file cannot be read or holds no certificate.
    pub fn new(settings: &HttpSettings) -> Result<Self, HttpError> {
        let mut builder = reqwest::Client::builder()
            .user_agent(&settings.user_agent)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .connect_timeout(settings.timeout.min(Duration::from_secs(10)));
        if settings.direct {
            builder = builder.no_proxy();
        }
        if let Some(path) = &settings.ca_file {
            let setup = |reason: &str, source: Option<_>| HttpError::Setup {
                reason: format!("{reason} {}", path.display()),
                source,
            };
            let pem = std::fs::read(path)
                .map_err(|error| setup("cannot read the CA file", Some(error.into())))?;
            let certificates = reqwest::Certificate::from_pem_bundle(&pem)
                .map_err(|error| setup("no certificates in", Some(error.into())))?;
            if certificates.is_empty() {
                return Err(setup("no certificates in", None));
            }
            builder = builder.tls_certs_merge(certificates);
        }
        let inner = builder.build().map_err(|error| HttpError::Setup {
            reason: "no TLS".to_owned(),
            source: Some(error.into()),
        })?;
        Ok(Self {
            inner,
            timeout: settings.timeout,
        })
    }

    /// Sends a request and reads the whole answer.
    ///
    /// # Guarantees
    /// - It ends inside the request's deadline.
    /// - It is sent again only where nothing was sent, or where the server said "later" (429, 503)
    ///   and the request is idempotent. A "later" that does not fit into the deadline is the answer.
    /// - A redirect is followed only on the same scheme, host and port, and never turns a write
    ///   into something else; any other redirect is the answer.
    ///
    /// # Errors
    /// No whole answer. [`HttpError::may_have_arrived`] tells whether to look before trying again.
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        self.open(request).await?.whole().await
    }

    /// Sends a request and returns the status of its answer. Of the body no more is read than is there soon, so
    /// that the connection can be used again.
    ///
    /// # Errors
    /// No answer.
    pub async fn status_of(&self, request: Request) -> Result<StatusCode, HttpError> {
        let answer = self.open(request.answer_limit(PASSED_OVER)).await?;
        let status = answer.status;
        answer.pass_over(SOON).await;
        Ok(status)
    }

    /// Like [`Client::send`], with the body left to be read piece by piece.
    ///
    /// # Errors
    /// No answer.
    pub async fn open(&self, mut request: Request) -> Result<Streaming, HttpError> {
        request.check()?;
        let deadline = request.deadline.unwrap_or(self.timeout);
        let until = Instant::now() + deadline;
        let (mut sends, mut redirects) = (0, 0);
        loop {
            sends += 1;
            let wait = match self.once(&request, until, deadline).await {
                Ok(answer) => {
                    if redirects < MOST_REDIRECTS && follow(&mut request, &answer) {
                        redirects += 1;
                        sends -= 1;
                        continue;
                    }
                    let wait = repeat::asked_wait(answer.status(), answer.headers(), sends);
                    if let (Some(wait), Some(limiter)) = (wait, &request.limiter) {
                        limiter.hold(wait);
                    }
                    match wait {
                        Some(wait) if request.idempotent && fits(wait, sends, until) => wait,
                        _ => return Ok(streaming(answer, &request, until, deadline)),
                    }
                }
                Err(error @ HttpError::Connect { .. }) => {
                    let wait = repeat::backoff(sends);
                    if !fits(wait, sends, until) {
                        return Err(error);
                    }
                    wait
                }
                Err(error) => return Err(error),
            };
            tracing::debug!(
                url = request.shown_url(),
                sends,
                wait_ms = wait.as_millis(),
                "Request repeated"
            );
            sleep(wait).await;
        }
    }

    async fn once(
        &self,
        request: &Request,
        until: Instant,
        deadline: Duration,
    ) -> Result<reqwest::Response, HttpError> {
        let late = |sent| HttpError::Timeout {
            url: request.shown_url(),
            deadline,
            sent,
        };
        if let Some(limiter) = &request.limiter {
            timeout_at(until, limiter.turn())
                .await
                .map_err(|_late| late(false))?;
        }
        let sending = self
            .inner
            .request(request.method.clone(), request.url.clone())
            .headers(request.headers.clone())
            .body(request.body.clone())
            .send();
        match timeout_at(until, sending).await {
            Err(_late) => Err(late(true)),
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                let url = request.shown_url();
                let (connect, timeout) = (error.is_connect(), error.is_timeout());
                let error = error.without_url();
                let why = Lost::of(&error);
                Err(match (connect, timeout) {
                    (true, _) => HttpError::Connect { url, why },
                    (false, true) => late(true),
                    (false, false) if error.is_builder() => HttpError::Invalid {
                        url,
                        reason: "it cannot be put together".to_owned(),
                    },
                    (false, false) => HttpError::Broken { url, why },
                })
            }
        }
    }
}

fn fits(wait: Duration, sends: u32, until: Instant) -> bool {
    sends < repeat::MOST_SENDS && Instant::now() + wait < until
}

/// Points the request at where the answer redirects it, where that is safe: same origin, and a
/// method that stays what it is. A 301 to a POST would make most clients send a GET.
fn follow(request: &mut Request, answer: &reqwest::Response) -> bool {
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    let allowed = match answer.status() {
        StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => true,
        StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => reads,
        _ => false,
    };
    let target = answer
        .headers()
        .get(header::LOCATION)
        .and_then(|location| location.to_str().ok())
        .and_then(|location| request.url.join(location).ok())
        .filter(|target| target.origin() == request.url.origin())
        .filter(|target| target.username().is_empty() && target.password().is_none());
    match target {
        Some(target) if allowed => {
            request.url = target;
            true
        }
        _ => false,
    }
}

fn streaming(
    answer: reqwest::Response,
    request: &Request,
    until: Instant,
    deadline: Duration,
) -> Streaming {
    Streaming {
        status: answer.status(),
        headers: answer.headers().clone(),
        inner: answer,
        url: request.shown_url(),
        until,
        deadline,
        left: request.answer_limit,
        limit: request.answer_limit,
    }
}
