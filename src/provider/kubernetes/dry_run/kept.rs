//! Declared fields that the server keeps as they are, in dry-runs as well: an admission webhook or the server sets them
//! on each request. Where Git said before what is live, and says something else now, that is no way to write it. Pure.

use crate::model::{FieldPath, Segment};
use crate::provider::kubernetes::fields::spelling::{self, Notation};
use serde_json::Value as Json;

/// One place of an object.
#[derive(Clone, Copy)]
struct Side<'a> {
    /// What is sent.
    sent: &'a Json,
    live: &'a Json,
    /// What was applied last, as it was declared.
    applied: &'a Json,
}

/// Puts into what the server told what is declared in place of what it keeps, and returns where.
pub(super) fn as_declared(
    told: &mut Json,
    sent: &Json,
    live: &Json,
    applied: &Json,
) -> Vec<FieldPath> {
    let mut kept = Vec::new();
    let whole = Side {
        sent,
        live,
        applied,
    };
    put(told, whole, &FieldPath::default(), &mut kept);
    kept
}

fn put(told: &mut Json, side: Side<'_>, at: &FieldPath, kept: &mut Vec<FieldPath>) {
    match (told, side.sent) {
        (Json::Object(told), Json::Object(sent)) => {
            let is_told_by = |key: &str| at.0.is_empty() && matches!(key, "apiVersion" | "kind");
            for (key, sent) in sent.iter().filter(|(key, _)| !is_told_by(key)) {
                let sides = (told.get_mut(key), side.live.get(key), side.applied.get(key));
                if let (Some(told), Some(live), Some(applied)) = sides {
                    let side = Side {
                        sent,
                        live,
                        applied,
                    };
                    put(told, side, &at.key(key), kept);
                }
            }
        }
        // Of other lists nobody tells which item is which.
        (Json::Array(told), Json::Array(sent)) => {
            for sent in sent {
                let Some(name) = sent["name"].as_str() else {
                    continue;
                };
                let named = |list: &'_ Json| list.as_array().and_then(|list| only(list, name));
                let (live, applied) = (named(side.live), named(side.applied));
                let told = only(told, name).and_then(|nth| told.get_mut(nth));
                if let (Some(told), Some(live), Some(applied)) = (told, live, applied) {
                    let side = Side {
                        sent,
                        live: &side.live[live],
                        applied: &side.applied[applied],
                    };
                    let keys = vec![("name".to_owned(), name.to_owned())];
                    put(told, side, &at.then(Segment::Item(keys)), kept);
                }
            }
        }
        (told, sent)
            if is_plain(told)
                && is_plain(sent)
                && told == side.live
                && told == side.applied
                && !spelling::is_same(Notation::at(&at.0), sent, told) =>
        {
            *told = sent.clone();
            kept.push(at.clone());
        }
        _ => {}
    }
}

fn is_plain(value: &Json) -> bool {
    !matches!(value, Json::Null | Json::Object(_) | Json::Array(_))
}

/// Returns the place of the one item of a name.
fn only(list: &[Json], name: &str) -> Option<usize> {
    let mut named = list
        .iter()
        .enumerate()
        .filter(|(_, item)| item["name"] == name);
    let (first, second) = (named.next(), named.next());
    first.filter(|_| second.is_none()).map(|(nth, _)| nth)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(cpu: &str, image: &str, at: &str) -> Json {
        json!({ "apiVersion": "v1", "data": { "at": at }, "spec": { "containers": [
            { "name": "api", "image": image, "cpu": cpu }, { "name": "side", "image": "x" }] } })
    }

    fn kept(sent: &Json, live: &Json, applied: &Json) -> (Json, Vec<String>) {
        let mut told = live.clone();
        let kept = as_declared(&mut told, sent, live, applied);
        (told, kept.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_was_declared_before_and_stays_is_kept() {
        let (live, mut sent) = (object("1", "a:1", "1"), object("1", "a:2", "2"));
        let (told, paths) = kept(&sent, &live, &live);
        assert_eq!(paths, ["data.at", "spec.containers[name=api].image"]);
        assert_eq!(told, sent);
        // In whatever order its items are.
        sent["spec"]["containers"].as_array_mut().unwrap().reverse();
        assert_eq!(kept(&sent, &live, &live).0, told);
    }

    #[test]
    fn what_is_only_text_is_another_where_it_is_written_in_another_way() {
        let (live, sent) = (object("1", "a:1", "1.1"), object("1", "a:1", "1.10"));
        let (told, paths) = kept(&sent, &live, &live);
        assert_eq!((paths, told), (vec!["data.at".to_owned()], sent));
    }

    #[test]
    fn what_the_server_fills_in_or_writes_in_its_own_way_is_not() {
        let (live, mut sent) = (object("1", "a:1", "1"), object("1000m", "a:1", "1"));
        sent["spec"]["containers"].as_array_mut().unwrap().reverse();
        let none: [&str; 0] = [];
        assert_eq!(
            kept(&sent, &live, &live),
            (live.clone(), none.map(str::to_owned).to_vec())
        );
        // What was never applied like that may be just its way to write it.
        let other = object("1", "a:3", "3");
        assert_eq!(kept(&object("1", "a:2", "2"), &live, &other).1, none);
        assert_eq!(kept(&object("1", "a:2", "2"), &live, &json!({})).1, none);
    }
}
