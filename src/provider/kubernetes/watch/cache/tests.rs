//! The cache, told by hand what happened.

use super::*;
use proptest::prelude::*;
use serde_json::json;

fn object(name: &str, version: u64, text: &str) -> Json {
    let mut object = json!({
        "metadata": { "name": name, "namespace": "shop", "uid": "u", "resourceVersion": version.to_string() },
        "data": { "text": text },
    });
    let reference = Reference::of_live("", "ConfigMap", &object);
    marks::put(&mut object, &address(name), &reference);
    object
}

fn address(name: &str) -> Address {
    format!("shop/{name}").parse().unwrap()
}

fn cache(objects: &[Json]) -> Cache {
    let mut cache = Cache::new("", "ConfigMap");
    listed(&mut cache, objects, 10);
    cache
}

fn listed(cache: &mut Cache, objects: &[Json], at: u64) -> Vec<Address> {
    let objects: Vec<Written> = objects.iter().map(Written::of).collect();
    cache.listed(&objects, at).unwrap()
}

fn found(cache: &Cache, name: &str) -> Option<Json> {
    Some(cache.find(name)?.object().unwrap())
}

fn text(cache: &Cache, name: &str) -> Option<String> {
    Some(found(cache, name)?["data"]["text"].as_str()?.to_owned())
}

#[test]
fn a_change_is_told_once_and_a_status_never() {
    let mut cache = cache(&[object("a", 1, "x")]);
    assert_eq!(cache.heard(&object("a", 11, "y")), [address("a")]);
    assert_eq!(cache.heard(&object("a", 11, "y")), []);
    assert_eq!(cache.heard(&object("a", 5, "x")), [], "an older state");
    assert_eq!(text(&cache, "a").as_deref(), Some("y"));
    let mut busy = object("a", 12, "y");
    busy["status"] = json!({ "ready": true });
    assert_eq!(cache.heard(&busy), []);
    assert_eq!(found(&cache, "a"), Some(busy));
    assert_eq!(cache.heard(&object("new", 13, "x")), [address("new")]);
    assert_eq!(cache.heard_gone(&object("a", 14, "y")), [address("a")]);
    assert_eq!(found(&cache, "a"), None);
}

#[test]
fn a_mark_taken_off_is_told_to_who_had_it() {
    let mut cache = cache(&[object("a", 1, "x")]);
    let mut bare = object("a", 11, "x");
    bare["metadata"]["annotations"] = json!({});
    assert_eq!(cache.heard(&bare), [address("a")]);
    // The label as well: the watch says that it is gone.
    assert_eq!(cache.heard_gone(&object("a", 12, "x")), [address("a")]);
}

#[test]
fn what_we_wrote_is_nobody_s_change_whichever_is_heard_first() {
    let mut cache = cache(&[object("a", 1, "x")]);
    let ours = object("a", 11, "y");
    for answer_first in [true, false] {
        cache.writing("a");
        assert_eq!(found(&cache, "a"), None, "not answered meanwhile");
        if answer_first {
            assert_eq!(cache.wrote("a", Some(&ours)), []);
            assert_eq!(cache.heard(&ours), []);
        } else {
            assert_eq!(cache.heard(&ours), []);
            assert_eq!(cache.wrote("a", Some(&ours)), []);
        }
        assert_eq!(text(&cache, "a").as_deref(), Some("y"));
    }
}

#[test]
fn who_writes_right_after_us_is_told() {
    let mut cache = cache(&[object("a", 1, "x")]);
    cache.writing("a");
    assert_eq!(cache.heard(&object("a", 11, "ours")), []);
    assert_eq!(cache.heard(&object("a", 12, "theirs")), []);
    let ours = object("a", 11, "ours");
    assert_eq!(cache.wrote("a", Some(&ours)), [address("a")]);
    assert_eq!(text(&cache, "a").as_deref(), Some("theirs"));
    // A controller that only notes something is nobody.
    cache.writing("a");
    let mut noted = object("a", 14, "ours");
    noted["status"] = json!({});
    assert_eq!(cache.heard(&noted), []);
    assert_eq!(cache.wrote("a", Some(&object("a", 13, "ours"))), []);
}

#[test]
fn a_write_that_was_not_answered_is_asked_about() {
    let mut cache = cache(&[object("a", 1, "x")]);
    cache.writing("a");
    assert_eq!(cache.wrote("a", None), []);
    assert_eq!(found(&cache, "a"), None);
    assert_eq!(cache.read("a", Some(&object("a", 1, "x"))), []);
    assert_eq!(text(&cache, "a").as_deref(), Some("x"));
    let edited = object("a", 11, "y");
    assert_eq!(cache.read("a", Some(&edited)), [address("a")], "unheard");
    assert_eq!(cache.heard(&edited), []);
}

#[test]
fn what_we_delete_goes_without_a_word() {
    let mut cache = cache(&[object("a", 1, "x")]);
    cache.writing("a");
    cache.deleted("a");
    assert_eq!(found(&cache, "a"), None);
    let mut leaving = object("a", 11, "x");
    leaving["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
    assert_eq!(cache.heard(&leaving), []);
    assert_eq!(cache.heard_gone(&object("a", 12, "x")), []);
    assert!(cache.is_empty());
}

#[test]
fn a_list_tells_what_changed_unheard() {
    let mut cache = cache(&[
        object("a", 1, "x"),
        object("b", 2, "x"),
        object("c", 3, "x"),
    ]);
    let told = listed(&mut cache, &[object("a", 1, "x"), object("b", 15, "y")], 20);
    assert_eq!(told, [address("b"), address("c")]);
    // What was made after the list was taken is there.
    cache.writing("d");
    assert_eq!(cache.wrote("d", Some(&object("d", 30, "x"))), []);
    assert_eq!(
        listed(&mut cache, &[object("a", 1, "x"), object("b", 15, "y")], 25),
        []
    );
    assert_eq!(text(&cache, "d").as_deref(), Some("x"));
}

proptest! {
    /// Whatever comes in whatever order, the newest state is answered or none; and where nobody but us
    /// wrote, nobody is told.
    #[test]
    fn never_an_older_state_and_never_our_own(order in Just((1..9u64).collect::<Vec<_>>()).prop_shuffle()) {
        let mut cache = cache(&[]);
        let mut newest = 0;
        for version in order {
            let state = object("a", version, &version.to_string());
            if version % 2 == 0 {
                cache.writing("a");
                let told = cache.wrote("a", Some(&state));
                prop_assert!(told.is_empty());
            } else {
                cache.heard(&state);
            }
            newest = newest.max(version);
            prop_assert_eq!(text(&cache, "a"), Some(newest.to_string()));
        }
    }
}

#[test]
fn a_server_that_is_back_at_an_earlier_state_is_believed() {
    let mut cache = cache(&[
        object("a", 5, "x"),
        object("b", 6, "x"),
        object("c", 7, "x"),
    ]);
    cache.rewound();
    assert_eq!(found(&cache, "a"), None, "until it is listed");
    let told = listed(&mut cache, &[object("a", 2, "old"), object("b", 3, "x")], 4);
    assert_eq!(told, [address("a"), address("c")]);
    assert_eq!(text(&cache, "a").as_deref(), Some("old"));
    assert_eq!(text(&cache, "b").as_deref(), Some("x"));
    assert_eq!(cache.heard(&object("a", 5, "new")), [address("a")]);
}
