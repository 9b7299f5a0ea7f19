//! The only sender of requests to one cluster: one pace, deadlines, and repeats where the server says
//! "later". Knows paths and statuses.

mod sort;

use super::reach::Reach;
use super::sign_in::{SignIn, Signed};
use super::written::{Page, Written};
use crate::net::{Limiter, Slot};
use crate::provider::kubernetes::error::{Failure, KIND_AWAY};
use crate::telemetry::Readiness;
use bytes::Bytes;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use kube::client::Body;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};

/// How long one request may take, repeats included.
const DEADLINE: Duration = Duration::from_secs(30);
/// The same while a server has let one before wait in vain and answered nothing since: who asks it many
/// things would else wait that long for each.
const DEADLINE_OF_THE_SILENT: Duration = Duration::from_secs(10);
/// How often a list is begun at most, whose pages are compacted away while it is read.
const MOST_ROUNDS: u32 = 3;
/// No request is sent more often than this.
const MOST_SENDS: u32 = 5;
/// The largest answer that is read: any one object, which etcd limits to 1.5 MiB, and pages of usual ones. A
/// page that is larger is asked for in smaller ones.
const LARGEST: usize = 64 * 1024 * 1024;
/// The code of an answer that is larger: no object is, so that the server is broken, and may be well again.
const TOO_LARGE: &str = "too-large";
/// How many objects a page holds at most.
const PAGE: u32 = 500;
/// The longest wait a server's word is taken for: one that says a day, a maintenance page say, may be back in
/// a minute.
const LONGEST_HOLD: Duration = Duration::from_secs(60);
/// How long a watch may take to begin. One that does not may be held back by a proxy.
const BEGIN: Duration = Duration::from_secs(10);
const JSON: &str = "application/json";

/// A request before it has a body type: method, path with query, content type, body.
pub(crate) struct Ask<'a> {
    /// `GET`, `PATCH` …
    pub(crate) method: http::Method,
    /// Path and query.
    pub(crate) path: &'a str,
    /// What is understood of an answer.
    pub(crate) accept: &'a str,
    /// What the body is; empty where there is none.
    pub(crate) content_type: &'a str,
    /// The body.
    pub(crate) body: Vec<u8>,
    /// Whether the server has much to do for it: it takes its turn with others of the kind.
    pub(crate) is_costly: bool,
}

/// A whole collection at one moment.
pub(crate) struct Collection {
    /// Its objects.
    pub(crate) items: Vec<Written>,
    /// The moment, as the server counts.
    pub(crate) version: String,
}

/// The way to one cluster as one account. Clones share it.
#[derive(Clone)]
pub(crate) struct Sender {
    sign_in: SignIn,
    limiter: Limiter,
    /// The server's address, for people.
    server: String,
    /// It let the last request wait in vain.
    is_silent: Arc<AtomicBool>,
    reach: Reach,
    /// The largest answer that is read, in bytes.
    largest: usize,
}

impl Sender {
    /// Joins a way to clients and a pace.
    pub(crate) fn new(sign_in: SignIn, limiter: Limiter, server: String) -> Self {
        let reach = Reach::new(sign_in.clone(), server.clone(), Readiness::new());
        Self {
            sign_in,
            limiter,
            server,
            is_silent: Arc::default(),
            reach,
            largest: LARGEST,
        }
    }

    /// Has it said there, too, while the server is not there.
    pub(crate) fn telling(mut self, readiness: Readiness) -> Self {
        self.reach = Reach::new(self.sign_in.clone(), self.server.clone(), readiness);
        self
    }

    /// Tells whether the server is not there, which is said once and not by each who finds it so. A first doubt
    /// has it asked.
    pub(crate) fn is_lost(&self, failure: &Failure, is_first: bool) -> bool {
        let is_doubtful = failure.code == "unreachable";
        if is_doubtful {
            self.reach.doubt();
        }
        self.reach.is_lost() || is_doubtful && is_first
    }

    /// Returns the server's address, for people.
    pub(crate) fn server(&self) -> &str {
        &self.server
    }

    /// Reads a collection, page by page, and keeps of each what is to be kept. `None` where its kind is not
    /// served.
    pub(crate) async fn collection(
        &self,
        path: &str,
        selector: Option<&str>,
        is_kept: impl Fn(&Written) -> bool,
    ) -> Result<Option<Collection>, Failure> {
        let mut items = Vec::new();
        let mut from = String::new();
        let (mut rounds, mut most) = (1, PAGE);
        loop {
            let page = format!("{path}?{}", Page::query(selector, &from, most));
            let mut page = match self.sent(page_of(&page)).await {
                Ok((_, body)) => Page::read(&body, &is_kept)?,
                Err(failure) if failure.code == TOO_LARGE && most > 1 => {
                    most = (most / 4).max(1);
                    continue;
                }
                Err(failure) if failure.code == TOO_LARGE => return Err(failure.of_one()),
                Err(failure) if failure.status == 404 => return Ok(None),
                // The page we continue from is compacted away: begin again.
                Err(failure)
                    if failure.status == 410 && !from.is_empty() && rounds < MOST_ROUNDS =>
                {
                    rounds += 1;
                    items.clear();
                    from.clear();
                    continue;
                }
                Err(failure) => return Err(failure),
            };
            // An answer without a list is no empty list.
            let none = || Failure::transient("server-error", "the list holds no items");
            let found = page.items.take().ok_or_else(none)?;
            items.extend(found);
            from = page.metadata.next;
            if from.is_empty() {
                let version = page.metadata.version;
                return Ok(Some(Collection { items, version }));
            }
        }
    }

    /// Opens a watch, once: whoever follows it says when to try again.
    ///
    /// # Errors
    /// No answer in time, or one with an error status.
    pub(crate) async fn open(&self, path: &str) -> Result<Body, Failure> {
        let ask = get(path, JSON);
        let late = |_late| Failure::transient("timeout", "the watch does not begin");
        let answer = timeout(BEGIN, self.answer(&ask)).await.map_err(late)??;
        let (status, retry_after) = (answer.status().as_u16(), retry_after(&answer));
        if status < 400 {
            return Ok(answer.into_body());
        }
        let body = Limited::new(answer.into_body(), self.largest).collect();
        let body = timeout(BEGIN, body).await.map_err(late)?;
        let body = body.map(|body| body.to_bytes()).unwrap_or_default();
        let failure = Failure::answered(status, &body, retry_after);
        if let Some(pause) = retry_after.filter(|_| failure.is_later()) {
            self.limiter.hold(pause.min(LONGEST_HOLD));
        }
        Err(failure)
    }

    /// Reads a text, in one try and up to so many bytes: what is behind the API server, a kubelet say,
    /// may be gone, which is no reason to go slower. `None` where there is no such text.
    pub(crate) async fn text(&self, path: &str, most: usize) -> Option<String> {
        let ask = get(path, "*/*");
        let read = async {
            let answer = self.answer(&ask).await.ok()?;
            if !answer.status().is_success() {
                return None;
            }
            let body = Limited::new(answer.into_body(), most).collect().await;
            Some(body.ok()?.to_bytes())
        };
        let body = timeout(BEGIN, read).await.ok().flatten()?;
        Some(String::from_utf8_lossy(&body).into_owned())
    }

    /// Reads a path.
    pub(crate) async fn read(&self, path: &str, accept: &str) -> Result<Json, Failure> {
        Ok(self.send(get(path, accept)).await?.1)
    }

    /// Sends until there is an answer, inside one deadline, which counts from the first moment it may be
    /// sent: the wait for a turn before that is bounded by the registry's guards alone. Every request of
    /// this provider may be sent twice: reads, applies (the second changes nothing), deletes of one version.
    pub(crate) async fn send(&self, ask: Ask<'_>) -> Result<(u16, Json), Failure> {
        self.read_as(ask).await
    }

    async fn read_as<T: DeserializeOwned>(&self, ask: Ask<'_>) -> Result<(u16, T), Failure> {
        let (status, body) = self.sent(ask).await?;
        let json = serde_json::from_slice(&body)
            .map_err(|_| Failure::transient("server-error", "the answer is not JSON"))?;
        Ok((status, json))
    }

    async fn sent(&self, ask: Ask<'_>) -> Result<(u16, Bytes), Failure> {
        let mut until = None;
        let mut wait = Duration::from_millis(200);
        for sends in 1.. {
            self.reach.checked().await?;
            let mut signed = self.sign_in.client().await?;
            let mut slot = self.slot(&ask).await;
            if slot.is_some() {
                // It may have been found out meanwhile, and a token may be over.
                self.reach.checked().await?;
                signed = self.sign_in.client().await?;
            }
            let until = *until.get_or_insert_with(|| Instant::now() + self.deadline());
            let answer = self.once((&ask, &signed), until, &mut slot).await;
            let status = answer
                .as_ref()
                .map_or_else(|failure| failure.status, |(status, _)| *status);
            let later = answer.as_ref().is_err_and(Failure::is_later);
            match slot {
                Some(slot) if later => slot.refused(),
                // How long a list takes says how long the list is.
                Some(_) if ask.method == http::Method::GET => {}
                // Also what it answers with an error took it that long.
                Some(slot) if status != 0 => slot.answered(&sort::sort(&ask)),
                _ => {}
            }
            let failure = match answer {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            let unsent = failure.code == "unreachable";
            let pause = failure
                .retry_after
                .unwrap_or(wait)
                .max(Duration::from_millis(50));
            if later {
                self.limiter.hold(pause.min(LONGEST_HOLD));
            }
            let is_another = status == 401 && self.sign_in.refused(&signed);
            let again = later
                || failure.code == KIND_AWAY
                || is_another
                || unsent && ask.method == http::Method::GET;
            if !again || sends >= MOST_SENDS || Instant::now() + pause >= until {
                if unsent {
                    self.reach.doubt();
                }
                return Err(failure);
            }
            sleep(pause).await;
            wait *= 2;
        }
        Err(Failure::transient("timeout", "no answer"))
    }

    fn deadline(&self) -> Duration {
        match self.is_silent.load(Ordering::Relaxed) {
            true => DEADLINE_OF_THE_SILENT,
            false => DEADLINE,
        }
    }

    /// Waits for the turn of what costs the server much: a write, what asks what a write would give, a page of
    /// a list. Who waits for a server that is silent waits long enough.
    async fn slot(&self, ask: &Ask<'_>) -> Option<Slot> {
        if !ask.is_costly || self.is_silent.load(Ordering::Relaxed) {
            return None;
        }
        Some(self.limiter.slot().await)
    }

    async fn once(
        &self,
        (ask, signed): (&Ask<'_>, &Signed),
        until: Instant,
        slot: &mut Option<Slot>,
    ) -> Result<(u16, Bytes), Failure> {
        let begun = Instant::now();
        if begun >= until {
            let reason = format!("{} is busy: its turn did not come in time", self.server);
            return Err(Failure::transient("rate-limited", reason));
        }
        let held = self.limiter.held_for();
        if held.is_some_and(|wait| begun + wait >= until) {
            // How long is another number each time it is told.
            let reason = format!("{} wants no requests for a while", self.server);
            return Err(Failure::transient("rate-limited", reason));
        }
        let late = |_late| {
            self.is_silent.store(true, Ordering::Relaxed);
            let seconds = begun.elapsed().as_secs();
            let reason = format!("{} gave no answer in {seconds} s", self.server);
            Failure::transient("timeout", reason)
        };
        let answer = async {
            self.limiter.turn().await;
            if let Some(slot) = slot {
                slot.begin();
            }
            self.send_now(ask, signed).await
        };
        let answer = self.reach.answered(timeout_at(until, answer)).await?;
        let answer = answer.map_err(late)??;
        self.reach.heard();
        self.is_silent.store(false, Ordering::Relaxed);
        let status = answer.status().as_u16();
        let retry_after = retry_after(&answer);
        let body = timeout_at(
            until,
            Limited::new(answer.into_body(), self.largest).collect(),
        )
        .await
        .map_err(late)?
        .map_err(|error| self.unread(&*error))?
        .to_bytes();
        if status >= 400 {
            return Err(Failure::answered(status, &body, retry_after));
        }
        Ok((status, body))
    }

    fn unread(&self, error: &(dyn std::error::Error + Send + Sync + 'static)) -> Failure {
        if !error.is::<LengthLimitError>() {
            return Failure::transient("connection-lost", "the answer broke off");
        }
        let most = self.largest / 1024 / 1024;
        Failure::transient(TOO_LARGE, format!("the answer is larger than {most} MiB"))
    }

    /// Waits for its turn, sends, and returns the answer's beginning.
    async fn answer(&self, ask: &Ask<'_>) -> Result<http::Response<Body>, Failure> {
        let signed = self.sign_in.client().await?;
        self.limiter.turn().await;
        self.send_now(ask, &signed).await
    }

    async fn send_now(
        &self,
        ask: &Ask<'_>,
        signed: &Signed,
    ) -> Result<http::Response<Body>, Failure> {
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
        let answer = signed.client.send(request).await;
        answer.map_err(|error| Failure::unanswered(&error, &self.server))
    }
}

fn get<'a>(path: &'a str, accept: &'a str) -> Ask<'a> {
    Ask {
        method: http::Method::GET,
        path,
        accept,
        content_type: "",
        body: Vec::new(),
        is_costly: false,
    }
}

fn page_of(path: &str) -> Ask<'_> {
    Ask {
        is_costly: true,
        ..get(path, JSON)
    }
}

fn retry_after(answer: &http::Response<Body>) -> Option<Duration> {
    let seconds = answer.headers().get(http::header::RETRY_AFTER)?;
    let seconds = seconds.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests;
