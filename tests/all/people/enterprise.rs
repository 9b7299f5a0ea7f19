//! A GitHub Enterprise server, whose API is not at the root: every request stays below its base path.

use super::scene::Scene;
use crate::daemon::{environment, file};
use axum::body::Body;
use axum::http::{Request, Response, StatusCode};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Where an Enterprise server has its API.
const BASE: &str = "/api/v3";

/// Passes on what is below the base path, and nothing else.
struct Front {
    address: SocketAddr,
    /// What was asked for elsewhere.
    strayed: Arc<Mutex<Vec<String>>>,
}

impl Front {
    fn of(server: String) -> Self {
        let strayed: Arc<Mutex<Vec<String>>> = Arc::default();
        let noted = Arc::clone(&strayed);
        let (sender, receiver) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let http = reqwest::Client::builder().no_proxy().build().unwrap();
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                sender.send(listener.local_addr().unwrap()).unwrap();
                let answer =
                    move |request| pass(http.clone(), server.clone(), Arc::clone(&noted), request);
                let router = axum::Router::new().fallback(answer);
                axum::serve(listener, router).await.unwrap();
            });
        });
        Self {
            address: receiver.recv_timeout(Duration::from_secs(10)).unwrap(),
            strayed,
        }
    }
}

async fn pass(
    http: reqwest::Client,
    server: String,
    strayed: Arc<Mutex<Vec<String>>>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let uri = parts.uri.to_string();
    let Some(path) = uri.strip_prefix(BASE).filter(|path| path.starts_with('/')) else {
        strayed
            .lock()
            .unwrap()
            .push(format!("{} {uri}", parts.method));
        return respond(StatusCode::NOT_FOUND, Body::from("<h1>sign in</h1>"));
    };
    let body = axum::body::to_bytes(body, 16 << 20).await.unwrap();
    let mut headers = parts.headers;
    headers.remove("host");
    let sent = http
        .request(parts.method, format!("{server}{path}"))
        .headers(headers)
        .body(body);
    let Ok(answer) = sent.send().await else {
        return respond(StatusCode::BAD_GATEWAY, Body::empty());
    };
    let (status, headers) = (answer.status(), answer.headers().clone());
    let mut response = respond(status, Body::from(answer.bytes().await.unwrap()));
    for name in ["content-type", "etag"] {
        if let Some(value) = headers.get(name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

fn respond(status: StatusCode, body: Body) -> Response<Body> {
    let response = Response::builder().status(status);
    response.body(body).unwrap()
}

#[test]
fn an_enterprise_server_is_spoken_to_below_its_base_path_alone() {
    let shop = |text: &str| environment("shop", "", &file("page", "page", text));
    let scene = Scene::new(&[("shop.yaml", &shop("hello\n"))]);
    let front = Front::of(scene.github.server.url().to_owned());
    scene.world.settings(|settings| {
        settings["github"]["apiUrl"] = format!("http://{}{BASE}", front.address).into();
    });
    let mut daemon = scene.started();
    let number = scene.open("greet", None, &[("shop.yaml", &shop("welcome\n"))]);
    scene.comment_with(&mut daemon, number, "1 to update in shop");
    let head = scene.head(number);
    scene.status(&mut daemon, &head, "reconciled/plan");
    let merge = scene.merge(number, "greet");
    scene.comment_with(&mut daemon, number, "Applied in shop: 1 done");
    scene.status(&mut daemon, &merge, "reconciled/shop");
    assert_eq!(*front.strayed.lock().unwrap(), Vec::<String>::new());
    scene.assert_accepted();
}
