//! Which places are watched, and by what: by a watch of their own, or by one of all namespaces.
//!
//! Each watch holds a connection open, so there is a most of them; what is past that is listed.

use super::feed::Feed;
use super::{Place, Watch, Watched};
use crate::provider::kubernetes::discovery::Served;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

/// No more watches than this are kept.
const MOST: usize = 128;
/// A kind with so many watches of its namespaces is watched in all further ones at once.
const MANY: usize = 8;
/// A place with nothing of ours in it, that nobody asked about for so long, is watched no more.
const IDLE: Duration = Duration::from_secs(3600);

/// Every place that is watched.
#[derive(Default)]
pub(super) struct Places {
    kept: HashMap<Place, Kept>,
    /// The watches of all namespaces, by kind.
    wide: HashMap<Served, Keeping>,
    /// What there was no watch left for, and when that was asked for last.
    left: HashMap<Place, Instant>,
}

struct Kept {
    watch: Arc<Watch>,
    asked: Instant,
    /// Its own watch; `None` where the one of all namespaces tells it.
    own: Option<Keeping>,
}

struct Keeping {
    feed: Arc<Feed>,
    _task: AbortOnDropHandle<()>,
}

impl Places {
    /// Returns the watch of a place.
    pub(super) fn at(&self, place: &Place) -> Option<Arc<Watch>> {
        self.kept.get(place).map(|kept| Arc::clone(&kept.watch))
    }

    /// Returns the watch of a place that is looked at. One that the account turned out to have no right to
    /// is begun in another way.
    pub(super) fn known(&mut self, place: &Place) -> Option<Arc<Watch>> {
        let wide = self.wide.get(&place.0);
        let is_refused = wide.is_some_and(|wide| wide.feed.is_refused());
        let kept = self.kept.get_mut(place)?;
        if kept.own.is_none() && is_refused {
            self.forget(place);
            return None;
        }
        kept.asked = Instant::now();
        Some(Arc::clone(&kept.watch))
    }

    /// Begins to watch a place in which something is ours; `None` where there are too many watches.
    pub(super) fn begun(
        &mut self,
        place: &Place,
        watch: impl FnOnce() -> Arc<Watch>,
        keep: impl Fn(&Arc<Feed>) -> AbortOnDropHandle<()>,
    ) -> Option<Arc<Watch>> {
        if self.connections() >= MOST {
            self.forget_idle();
        }
        let is_full = self.connections() >= MOST;
        let keeping = |feed: Feed| {
            let feed = Arc::new(feed);
            let _task = keep(&feed);
            Keeping { feed, _task }
        };
        let is_many = place.0.namespaced && self.own_of(&place.0) >= MANY;
        if is_many && !is_full && !self.wide.contains_key(&place.0) {
            let wide = keeping(Feed::of_all(&place.0));
            self.wide.insert(place.0.clone(), wide);
        }
        let wide = self.wide.get(&place.0).map(|wide| &wide.feed);
        let wide = wide.filter(|wide| is_many && !wide.is_refused());
        if wide.is_none() && is_full {
            if self.left.is_empty() {
                tracing::warn!(
                    most = MOST,
                    "Too many kinds and namespaces to watch, listing the others"
                );
            }
            self.left.insert(place.clone(), Instant::now());
            return None;
        }
        let watch = watch();
        let own = match wide {
            Some(wide) => {
                wide.add(&watch);
                None
            }
            None => Some(keeping(Feed::of(&watch))),
        };
        let kept = Kept {
            watch: Arc::clone(&watch),
            asked: Instant::now(),
            own,
        };
        self.left.remove(place);
        self.kept.insert(place.clone(), kept);
        Some(watch)
    }

    /// Counts what is heard of, and what is not. One that is down for now is about to be up.
    pub(super) fn tally(&self) -> Watched {
        let keeping = |(place, kept): (&Place, &Kept)| {
            let keeping = kept.own.as_ref().or_else(|| self.wide.get(&place.0))?;
            Some(keeping.feed.is_deaf())
        };
        let deaf = self.kept.iter().filter_map(keeping);
        let deaf = deaf.filter(|is_deaf| *is_deaf).count();
        let left = self.left.values().filter(|asked| asked.elapsed() < IDLE);
        Watched {
            heard: self.kept.len() - deaf,
            listed: deaf + left.count(),
            objects: self.kept.values().map(|kept| kept.watch.kept()).sum(),
        }
    }

    fn connections(&self) -> usize {
        let own = self.kept.values().filter(|kept| kept.own.is_some());
        own.count() + self.wide.len()
    }

    fn own_of(&self, served: &Served) -> usize {
        let own = self.kept.iter();
        own.filter(|((of, _), kept)| of == served && kept.own.is_some())
            .count()
    }

    fn forget_idle(&mut self) {
        let is_idle = |kept: &Kept| kept.asked.elapsed() >= IDLE && kept.watch.cache().is_empty();
        let idle = self.kept.iter().filter(|(_, kept)| is_idle(kept));
        let idle: Vec<Place> = idle.map(|(place, _)| place.clone()).collect();
        idle.iter().for_each(|place| self.forget(place));
        self.left.retain(|_, asked| asked.elapsed() < IDLE);
        // What was refused is remembered.
        self.wide
            .retain(|_, wide| wide.feed.is_refused() || !wide.feed.is_empty());
    }

    fn forget(&mut self, place: &Place) {
        self.kept.remove(place);
        if let Some(wide) = self.wide.get(&place.0) {
            wide.feed.remove(&place.1);
        }
    }
}

#[cfg(test)]
mod tests;
