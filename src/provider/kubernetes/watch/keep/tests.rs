//! Watches of a server that is played line by line.

use super::super::{Manner, Watches};
use super::*;
use crate::model::Address;
use crate::net::Limiters;
use crate::provider::kubernetes::connection::sign_in::SignIn;
use crate::provider::kubernetes::discovery::Served;
use crate::provider::kubernetes::reference::Reference;
use crate::provider::{Nudge, Nudged};
use serde_json::Value as Json;
use std::collections::VecDeque;
use std::num::NonZeroU32;
use std::sync::Mutex;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

fn config(version: u64, text: &str) -> Json {
    let mut object = json!({
        "metadata": { "name": "a", "namespace": "shop", "uid": "u", "resourceVersion": version.to_string() },
        "data": { "text": text },
    });
    let reference = Reference::of_live("", "ConfigMap", &object);
    marks::put(&mut object, &"shop/a".parse().unwrap(), &reference);
    object
}

fn list(version: u64, items: &[Json]) -> Json {
    json!({ "metadata": { "resourceVersion": version.to_string() }, "items": items })
}

fn bookmark(version: u64) -> Json {
    json!({ "type": "BOOKMARK", "object": { "metadata": { "resourceVersion": version.to_string() } } })
}

/// What is answered to lists and to watches, in turn; the last watch stays open.
struct Played {
    lists: VecDeque<Json>,
    watches: VecDeque<Vec<Json>>,
}

async fn answer(mut stream: TcpStream, played: &Mutex<Played>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let Ok(byte) = stream.read_u8().await else {
            return;
        };
        head.push(byte);
    }
    let is_watch = String::from_utf8_lossy(&head).contains("watch=1");
    let (lines, is_last) = {
        let mut played = played.lock().unwrap();
        match is_watch {
            true => {
                let lines = played.watches.pop_front().unwrap_or_default();
                (lines, played.watches.is_empty())
            }
            false => (played.lists.pop_front().into_iter().collect(), false),
        }
    };
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n";
    let body: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let sent = stream.write_all(format!("{head}{body}").as_bytes()).await;
    if is_last && sent.is_ok() {
        // Until the other side goes.
        let _gone = stream.read_u8().await;
    }
}

async fn play(played: Played) -> Sender {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let played = Arc::new(Mutex::new(played));
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let played = Arc::clone(&played);
            tokio::spawn(async move { answer(stream, &played).await });
        }
    });
    let pace = NonZeroU32::new(1000).unwrap();
    let limiter = Limiters::default().get("played", pace, pace);
    let config = kube::Config::new(url.parse().unwrap());
    let sign_in = SignIn::new(config, None, url.clone());
    Sender::new(sign_in, limiter, url)
}

#[tokio::test]
async fn a_server_that_was_put_back_to_an_earlier_state_is_listed_anew() {
    let played = Played {
        lists: [
            list(100, &[config(90, "new")]),
            list(50, &[config(40, "old")]),
        ]
        .into(),
        watches: [vec![bookmark(110), bookmark(50)], vec![bookmark(51)]].into(),
    };
    comes_to_know(played, &config(40, "old")).await;
}

#[tokio::test]
async fn what_changed_before_a_watch_that_expired_is_found_by_a_list() {
    let message = "too old resource version: 100 (120)";
    let expired = json!({ "type": "ERROR", "object": { "kind": "Status", "apiVersion": "v1", "metadata": {},
        "status": "Failure", "message": message, "reason": "Expired", "code": 410 } });
    for first in [vec![expired.clone()], vec![bookmark(110), expired]] {
        let played = Played {
            lists: [
                list(100, &[config(90, "before")]),
                list(120, &[config(115, "after")]),
            ]
            .into(),
            watches: [first, vec![bookmark(121)]].into(),
        };
        comes_to_know(played, &config(115, "after")).await;
    }
}

/// Watches what is played until the nudge about its one object came and the watch is up again.
async fn comes_to_know(played: Played, object: &Json) {
    let (nudge, mut nudges) = Nudge::channel(8);
    let watches = Watches::new(play(played).await, Manner::new(Some(nudge)));
    let served = Served {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "ConfigMap".to_owned(),
        plural: "configmaps".to_owned(),
        namespaced: true,
    };
    let watch = watches.asked(&(served, "shop".to_owned()), true).unwrap();
    let told = timeout(Duration::from_secs(60), nudges.recv()).await;
    let address: Address = "shop/a".parse().unwrap();
    assert_eq!(told.unwrap(), Some(Nudged::Resource(address)));
    let mut state = watch.state.subscribe();
    let live = state.wait_for(|state| *state == State::Live);
    timeout(Duration::from_secs(60), live)
        .await
        .unwrap()
        .unwrap();
    let known = watch.objects(&["a".to_owned()]).await.unwrap();
    assert_eq!(known["a"].object().unwrap(), *object);
}
