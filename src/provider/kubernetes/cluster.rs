//! One cluster: the only sender of requests, with one pace, deadlines, and repeats where the server
//! says "later". Knows paths and statuses, no kinds.

use super::discovery::{Served, Types};
use super::error::Failure;
use super::verdict::Verdicts;
use crate::model::DigestKey;
use crate::net::Limiter;
use http_body_util::{BodyExt as _, Limited};
use kube::client::Body;
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout_at};

/// How long one request may take, repeats included.
const DEADLINE: Duration = Duration::from_secs(30);
/// No request is sent more often than this.
const MOST_SENDS: u32 = 5;
/// The largest answer that is read: a page of 500 objects at etcd's limit of 1.5 MiB fits rarely, at
/// usual sizes easily.
const LARGEST: usize = 256 * 1024 * 1024;
/// Our name as a field manager.
pub(super) const MANAGER: &str = "reconciled";
/// Asks for everything the server serves in one answer. Source: KEP-3352.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// A request before it has a body type: method, path with query, content type, body.
struct Ask<'a> {
    method: http::Method,
    path: &'a str,
    accept: &'a str,
    content_type: &'a str,
    body: Vec<u8>,
}

/// How an apply is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode {
    /// Only asks what would happen.
    pub(super) dry_run: bool,
    /// Takes fields from other managers.
    pub(super) force: bool,
}

/// One cluster, reached as one account.
pub(super) struct Cluster {
    client: kube::Client,
    limiter: Limiter,
    /// The server's address, for people.
    pub(super) server: String,
    /// The namespace of objects that declare none.
    pub(super) namespace: String,
    /// What it serves, as last asked.
    types: Mutex<Option<(Instant, Arc<Types>)>>,
    doubted: AtomicBool,
    /// What need not be asked again.
    pub(super) verdicts: Verdicts,
}

impl Cluster {
    /// Joins a client and a pace.
    pub(super) fn new(
        client: kube::Client,
        limiter: Limiter,
        server: String,
        namespace: String,
        key: DigestKey,
    ) -> Self {
        Self {
            client,
            limiter,
            server,
            namespace,
            types: Mutex::new(None),
            doubted: AtomicBool::new(false),
            verdicts: Verdicts::new(key),
        }
    }

    /// Returns what the cluster serves, asked again where the last answer is older than this.
    pub(super) async fn types(&self, age: Duration) -> Result<Arc<Types>, Failure> {
        let mut known = self.types.lock().await;
        if let Some((at, types)) = known.as_ref()
            && at.elapsed() <= age
        {
            return Ok(types.clone());
        }
        let (core, groups, schemas) = tokio::join!(
            self.read("/api", AGGREGATED),
            self.read("/apis", AGGREGATED),
            self.read("/openapi/v3", "application/json"),
        );
        let types = Types::read(&[core?, groups?])?;
        // Without them a change of a schema is seen later: no reason to see nothing.
        let types = match (schemas, known.as_ref()) {
            (Ok(answer), _) => types.with_schemas(&answer),
            (Err(_), Some((_, before))) => types.with_schemas_of(before),
            (Err(_), None) => types,
        };
        let types = Arc::new(types);
        *known = Some((Instant::now(), types.clone()));
        Ok(types)
    }

    /// Has the next look ask anew what is served: a definition was just written.
    pub(super) fn doubt_types(&self) {
        self.doubted.store(true, Ordering::Relaxed);
    }

    /// Tells whether that is to be asked anew, once.
    pub(super) fn doubts_types(&self) -> bool {
        self.doubted.swap(false, Ordering::Relaxed)
    }

    /// Returns what moves with a kind's schema; empty where that is not known.
    pub(super) async fn schema(&self, served: &Served) -> String {
        let known = self.types.lock().await;
        let types = known.as_ref().map(|(_, types)| types);
        types.map_or("", |types| types.schema(served)).to_owned()
    }

    /// Reads one object; `None` where the server says that it is not there.
    pub(super) async fn get(
        &self,
        served: &Served,
        namespace: &str,
        name: &str,
    ) -> Result<Option<Json>, Failure> {
        let path = served.path(namespace, Some(name));
        match self.read(&path, "application/json").await {
            Ok(object) => Ok(Some(object)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Reads a path that is a collection, page by page. `None` where the kind is not served.
    pub(super) async fn list(
        &self,
        served: &Served,
        namespace: &str,
        selector: Option<&str>,
    ) -> Result<Option<Vec<Json>>, Failure> {
        let mut items = Vec::new();
        let mut from = String::new();
        loop {
            let path = format!(
                "{}?{}",
                served.path(namespace, None),
                page_query(selector, &from)
            );
            let mut page = match self.read(&path, "application/json").await {
                Ok(page) => page,
                Err(failure) if failure.status == 404 => return Ok(None),
                // The page we continue from is compacted away: begin again, once a round.
                Err(failure) if failure.status == 410 && !from.is_empty() => {
                    items.clear();
                    from.clear();
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            match page["items"].take() {
                Json::Array(more) => items.extend(more),
                // An answer without a list is no empty list.
                _ => {
                    return Err(Failure::transient(
                        "server-error",
                        "the list holds no items",
                    ));
                }
            }
            page["metadata"]["continue"]
                .as_str()
                .unwrap_or_default()
                .clone_into(&mut from);
            if from.is_empty() {
                return Ok(Some(items));
            }
        }
    }

    /// Sends a server-side apply. Returns the object, and whether it was made by this.
    pub(super) async fn apply(
        &self,
        served: &Served,
        namespace: &str,
        object: &Json,
        mode: Mode,
    ) -> Result<(Json, bool), Failure> {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let mut path = served.path(namespace, Some(name));
        path.push_str("?fieldValidation=Strict&fieldManager=");
        path.push_str(MANAGER);
        for (on, text) in [(mode.dry_run, "&dryRun=All"), (mode.force, "&force=true")] {
            if on {
                path.push_str(text);
            }
        }
        let (status, object) = self
            .send(Ask {
                method: http::Method::PATCH,
                path: &path,
                accept: "application/json",
                content_type: "application/apply-patch+yaml",
                body: object.to_string().into_bytes(),
            })
            .await?;
        Ok((object, status == 201))
    }

    /// Deletes exactly this version of exactly this object. `false` where it was not there.
    pub(super) async fn delete(
        &self,
        served: &Served,
        namespace: &str,
        live: &Json,
    ) -> Result<bool, Failure> {
        let options = serde_json::json!({
            "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Foreground",
            "preconditions": {
                "uid": live["metadata"]["uid"], "resourceVersion": live["metadata"]["resourceVersion"],
            },
        });
        let name = live["metadata"]["name"].as_str().unwrap_or_default();
        let path = served.path(namespace, Some(name));
        let ask = Ask {
            method: http::Method::DELETE,
            path: &path,
            accept: "application/json",
            content_type: "application/json",
            body: options.to_string().into_bytes(),
        };
        match self.send(ask).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_not_found() => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    async fn read(&self, path: &str, accept: &str) -> Result<Json, Failure> {
        let ask = Ask {
            method: http::Method::GET,
            path,
            accept,
            content_type: "",
            body: Vec::new(),
        };
        Ok(self.send(ask).await?.1)
    }

    /// Sends until there is an answer, inside one deadline. Every request of this provider may be
    /// sent twice: reads, applies (the second changes nothing), deletes of one version.
    async fn send(&self, ask: Ask<'_>) -> Result<(u16, Json), Failure> {
        let until = Instant::now() + DEADLINE;
        let mut wait = Duration::from_millis(200);
        for sends in 1.. {
            let failure = match self.once(&ask, until).await {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let later = matches!(failure.status, 429 | 503);
            let unsent = failure.code == "unreachable";
            let pause = failure
                .retry_after
                .unwrap_or(wait)
                .max(Duration::from_millis(50));
            if later {
                self.limiter.hold(pause);
            }
            let again = later || unsent && ask.method == http::Method::GET;
            if !again || sends >= MOST_SENDS || Instant::now() + pause >= until {
                return Err(failure);
            }
            sleep(pause).await;
            wait *= 2;
        }
        Err(Failure::transient("timeout", "no answer"))
    }

    async fn once(&self, ask: &Ask<'_>, until: Instant) -> Result<(u16, Json), Failure> {
        let late = |_late| {
            let seconds = DEADLINE.as_secs();
            Failure::transient(
                "timeout",
                format!("{} gave no answer in {seconds} s", self.server),
            )
        };
        timeout_at(until, self.limiter.turn()).await.map_err(late)?;
        let mut request = http::Request::builder()
            .method(ask.method.clone())
            .uri(ask.path)
            .header(http::header::ACCEPT, ask.accept);
        if !ask.content_type.is_empty() {
            request = request.header(http::header::CONTENT_TYPE, ask.content_type);
        }
        let request = request
            .body(Body::from(ask.body.clone()))
            .map_err(|_| Failure::user("identity", "the object's name cannot be in an address"))?;
        let answer = timeout_at(until, self.client.send(request))
            .await
            .map_err(late)?;
        let answer = answer.map_err(|error| Failure::unanswered(&error, &self.server))?;
        let status = answer.status().as_u16();
        let retry_after = answer
            .headers()
            .get(http::header::RETRY_AFTER)
            .and_then(|seconds| seconds.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = timeout_at(until, Limited::new(answer.into_body(), LARGEST).collect())
            .await
            .map_err(late)?
            .map_err(|_| Failure::transient("connection-lost", "the answer broke off"))?
            .to_bytes();
        if status >= 400 {
            return Err(Failure::answered(status, &body, retry_after));
        }
        let json = serde_json::from_slice(&body)
            .map_err(|_| Failure::transient("server-error", "the answer is not JSON"))?;
        Ok((status, json))
    }
}

/// The query of one page of a list; not held over an await, since the serializer is not `Sync`.
fn page_query(selector: Option<&str>, from: &str) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("limit", "500");
    for (key, text) in [
        ("labelSelector", selector.unwrap_or_default()),
        ("continue", from),
    ] {
        if !text.is_empty() {
            query.append_pair(key, text);
        }
    }
    query.finish()
}
