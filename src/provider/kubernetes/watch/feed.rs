//! Whom one watch of the server tells: the place it is of or, where ours are spread over many namespaces,
//! every place of one kind.
//!
//! What lies in places that nobody looks at is let pass, and takes no room.

use super::{State, Watch};
use crate::model::Address;
use crate::provider::kubernetes::connection::written::Written;
use crate::provider::kubernetes::discovery::Served;
use crate::provider::kubernetes::error::Failure;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A watch that breaks off for so long is no passing trouble.
const LONG: Duration = Duration::from_secs(300);

/// The places that one watch tells, by namespace.
pub(super) struct Feed {
    /// The kind.
    pub(super) served: Served,
    /// The namespace; `None` where all of them are watched at once.
    namespace: Option<String>,
    places: Mutex<HashMap<String, Arc<Watch>>>,
    /// A place came that has to be listed.
    pub(super) news: Notify,
    is_refused: AtomicBool,
    /// Since when watches break off though lists are answered.
    lost: Mutex<Option<Instant>>,
}

impl Feed {
    /// Tells this place alone.
    pub(super) fn of(watch: &Arc<Watch>) -> Self {
        let (served, namespace) = &watch.place;
        let places = HashMap::from([(namespace.clone(), Arc::clone(watch))]);
        Self {
            served: served.clone(),
            namespace: Some(namespace.clone()),
            places: Mutex::new(places),
            news: Notify::new(),
            is_refused: AtomicBool::new(false),
            lost: Mutex::default(),
        }
    }

    /// Tells every place of a kind that is added.
    pub(super) fn of_all(served: &Served) -> Self {
        Self {
            served: served.clone(),
            namespace: None,
            places: Mutex::default(),
            news: Notify::new(),
            is_refused: AtomicBool::new(false),
            lost: Mutex::default(),
        }
    }

    /// Adds a place, which is listed soon.
    pub(super) fn add(&self, watch: &Arc<Watch>) {
        let namespace = watch.place.1.clone();
        self.places().insert(namespace, Arc::clone(watch));
        self.news.notify_one();
    }

    /// Tells a place no more.
    pub(super) fn remove(&self, namespace: &str) {
        self.places().remove(namespace);
    }

    /// Tells whether there is nobody to tell.
    pub(super) fn is_empty(&self) -> bool {
        self.places().is_empty()
    }

    /// Tells whether the account may not watch like this.
    pub(super) fn is_refused(&self) -> bool {
        self.is_refused.load(Ordering::Relaxed)
    }

    /// Takes in whether it may.
    pub(super) fn refuse(&self, is_refused: bool) {
        self.is_refused.store(is_refused, Ordering::Relaxed);
    }

    /// Takes in whether the watch broke off, or tells something.
    pub(super) fn lose(&self, is_lost: bool) {
        let mut lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        *lost = is_lost.then(|| lost.unwrap_or_else(Instant::now));
    }

    /// Tells whether nothing can be heard: it may not be watched, or watches break off for long already, as
    /// behind a proxy that holds them back.
    pub(super) fn is_deaf(&self) -> bool {
        let lost = self.lost.lock().unwrap_or_else(PoisonError::into_inner);
        self.is_refused() || lost.is_some_and(|since| since.elapsed() >= LONG)
    }

    /// Returns the address of what is watched.
    pub(super) fn path(&self) -> String {
        let namespace = self.namespace.as_deref().unwrap_or_default();
        self.served.path(namespace, None)
    }

    /// Returns what is watched, for people.
    pub(super) fn shown(&self) -> &str {
        self.namespace.as_deref().unwrap_or("all")
    }

    /// Takes in a whole list.
    ///
    /// # Errors
    /// One of the objects cannot be read; then nothing of its place is taken to be gone.
    pub(super) fn listed(&self, objects: Vec<Written>, at: u64) -> Result<(), Failure> {
        let places = self.all();
        let mut of: HashMap<String, Vec<Written>> = HashMap::new();
        match &self.namespace {
            Some(namespace) => {
                of.insert(namespace.clone(), objects);
            }
            None => {
                for object in objects {
                    let namespace = object.namespace().unwrap_or_default();
                    if places.contains_key(&namespace) {
                        of.entry(namespace).or_default().push(object);
                    }
                }
            }
        }
        for (namespace, watch) in places {
            let objects = of.remove(&namespace).unwrap_or_default();
            watch.listed(&objects, at)?;
        }
        Ok(())
    }

    /// Takes in what happened to an object.
    pub(super) fn heard(&self, object: &Json, is_gone: bool) {
        let namespace = match &self.namespace {
            Some(namespace) => namespace,
            None => object["metadata"]["namespace"].as_str().unwrap_or_default(),
        };
        let watch = self.places().get(namespace).map(Arc::clone);
        if let Some(watch) = watch {
            watch.heard(object, is_gone);
        }
    }

    /// Takes in that the server counts from an earlier moment than before.
    pub(super) fn rewound(&self) {
        for watch in self.all().values() {
            watch.cache().rewound();
        }
    }

    /// Says how far the watch can be relied on.
    pub(super) fn set(&self, state: State) {
        for watch in self.all().values() {
            watch.set(state);
        }
    }

    fn all(&self) -> HashMap<String, Arc<Watch>> {
        self.places().clone()
    }

    fn places(&self) -> MutexGuard<'_, HashMap<String, Arc<Watch>>> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch {
    /// What is there at the beginning is nobody's change.
    fn listed(&self, objects: &[Written], at: u64) -> Result<(), Failure> {
        let told: Vec<Address> = self.cache().listed(objects, at)?;
        if self.is_listed.swap(true, Ordering::AcqRel) {
            self.tell(told);
        }
        Ok(())
    }

    fn heard(&self, object: &Json, is_gone: bool) {
        // Its list tells of what came before.
        if !self.is_listed.load(Ordering::Acquire) {
            return;
        }
        let told = match is_gone {
            true => self.cache().heard_gone(object),
            false => self.cache().heard(object),
        };
        self.tell(told);
    }

    /// What was never listed can only be known to be down.
    fn set(&self, state: State) {
        let is_listed = self.is_listed.load(Ordering::Acquire);
        self.state.send_if_modified(|known| {
            let changes = *known != state && (is_listed || state == State::Down);
            if changes {
                *known = state;
            }
            changes
        });
    }
}
