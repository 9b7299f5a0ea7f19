//! The wire under octocrab: its requests go out through the daemon's one HTTP client, signed as whom we are, at
//! the account's pace, and none while GitHub asks for fewer. Never repeats what reached GitHub, but for a
//! signature that was refused.

use super::quota;
use crate::deliver::forge::ForgeError;
use crate::model::Secret;
use crate::net::http::header::{ACCEPT, CONTENT_LENGTH};
use crate::net::http::{Method, StatusCode, Url};
use crate::net::{Client, Limiter, Request, Response};
use async_trait::async_trait;
use bytes::Bytes;
use http::request::Parts;
use http_body_util::{BodyExt as _, Full};
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use std::sync::Arc;
use std::time::Duration;

/// How long a request may take, its turn included.
const DEADLINE: Duration = Duration::from_secs(30);
/// A wait that GitHub asks for is waited out up to this; for longer ones nothing is even tried.
const PATIENCE: Duration = Duration::from_secs(5);

/// Signs requests.
#[async_trait]
pub(super) trait Signs: Send + Sync {
    /// Returns what lets a request in now.
    async fn secret(&self) -> Result<Secret, ForgeError>;
    /// Tells, of one that was refused, whether another can be had that may be let in.
    async fn has_another(&self, _refused: &Secret, _answer: &Response) -> bool {
        false
    }
}

/// Why nothing came back.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    /// GitHub asked for fewer requests, for longer than anybody here waits.
    #[error("send more requests than GitHub asks for")]
    Held,
    /// There is nothing to sign it with.
    #[error("sign a request to GitHub")]
    Unsigned(#[from] ForgeError),
    /// No answer.
    #[error("reach GitHub")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// The way to one API, as one account.
#[derive(Clone)]
pub(super) struct Wire {
    /// The daemon's own.
    pub(super) client: Client,
    /// The account's.
    pub(super) limiter: Limiter,
    /// The account's, for what changes something.
    pub(super) writes: Limiter,
    /// The API's address, without a slash at the end.
    pub(super) api: String,
}

impl Wire {
    /// Makes an octocrab on this wire. It must be made inside the runtime, and works as long as that.
    pub(super) fn octocrab(&self, signs: Arc<dyn Signs>) -> Octocrab {
        let wire = self.clone();
        let service = tower::service_fn(move |request| {
            let (wire, signs) = (wire.clone(), Arc::clone(&signs));
            async move { wire.carry(request, signs.as_ref()).await }
        });
        let builder = OctocrabBuilder::new_empty().with_service(service);
        let Ok(octocrab) = builder.with_auth(AuthState::None).build();
        octocrab
    }

    async fn carry(
        &self,
        request: http::Request<OctoBody>,
        signs: &dyn Signs,
    ) -> Result<http::Response<Full<Bytes>>, WireError> {
        let (parts, body) = request.into_parts();
        let body = body.collect().await;
        let body = body.map_err(|error| WireError::Unreachable(error.into()))?;
        let (body, secret) = (body.to_bytes(), signs.secret().await?);
        let mut answer = self.once(&parts, &body, &secret).await?;
        if answer.status == StatusCode::UNAUTHORIZED && signs.has_another(&secret, &answer).await {
            answer = self.once(&parts, &body, &signs.secret().await?).await?;
        }
        let mut response = http::Response::new(Full::new(answer.body));
        *response.status_mut() = answer.status;
        *response.headers_mut() = answer.headers;
        Ok(response)
    }

    async fn once(
        &self,
        parts: &Parts,
        body: &Bytes,
        secret: &Secret,
    ) -> Result<Response, WireError> {
        let held = self.limiter.held_for();
        if held.is_some_and(|wait| wait > PATIENCE) {
            return Err(WireError::Held);
        }
        if parts.method != Method::GET {
            self.writes.turn().await;
        }
        // Only the path counts: no secret follows a link to another server.
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        let url = Url::parse(&format!("{}{path}", self.api));
        let url = url.map_err(|error| WireError::Unreachable(error.into()))?;
        let mut request = Request::new(parts.method.clone(), url)
            .header(ACCEPT, "application/vnd.github+json")
            .body(body.clone())
            .bearer(secret)
            .deadline(DEADLINE)
            // The next poll repeats it.
            .idempotent(false)
            .limiter(&self.limiter);
        for (name, value) in &parts.headers {
            // How long it is, the client says.
            if name != CONTENT_LENGTH
                && let Ok(value) = value.to_str()
            {
                request = request.header(name.clone(), value);
            }
        }
        let answer = self.client.send(request).await;
        let answer = answer.map_err(|error| WireError::Unreachable(Box::new(error)))?;
        if let Some(wait) = quota::wait(&answer) {
            self.limiter.hold(wait);
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::{HttpSettings, Limiters};
    use std::num::NonZeroU32;
    use std::sync::atomic::{AtomicU32, Ordering};

    struct Nobody;

    #[async_trait]
    impl Signs for Nobody {
        async fn secret(&self) -> Result<Secret, ForgeError> {
            Ok(Secret::new("token".to_owned()))
        }
    }

    #[tokio::test]
    async fn writes_have_a_pace_of_their_own_and_reads_do_not_wait_for_it() {
        let (came, listener) = (
            Arc::new(AtomicU32::new(0)),
            tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(),
        );
        let address = listener.local_addr().unwrap();
        let counted = Arc::clone(&came);
        let answer = axum::Router::new().fallback(move || {
            counted.fetch_add(1, Ordering::SeqCst);
            async { "{}" }
        });
        let served = tokio::spawn(async move { axum::serve(listener, answer).await });
        let pace = |count| NonZeroU32::new(count).unwrap();
        let limiters = Limiters::default();
        let wire = Wire {
            client: Client::new(&HttpSettings::default()).unwrap(),
            limiter: limiters.get("all", pace(1_000), pace(1_000)),
            writes: limiters.get("writes", pace(1), pace(2)),
            api: format!("http://{address}"),
        };
        let send = |method: &str| {
            let request = http::Request::builder().method(method).uri("/repos");
            wire.carry(request.body(OctoBody::empty()).unwrap(), &Nobody)
        };
        let writes = futures::future::join_all((0..9).map(|_| send("POST")));
        // Seven seconds are over before the last is sent.
        let soon = tokio::time::timeout(Duration::from_secs(2), writes).await;
        assert!(soon.is_err());
        assert!(came.load(Ordering::SeqCst) <= 4, "{came:?}");
        let reads = futures::future::join_all((0..9).map(|_| send("GET")));
        let reads = tokio::time::timeout(Duration::from_secs(2), reads).await;
        assert!(reads.unwrap().iter().all(Result::is_ok));
        served.abort();
    }
}
