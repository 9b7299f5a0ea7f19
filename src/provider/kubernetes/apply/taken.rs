//! Whether a write took. The server may answer one with success and have the fields as they were, or as nobody declared
//! them: an admission webhook sets them after the merge, and need not do so in a dry-run. Where it does, the plan said
//! so, and whoever let it be carried out knows. Pure.

use super::Work;
use crate::model::{Change, FieldPath, Owner, Segment, Step, Value, and_more};
use crate::provider::ProviderError;
use crate::provider::kubernetes::dry_run::verdict::Yielded;
use crate::provider::kubernetes::fields;
use crate::provider::kubernetes::fields::spelling::{self, Notation};
use crate::provider::kubernetes::marks;
use serde_json::Value as Json;

/// As many fields are named.
const NAMED: usize = 5;

impl Work<'_> {
    /// Looks whether fields that were to change are not as they were sent. Returns what to say of those that the
    /// dry-run foretold to stay as they are, where there are such.
    ///
    /// # Errors
    /// There are others.
    pub(super) fn took(
        &self,
        sent: &Json,
        (before, after): (&Json, &Json),
        yielded: &Yielded,
    ) -> Result<Option<String>, ProviderError> {
        let foretold = self.instruction().foretold;
        let expected = with_kept(sent, before, &foretold);
        let mut left = left(self.step, (sent, &expected), (before, after));
        // What came to be another's since the plan is not written.
        let others = fields::shown(sent, Some(before), yielded);
        let is_in = |one: &FieldPath, other: &FieldPath| one.0.starts_with(&other.0);
        left.retain(|path| {
            let mut others = others.iter();
            !others.any(|(other, _)| is_in(path, other) || is_in(other, path))
        });
        if left.is_empty() {
            let said = !foretold.is_empty();
            return Ok(said.then(|| {
                let names = and_more(&foretold, NAMED);
                format!("the server keeps {names} as it was, as the plan said (an admission webhook, mostly)")
            }));
        }
        Err(ProviderError::Refused {
            what: self.what(),
            reason: format!(
                "the write was taken, but an admission webhook or the server itself has {} otherwise than declared",
                and_more(&left, NAMED)
            ),
            code: "kept",
            hint: Some(
                "Change the webhook or what is declared, or name the field in lifecycle.ignore."
                    .to_owned(),
            ),
        })
    }

    /// Looks whether the object carries our mark. Without it nobody would know again that it is ours, and each run
    /// would mark it once more.
    ///
    /// # Errors
    /// It does not.
    pub(super) fn marked(&self, after: &Json) -> Result<(), ProviderError> {
        let (address, reference) = (&self.step.address, &self.target.reference);
        let owner = marks::owner_told(after, reference, address);
        if matches!(&owner, Some(Owner::Resource(own)) if own == address) {
            return Ok(());
        }
        Err(ProviderError::Refused {
            what: self.what(),
            reason: format!(
                "the write was taken, but an admission webhook or the server itself took our mark off it (the labels {} and {}, the annotations {} and {})",
                marks::ENVIRONMENT,
                marks::PART_OF,
                marks::ADDRESS,
                marks::OBJECT
            ),
            code: "unmarked",
            hint: Some(
                "Have the webhook leave these labels and annotations alone: without them nothing tells that the object is ours."
                    .to_owned(),
            ),
        })
    }
}

/// Returns what is to be there after the write: what was sent, and what the dry-run foretold to stay as it is.
fn with_kept(sent: &Json, before: &Json, foretold: &[FieldPath]) -> Json {
    let mut expected = sent.clone();
    for path in foretold {
        if let (Some(place), Some(kept)) = (find_mut(&mut expected, &path.0), find(before, &path.0))
        {
            place.clone_from(kept);
        }
    }
    expected
}

/// Returns the declared fields that the plan was to change, and that are as they were, or as neither Git nor the
/// server's own prediction has them. The plan's changes are from the server's own form to its own form, so nothing is
/// one for how it is written.
fn left(
    step: &Step,
    (sent, expected): (&Json, &Json),
    (before, after): (&Json, &Json),
) -> Vec<FieldPath> {
    let is_left = |change: &Change| {
        let path = as_sent(&change.path);
        let place = Notation::at(&path);
        let [declared, expected, before, after] =
            [sent, expected, before, after].map(|object| find(object, &path));
        let planned = change.after.as_ref().and_then(Value::exposed_json);
        let Some((declared, expected)) = declared.zip(expected).filter(|(is, _)| !is.is_null())
        else {
            return false;
        };
        let was_to_be = planned.is_some_and(|planned| has_all(place, Some(&planned), declared));
        !has_all(place, after, expected) && (before == after || was_to_be)
    };
    let changes = step.changes.iter();
    let set = changes.filter(|change| change.after.is_some() && is_left(change));
    set.map(|change| change.path.clone()).collect()
}

/// Returns a declared place under the name it is sent by.
fn as_sent(path: &FieldPath) -> Vec<Segment> {
    let mut path = path.0.clone();
    if let Some(Segment::Key(first)) = path.first_mut()
        && first == "stringData"
    {
        "data".clone_into(first);
    }
    path
}

fn find<'v>(value: &'v Json, path: &[Segment]) -> Option<&'v Json> {
    path.iter().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => value.get(key),
        Segment::Index(nth) => value.get(*nth),
        Segment::Item(keys) => value.as_array()?.iter().find(|item| is_item(item, keys)),
    })
}

fn find_mut<'v>(value: &'v mut Json, path: &[Segment]) -> Option<&'v mut Json> {
    path.iter().try_fold(value, |value, segment| match segment {
        Segment::Key(key) => value.get_mut(key),
        Segment::Index(nth) => value.get_mut(*nth),
        Segment::Item(keys) => {
            let mut items = value.as_array_mut()?.iter_mut();
            items.find(|item| is_item(item, keys))
        }
    })
}

fn is_item(item: &Json, keys: &[(String, String)]) -> bool {
    let is = |own: &Json, text: &str| match own {
        Json::String(own) => own == text,
        own => own.to_string().as_str() == text,
    };
    // A key may be left out where it has a default.
    let mut known = keys.iter().filter(|(key, _)| item.get(key).is_some());
    known.clone().next().is_some() && known.all(|(key, text)| is(&item[key], text))
}

/// Tells whether an object has all that was sent. What the server writes in a way of its own that is not known here is
/// not found; then it is asked once more.
pub(super) fn has_all(place: Notation, live: Option<&Json>, sent: &Json) -> bool {
    match (sent, live) {
        (Json::Object(fields), live) => {
            let live = |key: &String| live.and_then(|live| live.get(key));
            let mut fields = fields.iter();
            fields.all(|(key, sent)| has_all(place.key(key), live(key), sent))
        }
        (Json::Array(items), Some(Json::Array(live))) => {
            let has = |sent: &Json| live.iter().any(|live| has_all(place, Some(live), sent));
            items.iter().all(has)
        }
        (Json::Array(items), None) => items.is_empty(),
        (Json::Null, None) => true,
        // Nothing is not always written down.
        (sent, None) => matches!(sent.as_str(), Some("")) || *sent == false || *sent == 0,
        (sent, Some(live)) => spelling::is_same(place, sent, live),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_was_sent_is_found_in_what_the_server_made_of_it() {
        let sent = json!({ "data": { "a": "1" }, "items": [{ "name": "x", "on": false }], "none": {}, "no": null });
        let live = json!({ "data": { "a": "1", "b": "2" },
            "items": [{ "name": "added" }, { "name": "x", "more": 1 }], "status": {} });
        assert!(has_all(Notation::Root, Some(&live), &sent));
        for (place, value) in [
            ("/data/a", json!("2")),
            ("/items/1/name", json!("y")),
            ("/items", json!([])),
            ("/data", json!({})),
        ] {
            let mut other = live.clone();
            *other.pointer_mut(place).unwrap() = value;
            assert!(!has_all(Notation::Root, Some(&other), &sent), "{place}");
        }
    }

    #[test]
    fn a_text_that_reads_as_a_quantity_is_only_itself() {
        let object = |text: &str| {
            json!({ "data": { "a": text }, "metadata": { "labels": { "v": text } },
            "spec": { "containers": [{ "args": [text], "env": [{ "name": "V", "value": text }] }] } })
        };
        let (sent, live) = (object("1.10"), object("1.1"));
        assert!(has_all(Notation::Root, Some(&sent), &sent));
        for place in [
            "/data/a",
            "/metadata/labels/v",
            "/spec/containers/0/args/0",
            "/spec/containers/0/env/0/value",
        ] {
            let mut other = sent.clone();
            other
                .pointer_mut(place)
                .unwrap()
                .clone_from(live.pointer(place).unwrap());
            assert!(!has_all(Notation::Root, Some(&other), &sent), "{place}");
        }
        let limits = |text: &str| json!({ "spec": { "limits": { "cpu": text } } });
        assert!(has_all(
            Notation::Root,
            Some(&limits("1.1")),
            &limits("1.10")
        ));
    }

    #[test]
    fn a_place_is_found_under_the_names_it_is_told_by() {
        let object = json!({ "spec": { "ports": [{ "port": 80 }, { "port": 81, "protocol": "UDP", "name": "u" }] } });
        let item = |port: &str, protocol: &str| {
            let pair = |key: &str, text: &str| (key.to_owned(), text.to_owned());
            let keys = vec![pair("port", port), pair("protocol", protocol)];
            let list = FieldPath::default().key("spec").key("ports");
            list.then(Segment::Item(keys)).0
        };
        assert_eq!(find(&object, &item("81", "UDP")).unwrap()["name"], "u");
        assert_eq!(find(&object, &item("80", "TCP")).unwrap()["port"], 80);
        assert_eq!(find(&object, &item("81", "TCP")), None);
    }
}
