//! One cluster, reached as one account: its verbs, and what is remembered of it. Knows paths, no kinds.

pub(super) mod gathered;
pub(super) mod rights;

use super::connection::sender::{Ask, Sender};
use super::connection::written::{Page, Written};
use super::discovery::{Served, Types};
use super::dry_run::verdict::Verdicts;
use super::error::Failure;
use super::scalers;
use super::watch::{SecretWatches, Watches};
use crate::model::DigestKey;
use gathered::{Gathered, carries};
use rights::Rights;
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Our name as a field manager.
pub(super) const MANAGER: &str = "reconciled";
/// Asks for everything the server serves in one answer. Source: KEP-3352.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// Asks for the metadata of objects alone, where the server can tell that; one that cannot gives them whole.
const METADATA: &str =
    "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json";
/// How many objects one page of them holds.
const PAGE: u32 = 500;

/// How an apply is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mode {
    /// Only asks what would happen.
    pub(super) dry_run: bool,
    /// Takes fields from other managers.
    pub(super) force: bool,
}

/// One cluster, reached as one account.
pub(crate) struct Cluster {
    sender: Sender,
    /// The namespace of objects that declare none.
    pub(super) namespace: String,
    /// What it serves, as last asked.
    types: Mutex<Option<(Instant, Arc<Types>)>>,
    doubted: AtomicBool,
    /// What need not be asked again.
    pub(super) verdicts: Verdicts,
    /// What need not be listed again.
    pub(super) watches: Watches,
    /// The Secrets whose values specs read.
    pub(super) secrets: SecretWatches,
    /// What the account may do, as last told.
    pub(super) rights: Rights,
    /// What scaled its workloads a while ago.
    pub(super) scaled: scalers::Known,
    /// What is asked of others about what does not work.
    gathered: Gathered,
}

impl Cluster {
    /// Remembers nothing yet.
    pub(super) fn new(
        sender: Sender,
        namespace: String,
        key: DigestKey,
        (watches, secrets): (Watches, SecretWatches),
    ) -> Self {
        Self {
            sender,
            namespace,
            types: Mutex::new(None),
            doubted: AtomicBool::new(false),
            verdicts: Verdicts::new(key),
            watches,
            secrets,
            rights: Rights::default(),
            scaled: scalers::Known::default(),
            gathered: Gathered::default(),
        }
    }

    /// Returns its server's address, for people.
    pub(super) fn server(&self) -> &str {
        self.sender.server()
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
            self.sender.read("/api", AGGREGATED),
            self.sender.read("/apis", AGGREGATED),
            self.sender.read("/openapi/v3", "application/json"),
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
        match self.sender.read(&path, "application/json").await {
            Ok(object) => Ok(Some(object)),
            Err(failure) if failure.is_not_found() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    /// Reads a path of the API as it is answered.
    pub(super) async fn read(&self, path: &str) -> Result<Json, Failure> {
        self.sender.read(path, "application/json").await
    }

    /// Reads a path that answers text, up to so many bytes; `None` where it cannot be read, whyever.
    pub(super) async fn text(&self, path: &str, most: usize) -> Option<String> {
        self.sender.text(path, most).await
    }

    /// Asks the server to review something, which changes nothing; `None` where it does not answer.
    pub(super) async fn review(&self, path: &str, body: &Json) -> Option<Json> {
        let ask = Ask {
            method: http::Method::POST,
            path,
            accept: "application/json",
            content_type: "application/json",
            body: body.to_string().into_bytes(),
            is_costly: true,
        };
        Some(self.sender.send(ask).await.ok()?.1)
    }

    /// Reads a whole collection; `None` where the kind is not served.
    pub(super) async fn list(
        &self,
        served: &Served,
        namespace: &str,
        selector: Option<&str>,
    ) -> Result<Option<Vec<Json>>, Failure> {
        let found = self.written(served, namespace, selector, |_| true).await?;
        let objects = found.map(|found| found.iter().map(Written::object).collect());
        objects.transpose()
    }

    /// Reads what a whole collection says of itself, its objects' metadata alone; `None` where the server
    /// lists none of its kind.
    pub(super) async fn metadata(
        &self,
        served: &Served,
        namespace: &str,
    ) -> Result<Option<Vec<Json>>, Failure> {
        let path = served.path(namespace, None);
        let (mut found, mut from) = (Vec::new(), String::new());
        loop {
            let query = Page::query(None, &from, PAGE);
            let mut page = match self.sender.read(&format!("{path}?{query}"), METADATA).await {
                Ok(page) => page,
                Err(failure) if failure.status == 405 => return Ok(None),
                Err(failure) => return Err(failure),
            };
            match page["items"].take() {
                Json::Array(items) => found.extend(items),
                // An empty list of metadata has null for its items.
                Json::Null if page["kind"] == "PartialObjectMetadataList" => {}
                // An answer without a list is no empty list.
                _ => {
                    let reason = "the list holds no items";
                    return Err(Failure::transient("server-error", reason));
                }
            }
            from = page["metadata"]["continue"]
                .as_str()
                .unwrap_or_default()
                .to_owned();
            if from.is_empty() {
                return Ok(Some(found));
            }
        }
    }

    /// Reads the objects with these labels, `a=b,c=d`, of the namespace's whole list where many ask for
    /// such; `None` where they cannot be read.
    pub(super) async fn labelled(
        &self,
        served: &Served,
        namespace: &str,
        labels: &str,
    ) -> Option<Vec<Json>> {
        let own = async { self.list(served, namespace, Some(labels)).await.ok()? };
        let whole = async { self.list(served, namespace, None).await.ok()? };
        let list = served.path(namespace, None);
        let is_asked = |object: &Json| carries(object, labels);
        self.gathered.read(list, own, whole, is_asked).await
    }

    /// Reads the events about an object; the same.
    pub(super) async fn events(&self, namespace: &str, uid: &str) -> Option<Vec<Json>> {
        let list = format!("/api/v1/namespaces/{namespace}/events");
        let own = async {
            let path = format!("{list}?limit=200&fieldSelector=involvedObject.uid%3D{uid}");
            match self.read(&path).await.ok()?["items"].take() {
                Json::Array(items) => Some(items),
                _ => None,
            }
        };
        let whole = async {
            let found = self.sender.collection(&list, None, |_| true).await.ok()??;
            let events = found.items.iter().map(Written::object);
            events.collect::<Result<_, _>>().ok()
        };
        let is_asked = |event: &Json| event["involvedObject"]["uid"] == uid;
        self.gathered.read(list.clone(), own, whole, is_asked).await
    }

    /// Reads what is to be kept of a collection that may be large.
    pub(super) async fn written(
        &self,
        served: &Served,
        namespace: &str,
        selector: Option<&str>,
        is_kept: impl Fn(&Written) -> bool,
    ) -> Result<Option<Vec<Written>>, Failure> {
        let path = served.path(namespace, None);
        let found = self.sender.collection(&path, selector, is_kept).await?;
        Ok(found.map(|found| found.items))
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
        let ask = ask(
            http::Method::PATCH,
            (&path, "application/apply-patch+yaml"),
            object,
        );
        let place = (served.clone(), namespace.to_owned());
        let (status, object) = match mode.dry_run {
            true => self.sender.send(ask).await?,
            false => self.noted(ask, &place, name).await?,
        };
        Ok((object, status == 201))
    }

    /// Asks whether an object could be made; that its name is taken is told last.
    pub(super) async fn would_make(
        &self,
        served: &Served,
        namespace: &str,
        object: &Json,
    ) -> Result<(), Failure> {
        let path = served.path(namespace, None);
        let path = format!("{path}?dryRun=All&fieldValidation=Strict&fieldManager={MANAGER}");
        let ask = ask(http::Method::POST, (&path, "application/json"), object);
        self.sender.send(ask).await.map(drop)
    }

    /// Sends a write, which whoever watches the place has to know from somebody else's.
    async fn noted(
        &self,
        ask: Ask<'_>,
        place: &(Served, String),
        name: &str,
    ) -> Result<(u16, Json), Failure> {
        let deletes = ask.method == http::Method::DELETE;
        let Some(watch) = self.watches.at(place) else {
            return self.sender.send(ask).await;
        };
        // Also where nobody waits for the answer any more.
        let writing = watch.writing(name);
        let sent = self.sender.send(ask).await;
        match &sent {
            Ok(_) if deletes => writing.deleted(),
            Ok((_, object)) => writing.wrote(Some(object)),
            Err(_) => writing.wrote(None),
        }
        sent
    }

    /// Merges a patch (RFC 7386) into an object that is there, or only asks what that would give.
    pub(super) async fn merge(
        &self,
        served: &Served,
        namespace: &str,
        name: &str,
        patch: &Json,
        dry_run: bool,
    ) -> Result<Json, Failure> {
        let path = served.path(namespace, Some(name));
        let dry = if dry_run { "&dryRun=All" } else { "" };
        let path = format!("{path}?fieldManager={MANAGER}{dry}");
        let ask = ask(
            http::Method::PATCH,
            (&path, "application/merge-patch+json"),
            patch,
        );
        let place = (served.clone(), namespace.to_owned());
        let (_, object) = match dry_run {
            true => self.sender.send(ask).await?,
            false => self.noted(ask, &place, name).await?,
        };
        Ok(object)
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
        let ask = ask(http::Method::DELETE, (&path, "application/json"), &options);
        let place = (served.clone(), namespace.to_owned());
        match self.noted(ask, &place, name).await {
            Ok(_) => Ok(true),
            Err(failure) if failure.is_not_found() => Ok(false),
            Err(failure) => Err(failure),
        }
    }
}

/// Puts a request with a body together; the answer is JSON.
fn ask<'p>(
    method: http::Method,
    (path, content_type): (&'p str, &'static str),
    body: &Json,
) -> Ask<'p> {
    Ask {
        method,
        path,
        accept: "application/json",
        content_type,
        body: body.to_string().into_bytes(),
        is_costly: true,
    }
}
