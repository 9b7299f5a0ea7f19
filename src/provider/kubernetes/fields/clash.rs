//! Entries of one list that cannot stand side by side: which they are, whose the other one is, and what to do. Pure.
//!
//! The server merges lists by keys (a Service's ports by port and protocol): an entry of another key stays beside
//! the declared one as long as somebody else keeps it, and what has to be single in both, a name say, is then
//! refused.

use super::fieldset::{self, Key, has_keys, is_named, keys_of};
use super::{managed, place};
use crate::model::Segment;
use crate::provider::kubernetes::error::Failure;
use serde_json::Value as Json;

/// How the server calls a value that has to be single and is not. Source: `field.ErrorTypeDuplicate`.
const DUPLICATE: &str = "FieldValueDuplicate";
/// What the server says of two declared entries of one key. Source: structured-merge-diff, `typed`.
const ONE_KEY: &str = "duplicate entries for key";

/// Says more of a refusal than the server does; `None` where it is about something else.
pub(crate) fn told(failure: &Failure, declared: &Json, live: Option<&Json>) -> Option<String> {
    if failure.reason.contains(ONE_KEY) {
        let next = "the server knows the entries of this list by these fields alone: take one of the two out, or give it others";
        return Some(next.to_owned());
    }
    let mut causes = failure.causes.iter();
    let cause = causes.find(|cause| cause.reason == DUPLICATE)?;
    let path = place::plain(&cause.field).0;
    let entry = path
        .iter()
        .rposition(|segment| matches!(segment, Segment::Index(_)))?;
    let (list, leaf) = (&path[..entry], path.get(entry + 1..)?);
    let [Segment::Key(leaf)] = leaf else {
        return None;
    };
    let live = live?;
    managed::entries(live)
        .iter()
        .filter(|entry| !managed::is_ours(entry))
        .find_map(|entry| {
            let sides = Sides {
                declared,
                live,
                set: &entry["fieldsV1"],
            };
            let other = sides.at(list)?.other(leaf)?;
            let (manager, value) = (entry["manager"].as_str()?, other.1);
            let keys = shown(&other.0);
            Some(format!(
                "the live object has an entry {keys} with the same {leaf} {value}, which {manager} keeps and Git does not declare, and the server merges both: take that entry out of the live object, or have {manager} give it up; or give the declared one another {leaf}"
            ))
        })
}

fn shown(keys: &Json) -> String {
    let text = |value: &Json| {
        value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned)
    };
    let keys = keys.as_object().into_iter().flatten();
    let keys = keys.map(|(key, value)| format!("{key}={}", text(value)));
    keys.collect::<Vec<_>>().join(", ")
}

/// One place as Git declares it, as it is live, and what one manager has of it.
struct Sides<'a> {
    declared: &'a Json,
    live: &'a Json,
    set: &'a Json,
}

impl<'a> Sides<'a> {
    /// Goes down to a place. The server counts the entries of what it merged, where what is live comes first.
    fn at(self, path: &[Segment]) -> Option<Self> {
        let Some((first, rest)) = path.split_first() else {
            return Some(self);
        };
        let next = match first {
            Segment::Key(key) => Self {
                declared: self.declared.get(key)?,
                live: self.live.get(key)?,
                set: self.set.get(format!("f:{key}"))?,
            },
            Segment::Index(nth) => {
                let live = self.live.get(*nth)?;
                let keys = keys_of(live, &fieldset::key_names(self.set)?);
                let mut items = self.declared.as_array()?.iter();
                let mut below = fieldset::below(self.set);
                Self {
                    declared: items.find(|item| is_named(item, &keys))?,
                    live,
                    set: below.find(|(text, _)| is_key(text, &keys))?.1,
                }
            }
            Segment::Item(_) => return None,
        };
        next.at(rest)
    }

    /// Finds the manager's entry that is not declared and has a field in common with one that is: its keys, and
    /// the field's value.
    fn other(&self, leaf: &str) -> Option<(Json, &'a Json)> {
        let declared = self.declared.as_array()?;
        let live = self.live.as_array()?;
        fieldset::below(self.set).find_map(|(text, _)| {
            let Key::Keys(keys) = fieldset::key(text) else {
                return None;
            };
            let value = live.iter().find(|item| has_keys(item, &keys))?.get(leaf)?;
            let is_declared = declared.iter().any(|item| is_named(item, &keys));
            let clashes = declared.iter().any(|item| item.get(leaf) == Some(value));
            (!is_declared && clashes).then_some((keys, value))
        })
    }
}

fn is_key(text: &str, keys: &Json) -> bool {
    matches!(fieldset::key(text), Key::Keys(own) if own == *keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn duplicate(field: &str) -> Failure {
        let body = json!({ "reason": "Invalid", "message": "Service is invalid", "details": { "causes": [{
            "reason": DUPLICATE, "field": field, "message": "Duplicate value: \"http\"" }] } });
        Failure::answered(422, body.to_string().as_bytes(), None)
    }

    #[test]
    fn the_entry_that_another_keeps_is_named_wherever_the_list_is() {
        let port =
            |number: u16| json!({ "name": "http", "containerPort": number, "protocol": "TCP" });
        let within =
            |ports: Json| json!({ "spec": { "containers": [{ "name": "api", "ports": ports }] } });
        let mut live = within(json!([port(80)]));
        live["metadata"]["managedFields"] = json!([{ "manager": "helm", "fieldsV1": { "f:spec": { "f:containers": {
            "k:{\"name\":\"api\"}": { "f:ports": { "k:{\"containerPort\":80,\"protocol\":\"TCP\"}": { "f:name": {} } } } } } } }]);
        let failure = duplicate("spec.containers[0].ports[1].name");
        let told = |declared: &Json| told(&failure, declared, Some(&live));
        insta::assert_snapshot!(told(&within(json!([port(8080)]))).unwrap(), @r#"the live object has an entry containerPort=80, protocol=TCP with the same name "http", which helm keeps and Git does not declare, and the server merges both: take that entry out of the live object, or have helm give it up; or give the declared one another name"#);
        // The same entry, or one of another name, is not the one that clashes.
        assert_eq!(told(&within(json!([port(80)]))), None);
        assert_eq!(
            told(&within(json!([{ "name": "web", "containerPort": 8080 }]))),
            None
        );
    }
}
