//! Watches on single Secrets that specs read values of: whose value changed, its environments are looked
//! at at once instead of with the next interval. Keeps digests, never values.
//!
//! Only ever a shortcut, like the watches on what is ours: a Secret that may not be watched is read with
//! each look, as without it. Each asks for one object by its name, so that no right to list is needed.

use super::Manner;
use super::keep::{BETWEEN, length, pause};
use super::stream::{Event, Stream};
use crate::model::{Digest, EnvironmentName};
use crate::provider::Nudge;
use crate::provider::kubernetes::connection::sender::Sender;
use crate::provider::kubernetes::error::Failure;
use serde_json::Value as Json;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;

/// More Secrets than this are not watched, each of which holds a connection open.
const MOST: usize = 64;
/// One that no look read for so long is watched no more. Longer than environments wait that are compared
/// once a day.
const IDLE: Duration = Duration::from_secs(25 * 3600);

/// Which Secret: its namespace and its name.
type Place = (String, String);

/// What a Secret holds, as a digest; `None` where it is not there.
type Held = Option<Digest>;

/// The watched Secrets of one cluster. The watches end with it.
pub(in crate::provider::kubernetes) struct SecretWatches {
    sender: Sender,
    manner: Manner,
    kept: Mutex<HashMap<Place, Kept>>,
}

struct Kept {
    readers: Arc<Readers>,
    read: Instant,
    _task: AbortOnDropHandle<()>,
}

/// Who reads one Secret, and what it held when each read it last.
struct Readers {
    nudge: Nudge,
    held: Mutex<BTreeMap<EnvironmentName, Held>>,
}

impl SecretWatches {
    /// Watches nothing yet.
    pub(in crate::provider::kubernetes) fn new(sender: Sender, manner: Manner) -> Self {
        Self {
            sender,
            manner,
            kept: Mutex::default(),
        }
    }

    /// Takes note of what a look read for an environment, `None` where there is no such Secret, and
    /// watches it from now on.
    pub(in crate::provider::kubernetes) fn read(
        &self,
        (namespace, name): (&str, &str),
        reader: &EnvironmentName,
        found: Option<&Json>,
    ) {
        let Some(nudge) = &self.manner.nudge else {
            return;
        };
        let held = found.map(held);
        let place = (namespace.to_owned(), name.to_owned());
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, kept| kept.read.elapsed() < IDLE);
        if let Some(kept) = kept.get_mut(&place) {
            kept.read = Instant::now();
            kept.readers.held().insert(reader.clone(), held);
            return;
        }
        if kept.len() >= MOST {
            return;
        }
        let readers = Arc::new(Readers {
            nudge: nudge.clone(),
            held: Mutex::new([(reader.clone(), held)].into()),
        });
        let follower = Follower {
            place: place.clone(),
            readers: Arc::clone(&readers),
            sender: self.sender.clone(),
            silence: self.manner.silence,
        };
        let one = Kept {
            readers,
            read: Instant::now(),
            _task: AbortOnDropHandle::new(tokio::spawn(follower.run())),
        };
        kept.insert(place, one);
    }
}

/// What has a say: labels and annotations have none.
fn held(secret: &Json) -> Digest {
    Digest::of(secret["data"].to_string())
}

impl Readers {
    /// Tells every environment that read something else.
    fn heard(&self, now: &Held) {
        let known = self.held();
        for (reader, _) in known.iter().filter(|(_, held)| *held != now) {
            self.nudge.say_environment(reader.clone());
        }
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<EnvironmentName, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Follows one Secret until it is dropped.
struct Follower {
    place: Place,
    readers: Arc<Readers>,
    sender: Sender,
    silence: Duration,
}

impl Follower {
    async fn run(self) {
        let mut failures = 0;
        loop {
            match self.once().await {
                Ok(()) => {
                    failures = 0;
                    sleep(BETWEEN.mul_f64(0.5 + fastrand::f64())).await;
                }
                Err(failure) => {
                    sleep(pause(&failure, failures)).await;
                    failures += 1;
                }
            }
        }
    }

    /// Follows one watch to its end. It begins with what is there, so nothing between two is lost but a
    /// delete, which the next look finds.
    async fn once(&self) -> Result<(), Failure> {
        let (namespace, name) = &self.place;
        let path = format!(
            "/api/v1/namespaces/{namespace}/secrets?watch=1&allowWatchBookmarks=true&fieldSelector=metadata.name%3D{name}&timeoutSeconds={}",
            length(),
        );
        let mut stream = Stream::new(self.sender.open(&path).await?);
        let mut has_heard = false;
        loop {
            match stream.next(self.silence).await? {
                Some(Event::Changed(secret)) => self.readers.heard(&Some(held(&secret))),
                Some(Event::Gone(_)) => self.readers.heard(&None),
                Some(Event::Mark(_)) => {}
                Some(Event::Expired) => return Ok(()),
                None if has_heard => return Ok(()),
                None => {
                    let reason = "the watch ended and told nothing";
                    return Err(Failure::transient("watch-silent", reason));
                }
            }
            has_heard = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Nudged;
    use serde_json::json;

    #[test]
    fn whoever_read_something_else_is_told_and_nobody_of_a_label() {
        let (nudge, mut nudges) = Nudge::channel(8);
        let [one, two] = ["one", "two"].map(|name| EnvironmentName::new(name).unwrap());
        let secret = |text: &str, label: &str| {
            Some(held(
                &json!({ "data": { "a": text }, "metadata": { "labels": { "l": label } } }),
            ))
        };
        let read = [(one.clone(), secret("x", "1")), (two.clone(), None)];
        let readers = Readers {
            nudge,
            held: Mutex::new(read.into()),
        };
        let mut told = |now: Held| {
            readers.heard(&now);
            std::iter::from_fn(|| nudges.try_recv().ok()).collect::<Vec<_>>()
        };
        let named = |name: &EnvironmentName| Nudged::Environment(name.clone());
        assert_eq!(told(secret("x", "2")), [named(&two)]);
        assert_eq!(told(None), [named(&one)]);
        readers.held().insert(two.clone(), secret("x", "1"));
        assert_eq!(told(secret("x", "3")), []);
        // Until it is read again, it may be told twice: a nudge may be lost.
        assert_eq!(told(secret("y", "3")), [named(&one), named(&two)]);
        assert_eq!(told(secret("y", "3")), [named(&one), named(&two)]);
    }
}
