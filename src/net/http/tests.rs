//! The client against a real server on the loopback, scripted answer by answer.

use super::*;
use crate::model::{Fault as _, Secret};
use crate::net::Limiter;
use crate::telemetry::chain;
use std::error::Error as _;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

/// A server that gives one scripted answer per request, and keeps what it was sent.
struct Peer {
    url: Url,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// An empty answer closes the connection; past the script it never answers.
    async fn new(script: &[&str]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let seen = Arc::new(Mutex::new(Vec::new()));
        let mut script: Vec<String> = script.iter().rev().map(|s| (*s).to_owned()).collect();
        let record = Arc::clone(&seen);
        tokio::spawn(async move {
            let mut open = Vec::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let mut request = vec![0; 65536];
                let length = stream.read(&mut request).await.unwrap();
                let text = String::from_utf8_lossy(&request[..length]).into_owned();
                record.lock().unwrap().push(text);
                if let Some(answer) = script.pop() {
                    stream.write_all(answer.as_bytes()).await.unwrap();
                } else {
                    open.push(stream);
                }
            }
        });
        Self {
            url: url.parse().unwrap(),
            seen,
        }
    }

    fn get(&self) -> Request {
        Request::new(Method::GET, self.url.clone()).deadline(Duration::from_secs(20))
    }

    fn post(&self) -> Request {
        Request::new(Method::POST, self.url.clone()).deadline(Duration::from_secs(20))
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
const LATER: &str =
    "HTTP/1.1 429 Later\r\nretry-after: 0\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const MUCH_LATER: &str =
    "HTTP/1.1 503 Later\r\nretry-after: 3600\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

fn moved(status: u16, to: &str) -> String {
    format!(
        "HTTP/1.1 {status} Moved\r\nlocation: {to}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
    )
}

fn client() -> Client {
    Client::new(&HttpSettings::default()).unwrap()
}

#[tokio::test]
async fn a_request_told_to_wait_is_sent_again() {
    let peer = Peer::new(&[LATER, LATER, OK]).await;
    let answer = client().send(peer.get()).await.unwrap();
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.json(), Some(serde_json::json!({})));
    assert_eq!(peer.seen().len(), 3);
}

#[tokio::test]
async fn a_create_is_never_sent_twice() {
    let peer = Peer::new(&[LATER, OK]).await;
    let answer = client().send(peer.post()).await.unwrap();
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(peer.seen().len(), 1);

    let peer = Peer::new(&["", OK]).await;
    let error = client().send(peer.post()).await.unwrap_err();
    assert!(error.may_have_arrived(), "{error:?}");
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn a_wait_past_the_deadline_is_the_answer() {
    let peer = Peer::new(&[MUCH_LATER, OK]).await;
    let pace = Limiter::new(NonZeroU32::MIN, NonZeroU32::MIN);
    let answer = client().send(peer.get().limiter(&pace)).await.unwrap();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(answer.header("retry-after"), Some("3600"));

    // The whole account waits now, and a request that cannot wait so long is not sent.
    let request = peer
        .get()
        .limiter(&pace)
        .deadline(Duration::from_millis(50));
    let error = client().send(request).await.unwrap_err();
    assert!(!error.may_have_arrived(), "{error:?}");
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn a_server_error_is_an_answer_and_not_repeated() {
    let peer =
        Peer::new(&["HTTP/1.1 500 No\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"]).await;
    let answer = client().send(peer.get()).await.unwrap();
    assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(peer.seen().len(), 1);
}

#[tokio::test]
async fn a_silent_server_is_a_timeout_that_may_have_arrived() {
    let peer = Peer::new(&[]).await;
    let request = peer.get().deadline(Duration::from_millis(200));
    let error = client().send(request).await.unwrap_err();
    assert_eq!((error.code(), error.may_have_arrived()), ("timeout", true));
}

#[tokio::test]
async fn nobody_listening_is_tried_until_the_deadline() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url: Url = format!("http://{}/", listener.local_addr().unwrap())
        .parse()
        .unwrap();
    drop(listener);
    let request = Request::new(Method::POST, url).deadline(Duration::from_millis(700));
    let error = client().send(request).await.unwrap_err();
    assert_eq!(
        (error.code(), error.may_have_arrived()),
        ("unreachable", false)
    );
    let shown = chain(&error);
    let server = shown.strip_prefix("connect to http://127.0.0.1:").unwrap();
    let why = server.split_once("/: ").unwrap().1;
    assert_eq!(why, "the connection was refused", "{shown}");
    let next =
        "Check that the server runs, and the address with its port; it is tried again by itself.";
    assert_eq!(error.hint().as_deref(), Some(next));
}

#[tokio::test]
async fn an_answer_over_the_limit_is_not_read() {
    let peer = Peer::new(&["HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n0123456789"]).await;
    let error = client().send(peer.get().answer_limit(9)).await.unwrap_err();
    assert_eq!(error.code(), "answer-too-large");
}

#[tokio::test]
async fn redirects_keep_to_the_origin_and_the_method() {
    let elsewhere = Peer::new(&[OK]).await;
    let token = Secret::new("canary-redirect");
    for (request, target, status, follows) in [
        (Method::GET, "/next", 302, true),
        (Method::POST, "/next", 302, false),
        (Method::POST, "/next", 307, true),
        (Method::GET, elsewhere.url.as_str(), 307, false),
    ] {
        let peer = Peer::new(&[&moved(status, target), OK]).await;
        let name = format!("{request} {target} {status}");
        let request = Request::new(request, peer.url.clone()).bearer(&token);
        let answer = client().send(request).await.unwrap();
        assert_eq!(answer.status.is_success(), follows, "{name}");
    }
    assert_eq!(elsewhere.seen().len(), 0);
}

#[tokio::test]
async fn credentials_are_sent_and_shown_nowhere() {
    let peer = Peer::new(&[OK, ""]).await;
    let mut url = peer.url.clone();
    url.set_query(Some("key=canary-query"));
    let request = Request::new(Method::POST, url)
        .basic("user", &Secret::new("canary-basic"))
        .json(&serde_json::json!({"password": "canary-body"}));
    assert!(!format!("{request:?}").contains("canary"));
    assert!(
        request
            .headers
            .values()
            .filter(|v| v.is_sensitive())
            .count()
            == 1
    );
    client().send(request.clone()).await.unwrap();
    let seen = peer.seen().join("");
    // Source: RFC 7617, base64 of "user:canary-basic".
    assert!(seen.contains("Basic dXNlcjpjYW5hcnktYmFzaWM="), "{seen}");
    assert!(seen.contains("content-type: application/json"));

    let error = client().send(request).await.unwrap_err();
    let mut shown = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        shown.push_str(&error.to_string());
        cause = error.source();
    }
    assert!(!shown.contains("canary"), "{shown}");
}

#[tokio::test]
async fn credentials_in_an_address_or_a_broken_token_are_refused_unsent() {
    let peer = Peer::new(&[OK]).await;
    let mut url = peer.url.clone();
    url.set_password(Some("canary-userinfo")).unwrap();
    let wrong = [
        Request::new(Method::GET, url),
        peer.get().bearer(&Secret::new("canary\ntoken")),
        Request::new(Method::GET, "file:///etc/passwd".parse().unwrap()),
    ];
    for request in wrong {
        let error = client().send(request).await.unwrap_err();
        assert_eq!(error.code(), "http-request");
        assert!(
            !format!("{error:?} {error}").contains("canary"),
            "{error:?}"
        );
    }
    assert_eq!(peer.seen().len(), 0);
}

#[tokio::test]
async fn a_long_answer_can_be_read_piece_by_piece() {
    let peer = Peer::new(&["HTTP/1.1 200 OK\r\nconnection: close\r\n\r\npieces"]).await;
    let mut stream = client().open(peer.get()).await.unwrap();
    let mut text = Vec::new();
    while let Some(piece) = stream.chunk().await.unwrap() {
        text.extend_from_slice(&piece);
    }
    assert_eq!(text, b"pieces");
}

#[tokio::test]
async fn a_status_is_one_whatever_body_comes_with_it() {
    let large = format!("HTTP/1.1 200 OK\r\n\r\n{}", "x".repeat(PASSED_OVER + 1));
    let cut = "HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\nand no more";
    for answer in [large.as_str(), cut] {
        let peer = Peer::new(&[answer]).await;
        let status = client().status_of(peer.post()).await.unwrap();
        assert_eq!(status, StatusCode::OK);
        assert_eq!(peer.seen().len(), 1);
    }
}

#[test]
fn a_wrong_ca_file_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let settings = HttpSettings {
        ca_file: Some(file.path().to_owned()),
        ..HttpSettings::default()
    };
    let error = Client::new(&settings).unwrap_err();
    assert!(
        error.to_string().contains(file.path().to_str().unwrap()),
        "{error}"
    );
}
