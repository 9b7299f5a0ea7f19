//! Connections as they come: only so many at once, each with so much time, so that nobody who opens them and
//! never asks takes the file handles that the work needs.

use super::{GRACE, TIMEOUT};
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long to wait where the system has no connection to give: it has too few handles, and has them again soon.
const PAUSE: Duration = Duration::from_secs(1);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How many there are at once. Further ones wait in the system's own queue, where they cost nothing.
    pub(super) at_once: usize,
    /// How long the head of a request may take, also the next one on the same connection.
    pub(super) head: Duration,
    /// How long a connection may stay, whatever it does: an answer that nobody reads is sent for ever.
    pub(super) life: Duration,
}

impl Default for Bounds {
    /// Supervisors, a monitoring system and webhooks take a handful.
    fn default() -> Self {
        Self {
            at_once: 128,
            head: Duration::from_secs(10),
            life: Duration::from_secs(60),
        }
    }
}

/// Serves until `shutdown` is over, and a little longer for who is being answered.
pub(super) async fn serve(
    listener: TcpListener,
    pages: Router,
    bounds: Bounds,
    shutdown: impl Future<Output = ()> + Send,
) {
    let slots = Arc::new(Semaphore::new(bounds.at_once));
    let (stop, mut open) = (CancellationToken::new(), JoinSet::new());
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            Some(_) = open.join_next() => {}
            next = next(&listener, &slots) => {
                let (stream, slot) = next;
                let carried = carry(stream, pages.clone(), bounds, stop.clone());
                open.spawn(async move {
                    carried.await;
                    drop(slot);
                });
            }
        }
    }
    drop(listener);
    stop.cancel();
    let rest = async { while open.join_next().await.is_some() {} };
    let _late = timeout(GRACE, rest).await;
}

/// Waits until there may be one more connection, and there is one.
async fn next(
    listener: &TcpListener,
    slots: &Arc<Semaphore>,
) -> (TcpStream, Option<OwnedSemaphorePermit>) {
    // It is never closed.
    let slot = Arc::clone(slots).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, _)) => return (stream, slot),
            Err(error) => {
                tracing::debug!(%error, "Connection not taken");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Answers one connection until its time is over.
async fn carry(stream: TcpStream, pages: Router, bounds: Bounds, stop: CancellationToken) {
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(pages));
    tokio::pin!(serving);
    let broken = tokio::select! {
        ended = serving.as_mut() => ended.err(),
        () = async { tokio::select! { () = stop.cancelled() => {}, () = sleep(bounds.life) => {} } } => {
            serving.as_mut().graceful_shutdown();
            timeout(TIMEOUT, serving).await.ok().and_then(Result::err)
        }
    };
    if let Some(error) = broken {
        tracing::debug!(%error, "Connection ended");
    }
}
