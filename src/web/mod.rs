//! Health, metrics and webhooks over HTTP, on this machine only unless the settings say otherwise. Serves
//! nothing that is secret and changes nothing: who asks is not asked, and a webhook is only a hint to look.
//!
//! ```text
//! /healthz  200 while the process answers
//! /readyz   200, or 503 with what is waited for; what is in the way of some of the work is named with either
//! /metrics  OpenMetrics text
//! /webhooks/github  POST, signed: 202, or 403 where the signature is wrong, 404 where no secret is set
//! ```

mod connections;
mod error;
mod github;
mod health;

pub use error::WebError;
pub use github::{Hinted, Hooks};

use crate::ledger::Ledger;
use crate::telemetry::{Metrics, Readiness};
use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use connections::Bounds;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long one answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// How long connections that are open at the end may go on.
const GRACE: Duration = Duration::from_secs(2);

/// What is answered to who asks for another page.
const NO_PAGE: &str = "There is no such page. There are /healthz, /readyz and /metrics, and /webhooks/github for GitHub;\n\
    how environments stand is told by `reconciled status`, also with --output json.\n";

/// The longest body that is taken, in bytes, but by webhooks.
const BODY: usize = 64 * 1024;

/// What the pages show.
#[derive(Clone, Debug)]
pub struct State {
    /// What was counted.
    pub metrics: Metrics,
    /// What is waited for.
    pub readiness: Readiness,
    /// Asked whether it can be written.
    pub ledger: Ledger,
    /// Takes webhooks of GitHub, where a secret is set.
    pub hooks: Option<Arc<Hooks>>,
}

/// Takes the address.
///
/// # Errors
/// Names the address, with what to do where it is taken.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, WebError> {
    let listener = TcpListener::bind(address).await;
    listener.map_err(|source| WebError::Listen { address, source })
}

/// Serves until `shutdown` is over, and a little longer for who is being answered.
pub async fn serve(
    listener: TcpListener,
    state: State,
    shutdown: impl Future<Output = ()> + Send + 'static,
) {
    connections::serve(listener, pages(state), Bounds::default(), shutdown).await;
}

fn pages(state: State) -> Router {
    let hook = post(github::hook).layer(DefaultBodyLimit::max(github::PAYLOAD));
    Router::new()
        .route("/webhooks/github", hook)
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, NO_PAGE) })
        .layer(middleware::from_fn(in_time))
        .layer(DefaultBodyLimit::max(BODY))
        .with_state(state)
}

async fn in_time(request: Request, next: Next) -> Response {
    let answer = tokio::time::timeout(TIMEOUT, next.run(request)).await;
    let mut answer = answer.unwrap_or_else(|_late| {
        (StatusCode::SERVICE_UNAVAILABLE, "no answer in time\n").into_response()
    });
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    answer
}

#[cfg(test)]
mod tests;
