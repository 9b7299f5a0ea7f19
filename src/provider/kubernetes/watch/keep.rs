//! Keeps one watch of the server going: begins it with a list, follows it, and begins it anew when it ends.
//!
//! The one owner of its repeats: each failure waits longer than the one before, none at the same moment
//! as another's, and what the account may not do is tried seldom.

use super::State;
use super::cache::version;
use super::feed::Feed;
use super::stream::{Event, Stream};
use crate::model::Class;
use crate::provider::kubernetes::connection::sender::Sender;
use crate::provider::kubernetes::error::Failure;
use crate::provider::kubernetes::marks;
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
/// So many failures in a row are tried to be gone on from.
const AGAIN: u32 = 3;
/// Between two watches where the first one ended as it should.
pub(super) const BETWEEN: Duration = Duration::from_millis(100);
/// How long the server is asked to keep one up, at least, and how much longer at most.
const LENGTH: (u64, u64) = (600, 300);

/// Keeps a watch until it is dropped.
pub(super) async fn keep(feed: Arc<Feed>, sender: Sender, silence: Duration) {
    let keeper = Keeper {
        feed,
        state: State::Begins,
        newest: 0,
        sender,
        silence,
        is_trusted: true,
        expired: 0,
        failures: 0,
        is_said: false,
    };
    keeper.run().await;
}

/// Returns how long to wait after a failure that follows so many others.
pub(super) fn pause(failure: &Failure, failures: u32) -> Duration {
    let (first, longest) = match failure.class {
        Class::Transient => (FIRST, LONGEST),
        _ => REFUSED,
    };
    let pause = first.saturating_mul(1 << failures.min(16)).min(longest);
    let pause = pause.mul_f64(0.5 + fastrand::f64());
    pause.max(failure.retry_after.unwrap_or_default())
}

/// Returns how long the server is asked to keep the next watch up, in seconds.
pub(super) fn length() -> u64 {
    LENGTH.0 + fastrand::u64(0..LENGTH.1)
}

struct Keeper {
    feed: Arc<Feed>,
    state: State,
    /// The newest version that was told. Only a server that was put back to an earlier state, say from a
    /// copy of its etcd, tells of an older one after that.
    newest: u64,
    sender: Sender,
    silence: Duration,
    /// Whether what happens is taken to be heard before anything was. Not so after a watch ended on
    /// which nothing ever was: something on the way may hold it all back.
    is_trusted: bool,
    /// How often in a row the version just listed was too old to watch from.
    expired: u32,
    failures: u32,
    /// It was said that nothing is heard.
    is_said: bool,
}

/// How following ended.
enum End {
    /// As it should: the server lets none go on for ever.
    Closed,
    /// What happened since is not told any more: it has to be listed.
    Expired,
    /// A place came that was not listed yet.
    Joined,
    /// The server is back at an earlier state.
    Rewound,
}

impl Keeper {
    async fn run(mut self) {
        loop {
            match self.list().await {
                Ok(from) => self.follow(from).await,
                Err(failure) => {
                    // The server itself does not answer, or refuses: no word on watches.
                    self.feed.lose(false);
                    self.down(&failure).await;
                }
            }
        }
    }

    /// Lists what is ours; returns the version to watch from.
    async fn list(&mut self) -> Result<u64, Failure> {
        let path = self.feed.path();
        let found = self
            .sender
            .collection(&path, Some(marks::ENVIRONMENT), |_| true)
            .await?;
        let gone = || Failure::transient("not-served", "the kind is not served");
        let found = found.ok_or_else(gone)?;
        let at = version(&json!({ "metadata": { "resourceVersion": found.version } }));
        let odd = || Failure::user("unwatchable", "its versions are no numbers");
        let at = at.ok_or_else(odd)?;
        if at < self.newest {
            self.feed.rewound();
        }
        self.newest = at;
        self.feed.listed(found.items, at)?;
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
                Ok(End::Joined) => return,
                Ok(End::Rewound) => return sleep(BETWEEN).await,
                Err(failure) => {
                    self.feed.lose(true);
                    self.down(&failure).await;
                    // Where going on is refused again and again, beginning anew may not be.
                    if self.failures > AGAIN {
                        return;
                    }
                }
            }
        }
    }

    /// Follows one watch to its end.
    async fn once(&mut self, from: &mut u64) -> Result<End, Failure> {
        let path = format!(
            "{}?watch=1&allowWatchBookmarks=true&labelSelector={}&resourceVersion={from}&timeoutSeconds={}",
            self.feed.path(),
            marks::ENVIRONMENT,
            length(),
        );
        let body = match self.sender.open(&path).await {
            Err(failure) if failure.status == 410 => return Ok(End::Expired),
            body => body?,
        };
        self.feed.refuse(false);
        if self.is_trusted {
            self.set(State::Live);
        }
        let feed = Arc::clone(&self.feed);
        let mut stream = Stream::new(body);
        let mut has_heard = false;
        let end = loop {
            let event = tokio::select! {
                event = stream.next(self.silence) => event,
                () = feed.news.notified() => {
                    // Whoever came has yet to be told that it is up.
                    self.state = State::Begins;
                    return Ok(End::Joined);
                }
            };
            match event {
                Ok(Some(Event::Expired)) => break Ok(End::Expired),
                Ok(Some(event)) => {
                    has_heard = true;
                    if !self.heard(&event, from) {
                        break Ok(End::Rewound);
                    }
                    self.feed.lose(false);
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

    /// Takes in what is told; `false` where it is older than what was told before.
    fn heard(&mut self, event: &Event, from: &mut u64) -> bool {
        let (object, is_gone) = match event {
            Event::Changed(object) => (object, Some(false)),
            Event::Gone(object) => (object, Some(true)),
            Event::Mark(object) => (object, None),
            Event::Expired => return true,
        };
        let at = version(object).unwrap_or(*from);
        if at < self.newest && is_gone != Some(true) {
            return false;
        }
        *from = at.max(self.newest);
        self.newest = *from;
        if let Some(is_gone) = is_gone {
            self.feed.heard(object, is_gone);
        }
        true
    }

    /// Has looks list again, and waits before the next try.
    async fn down(&mut self, failure: &Failure) {
        // A server that is not there at all is said once, and not for each kind in each namespace.
        if !self.sender.is_lost(failure, self.failures == 0) && !self.is_said {
            self.is_said = true;
            let (kind, namespace) = (&self.feed.served.kind, self.feed.shown());
            let (code, reason) = (failure.code, failure.said());
            tracing::warn!(
                kind,
                namespace,
                code,
                reason,
                "Not watched, listing until it is"
            );
        }
        self.set(State::Down);
        if !matches!(failure.class, Class::Transient) {
            self.feed.refuse(true);
        }
        let pause = pause(failure, self.failures);
        self.failures += 1;
        sleep(pause).await;
    }

    fn set(&mut self, state: State) {
        let (kind, namespace) = (&self.feed.served.kind, self.feed.shown());
        if state == State::Live && std::mem::take(&mut self.is_said) {
            tracing::info!(kind, namespace, "Watched again");
        }
        if (self.state, state) != (State::Live, State::Live) {
            self.state = state;
            self.feed.set(state);
        }
    }
}

#[cfg(test)]
mod tests;
