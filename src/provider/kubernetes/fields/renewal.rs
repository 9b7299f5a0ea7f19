//! An object that we wrote in another version of its API, which the server cannot say it in any more. Pure.
//!
//! A definition without conversion (`strategy: None`) hands an object on as it is stored, and each version
//! checks it by its own schema. An apply compares in the version of every entry of who wrote what: with a
//! field or a default that such a version does not know, the server refuses it, and would for ever. Without
//! conversion a field has one name in all versions, so it is written down that what is ours was written in
//! the version that is declared now. What others wrote is theirs to write down: the server clears all
//! entries where it cannot convert one of them, which is looked for before anything is sent.

use super::{added, managed, patch};
use crate::model::PathPattern;
use crate::provider::kubernetes::error::{Failure, OTHER_VERSION};
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;

/// Returns the merge patch that takes our entry over into a version; `None` where it is in no other one.
pub(crate) fn renewal(live: &Json, version: &Json) -> Option<Json> {
    let is_other = |entry: &&Json| managed::is_ours(entry) && entry["apiVersion"] != *version;
    managed::entries(live).iter().find(is_other)?;
    let renewed = managed::entries(live).iter().cloned().map(|mut entry| {
        if managed::is_ours(&entry) {
            entry["apiVersion"].clone_from(version);
        }
        entry
    });
    Some(managed::entered(live, renewed.collect()))
}

/// Returns the merge patch that makes what a write after that would, for a question: declared fields are
/// put in, and what is ours and not declared any more is taken off, unless it is ignored.
pub(crate) fn outcome(live: &Json, sent: &Json, ignore: &[PathPattern]) -> Option<Json> {
    let renewal = renewal(live, &sent["apiVersion"])?;
    let entries = managed::entries(live).iter();
    let ours = entries.clone().find(|entry| managed::is_ours(entry))?;
    let gone = added::undeclared_of(&ours["fieldsV1"], sent, ignore);
    let gone = gone.unwrap_or_else(|| Json::Object(Map::new()));
    let others = entries.filter(|entry| !managed::is_ours(entry));
    let mut patch = patch::of(live, sent, &gone, others);
    patch["metadata"]["managedFields"] = renewal["metadata"]["managedFields"].clone();
    Some(patch)
}

/// Tells whether the server took it as it was meant: ours in this version, and all others' as they were.
pub(crate) fn is_taken(live: &Json, told: &Json, version: &Json) -> bool {
    let now = managed::entries(told);
    let ours = now.iter().filter(|entry| managed::is_ours(entry));
    let mut others = managed::entries(live)
        .iter()
        .filter(|entry| !managed::is_ours(entry));
    ours.count() == 1
        && now
            .iter()
            .all(|entry| !managed::is_ours(entry) || entry["apiVersion"] == *version)
        && others.all(|entry| now.contains(entry))
}

/// Says what the server refused, by whose entry keeps it from merging.
pub(crate) fn refusal(live: &Json, version: &Json, said: &Failure) -> Failure {
    let others = managed::entries(live).iter();
    let others = others.filter(|entry| !managed::is_ours(entry) && entry["apiVersion"] != *version);
    let text = |entry: &Json, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
    let who: BTreeSet<String> = others
        .map(|entry| {
            let (manager, version) = (text(entry, "manager"), text(entry, "apiVersion"));
            format!("{manager} in {version}")
        })
        .collect();
    if who.is_empty() {
        return said.clone();
    }
    let (who, said) = (Vec::from_iter(who).join(", "), said.said());
    Failure::user(
        OTHER_VERSION,
        format!(
            "the server cannot merge it, since it was also written by {who}, and versions differ in their fields: that has to go from its metadata.managedFields. The server says: {said}"
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live() -> Json {
        let of = |manager: &str, operation: &str, version: &str, fields: Json| json!({ "manager": manager, "operation": operation, "apiVersion": version, "time": "2026-01-01T00:00:00Z", "fieldsV1": fields });
        let mut status = of(
            "operator",
            "Update",
            "example.com/v1",
            json!({ "f:status": { "f:at": {} } }),
        );
        status["subresource"] = json!("status");
        json!({ "metadata": { "uid": "u", "resourceVersion": "7", "labels": { "a": "1" }, "managedFields": [
            of("reconciled", "Apply", "example.com/v1alpha1", json!({ "f:metadata": { "f:labels": { "f:a": {} } },
                "f:spec": { "f:size": {}, "f:note": {}, "f:both": {}, "f:left": {}, "f:legacy": {} } })),
            of("operator", "Update", "example.com/v1", json!({ "f:spec": { "f:both": {}, "f:own": {} } })),
            status,
        ] }, "spec": { "size": 1, "note": "x", "both": 1, "own": 1, "left": 1 }, "status": { "at": 1 } })
    }

    #[test]
    fn only_our_own_entry_takes_another_version() {
        let (live, version) = (live(), json!("example.com/v1"));
        let patch = renewal(&live, &version).unwrap();
        let entries = patch["metadata"]["managedFields"].as_array().unwrap();
        let mut expected = live["metadata"]["managedFields"].clone();
        expected[0]["apiVersion"] = version.clone();
        assert_eq!(Json::from(entries.clone()), expected);
        assert_eq!(patch["metadata"]["resourceVersion"], "7");
        let mut told = live.clone();
        told["metadata"]["managedFields"] = expected;
        assert!(is_taken(&live, &told, &version));
        assert_eq!(renewal(&told, &version), None);
        assert!(!is_taken(&live, &live, &version));
        // As where it cannot convert an entry.
        told["metadata"]["managedFields"] = json!([]);
        assert!(!is_taken(&live, &told, &version));
    }

    #[test]
    fn what_is_ours_alone_and_not_declared_any_more_goes_and_nothing_else() {
        let sent = json!({ "apiVersion": "example.com/v1", "kind": "Gadget",
            "metadata": { "labels": { "a": "1" } }, "spec": { "size": 2, "title": "t" } });
        let ignore = [PathPattern::known("/spec/left")];
        let mut patch = outcome(&live(), &sent, &ignore).unwrap();
        patch["metadata"]
            .as_object_mut()
            .unwrap()
            .remove("managedFields");
        let spec = json!({ "size": 2, "title": "t", "note": null });
        assert_eq!(patch["spec"], spec);
        assert_eq!(patch["metadata"], json!({}));
    }

    #[test]
    fn whose_entry_keeps_the_server_from_merging_is_named() {
        let said = Failure::user(OTHER_VERSION, ".spec.title: field not declared in schema");
        let told = refusal(&live(), &json!("example.com/v2"), &said);
        assert!(
            told.reason.contains("by operator in example.com/v1"),
            "{}",
            told.reason
        );
        assert!(!told.reason.contains("reconciled"), "{}", told.reason);
        let told = refusal(&live(), &json!("example.com/v1"), &said);
        assert_eq!(told.reason, said.reason);
    }
}
