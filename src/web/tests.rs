//! The pages as a supervisor asks for them.

use super::*;
use crate::model::Fault as _;
use crate::net::http::{Client, HttpSettings, Request as Question, Response as Answer};
use std::net::Ipv4Addr;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;

struct Served {
    address: SocketAddr,
    state: State,
    stop: oneshot::Sender<()>,
    ended: tokio::task::JoinHandle<()>,
}

async fn served() -> Served {
    served_within(Bounds::default()).await
}

async fn served_within(bounds: Bounds) -> Served {
    let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).await.unwrap();
    let state = State {
        metrics: Metrics::new(),
        readiness: Readiness::new(),
        ledger: Ledger::in_memory().await.unwrap(),
        hooks: None,
    };
    let (stop, stopped) = oneshot::channel();
    Served {
        address: listener.local_addr().unwrap(),
        ended: tokio::spawn(connections::serve(
            listener,
            pages(state.clone()),
            bounds,
            async {
                let _dropped_means_stop = stopped.await;
            },
        )),
        state,
        stop,
    }
}

async fn ask(served: &Served, method: http::Method, page: &str) -> Answer {
    let url = format!("http://{}{page}", served.address).parse().unwrap();
    let client = Client::new(&HttpSettings::default()).unwrap();
    // A 503 is the answer here, not a reason to ask again.
    let question = Question::new(method, url).deadline(Duration::from_millis(900));
    client.send(question).await.unwrap()
}

#[tokio::test]
async fn readiness_follows_what_is_waited_for_and_the_ledger() {
    let served = served().await;
    served
        .state
        .readiness
        .wait_for("infrastructure", "the first fetch is under way");
    let answer = ask(&served, http::Method::GET, "/readyz").await;
    assert_eq!(answer.status, 503);
    assert_eq!(
        answer.json().unwrap()["waiting"]["infrastructure"],
        "the first fetch is under way"
    );
    assert_eq!(
        ask(&served, http::Method::GET, "/healthz").await.status,
        200
    );
    served.state.readiness.done("infrastructure");
    assert_eq!(ask(&served, http::Method::GET, "/readyz").await.status, 200);
    served.state.ledger.close().await;
    let answer = ask(&served, http::Method::GET, "/readyz").await;
    assert_eq!(answer.status, 503);
    let why = answer.json().unwrap()["waiting"]["ledger"].to_string();
    assert!(why.contains("it is closed"), "{why}");
}

#[tokio::test]
async fn metrics_are_open_metrics_and_other_pages_are_none() {
    let served = served().await;
    let answer = ask(&served, http::Method::GET, "/metrics").await;
    assert_eq!(answer.header("content-type"), Some(CONTENT));
    assert!(String::from_utf8_lossy(&answer.body).contains("reconciled_build_info{version="));
    let nowhere = ask(&served, http::Method::GET, "/").await;
    assert_eq!(nowhere.status, 404);
    let told = String::from_utf8_lossy(&nowhere.body);
    assert!(told.contains("/readyz"), "{told}");
    assert_eq!(
        ask(&served, http::Method::POST, "/healthz").await.status,
        405
    );
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

const CONTENT: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

#[tokio::test]
async fn the_end_does_not_wait_for_who_never_finishes_asking() {
    let served = served().await;
    let mut slow = tokio::net::TcpStream::connect(served.address)
        .await
        .unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    // Answered after the slow one was taken in.
    assert_eq!(
        ask(&served, http::Method::GET, "/healthz").await.status,
        200
    );
    tokio::time::pause();
    served.stop.send(()).unwrap();
    served.ended.await.unwrap();
}

#[tokio::test]
async fn a_taken_address_is_named() {
    let served = served().await;
    let error = listen(served.address).await.unwrap_err();
    assert_eq!(error.code(), "web-listen");
    assert!(error.to_string().contains(&served.address.to_string()));
}

/// Opens a connection and asks for half of something.
async fn half_asked(served: &Served) -> TcpStream {
    let mut slow = TcpStream::connect(served.address).await.unwrap();
    let half = b"POST /webhooks/github HTTP/1.1\r\nHost: x\r\nX";
    slow.write_all(half).await.unwrap();
    slow
}

/// Waits until the other end of a connection was closed.
async fn closed(mut slow: TcpStream) {
    let mut said = Vec::new();
    // Reset is closed, too.
    let _whatever = slow.read_to_end(&mut said).await;
}

#[tokio::test]
async fn who_never_finishes_asking_is_not_waited_for() {
    let served = served_within(Bounds {
        head: Duration::from_millis(50),
        ..Bounds::default()
    })
    .await;
    closed(half_asked(&served).await).await;
    // Nor who says nothing at all, be it after an answer.
    closed(TcpStream::connect(served.address).await.unwrap()).await;
    let mut again = TcpStream::connect(served.address).await.unwrap();
    let question = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n";
    again.write_all(question).await.unwrap();
    closed(again).await;
}

#[tokio::test]
async fn nobody_stays_longer_than_their_time() {
    let served = served_within(Bounds {
        head: Duration::from_secs(600),
        life: Duration::from_millis(50),
        ..Bounds::default()
    })
    .await;
    closed(half_asked(&served).await).await;
}

#[test]
fn a_connection_may_stay_for_a_minute() {
    let minute = Duration::from_secs(60);
    assert_eq!(Bounds::default().life + TIMEOUT, minute);
}

#[tokio::test]
async fn only_so_many_are_served_at_once_and_who_never_asks_goes_first() {
    let served = served_within(Bounds {
        at_once: 2,
        head: Duration::from_secs(600),
        life: Duration::from_secs(60),
    })
    .await;
    let mut slow = Vec::new();
    for _ in 0..20 {
        slow.push(half_asked(&served).await);
    }
    let url = format!("http://{}/healthz", served.address)
        .parse()
        .unwrap();
    let client = Client::new(&HttpSettings::default()).unwrap();
    let answer = client.send(Question::new(http::Method::GET, url)).await;
    assert_eq!(answer.unwrap().status, 200);
    // The last may stay.
    for slow in slow.into_iter().take(18) {
        closed(slow).await;
    }
}

#[tokio::test]
async fn who_has_most_connections_gives_one_up_for_somebody_else() {
    let served = served_within(Bounds {
        at_once: 3,
        head: Duration::from_secs(600),
        life: Duration::from_secs(60),
    })
    .await;
    let from = |peer: [u8; 4]| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind((Ipv4Addr::from(peer), 0).into()).unwrap();
        socket.connect(served.address)
    };
    let mut patient = from([127, 0, 0, 1]).await.unwrap();
    let mut flood = Vec::new();
    for _ in 0..20 {
        flood.push(from([127, 0, 0, 2]).await.unwrap());
    }
    for slow in flood.drain(..18) {
        closed(slow).await;
    }
    // The oldest of all is not of the crowd.
    let question = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    patient.write_all(question).await.unwrap();
    let mut answer = String::new();
    patient.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
