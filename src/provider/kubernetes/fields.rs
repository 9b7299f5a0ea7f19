//! Who owns which field: which managers are people, and who changed what and when. Pure.
//! Below it: sets and places of fields, and what is left, taken or found by whose they are.

pub(super) mod added;
pub(super) mod bundle;
pub(super) mod clash;
pub(super) mod fieldset;
pub(super) mod ignored;
pub(super) mod left;
pub(super) mod managed;
pub(super) mod patch;
pub(super) mod place;
pub(super) mod renewal;
pub(super) mod spelling;

use super::cluster::MANAGER;
use super::error::Cause;
use crate::model::{FieldPath, Touch};
use jiff::Timestamp;
use place::Place;
use serde_json::Value as Json;

/// Field managers that are a person at work, by the beginning of their names. `before-first-apply`
/// is what the server calls whoever wrote before managers were recorded.
const PEOPLE: [&str; 15] = [
    "kubectl",
    "k9s",
    "Lens",
    "OpenLens",
    "freelens",
    "aptakube",
    "Headlamp",
    "headlamp",
    "dashboard",
    "Mozilla",
    "node-fetch",
    "kluctl",
    "GoogleCloudConsole",
    "curl",
    "before-first-apply",
];

/// How the name of a controller ends, whatever it begins with.
const CONTROLLERS: [&str; 2] = ["-controller", "-operator"];

/// Tools that once had the object, by their whole names. What carries the mark of one is refused until Git
/// says that it is to be adopted, which takes the mark off; what is left then are fields in its name, which
/// are ours to take.
const FORMER: [&str; 6] = [
    "helm",
    "helm-controller",
    "kustomize-controller",
    "argocd-controller",
    "argocd-application-controller",
    "fleetagent",
];

/// Tools that apply what people declare elsewhere, and libraries by which scripts write as well as controllers, by
/// the beginning of their names.
const OUTSIDERS: [&str; 9] = [
    "Terraform",
    "HashiCorp",
    "pulumi",
    "OpenAPI-Generator",
    "Swagger-Codegen",
    "PostmanRuntime",
    "python-requests",
    "Go-http-client",
    "unknown",
];

/// Managers that write to nearly every object as part of its life; named only where they are at odds
/// with a declared field.
const CARETAKERS: [&str; 4] = [
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-apiserver",
];

/// Tells whether a field manager is a part of the cluster itself.
pub(super) fn is_caretaker(manager: &str) -> bool {
    CARETAKERS.contains(&manager)
}

/// Tells whether a field manager calls itself a controller.
pub(super) fn is_controller(manager: &str) -> bool {
    CONTROLLERS.iter().any(|end| manager.ends_with(end))
}

/// Tells whether a field manager may be somebody outside of the cluster, person or not.
pub(super) fn is_outsider(manager: &str) -> bool {
    OUTSIDERS.iter().any(|start| manager.starts_with(start))
}

/// Tells whether a field manager is a person at work, or a tool that people once had the object by: both
/// are overwritten. Every other one is a controller, which would write its value again; so would a tool that
/// applies what is declared elsewhere (Terraform, Pulumi, Rancher), at its next run.
pub(super) fn is_person(manager: &str) -> bool {
    // A version, an ending or what was done may follow: another word with the same beginning is another tool.
    let is_tool = |tool: &&str| {
        let rest = manager.strip_prefix(*tool);
        rest.is_some_and(|rest| !rest.starts_with(|next: char| next.is_ascii_alphabetic()))
    };
    FORMER.contains(&manager) || !is_controller(manager) && PEOPLE.iter().any(is_tool)
}

/// Returns the object without fields that are left to their owners.
///
/// # Errors
/// A field that the object does not have, as it was given.
pub(super) fn without<'y>(object: &Json, yielded: &'y [(String, String)]) -> Result<Json, &'y str> {
    let mut places: Vec<Place> = Vec::new();
    for (field, _) in yielded {
        places.push(place::find(object, field).ok_or(field.as_str())?);
    }
    let mut object = object.clone();
    // From the back, so that an item taken out of a list moves none that is still to be taken.
    for place in places.iter().rev() {
        place::cut(&mut object, place);
    }
    Ok(object)
}

/// Returns yielded fields as they are shown: one that is not declared stands in the live object.
pub(super) fn shown(
    object: &Json,
    live: Option<&Json>,
    yielded: &[(String, String)],
) -> Vec<(FieldPath, String)> {
    yielded
        .iter()
        .map(|(field, owner)| {
            let found = place::find(object, field);
            let found = found.or_else(|| place::find(live?, field));
            let path = found.map_or_else(|| place::plain(field), |found| place::path(&found));
            (path, owner.clone())
        })
        .collect()
}

/// Reads the manager of a conflict's message: `conflict with "kubectl" with subresource "scale" …`.
pub(super) fn manager_of(message: &str) -> String {
    message.split('"').nth(1).unwrap_or(message).to_owned()
}

/// Tells who changed the object since we wrote it: people first of all, else whoever is no caretaker,
/// newest first. Fields in conflict are named with their managers.
pub(super) fn touches(live: &Json, sent: &Json, conflicts: &[&Cause]) -> Vec<Touch> {
    let managed = live["metadata"]["managedFields"].as_array();
    let managed = || managed.into_iter().flatten();
    let written = |entry: &Json| entry["time"].as_str()?.parse::<Timestamp>().ok();
    let ours = managed().filter(|entry| entry["manager"] == MANAGER);
    let ours = ours.filter_map(written).max();
    // Who wrote before us changed nothing of what we left. The server counts whole seconds.
    let is_before = |entry: &Json| ours.zip(written(entry)).is_some_and(|(ours, at)| at < ours);
    let is_named = |entry: &Json| {
        let mut named = conflicts
            .iter()
            .map(|conflict| manager_of(&conflict.message));
        named.any(|manager| entry["manager"] == *manager)
    };
    let entries: Vec<Touch> = managed()
        .filter(|entry| entry["manager"] != MANAGER && entry["subresource"] != "status")
        .filter(|entry| !is_before(entry) || is_named(entry))
        .map(|entry| Touch {
            path: None,
            by: entry["manager"].as_str().unwrap_or_default().to_owned(),
            at: written(entry),
        })
        .collect();
    let when = |by: &str| {
        entries
            .iter()
            .filter(|entry| entry.by == by)
            .filter_map(|entry| entry.at)
            .max()
    };
    let mut touches: Vec<Touch> = conflicts
        .iter()
        .map(|conflict| {
            let by = manager_of(&conflict.message);
            let path = place::find(sent, &conflict.field).map_or_else(
                || place::plain(&conflict.field),
                |found| place::path(&found),
            );
            Touch {
                path: Some(path),
                at: when(&by),
                by,
            }
        })
        .collect();
    let people = entries.iter().any(|entry| is_person(&entry.by));
    let named: Vec<String> = touches.iter().map(|touch| touch.by.clone()).collect();
    touches.extend(entries.into_iter().filter(|entry| {
        let told = if people {
            is_person(&entry.by)
        } else {
            !CARETAKERS.contains(&entry.by.as_str())
        };
        told && !named.contains(&entry.by)
    }));
    touches.sort_by_key(|touch| std::cmp::Reverse(touch.at));
    touches
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn conflict(field: &str, manager: &str) -> Cause {
        Cause {
            reason: "FieldManagerConflict".to_owned(),
            field: field.to_owned(),
            message: format!(
                "conflict with \"{manager}\" with subresource \"scale\" using apps/v1"
            ),
        }
    }

    #[test]
    fn people_are_told_from_controllers_by_how_their_tools_sign() {
        let people = [
            "kubectl",
            "kubectl-edit",
            "kubectl-client-side-apply",
            "kubectl.exe",
            "kubectl1.31",
            "k9s",
            "Lens",
            "OpenLens",
            "freelens",
            "aptakube",
            "Headlamp",
            "headlamp",
            "headlamp-server",
            "dashboard",
            "dashboard-api",
            "Mozilla",
            "node-fetch",
            "kluctl",
            "curl",
            "before-first-apply",
            "helm",
            "helm-controller",
            "kustomize-controller",
            "argocd-controller",
            "argocd-application-controller",
            "fleetagent",
            "GoogleCloudConsole",
        ];
        for person in people {
            assert!(is_person(person), "{person}");
        }
        // None of the names above may be taken out unseen.
        for name in PEOPLE.iter().chain(&FORMER) {
            assert!(people.contains(name), "{name}");
        }
        let controllers = [
            "dashboards-operator",
            "dashboard-operator",
            "dashboardd",
            "curlew",
            "Lensing",
            "k9sync",
            "headlamps",
            "kubectl-operator",
            "kluctl-controller",
            "helm-operator",
            "fleetagent2",
            "kube-controller-manager",
            "cert-manager-cainjector",
            "keda-operator",
            // What these write is declared elsewhere, and they would write it again.
            "Terraform",
            "HashiCorp",
            "OpenTofu",
            "pulumi-resource-kubernetes",
            "pulumi-kubernetes-4f2a",
            "rancher",
            "ansible",
            "crossplane",
            "",
        ];
        for controller in controllers {
            assert!(!is_person(controller), "{controller}");
        }
    }

    #[test]
    fn two_items_of_one_list_are_both_left_out() {
        let object = json!({ "l": ["a", "b", "c"] });
        let yielded =
            [("[0]", "x"), ("[1]", "x")].map(|(at, by)| (format!(".l{at}"), by.to_owned()));
        assert_eq!(without(&object, &yielded).unwrap(), json!({ "l": ["c"] }));
    }

    #[test]
    fn who_and_when_come_from_managed_fields() {
        let live = json!({ "metadata": { "managedFields": [
            { "manager": "reconciled", "operation": "Apply", "time": "2026-01-01T00:00:00Z" },
            { "manager": "kube-controller-manager", "subresource": "status", "time": "2026-01-04T00:00:00Z" },
            { "manager": "kube-controller-manager", "time": "2026-01-03T00:00:00Z" },
            { "manager": "kubectl-edit", "operation": "Update", "time": "2026-01-02T00:00:00Z" },
        ] } });
        let sent = json!({ "spec": { "paused": false } });
        let touches = touches(&live, &sent, &[&conflict(".spec.paused", "kubectl-edit")]);
        assert_eq!(touches.len(), 1);
        assert_eq!(touches[0].by, "kubectl-edit");
        assert_eq!(touches[0].path.as_ref().unwrap().to_string(), "spec.paused");
        assert_eq!(touches[0].at.unwrap().to_string(), "2026-01-02T00:00:00Z");
    }

    #[test]
    fn who_wrote_before_us_did_not_do_it() {
        let live = json!({ "metadata": { "managedFields": [
            { "manager": "kubectl-client-side-apply", "operation": "Update", "time": "2025-01-01T00:00:00Z" },
            { "manager": "reconciled", "operation": "Apply", "time": "2026-01-01T00:00:00Z" },
            { "manager": "mesh-operator", "operation": "Update", "time": "2026-01-02T00:00:00Z" },
        ] } });
        let who: Vec<String> = touches(&live, &json!({}), &[])
            .into_iter()
            .map(|one| one.by)
            .collect();
        assert_eq!(who, ["mesh-operator"]);
    }
}
