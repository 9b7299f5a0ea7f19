//! Watches on our own objects, so that a quiet cluster is asked nothing and an edit is heard of at once.
//!
//! ```text
//! keep: list (our label) -> watch from there -> cache -> nudge whose object somebody else changed
//! look: the cache while its watch is live, lists otherwise
//! ```
//!
//! One for each kind and namespace in which something is ours, on the label that all our objects carry,
//! so that memory follows what is ours and not what the cluster holds. A kind that is ours in many
//! namespaces is watched in all of them by one, where the account may. A watch is only ever a shortcut:
//! lost, refused or silent, looks list again until it is back.

mod cache;
mod feed;
mod keep;
mod places;
mod secret;
mod stream;

pub(super) use secret::SecretWatches;

use super::connection::sender::Sender;
use super::connection::written::Written;
use super::discovery::Served;
use super::list::FEW;
use crate::model::Address;
use crate::provider::Nudge;
use cache::Cache;
use feed::Feed;
use places::Places;
use serde_json::Value as Json;
use std::collections::HashMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::task::AbortOnDropHandle;

/// A kind in one namespace, or in none.
pub(super) type Place = (Served, String);

/// How long a look waits for a watch that is about to begin: about as long as its own list would take.
const BEGINS: Duration = Duration::from_secs(3);
/// A watch that tells nothing for so long is taken for dead. The server tells how far it is about once a
/// minute even where nothing happens. Source: KEP-956.
const SILENCE: Duration = Duration::from_secs(130);

/// How watches are kept.
#[derive(Clone, Debug)]
pub(super) struct Manner {
    /// Who is told; `None` where nobody listens, and nothing is watched.
    pub(super) nudge: Option<Nudge>,
    /// How long one may tell nothing.
    pub(super) silence: Duration,
}

impl Manner {
    /// The usual manner.
    pub(super) fn new(nudge: Option<Nudge>) -> Self {
        Self {
            nudge,
            silence: SILENCE,
        }
    }
}

/// The watches of one cluster. They end with it.
pub(super) struct Watches {
    sender: Sender,
    manner: Manner,
    places: Mutex<Places>,
}

/// How many kinds in namespaces of a cluster are heard of, and how many are listed at each look instead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// Those whose watch is up, or will be in a moment.
    pub heard: usize,
    /// Those whose watch is refused, breaks off for long, or would be one too many.
    pub listed: usize,
    /// How many objects are kept in memory: ours, of those kinds.
    pub objects: usize,
}

impl Watches {
    /// Watches nothing yet.
    pub(super) fn new(sender: Sender, manner: Manner) -> Self {
        Self {
            sender,
            manner,
            places: Mutex::default(),
        }
    }

    /// Returns the watch of a place that is looked at, begun where something there is ours.
    pub(super) fn asked(&self, place: &Place, is_ours: bool) -> Option<Arc<Watch>> {
        let nudge = self.manner.nudge.as_ref()?;
        let keep = |feed: &Arc<Feed>| {
            let task = keep::keep(Arc::clone(feed), self.sender.clone(), self.manner.silence);
            AbortOnDropHandle::new(tokio::spawn(task))
        };
        let mut places = self.places();
        places.known(place).or_else(|| {
            let watch = || Arc::new(Watch::new(place, nudge.clone()));
            is_ours.then(|| places.begun(place, watch, keep)).flatten()
        })
    }

    /// Counts the places.
    pub(super) fn tally(&self) -> Watched {
        self.places().tally()
    }

    /// Returns the watch of a place, where there is one.
    pub(super) fn at(&self, place: &Place) -> Option<Arc<Watch>> {
        self.places().at(place)
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a watch can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It begins.
    Begins,
    /// It ended as it should, and goes on in a moment, which nobody waits for.
    Resumes,
    /// What happens is heard.
    Live,
    /// It cannot be had now.
    Down,
}

/// The watch of one place.
pub(super) struct Watch {
    place: Place,
    cache: Mutex<Cache>,
    state: watch::Sender<State>,
    /// What is there was listed once.
    is_listed: AtomicBool,
    nudge: Nudge,
}

impl Watch {
    fn new(place: &Place, nudge: Nudge) -> Self {
        Self {
            place: place.clone(),
            cache: Mutex::new(Cache::new(&place.0.group, &place.0.kind)),
            state: watch::Sender::new(State::Begins),
            is_listed: AtomicBool::new(false),
            nudge,
        }
    }

    /// Returns our objects here by name, in which what is doubtful is missing: of a few names these, else
    /// all there are. `None` where nothing can be said without asking.
    pub(super) async fn objects(&self, names: &[String]) -> Option<HashMap<String, Written>> {
        let mut state = self.state.subscribe();
        let begun = timeout(BEGINS, state.wait_for(|state| *state != State::Begins)).await;
        let is_live = begun.ok()?.is_ok_and(|state| *state == State::Live);
        if !is_live {
            return None;
        }
        let cache = self.cache();
        if names.len() > FEW {
            return Some(cache.all());
        }
        let found = names.iter();
        let found = found.filter_map(|name| Some((name.clone(), cache.find(name)?)));
        Some(found.collect())
    }

    /// Returns how many objects are known here.
    fn kept(&self) -> usize {
        self.cache().len()
    }

    /// A write of ours begins. One that is let drop is taken for one without an answer.
    pub(super) fn writing<'w>(&'w self, name: &'w str) -> Writing<'w> {
        self.cache().writing(name);
        Writing {
            watch: self,
            name: Some(name),
        }
    }

    /// One object was asked for; `None` where it is not there.
    pub(super) fn read(&self, name: &str, answer: Option<&Json>) {
        let told = self.cache().read(name, answer);
        self.tell(told);
    }

    fn tell(&self, addresses: Vec<Address>) {
        for address in addresses {
            self.nudge.say(address);
        }
    }

    fn cache(&self) -> MutexGuard<'_, Cache> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write of ours that is under way.
pub(super) struct Writing<'w> {
    watch: &'w Watch,
    /// `None` when it ended.
    name: Option<&'w str>,
}

impl Writing<'_> {
    /// It ended; with the object as it is now, where that was answered.
    pub(super) fn wrote(mut self, answer: Option<&Json>) {
        self.ended(answer);
    }

    /// It was a delete and went well.
    pub(super) fn deleted(mut self) {
        if let Some(name) = self.name.take() {
            self.watch.cache().deleted(name);
        }
    }

    fn ended(&mut self, answer: Option<&Json>) {
        if let Some(name) = self.name.take() {
            let told = self.watch.cache().wrote(name, answer);
            self.watch.tell(told);
        }
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.ended(None);
    }
}

#[cfg(test)]
mod tests {
    use super::super::marks;
    use super::super::reference::Reference;
    use super::*;
    use crate::provider::Nudged;
    use serde_json::json;

    #[test]
    fn an_edit_after_a_write_that_was_cut_off_is_told() {
        let (nudge, mut told) = Nudge::channel(8);
        let served = Served {
            group: String::new(),
            version: "v1".to_owned(),
            kind: "ConfigMap".to_owned(),
            plural: "configmaps".to_owned(),
            namespaced: true,
        };
        let watch = Watch::new(&(served, "shop".to_owned()), nudge);
        let mut object = json!({ "metadata": { "name": "a", "namespace": "shop", "uid": "u", "resourceVersion": "1" } });
        let reference = Reference::of_live("", "ConfigMap", &object);
        let address: Address = "shop/a".parse().unwrap();
        marks::put(&mut object, &address, &reference);
        watch.read("a", Some(&object));
        drop(watch.writing("a"));
        object["metadata"]["resourceVersion"] = json!("2");
        object["data"] = json!({ "text": "edited" });
        let heard = watch.cache().heard(&object);
        watch.tell(heard);
        assert_eq!(told.try_recv().ok(), Some(Nudged::Resource(address)));
    }
}
