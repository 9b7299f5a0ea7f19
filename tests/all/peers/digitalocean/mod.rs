//! A DigitalOcean account that keeps state, serves its API on loopback, and fails on demand.
//!
//! It stands for what no registry ships. That it speaks as DigitalOcean does is held by [`in_front_of`]: DigitalOcean's own
//! OpenAPI judges every request and every answer.

pub(crate) mod account;
mod records;

use super::checked::{Checked, packages};
use account::{Account, Answer, Asked, refusal};
use axum::body::{Body, Bytes};
use axum::http::{Request, Response};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// The token that the account takes.
pub(crate) const TOKEN: &str = "dop_v1_canary";

/// Stands in front of a server and judges by DigitalOcean's own description what goes there and what comes back.
///
/// The description contradicts itself in one place, which is put right first: it says in words that a `database` can be
/// tagged, and leaves it out of the list of what can.
pub(crate) fn in_front_of(upstream: &str) -> Checked {
    let text = std::fs::read_to_string(packages().join("digitalocean.json")).unwrap();
    let mut description: Value = serde_json::from_str(&text).unwrap();
    let operation = &mut description["paths"]["/v2/tags/{tag_id}/resources"];
    let words = operation["post"]["description"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(words.contains("`database`"), "{words}");
    let mut added = 0;
    add_database(&mut description, &mut added);
    assert!(added > 0, "the list is complete by now: leave it alone");
    let file = tempfile::Builder::new()
        .prefix("digitalocean-")
        .suffix(".json")
        .tempfile()
        .unwrap();
    std::fs::write(file.path(), description.to_string()).unwrap();
    // It is read before the judge says where it listens.
    Checked::start("checked.mjs", &[file.path().to_str().unwrap(), upstream])
}

/// Adds `database` to every list of what can be tagged.
fn add_database(node: &mut Value, added: &mut usize) {
    let is_list = |list: &Value| {
        *list == serde_json::json!(["droplet", "image", "volume", "volume_snapshot"])
    };
    match node {
        Value::Object(fields) => {
            if let Some(list) = fields.get_mut("enum").filter(|list| is_list(list)) {
                list.as_array_mut().unwrap().push("database".into());
                *added += 1;
            }
            fields
                .values_mut()
                .for_each(|node| add_database(node, added));
        }
        Value::Array(items) => items.iter_mut().for_each(|node| add_database(node, added)),
        _ => {}
    }
}

/// How a request fails.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// It is answered with this status and header, and nothing happens.
    Status(u16, Option<(&'static str, &'static str)>),
    /// It happens, and the connection breaks before the answer is whole.
    Cut,
    /// It happens, and no answer comes.
    Silence,
    /// It is answered with this body instead.
    Body(Value),
}

#[derive(Default)]
struct State {
    account: Account,
    faults: Vec<(&'static str, &'static str, Fault)>,
    requests: Vec<String>,
    /// Every request is answered with 500, and nothing happens.
    down: bool,
}

/// A running server; it ends with the process.
#[derive(Clone)]
pub(crate) struct Server {
    url: String,
    state: Arc<Mutex<State>>,
}

impl Server {
    /// Starts a server for an empty account.
    pub(crate) fn start() -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let served = state.clone();
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                let app =
                    axum::Router::new().fallback(move |request| serve(served.clone(), request));
                axum::serve(listener, app).await.unwrap();
            });
        });
        let address = receiver.recv_timeout(Duration::from_secs(120)).unwrap();
        Self {
            url: format!("http://{address}"),
            state,
        }
    }

    /// Returns the address of a server of another process; of its account nothing is known here.
    pub(crate) fn elsewhere(url: String) -> Self {
        Self {
            url,
            state: Arc::default(),
        }
    }

    /// Where it is, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Looks at the account or changes it, as somebody in the control panel would.
    pub(crate) fn account<T>(&self, work: impl FnOnce(&mut Account) -> T) -> T {
        work(&mut self.state.lock().unwrap().account)
    }

    /// Has the next request of a method whose path contains a text fail.
    pub(crate) fn fail(&self, method: &'static str, path: &'static str, fault: Fault) {
        self.state
            .lock()
            .unwrap()
            .faults
            .push((method, path, fault));
    }

    /// Has no request fail any more that was to.
    pub(crate) fn mend(&self) {
        self.state.lock().unwrap().faults.clear();
    }

    /// Answers every request with 500 from now on, or no longer.
    pub(crate) fn refuse_all(&self, down: bool) {
        self.state.lock().unwrap().down = down;
    }

    /// Returns every request so far as `GET /v2/databases`, query and all.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.state.lock().unwrap().requests.clone()
    }

    /// Returns every write that was carried out.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.account(|account| account.writes.clone())
    }
}

async fn serve(state: Arc<Mutex<State>>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body: Bytes = axum::body::to_bytes(body, 1 << 20).await.unwrap();
    let bearer = parts
        .headers
        .get("authorization")
        .and_then(|value| value.to_str().ok());
    let (answered, fault) = {
        let mut state = state.lock().unwrap();
        state
            .requests
            .push(format!("{} {}", parts.method, parts.uri));
        let asked_for = |(method, path, _): &(&str, &str, Fault)| {
            *method == parts.method.as_str() && parts.uri.path().contains(path)
        };
        let nth = state.faults.iter().position(asked_for);
        let fault = nth.map(|nth| state.faults.remove(nth).2);
        let answered = match (&fault, bearer) {
            _ if state.down => refusal(500, "server_error", "Unexpected server-side error"),
            (Some(Fault::Status(status, _)), _) => refusal(
                *status,
                "failed_on_purpose",
                &format!("you sent {bearer:?}"),
            ),
            (_, Some(bearer)) if bearer == format!("Bearer {TOKEN}") => {
                carry_out(&mut state.account, &parts, &body)
            }
            _ => refusal(401, "unauthorized", "Unable to authenticate you"),
        };
        (answered, fault)
    };
    if let Some(Fault::Silence) = fault {
        std::future::pending::<()>().await;
    }
    respond(answered, fault)
}

fn carry_out(account: &mut Account, parts: &axum::http::request::Parts, body: &Bytes) -> Answer {
    let url = url::Url::parse(&format!("http://peer.invalid{}", parts.uri)).unwrap();
    let path: Vec<String> = url.path_segments().unwrap().map(str::to_owned).collect();
    let query: BTreeMap<String, String> = url
        .query_pairs()
        .map(|(name, text)| (name.into_owned(), text.into_owned()))
        .collect();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    account.handle(&Asked {
        method: parts.method.as_str(),
        path: &path,
        query: &query,
        body: &body,
    })
}

fn respond(answered: Answer, fault: Option<Fault>) -> Response<Body> {
    let mut response = Response::builder().status(answered.status);
    if let Some(Fault::Status(_, Some((name, value)))) = fault {
        response = response.header(name, value);
    }
    let body = match (fault, answered.body) {
        (Some(Fault::Cut), _) => {
            let broken =
                futures::stream::iter([Err::<Bytes, _>(std::io::Error::other("cut on purpose"))]);
            return response
                .header("content-type", "application/json")
                .body(Body::from_stream(broken))
                .unwrap();
        }
        (Some(Fault::Body(body)), _) => Some(body),
        (_, body) => body,
    };
    match body {
        None => response.body(Body::empty()).unwrap(),
        Some(body) => response
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .unwrap(),
    }
}
