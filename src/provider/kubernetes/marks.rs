//! Our marks on live objects: who owns them, and what they looked like.
//!
//! A mark names the object it was made for. Copied to another one, by a person or by a controller
//! that hands annotations down, it says nothing.

pub(super) mod foreign;

use super::cluster::MANAGER;
use super::fields::is_person;
use super::reference::Reference;
use crate::model::{Address, Digest, Mark, Owner};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

/// Label: the environment, for people's selectors.
pub(super) const ENVIRONMENT: &str = "reconciled.dev/environment";
/// Annotation: the address; too long and too rich in characters for a label.
pub(super) const ADDRESS: &str = "reconciled.dev/address";
/// Annotation: the object that the address was written on.
pub(super) const OBJECT: &str = "reconciled.dev/object";
/// Label: membership in a set. Source: KEP-3659.
pub(super) const PART_OF: &str = "applyset.kubernetes.io/part-of";
/// Written by `kubectl apply` without server-side; holds the whole object, secrets included.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Annotations that controllers rewrite on their own; they are no change of the object.
const RESTLESS: [&str; 4] = [
    "deployment.kubernetes.io/",
    "pv.kubernetes.io/",
    "autoscaling.alpha.kubernetes.io/",
    "control-plane.alpha.kubernetes.io/",
];

/// The metadata that the server keeps for itself.
pub(super) const BOOKKEEPING: [&str; 9] = [
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "clusterName",
];

/// Puts our marks on an object about to be sent.
pub(super) fn put(object: &mut Json, address: &Address, reference: &Reference) {
    let environment = address.environment.as_str();
    for (field, key, text) in [
        ("labels", ENVIRONMENT, environment.to_owned()),
        ("labels", PART_OF, set_id(environment)),
        ("annotations", ADDRESS, address.to_string()),
        ("annotations", OBJECT, reference.mark_text()),
    ] {
        write(object, field, key, Json::String(text));
    }
}

/// Puts the marks of one state of an object on another one of it, as far as it carries any.
pub(super) fn carry(from: &Json, to: &mut Json) {
    for (field, key) in [
        ("labels", ENVIRONMENT),
        ("labels", PART_OF),
        ("annotations", ADDRESS),
        ("annotations", OBJECT),
    ] {
        if let Some(text) = from["metadata"][field].get(key) {
            write(to, field, key, text.clone());
        }
    }
}

fn write(object: &mut Json, field: &str, key: &str, text: Json) {
    let place = &mut object["metadata"][field];
    if !place.is_object() {
        *place = Json::Object(Map::new());
    }
    place[key] = text;
}

/// Takes our marks off, so that they are no difference; a map that held nothing else goes too.
pub(super) fn strip(object: &mut Json) {
    let Some(metadata) = object.get_mut("metadata").and_then(Json::as_object_mut) else {
        return;
    };
    for (field, keys) in [
        ("labels", &[ENVIRONMENT, PART_OF][..]),
        ("annotations", &[ADDRESS, OBJECT, LAST_APPLIED][..]),
    ] {
        let Some(entries) = metadata.get_mut(field).and_then(Json::as_object_mut) else {
            continue;
        };
        for key in keys {
            entries.shift_remove(*key);
        }
        if entries.is_empty() {
            metadata.shift_remove(field);
        }
    }
}

/// Like [`owner`], for the resource that declares the object: without the label of our set kubectl would not find
/// it, so that is put back as the rest of a mark is. To any other resource it is a mark all the same.
pub(super) fn owner_told(object: &Json, reference: &Reference, to: &Address) -> Option<Owner> {
    let has_set = object["metadata"]["labels"][PART_OF].is_string();
    owner(object, reference)
        .filter(|owner| has_set || !matches!(owner, Owner::Resource(address) if address == to))
}

/// Tells whose mark an object carries: ours first of all, since we take those of others off where Git has
/// an object adopted.
pub(super) fn owner(object: &Json, reference: &Reference) -> Option<Owner> {
    let annotation = |key: &str| object["metadata"]["annotations"][key].as_str();
    if let Some(address) = annotation(ADDRESS)
        && annotation(OBJECT) == Some(reference.mark_text().as_str())
        && let Ok(address) = address.parse::<Address>()
    {
        // Half a mark is none: watches select the label, and would hear of it no more.
        let label = &object["metadata"]["labels"][ENVIRONMENT];
        let is_whole = *label == address.environment.as_str();
        return is_whole.then_some(Owner::Resource(address));
    }
    let tool = foreign::tool(object).filter(|(_, key)| {
        // A copy of our marks has our set's label.
        *key != PART_OF || annotation(ADDRESS).is_none()
    });
    tool.map(|(name, _)| Owner::Foreign(name))
}

/// Tells who would miss an object that is to be deleted: another tool whose mark was put beside ours since,
/// for then it was handed over.
pub(super) fn keeper(object: &Json, reference: &Reference) -> Option<Owner> {
    let owner = owner(object, reference);
    let Some(Owner::Resource(address)) = &owner else {
        return owner;
    };
    let set = object["metadata"]["labels"][PART_OF].as_str();
    let is_our_set = set == Some(&set_id(address.environment.as_str()));
    let entries = object["metadata"]["managedFields"].as_array();
    let mut ours = entries
        .into_iter()
        .flatten()
        .filter(|entry| entry["manager"] == MANAGER && entry["operation"] == "Apply")
        .map(|entry| &entry["fieldsV1"]["f:metadata"]);
    let mut is_ours = |key: &str| {
        let key = format!("f:{key}");
        ours.any(|set| !set["f:labels"][&key].is_null() || !set["f:annotations"][&key].is_null())
    };
    match foreign::tool(object) {
        Some((_, PART_OF)) if is_our_set => owner,
        Some((name, key)) if !is_ours(key) => Some(Owner::Foreign(name)),
        _ => owner,
    }
}

/// Tells whether `kubectl apply` made it, on either side: its files are at hand somewhere. Another tool that
/// applies from the client's side leaves the same annotation.
pub(super) fn is_applied_by_kubectl(object: &Json) -> bool {
    let metadata = &object["metadata"];
    let mut managers = metadata["managedFields"].as_array().into_iter().flatten();
    metadata["annotations"].get(LAST_APPLIED).is_some() && !foreign::is_by_argo(object)
        || managers.any(|entry| entry["manager"] == "kubectl" && entry["operation"] == "Apply")
}

/// The version of an object that a step is planned against: its uid and content. A status, or a
/// number of replicas that an autoscaler sets, is no content; else a plan for a busy object could
/// never be carried out. What has no status is known by its resourceVersion, so that the digest of
/// a Secret is never written down.
pub(super) fn mark(object: &Json) -> Mark {
    let metadata = &object["metadata"];
    let uid = metadata["uid"].as_str().unwrap_or_default();
    if object.get("status").is_none() {
        let version = metadata["resourceVersion"].as_str().unwrap_or_default();
        return Mark(format!("{uid}@{version}"));
    }
    let mut content = object.clone();
    if let Some(fields) = content.as_object_mut() {
        // Items of a list do not say what they are.
        for key in ["status", "apiVersion", "kind"] {
            fields.shift_remove(key);
        }
    }
    if is_autoscaled(metadata)
        && let Some(spec) = content.get_mut("spec").and_then(Json::as_object_mut)
    {
        spec.shift_remove("replicas");
    }
    if let Some(metadata) = content.get_mut("metadata").and_then(Json::as_object_mut) {
        for key in BOOKKEEPING {
            metadata.shift_remove(key);
        }
        if let Some(annotations) = metadata
            .get_mut("annotations")
            .and_then(Json::as_object_mut)
        {
            annotations.retain(|key, _| !is_restless(key));
            if annotations.is_empty() {
                metadata.shift_remove("annotations");
            }
        }
    }
    content.sort_all_objects();
    Mark(format!("{uid}#{}", Digest::of(content.to_string()).short()))
}

/// Tells whether an object carries the label that watches of ours select.
pub(super) fn is_labelled(object: &Json) -> bool {
    object["metadata"]["labels"][ENVIRONMENT].is_string()
}

/// Tells an annotation that a controller keeps for itself.
pub(super) fn is_restless(annotation: &str) -> bool {
    RESTLESS.iter().any(|start| annotation.starts_with(start))
}

fn is_autoscaled(metadata: &Json) -> bool {
    metadata["managedFields"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|entry| {
            entry["subresource"] == "scale" && !entry["manager"].as_str().is_some_and(is_person)
        })
}

/// Names the set of an environment's objects. Source: KEP-3659, "ApplySet ID": the base64 of the
/// SHA-256 of name, namespace, kind and group of its parent, between `applyset-` and `-v1`.
fn set_id(environment: &str) -> String {
    let parent = Sha256::digest(format!("{environment}..Environment.reconciled.dev"));
    format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(parent))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn reference(name: &str) -> Reference {
        Reference {
            group: "apps".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
        }
    }

    fn marked() -> Json {
        let mut object = json!({ "metadata": { "name": "api" } });
        let address = "production/api[Deployment.apps/shop/api]".parse().unwrap();
        put(&mut object, &address, &reference("api"));
        object
    }

    #[test]
    fn a_mark_copied_to_another_object_is_void() {
        let owner_of = |name| owner(&marked(), &reference(name));
        assert!(
            matches!(owner_of("api"), Some(Owner::Resource(address)) if address.environment.as_str() == "production")
        );
        assert_eq!(owner_of("api-7d9c"), None);
        let mut half = marked();
        half["metadata"]["labels"] = json!({});
        assert_eq!(owner(&half, &reference("api")), None);
        let mut left = marked();
        left["metadata"]["labels"]
            .as_object_mut()
            .unwrap()
            .shift_remove(PART_OF);
        let told = |to: &str| owner_told(&left, &reference("api"), &to.parse().unwrap());
        assert_eq!(told("production/api[Deployment.apps/shop/api]"), None);
        assert!(matches!(
            told("staging/api[Deployment.apps/shop/api]"),
            Some(Owner::Resource(_))
        ));
        assert!(matches!(
            keeper(&left, &reference("api")),
            Some(Owner::Resource(_))
        ));
    }

    #[test]
    fn marks_are_labels_the_server_takes_and_no_difference() {
        let mut object = marked();
        let labels = object["metadata"]["labels"].as_object().unwrap();
        assert!(
            labels
                .values()
                .all(|label| label.as_str().unwrap().len() <= 63),
            "{labels:?}"
        );
        strip(&mut object);
        assert_eq!(object, json!({ "metadata": { "name": "api" } }));
    }

    #[test]
    fn the_set_is_called_as_kubectl_calls_one() {
        // KEP-3659: `applyset-`, the SHA-256 of `name.namespace.kind.group` of the parent in base64 of RFC 4648
        // for URLs, `-v1`. By hand, without the padding that no label may end in:
        // printf production..Environment.reconciled.dev | openssl dgst -sha256 -binary | basenc --base64url
        let id = "applyset-OFsZ6hAryw-MfSwiv5QLZrtrUhttYnTO-KRUPvfUvP0-v1";
        assert_eq!(set_id("production"), id);
        let object = marked();
        let labels = &object["metadata"]["labels"];
        assert_eq!(labels["applyset.kubernetes.io/part-of"], id);
        assert_eq!(labels["reconciled.dev/environment"], "production");
    }

    #[test]
    fn what_was_handed_over_is_its_new_owner_s_unless_we_declare_that_mark() {
        let address = "production/api[Deployment.apps/shop/api]".parse().unwrap();
        let ours = Some(Owner::Resource(address));
        let mut object = marked();
        assert_eq!(keeper(&object, &reference("api")), ours);
        object["metadata"]["annotations"]["meta.helm.sh/release-name"] = json!("api");
        object["metadata"]["annotations"]["meta.helm.sh/release-namespace"] = json!("shop");
        let helm = Some(Owner::Foreign("Helm release shop/api".to_owned()));
        assert_eq!(keeper(&object, &reference("api")), helm);
        assert_eq!(owner(&object, &reference("api")), ours);
        object["metadata"]["managedFields"] = json!([{ "manager": MANAGER, "operation": "Apply",
            "fieldsV1": { "f:metadata": { "f:annotations": { "f:meta.helm.sh/release-name": {} } } } }]);
        assert_eq!(keeper(&object, &reference("api")), ours);
    }

    #[test]
    fn a_status_moves_no_mark_and_a_field_does() {
        let object = |replicas: u32, ready: u32, version: &str| json!({ "metadata": { "uid": "u", "resourceVersion": version }, "spec": { "replicas": replicas }, "status": { "ready": ready } });
        assert_eq!(mark(&object(2, 0, "1")), mark(&object(2, 2, "7")));
        assert_ne!(mark(&object(2, 0, "1")), mark(&object(3, 0, "1")));
        // Nor does the first annotation that a controller keeps for itself.
        let mut noted = object(2, 0, "1");
        noted["metadata"]["annotations"] = json!({ "deployment.kubernetes.io/revision": "1" });
        assert_eq!(mark(&noted), mark(&object(2, 0, "1")));
    }

    #[test]
    fn an_autoscaler_moves_no_mark_and_a_person_does() {
        let object = |replicas: u32, manager: &str| {
            json!({ "metadata": { "uid": "u", "managedFields": [{ "manager": manager, "subresource": "scale" }] },
                "spec": { "replicas": replicas }, "status": {} })
        };
        assert_eq!(
            mark(&object(2, "kube-controller-manager")),
            mark(&object(9, "kube-controller-manager"))
        );
        assert_ne!(mark(&object(2, "kubectl")), mark(&object(9, "kubectl")));
    }
}
