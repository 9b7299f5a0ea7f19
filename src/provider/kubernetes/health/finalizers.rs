//! What an object that is being deleted still waits for, and whose move that is.

use super::condition;
use serde_json::Value as Json;

/// Finalizers of Kubernetes itself, with what takes them off.
const KNOWN: [(&str, &str); 7] = [
    (
        "foregroundDeletion",
        "taken off once its dependants are gone",
    ),
    ("orphan", "taken off once its dependants are let go"),
    (
        "kubernetes.io/pvc-protection",
        "taken off once no pod uses the claim",
    ),
    (
        "kubernetes.io/pv-protection",
        "taken off once no claim is bound to the volume",
    ),
    (
        "service.kubernetes.io/load-balancer-cleanup",
        "taken off once the cloud's load balancer is gone",
    ),
    // Of a namespace, beside its metadata.
    ("kubernetes", "taken off once what is in it is gone"),
    (
        "customresourcecleanup.apiextensions.k8s.io",
        "taken off once every object of the kind is gone",
    ),
];

/// What a namespace or a definition says of its own deletion. Sources: `NamespaceConditionType` and
/// `CustomResourceDefinitionConditionType` of the published API.
const REMAINING: [&str; 5] = [
    "NamespaceDeletionDiscoveryFailure",
    "NamespaceDeletionGroupVersionParsingFailure",
    "NamespaceDeletionContentFailure",
    "NamespaceContentRemaining",
    "NamespaceFinalizersRemaining",
];

/// Tells for people what an object waits for that is being deleted; `None` where it does not say.
pub(in crate::provider::kubernetes) fn waits_for(object: &Json) -> Option<String> {
    let names = [
        &object["metadata"]["finalizers"],
        &object["spec"]["finalizers"],
    ];
    let is_namespace = object["kind"] == "Namespace";
    let names = names.into_iter().take(if is_namespace { 2 } else { 1 });
    let names: Vec<String> = names
        .filter_map(Json::as_array)
        .flatten()
        .filter_map(Json::as_str)
        .map(|name| told(object, name))
        .collect();
    let mut waits = Vec::new();
    if !names.is_empty() {
        waits.push(format!("the finalizers {}", names.join(", ")));
    }
    let remaining = REMAINING.iter().filter_map(|kind| condition(object, kind));
    waits.extend(
        remaining
            .filter(|(status, ..)| *status == "True")
            .map(|(.., message)| message.trim_end_matches('.').to_owned()),
    );
    (!waits.is_empty()).then(|| waits.join("; "))
}

/// Tells whether somebody else than the cluster itself has to let go of it, or of what is in it.
pub(in crate::provider::kubernetes) fn is_held_by_others(object: &Json) -> bool {
    let names = object["metadata"]["finalizers"].as_array();
    let mut names = names.into_iter().flatten().filter_map(Json::as_str);
    let within = condition(object, "NamespaceFinalizersRemaining");
    names.any(|name| KNOWN.iter().all(|(known, _)| *known != name))
        || within.is_some_and(|(status, ..)| status == "True")
}

/// Names a finalizer with whose move it is: by what it is known for, or by who wrote it there.
fn told(object: &Json, name: &str) -> String {
    let known = KNOWN.iter().find(|(known, _)| *known == name);
    if let Some((_, when)) = known {
        return format!("{name} ({when})");
    }
    let entries = object["metadata"]["managedFields"].as_array();
    let field = format!("v:\"{name}\"");
    let writer = entries.into_iter().flatten().find(|entry| {
        let finalizers = &entry["fieldsV1"]["f:metadata"]["f:finalizers"];
        finalizers.get(field.as_str()).is_some()
    });
    match writer.and_then(|entry| entry["manager"].as_str()) {
        Some(manager) => format!("{name} (put there by {manager})"),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_finalizer_is_told_with_whose_move_it_is() {
        let object = json!({ "metadata": {
            "finalizers": ["kubernetes.io/pvc-protection", "cert.example.com/clean", "who.example.com/knows"],
            "managedFields": [{ "manager": "cert-controller", "fieldsV1": { "f:metadata": { "f:finalizers": {
                ".": {}, "v:\"cert.example.com/clean\"": {} } } } }] } });
        insta::assert_snapshot!(waits_for(&object).unwrap(), @"the finalizers kubernetes.io/pvc-protection (taken off once no pod uses the claim), cert.example.com/clean (put there by cert-controller), who.example.com/knows");
        assert_eq!(waits_for(&json!({ "metadata": {} })), None);
        // Before its controller has looked into it, and what is of some custom kind.
        let spec = json!({ "finalizers": ["kubernetes"] });
        let namespace = json!({ "kind": "Namespace", "metadata": {}, "spec": spec });
        insta::assert_snapshot!(waits_for(&namespace).unwrap(), @"the finalizers kubernetes (taken off once what is in it is gone)");
        assert_eq!(waits_for(&json!({ "kind": "Gadget", "spec": spec })), None);
    }
}
