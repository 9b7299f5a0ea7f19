//! Connections as they come: only so many at once, each with so much time, so that nobody who opens them and
//! never asks takes the file handles that the work needs, or keeps a supervisor from asking.

mod guests;

use super::{GRACE, TIMEOUT};
use axum::Router;
use guests::{Guest, Guests};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

/// How long to wait where the system has no connection to give: it has too few handles, and has them again soon.
const PAUSE: Duration = Duration::from_secs(1);

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// How many there are at once. For one more, one of them goes.
    pub(super) at_once: usize,
    /// How long the head of a request may take, also the next one on the same connection.
    pub(super) head: Duration,
    /// How long a connection may ask. What it asked last has [`TIMEOUT`] more: an answer that nobody reads is sent
    /// for ever.
    pub(super) life: Duration,
}

impl Default for Bounds {
    /// Supervisors, a monitoring system and webhooks take a handful. No connection stays for more than a minute.
    fn default() -> Self {
        Self {
            at_once: 128,
            head: Duration::from_secs(10),
            life: Duration::from_secs(60).saturating_sub(TIMEOUT),
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
    let mut guests = Guests::at_most(bounds.at_once);
    let (stop, mut open) = (CancellationToken::new(), JoinSet::new());
    tokio::pin!(shutdown);
    loop {
        tokio::select! {
            () = &mut shutdown => break,
            (stream, guest) = next(&listener, &mut guests) => {
                while open.try_join_next().is_some() {}
                let (pages, stop) = (pages.clone(), stop.clone());
                open.spawn(async move {
                    carry(stream, pages, bounds, stop, &guest).await;
                    drop(guest);
                });
            }
        }
    }
    drop(listener);
    stop.cancel();
    let rest = async { while open.join_next().await.is_some() {} };
    let _late = timeout(GRACE, rest).await;
}

/// Waits until there is one more connection, and may be.
async fn next(listener: &TcpListener, guests: &mut Guests) -> (TcpStream, Arc<Guest>) {
    let (stream, peer) = accepted(listener).await;
    (stream, guests.welcome(peer).await)
}

async fn accepted(listener: &TcpListener) -> (TcpStream, IpAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => return (stream, peer.ip().to_canonical()),
            Err(error) => {
                tracing::debug!(%error, "Connection not taken");
                sleep(PAUSE).await;
            }
        }
    }
}

/// Answers one connection until its time is over, or somebody else needs it more.
async fn carry(
    stream: TcpStream,
    pages: Router,
    bounds: Bounds,
    stop: CancellationToken,
    guest: &Arc<Guest>,
) {
    let pages = TowerToHyperService::new(pages);
    let answered = service_fn(|request: hyper::Request<Incoming>| {
        let (guest, answer) = (Arc::clone(guest), pages.call(request));
        async move { guest.asking(answer).await }
    });
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.head)
        .serve_connection(TokioIo::new(stream), answered);
    tokio::pin!(serving);
    let over = async {
        tokio::select! { () = stop.cancelled() => {}, () = sleep(bounds.life) => {} }
    };
    let all = async {
        tokio::select! {
            ended = serving.as_mut() => ended.err(),
            () = over => {
                serving.as_mut().graceful_shutdown();
                timeout(TIMEOUT, serving).await.ok().and_then(Result::err)
            }
        }
    };
    let broken = tokio::select! {
        broken = all => broken,
        () = guest.dismissed() => {
            tracing::debug!("Connection ended for another");
            None
        }
    };
    if let Some(error) = broken {
        tracing::debug!(%error, "Connection ended");
    }
}
