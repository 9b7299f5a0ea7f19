//! How long a forge is waited for, and what is said of one that does not do as asked: once, and once that it is over.

use super::ask::{Asker, Topic, owned};
use crate::model::{EnvironmentName, Fault};
use crate::telemetry::chain;
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long it may take over one environment.
const PATIENCE: Duration = Duration::from_secs(20);

/// What goes wrong, as it was logged, by what it goes wrong with.
pub(super) struct Failing<K>(Mutex<BTreeMap<K, String>>);

impl<K> Default for Failing<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// What went wrong, and what to do about it.
type Wrong = (String, Option<String>);

impl<K: Ord> Failing<K> {
    /// Takes in how it went. Returns what is to be said: what is wrong, or, as `None` in it, that nothing is any more.
    fn take(&self, key: K, wrong: Option<&Wrong>) -> Option<Option<Wrong>> {
        let mut failing = self.failing();
        match wrong {
            Some((error, hint)) => {
                let before = failing.insert(key, error.clone());
                let is_news = before.as_ref() != Some(error);
                is_news.then(|| Some((error.clone(), hint.clone())))
            }
            None => failing.remove(&key).map(|_| None),
        }
    }

    fn failing(&self) -> MutexGuard<'_, BTreeMap<K, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asker {
    /// Waits until a pull request of ours is written, not for long.
    pub(super) async fn bounded<T, E: Fault>(
        &self,
        topic: Topic<'_>,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Option<T> {
        let (done, wrong) = in_time(asked).await;
        match self.failing.take(owned(topic), wrong.as_ref()) {
            Some(Some((error, hint))) => {
                tracing::warn!(environment = %topic.0, error, hint, "Pull request of ours not written, trying again");
            }
            Some(None) => {
                tracing::info!(environment = %topic.0, "Pull requests of ours can be written again");
            }
            None => {}
        }
        done
    }

    /// Waits until it is read what was merged, not for long.
    pub(super) async fn read<T, E: Fault>(
        &self,
        name: &EnvironmentName,
        asked: impl Future<Output = Result<T, E>>,
    ) -> Option<T> {
        let (done, wrong) = in_time(asked).await;
        match self.unread.take(name.clone(), wrong.as_ref()) {
            Some(Some((error, hint))) => {
                tracing::warn!(environment = %name, error, hint, "Merged pull requests not read, trying again");
            }
            Some(None) => {
                tracing::info!(environment = %name, "Merged pull requests can be read again");
            }
            None => {}
        }
        done
    }

    /// Returns what went wrong with a request when it was written last.
    pub(super) fn wrong(&self, topic: Topic<'_>) -> Option<String> {
        self.failing.failing().get(&owned(topic)).cloned()
    }
}

async fn in_time<T, E: Fault>(
    asked: impl Future<Output = Result<T, E>>,
) -> (Option<T>, Option<Wrong>) {
    match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(done)) => (Some(done), None),
        Ok(Err(error)) => (None, Some((chain(&error), error.hint()))),
        Err(_) => (None, Some(("hear from the forge in time".to_owned(), None))),
    }
}
