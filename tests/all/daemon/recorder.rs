//! A server that stands for GitHub, Slack and a webhook where only what is sent there matters: it keeps every
//! body, says yes, and tells of one open pull request.

use axum::body::Body;
use axum::http::{Method, Request, Response};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The repository it stands for.
pub(super) const REPOSITORY: &str = "acme/infra";

#[derive(Default)]
struct State {
    /// The newest commit of the pull request; none is open while there is none.
    head: Option<String>,
    sent: Vec<String>,
}

/// A running recorder; it ends with the process.
#[derive(Clone)]
pub(super) struct Recorder {
    pub(super) url: String,
    state: Arc<Mutex<State>>,
}

impl Recorder {
    pub(super) fn start() -> Self {
        let state: Arc<Mutex<State>> = Arc::default();
        let served = Arc::clone(&state);
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                let app = axum::Router::new()
                    .fallback(move |request| serve(Arc::clone(&served), request));
                axum::serve(listener, app).await.unwrap();
            });
        });
        let address = receiver.recv_timeout(Duration::from_secs(120)).unwrap();
        Self {
            url: format!("http://{address}"),
            state,
        }
    }

    /// Opens pull request 1, or moves its head.
    pub(super) fn open_pull(&self, head: &str) {
        self.state.lock().unwrap().head = Some(head.to_owned());
    }

    /// Every request that carried something: `POST /repos/… {…}`.
    pub(super) fn sent(&self) -> Vec<String> {
        self.state.lock().unwrap().sent.clone()
    }
}

async fn serve(state: Arc<Mutex<State>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let path = parts.uri.path().to_owned();
    let answer = {
        let mut state = state.lock().unwrap();
        if parts.method != Method::GET {
            let body = String::from_utf8_lossy(&body);
            state
                .sent
                .push(format!("{} {} {body}", parts.method, parts.uri));
        }
        answer(&state, &parts.method, &path)
    };
    Response::builder()
        .header("content-type", "application/json")
        .body(Body::from(answer.to_string()))
        .unwrap()
}

fn answer(state: &State, method: &Method, path: &str) -> Value {
    match path {
        "/chat.postMessage" | "/chat.update" => json!({ "ok": true, "channel": "C1", "ts": "1.1" }),
        "/user" => json!({ "login": "reconciled-bot" }),
        _ if method != Method::GET => json!({ "id": 7, "body": "", "state": "success" }),
        _ if path.ends_with("/pulls") && !path.contains("/commits/") => {
            let repo = json!({ "full_name": REPOSITORY });
            let pull = |head: &String| {
                json!({
                    "number": 1, "title": "a change",
                    "head": { "sha": head, "ref": "change", "repo": repo },
                    "base": { "sha": head, "ref": "main", "repo": repo },
                })
            };
            Value::from_iter(state.head.iter().map(pull))
        }
        _ => json!([]),
    }
}
