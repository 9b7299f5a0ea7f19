//! A proxy before the API server that answers badly when told to. It never streams a list, as a server does that
//! does not know how.

use crate::peers::kubernetes::cluster;
use axum::body::Body;
use axum::http::{Method, Request, Response, StatusCode};
use futures::StreamExt as _;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// How it answers badly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// With a status of the API server, and when to come back.
    Status(u16),
    /// As a gateway does that knows nothing of what is behind it: a page with status 404.
    Page,
    /// Never.
    Silence,
    /// To whatever changes something, with a status; reading goes well.
    Writes(u16),
    /// To each write that comes while so many others are under way, with "later".
    Crowded(usize),
    /// To watches, with a status; the rest goes well.
    Watches(u16),
    /// Nothing that a watch tells comes through, neither of those there are nor of new ones.
    Held,
}

impl Fault {
    fn concerns(self, writes: bool, watches: bool) -> bool {
        match self {
            Self::Writes(_) | Self::Crowded(_) => writes,
            Self::Watches(_) => watches,
            Self::Held => false,
            Self::Status(_) | Self::Page | Self::Silence => !writes,
        }
    }
}

#[derive(Default)]
struct State {
    fault: Option<Fault>,
    /// Ends the watches that are passed on.
    cut: CancellationToken,
    /// How many requests were answered badly.
    faults: usize,
    /// What came to change something while a fault was on.
    writes: Vec<String>,
    /// How many writes are being passed on.
    under_way: usize,
}

/// A running proxy; it ends with the process.
pub(crate) struct Proxy {
    /// An administrator's kubeconfig that leads through it.
    pub(crate) kubeconfig: PathBuf,
    _folder: tempfile::TempDir,
    state: Arc<Mutex<State>>,
}

struct Behind {
    server: String,
    http: reqwest::Client,
}

impl Proxy {
    pub(crate) fn start() -> Self {
        let text = std::fs::read_to_string(cluster().kubeconfig()).unwrap();
        let mut kubeconfig: Value = serde_json::from_str(&text).unwrap();
        let cluster = &mut kubeconfig["clusters"][0]["cluster"];
        let authority = std::fs::read(cluster["certificate-authority"].as_str().unwrap()).unwrap();
        let authority = reqwest::Certificate::from_pem_bundle(&authority).unwrap();
        let behind = Behind {
            server: cluster["server"].as_str().unwrap().to_owned(),
            http: reqwest::Client::builder()
                .tls_certs_only(authority)
                .no_proxy()
                .build()
                .unwrap(),
        };
        let state: Arc<Mutex<State>> = Arc::default();
        let address = serve(behind, Arc::clone(&state));
        *cluster = json!({ "server": format!("http://{address}") });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("kubeconfig");
        std::fs::write(&path, kubeconfig.to_string()).unwrap();
        Self {
            kubeconfig: path,
            _folder: folder,
            state,
        }
    }

    /// Answers like this from now on; `None` means well. What goes badly ends watches, too.
    pub(crate) fn answer(&self, fault: Option<Fault>) {
        let mut state = self.state.lock().unwrap();
        state.fault = fault;
        if fault.is_some_and(|fault| fault.concerns(false, true)) {
            std::mem::take(&mut state.cut).cancel();
        }
    }

    /// How many requests were answered badly so far.
    pub(crate) fn faults(&self) -> usize {
        self.state.lock().unwrap().faults
    }

    /// What came to change something while reading went badly.
    pub(crate) fn writes(&self) -> Vec<String> {
        self.state.lock().unwrap().writes.clone()
    }
}

fn serve(behind: Behind, state: Arc<Mutex<State>>) -> std::net::SocketAddr {
    let (sender, receiver) = std::sync::mpsc::channel();
    let behind = Arc::new(behind);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            sender.send(listener.local_addr().unwrap()).unwrap();
            let answer = move |request| answer(Arc::clone(&behind), Arc::clone(&state), request);
            axum::serve(listener, axum::Router::new().fallback(answer))
                .await
                .unwrap();
        });
    });
    receiver.recv_timeout(Duration::from_secs(120)).unwrap()
}

async fn answer(
    behind: Arc<Behind>,
    state: Arc<Mutex<State>>,
    request: Request<Body>,
) -> Response<Body> {
    let writes =
        request.method() != Method::GET && !request.uri().to_string().contains("dryRun=All");
    let watches = request.uri().to_string().contains("watch=1");
    if request.uri().to_string().contains("sendInitialEvents") {
        let refused =
            "sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled";
        let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 422, "reason": "Invalid", "message": refused });
        return respond(422, "application/json", status.to_string().into());
    }
    let fault = {
        let mut state = state.lock().unwrap();
        let under_way = state.under_way;
        let has_room = |fault: &Fault| matches!(fault, Fault::Crowded(most) if under_way < *most);
        let fault = state.fault.filter(|fault| fault.concerns(writes, watches));
        let fault = fault.filter(|fault| !has_room(fault));
        state.faults += usize::from(fault.is_some());
        if writes && state.fault.is_some() {
            state
                .writes
                .push(format!("{} {}", request.method(), request.uri()));
        }
        state.under_way += usize::from(writes && fault.is_none());
        fault
    };
    match fault {
        None | Some(Fault::Held) => {
            let answer = pass(&behind, Arc::clone(&state), request).await;
            state.lock().unwrap().under_way -= usize::from(writes);
            answer
        }
        Some(Fault::Silence) => std::future::pending().await,
        Some(Fault::Page) => respond(404, "text/html", "<h1>no such page</h1>".into()),
        Some(fault) => {
            let code = match fault {
                Fault::Status(code) | Fault::Writes(code) | Fault::Watches(code) => code,
                _ => 429,
            };
            let status = json!({ "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
                "reason": if code == 429 { "TooManyRequests" } else { "InternalError" }, "message": "not now" });
            let mut response = respond(code, "application/json", status.to_string().into());
            if code == 429 {
                response
                    .headers_mut()
                    .insert("retry-after", "1".parse().unwrap());
            }
            response
        }
    }
}

fn respond(code: u16, kind: &str, body: Body) -> Response<Body> {
    let response = Response::builder().status(StatusCode::from_u16(code).unwrap());
    response.header("content-type", kind).body(body).unwrap()
}

async fn pass(behind: &Behind, state: Arc<Mutex<State>>, request: Request<Body>) -> Response<Body> {
    let watches = request.uri().to_string().contains("watch=1");
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, 16 << 20).await.unwrap();
    let mut sent = behind
        .http
        .request(parts.method, format!("{}{}", behind.server, parts.uri))
        .body(body);
    for name in ["authorization", "accept", "content-type", "user-agent"] {
        if let Some(value) = parts.headers.get(name) {
            sent = sent.header(name, value);
        }
    }
    let Ok(answer) = sent.send().await else {
        return respond(502, "text/plain", "gone".into());
    };
    let kind = answer
        .headers()
        .get("content-type")
        .map(|kind| kind.to_str().unwrap().to_owned());
    let code = answer.status().as_u16();
    let kind = kind.as_deref().unwrap_or("text/plain");
    if !watches {
        return respond(code, kind, Body::from_stream(answer.bytes_stream()));
    }
    let cut = state.lock().unwrap().cut.clone();
    let told = answer.bytes_stream().then(move |chunk| {
        let is_held = state.lock().unwrap().fault == Some(Fault::Held);
        async move {
            if is_held {
                return std::future::pending().await;
            }
            chunk
        }
    });
    let told = told.take_until(cut.cancelled_owned());
    respond(code, kind, Body::from_stream(told))
}
