//! Requests to servers that are played.

use super::*;
use crate::model::Class;
use futures::future::join_all;
use serde_json::json;
use std::num::NonZeroU32;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::sync::{mpsc, oneshot};

fn sender(uri: &str) -> (Sender, Limiter) {
    let mut config = kube::Config::new(uri.parse().unwrap());
    config.default_retry = false;
    let sign_in = SignIn::new(config, None, "the server".to_owned());
    let plenty = NonZeroU32::new(100).unwrap();
    let limiter = Limiter::new(plenty, plenty);
    let sender = Sender::new(sign_in, limiter.clone(), "the server".to_owned());
    (sender, limiter)
}

#[tokio::test]
async fn a_page_that_says_come_back_tomorrow_holds_for_a_minute_and_says_so() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _asked = stream.read(&mut [0; 4096]).await.unwrap();
        let page = b"HTTP/1.1 503 Down\r\nRetry-After: 86400\r\nContent-Length: 0\r\n\r\n";
        stream.write_all(page).await.unwrap();
    });
    let (sender, limiter) = sender(&uri);
    let down = sender.read("/version", JSON).await.unwrap_err();
    assert_eq!((down.status, down.class), (503, Class::Transient));
    let held = limiter.held_for().unwrap();
    assert!(held > DEADLINE && held <= LONGEST_HOLD, "{held:?}");
    let held = sender.read("/version", JSON).await.unwrap_err();
    assert_eq!(held.code, "rate-limited");
    assert!(
        held.reason.starts_with("the server wants no requests for "),
        "{}",
        held.reason
    );
}

#[tokio::test]
async fn a_kind_that_cannot_be_read_holds_nothing_else() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    // What the API server 1.36 says of a kind whose conversion webhook is down.
    let said = "storage is (re)initializing: failed to list example.org/v2, Kind=Gadget: conversion webhook for example.org/v1, Kind=Gadget failed: connection refused";
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "TooManyRequests", "code": 429,
        "message": said, "details": { "retryAfterSeconds": 30 },
    })
    .to_string();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let _asked = stream.read(&mut [0; 4096]).await.unwrap();
        let answer = format!(
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 30\r\nContent-Length: {}\r\n\r\n{status}",
            status.len()
        );
        stream.write_all(answer.as_bytes()).await.unwrap();
    });
    let (sender, limiter) = sender(&uri);
    let away = sender.read("/apis/example.org/v2/gadgets", JSON).await;
    let away = away.unwrap_err();
    assert_eq!((away.code, away.class), (KIND_AWAY, Class::Transient));
    assert_eq!(away.reason, said);
    assert_eq!(limiter.held_for(), None);
}

/// Hands on every request that arrives; each is answered once it is let go.
async fn asked(listener: TcpListener, arrived: mpsc::UnboundedSender<oneshot::Sender<()>>) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let arrived = arrived.clone();
        tokio::spawn(async move {
            while stream.read(&mut [0; 4096]).await.is_ok_and(|read| read > 0) {
                let (let_go, go) = oneshot::channel();
                if arrived.send(let_go).is_err() || go.await.is_err() {
                    return;
                }
                let list = r#"{"metadata":{"resourceVersion":"1"},"items":[]}"#;
                let answer = format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{list}",
                    list.len()
                );
                stream.write_all(answer.as_bytes()).await.unwrap();
            }
        });
    }
}

#[tokio::test]
async fn lists_take_turns_and_single_objects_do_not_wait_for_them() {
    const LISTS: usize = 30;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    let (sender, _) = sender(&uri);
    let (arrived, mut arrivals) = mpsc::unbounded_channel();
    tokio::spawn(asked(listener, arrived));
    let mut lists = tokio::spawn({
        let sender = sender.clone();
        async move {
            let one = |_| sender.collection("/api/v1/pods", None, |_| true);
            join_all((0..LISTS).map(one)).await
        }
    });
    let mut under_way = Vec::new();
    while let Ok(Some(list)) = timeout(Duration::from_millis(500), arrivals.recv()).await {
        under_way.push(list);
    }
    assert_eq!(under_way.len(), 8);
    // Beside them, at once.
    let one = tokio::spawn(async move { sender.read("/api/v1/pods/a", JSON).await });
    let next = timeout(Duration::from_secs(20), arrivals.recv()).await;
    next.unwrap().unwrap().send(()).unwrap();
    one.await.unwrap().unwrap();
    for list in under_way {
        list.send(()).unwrap();
    }
    let lists = loop {
        tokio::select! {
            lists = &mut lists => break lists.unwrap(),
            Some(list) = arrivals.recv() => list.send(()).unwrap(),
        }
    };
    assert!(lists.iter().all(|list| matches!(list, Ok(Some(_)))));
}

/// Answers lists of 20 objects, in pages as large as they are asked for; the first object is as large as said.
async fn listed(listener: TcpListener, first: usize) {
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let mut asked = [0; 4096];
            while let Ok(read) = stream.read(&mut asked).await
                && read > 0
            {
                let asked = String::from_utf8_lossy(&asked[..read]).into_owned();
                let number = |key: &str| {
                    let (_, rest) = asked.split_once(key)?;
                    rest.split(|one: char| !one.is_ascii_digit())
                        .next()?
                        .parse()
                        .ok()
                };
                let from: usize = number("continue=").unwrap_or(0);
                let most: usize = number("limit=").unwrap();
                let to = 20.min(from + most);
                let size = |nth| if nth == 0 { first } else { 300 };
                let one = |nth| json!({ "metadata": { "name": format!("c-{nth}") }, "data": { "text": "x".repeat(size(nth)) } });
                let next = if to < 20 {
                    to.to_string()
                } else {
                    String::new()
                };
                let list = json!({ "kind": "ConfigMapList", "metadata": { "resourceVersion": "7", "continue": next },
                    "items": (from..to).map(one).collect::<Vec<_>>() });
                let list = list.to_string();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", list.len());
                let sent = stream.write_all(format!("{head}{list}").as_bytes()).await;
                if sent.is_err() {
                    return;
                }
            }
        });
    }
}

#[tokio::test]
async fn a_page_that_is_too_large_is_asked_for_in_smaller_ones() {
    let answer = async |first: usize| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(listed(listener, first));
        let (mut sender, _) = sender(&uri);
        sender.largest = 2048;
        let is_kept = |one: &Written| one.name().as_deref() != Some("c-3");
        sender.collection("/api/v1/configmaps", None, is_kept).await
    };
    let list = answer(300).await.unwrap().unwrap();
    assert_eq!((list.items.len(), list.version.as_str()), (19, "7"));
    let large = answer(4096).await.err().unwrap();
    assert_eq!((large.code, large.class), ("too-large", Class::User));
    assert!(large.reason.contains("does not page its lists"));
}

#[tokio::test]
async fn an_answer_that_never_ends_is_tried_again_later_and_not_at_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let uri = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::spawn(async move {
                let mut asked = [0; 4096];
                let _read = stream.read(&mut asked).await;
                let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
                let mut sent = stream.write_all(head).await;
                while sent.is_ok() {
                    sent = stream.write_all(b"4\r\n    \r\n").await;
                }
            });
        }
    });
    let (mut sender, _) = sender(&uri);
    sender.largest = 2048;
    let failure = sender.read("/api/v1/namespaces/shop/configmaps/page", "*/*");
    let failure = failure.await.err().unwrap();
    // What passes has the schedule's back-off, whatever the interval is.
    assert_eq!(
        (failure.code, failure.class),
        ("too-large", Class::Transient)
    );
}
