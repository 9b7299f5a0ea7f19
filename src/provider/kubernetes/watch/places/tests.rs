//! Which watches are kept for how many places.

use super::*;
use crate::provider::Nudge;
use std::future::pending;

fn served(kind: &str) -> Served {
    Served {
        group: String::new(),
        version: "v1".to_owned(),
        kind: kind.to_owned(),
        plural: kind.to_lowercase(),
        namespaced: true,
    }
}

/// Has a kind watched in so many namespaces; returns in how many it is.
fn watched(places: &mut Places, kind: &str, count: usize) -> usize {
    let (nudge, _) = Nudge::channel(1);
    let keep = |_: &Arc<Feed>| AbortOnDropHandle::new(tokio::spawn(pending()));
    let all = (0..count).map(|nth| (served(kind), format!("n-{nth}")));
    let begun = |place: Place| {
        let watch = || Arc::new(Watch::new(&place, nudge.clone()));
        places
            .known(&place)
            .or_else(|| places.begun(&place, watch, keep))
    };
    all.filter_map(begun).count()
}

#[tokio::test]
async fn a_kind_in_many_namespaces_takes_few_connections() {
    let mut places = Places::default();
    for kind in ["ConfigMap", "Secret", "Service"] {
        assert_eq!(watched(&mut places, kind, 1000), 1000);
    }
    assert_eq!(places.connections(), 3 * (MANY + 1));
    assert_eq!(
        places.tally(),
        Watched {
            heard: 3000,
            listed: 0,
            objects: 0,
        }
    );
}

#[tokio::test]
async fn what_may_not_be_watched_everywhere_at_once_is_watched_as_far_as_there_is_room() {
    let mut places = Places::default();
    assert_eq!(watched(&mut places, "ConfigMap", 20), 20);
    let wide = &places.wide[&served("ConfigMap")];
    wide.feed.refuse(true);
    let own = MOST - 1;
    assert_eq!(watched(&mut places, "ConfigMap", 200), own);
    assert_eq!(places.connections(), MOST);
    assert_eq!(
        places.tally(),
        Watched {
            heard: own,
            listed: 200 - own,
            objects: 0,
        }
    );
    // One kind in one place more finds no room either, and is not counted twice.
    assert_eq!(watched(&mut places, "Secret", 1), 0);
    assert_eq!(watched(&mut places, "Secret", 1), 0);
    assert_eq!(places.tally().listed, 200 - own + 1);
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_breaks_off_for_long_is_counted_among_what_is_listed() {
    let mut places = Places::default();
    assert_eq!(watched(&mut places, "ConfigMap", 20), 20);
    let listed = |places: &Places| places.tally().listed;
    let feed = |places: &Places| Arc::clone(&places.wide[&served("ConfigMap")].feed);
    for _ in 0..3 {
        feed(&places).lose(true);
        assert_eq!(listed(&places), 0, "it may pass");
        tokio::time::advance(Duration::from_secs(120)).await;
    }
    let told = 20 - MANY;
    assert_eq!(listed(&places), told);
    feed(&places).lose(false);
    assert_eq!(listed(&places), 0);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_asks_about_any_more_is_not_counted() {
    let mut places = Places::default();
    let kinds: Vec<String> = (0..=MOST).map(|nth| format!("Kind{nth}")).collect();
    for kind in &kinds {
        watched(&mut places, kind, 1);
    }
    assert_eq!(places.tally().listed, 1);
    tokio::time::advance(IDLE).await;
    assert_eq!(places.tally().listed, 0);
}
