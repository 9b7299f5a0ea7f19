//! Keeps one watch going: begins it with a list, follows it, and begins it anew when it ends.
//!
//! The one owner of its repeats: each failure waits longer than the one before, none at the same moment
//! as another's, and what the account may not do is tried seldom.

use super::super::error::Failure;
use super::super::marks;
use super::super::sender::Sender;
use super::cache::version;
use super::stream::{Event, Stream};
use super::{State, Watch};
use crate::model::Class;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// The pause after the first failure; it doubles with each further one.
const FIRST: Duration = Duration::from_millis(500);
/// The longest pause after failures that pass.
const LONGEST: Duration = Duration::from_secs(60);
/// The first pause after a refusal, which a person has to lift, and the longest one.
const REFUSED: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(300));
/// Between two watches where the first one ended as it should.
const BETWEEN: Duration = Duration::from_millis(100);
/// How long the server is asked to keep one up, at least, and how much longer at most.
const LENGTH: (u64, u64) = (600, 300);

/// Keeps a watch until it is dropped.
pub(super) async fn keep(watch: Arc<Watch>, sender: Sender, silence: Duration) {
    let keeper = Keeper {
        watch,
        sender,
        silence,
        is_trusted: true,
        expired: 0,
        failures: 0,
    };
    keeper.run().await;
}

struct Keeper {
    watch: Arc<Watch>,
    sender: Sender,
    silence: Duration,
    /// Whether what happens is taken to be heard before anything was. Not so after a watch ended on
    /// which nothing ever was: something on the way may hold it all back.
    is_trusted: bool,
    /// How often in a row the version just listed was too old to watch from.
    expired: u32,
    failures: u32,
}

/// How following ended.
enum End {
    /// As it should: the server lets none go on for ever.
    Closed,
    /// What happened since is not told any more: it has to be listed.
    Expired,
}

impl Keeper {
    async fn run(mut self) {
        let mut is_first = true;
        loop {
            match self.list(is_first).await {
                Ok(from) => {
                    is_first = false;
                    self.follow(from).await;
                }
                Err(failure) => self.down(&failure).await,
            }
        }
    }

    /// Lists what is ours; returns the version to watch from.
    async fn list(&self, is_first: bool) -> Result<u64, Failure> {
        let (served, namespace) = &self.watch.place;
        let path = served.path(namespace, None);
        let found = self
            .sender
            .collection(&path, Some(marks::ENVIRONMENT), |_| true)
            .await?;
        let gone = || Failure::transient("not-served", "the kind is not served");
        let found = found.ok_or_else(gone)?;
        let at = version(&json!({ "metadata": { "resourceVersion": found.version } }));
        let odd = || Failure::user("unwatchable", "its versions are no numbers");
        let at = at.ok_or_else(odd)?;
        let told = self.watch.cache().listed(&found.items, at)?;
        // What is there at the beginning is nobody's change.
        if !is_first {
            self.watch.tell(told);
        }
        Ok(at)
    }

    /// Follows from a version until a list is needed.
    async fn follow(&mut self, mut from: u64) {
        loop {
            match self.once(&mut from).await {
                Ok(End::Closed) => sleep(BETWEEN.mul_f64(0.5 + fastrand::f64())).await,
                Ok(End::Expired) => {
                    self.expired += 1;
                    if self.expired > 1 {
                        let failure =
                            Failure::transient("watch-expired", "it is forgotten at once");
                        self.down(&failure).await;
                    }
                    return;
                }
                Err(failure) => self.down(&failure).await,
            }
        }
    }

    /// Follows one watch to its end.
    async fn once(&mut self, from: &mut u64) -> Result<End, Failure> {
        let (served, namespace) = &self.watch.place;
        let path = format!(
            "{}?watch=1&allowWatchBookmarks=true&labelSelector={}&resourceVersion={from}&timeoutSeconds={}",
            served.path(namespace, None),
            marks::ENVIRONMENT,
            LENGTH.0 + fastrand::u64(0..LENGTH.1),
        );
        let body = match self.sender.open(&path).await {
            Err(failure) if failure.status == 410 => return Ok(End::Expired),
            body => body?,
        };
        if self.is_trusted {
            self.set(State::Live);
        }
        let mut stream = Stream::new(body);
        let mut has_heard = false;
        let end = loop {
            match stream.next(self.silence).await {
                Ok(Some(Event::Expired)) => break Ok(End::Expired),
                Ok(Some(event)) => {
                    has_heard = true;
                    self.heard(&event, from);
                    self.set(State::Live);
                }
                Ok(None) => break Ok(End::Closed),
                Err(failure) => break Err(failure),
            }
        };
        self.is_trusted = has_heard;
        if has_heard {
            (self.failures, self.expired) = (0, 0);
        }
        match end {
            Ok(End::Closed) if !has_heard => Err(Failure::transient(
                "watch-silent",
                "the watch ended and told nothing",
            )),
            Ok(end) => {
                self.set(State::Resumes);
                Ok(end)
            }
            failed => failed,
        }
    }

    fn heard(&self, event: &Event, from: &mut u64) {
        let (object, told) = match event {
            Event::Changed(object) => (object, self.watch.cache().heard(object)),
            Event::Gone(object) => (object, self.watch.cache().heard_gone(object)),
            Event::Mark(object) => (object, Vec::new()),
            Event::Expired => return,
        };
        *from = version(object).unwrap_or(*from);
        self.watch.tell(told);
    }

    /// Has looks list again, and waits before the next try.
    async fn down(&mut self, failure: &Failure) {
        self.set(State::Down);
        let (first, longest) = match failure.class {
            Class::Transient => (FIRST, LONGEST),
            _ => REFUSED,
        };
        let pause = first
            .saturating_mul(1 << self.failures.min(16))
            .min(longest);
        self.failures += 1;
        let pause = pause.mul_f64(0.5 + fastrand::f64());
        sleep(pause.max(failure.retry_after.unwrap_or_default())).await;
    }

    fn set(&self, state: State) {
        self.watch.state.send_if_modified(|known| {
            let (served, namespace) = &self.watch.place;
            let changes = *known != state;
            match state {
                State::Down if changes => {
                    tracing::warn!(
                        kind = served.kind,
                        namespace,
                        "Not watched, listing until it is"
                    );
                }
                State::Live if *known == State::Down => {
                    tracing::info!(kind = served.kind, namespace, "Watched again");
                }
                _ => {}
            }
            *known = state;
            changes
        });
    }
}
