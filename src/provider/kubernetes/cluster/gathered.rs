//! What many ask for at one time, read once: where much of a namespace does not work, its pods are listed
//! as a whole and shared out, instead of once for each workload that waits for its own.

use serde_json::Value as Json;
use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// So many questions in a while are answered one by one.
const FEW: u32 = 4;
/// That while. Who waits for a workload looks at it about as often.
const WHILE: Duration = Duration::from_secs(5);
/// How long a whole list is shared out.
const FRESH: Duration = Duration::from_secs(2);

/// Lists of a cluster that are shared.
#[derive(Default)]
pub(super) struct Gathered(Mutex<HashMap<String, Arc<tokio::sync::Mutex<Place>>>>);

/// One list.
#[derive(Default)]
struct Place {
    begun: Option<Instant>,
    /// Questions since then.
    asked: u32,
    /// The whole, as it was read last, or was not.
    all: Option<(Instant, Option<Arc<Vec<Json>>>)>,
}

impl Gathered {
    /// Returns what is asked for of one list: by its own question, or out of the whole where many ask.
    /// `None` where neither can be read.
    pub(crate) async fn read(
        &self,
        list: String,
        own: impl Future<Output = Option<Vec<Json>>>,
        whole: impl Future<Output = Option<Vec<Json>>>,
        is_asked: impl Fn(&Json) -> bool,
    ) -> Option<Vec<Json>> {
        let place = {
            let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(places.entry(list).or_default())
        };
        let mut known = place.lock().await;
        if known.begun.is_none_or(|begun| begun.elapsed() > WHILE) {
            (known.begun, known.asked) = (Some(Instant::now()), 0);
        }
        known.asked += 1;
        let is_old = |(at, _): &(Instant, Option<_>)| at.elapsed() > FRESH;
        if known.all.as_ref().is_some_and(is_old) {
            known.all = None;
        }
        if known.asked > FEW && known.all.is_none() {
            let found = whole.await;
            known.all = Some((Instant::now(), found.map(Arc::new)));
            // Nobody may come to let it go.
            let place = Arc::downgrade(&place);
            tokio::spawn(async move {
                sleep(FRESH).await;
                if let Some(place) = place.upgrade() {
                    place.lock().await.all = None;
                }
            });
        }
        let all = known.all.clone();
        drop(known);
        match all {
            Some((_, Some(all))) => {
                let asked = all.iter().filter(|one| is_asked(one));
                Some(asked.cloned().collect())
            }
            // Where it could not be read a moment ago, those who wait do not try in turn.
            Some((_, None)) | None => own.await,
        }
    }
}

/// Tells whether an object carries these labels, written as `a=b,c=d`.
pub(crate) fn carries(object: &Json, labels: &str) -> bool {
    let of = &object["metadata"]["labels"];
    let mut pairs = labels.split(',').filter_map(|one| one.split_once('='));
    pairs.all(|(key, value)| of[key] == value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
    use tokio::time::advance;

    fn pod(app: u32) -> Json {
        json!({ "metadata": { "labels": { "app": app.to_string(), "tier": "web" } } })
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_are_asked_for_by_themselves_and_many_at_once() {
        let (gathered, own, whole) = (Gathered::default(), AtomicU32::new(0), AtomicU32::new(0));
        let ask = async |app: u32| {
            let labels = format!("app={app},tier=web");
            let own = async {
                own.fetch_add(1, Relaxed);
                Some(vec![pod(app)])
            };
            let whole = async {
                whole.fetch_add(1, Relaxed);
                Some((0..500).map(pod).collect())
            };
            let is_asked = |pod: &Json| carries(pod, &labels);
            let found = gathered.read("pods".to_owned(), own, whole, is_asked).await;
            assert_eq!(found, Some(vec![pod(app)]));
        };
        for app in 0..500 {
            ask(app).await;
        }
        assert_eq!((own.load(Relaxed), whole.load(Relaxed)), (FEW, 1));
        // What is shared is never old, and is let go.
        advance(FRESH * 2).await;
        ask(1).await;
        assert_eq!(whole.load(Relaxed), 2);
        advance(WHILE * 2).await;
        ask(1).await;
        assert_eq!((own.load(Relaxed), whole.load(Relaxed)), (FEW + 1, 2));
    }

    #[tokio::test(start_paused = true)]
    async fn a_whole_that_cannot_be_read_is_not_asked_for_by_everyone_in_turn() {
        let (gathered, whole) = (Gathered::default(), AtomicU32::new(0));
        let ask = async |app: u32| {
            let own = async { Some(vec![pod(app)]) };
            let whole = async {
                whole.fetch_add(1, Relaxed);
                sleep(Duration::from_secs(30)).await;
                None
            };
            gathered.read("pods".to_owned(), own, whole, |_| true).await
        };
        let found = futures::future::join_all((0..500).map(ask)).await;
        assert!(found.iter().all(Option::is_some));
        assert_eq!(whole.load(Relaxed), 1);
    }
}
