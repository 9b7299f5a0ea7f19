//! Tells what is in a namespace, or what there is of a custom kind, and would be lost with it: asked only where
//! that is to go. Leaves out what the cluster makes by itself and what goes with something else in there.

use crate::model::{Content, Live, Step, Value, and_more};
use crate::provider::kubernetes::cluster::{Cluster, MANAGER};
use crate::provider::kubernetes::discovery::{Lookup, Served};
use crate::provider::kubernetes::error::Failure;
use crate::provider::kubernetes::import::KEPT_BY_CLUSTER;
use crate::provider::kubernetes::reference::Reference;
use crate::provider::kubernetes::{fields, marks};
use futures::stream::{self, StreamExt as _};
use serde_json::Value as Json;
use std::collections::BTreeSet;
use std::time::Duration;

/// How many collections are read at once.
const AT_ONCE: usize = 8;
/// How many kinds a reason names.
const NAMED: usize = 3;

/// Made by the cluster in every namespace, and again where somebody deletes it.
const IN_EVERY: [(&str, &str); 2] = [
    ("ConfigMap", "kube-root-ca.crt"),
    ("ServiceAccount", "default"),
];

/// Kinds that controllers copy into every namespace: a certificate, a pull secret, a default policy.
const COPIED: [&str; 8] = [
    "ConfigMap",
    "LimitRange",
    "NetworkPolicy",
    "ResourceQuota",
    "Role",
    "RoleBinding",
    "Secret",
    "ServiceAccount",
];

/// Kinds that hold data or run something, whoever made them.
const NEVER_BESIDE: [&str; 7] = [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "PersistentVolumeClaim",
    "Pod",
    "StatefulSet",
];

/// What was listed of one kind; `None` where the server lists none of it.
type Listed<'s> = (&'s Served, Result<Option<Vec<Json>>, Failure>);

/// Tells what would be lost with an object.
pub(in crate::provider::kubernetes) async fn within(
    cluster: &Cluster,
    step: &Step,
    live: &Live,
) -> Result<Vec<Content>, Failure> {
    let text = |key: &str| live.value.at(&[key]).and_then(Value::as_str);
    let name = step.identity.get("/metadata/name").unwrap_or_default();
    match (text("apiVersion"), text("kind")) {
        (Some("v1"), Some("Namespace")) => in_namespace(cluster, name, live).await,
        (_, Some("CustomResourceDefinition")) => of_custom_kind(cluster, name).await,
        _ => Ok(Vec::new()),
    }
}

async fn in_namespace(
    cluster: &Cluster,
    namespace: &str,
    live: &Live,
) -> Result<Vec<Content>, Failure> {
    // A kind that was defined a moment ago counts.
    let types = cluster.types(Duration::ZERO).await?;
    let down: BTreeSet<&str> = types.down().collect();
    if !down.is_empty() {
        let down: Vec<&str> = down.into_iter().collect();
        let reason = format!("nobody answers for {}", and_more(&down, NAMED));
        return Err(Failure::transient("group-away", reason));
    }
    let is_asked = |served: &&Served| !KEPT_BY_CLUSTER.contains(&served.kind.as_str());
    let kinds: Vec<Served> = types.namespaced().filter(is_asked).cloned().collect();
    let lists = kinds.iter().map(|served| list(cluster, served, namespace));
    let lists: Vec<_> = lists.collect();
    let answers: Vec<_> = stream::iter(lists).buffered(AT_ONCE).collect().await;
    let mut found = Vec::new();
    let (mut forbidden, mut gone) = (Vec::new(), Vec::new());
    for (served, answer) in answers {
        match answer {
            Ok(objects) => {
                let objects = objects.into_iter().flatten();
                found.extend(objects.map(|object| (served, object)));
            }
            Err(failure) if failure.code == "forbidden" => forbidden.push(served.plural.as_str()),
            Err(failure) if failure.status == 404 => gone.push((served, failure)),
            Err(failure) => return Err(failure),
        }
    }
    still_served(cluster, gone).await?;
    if !forbidden.is_empty() {
        let reason = format!(
            "the connection's account lacks the verb list on {} in namespace {namespace}",
            and_more(&forbidden, NAMED)
        );
        return Err(Failure::user("forbidden", reason));
    }
    let mut there: BTreeSet<String> = (found.iter())
        .filter_map(|(_, object)| uid(object))
        .collect();
    there.extend(live.external_id.clone());
    let mut told = BTreeSet::new();
    let lost = found.into_iter().filter(|(served, object)| {
        // Some objects are served by two groups.
        !is_beside(&served.kind, object)
            && !is_of(object, &there)
            && uid(object).is_none_or(|uid| told.insert(uid))
    });
    Ok(lost
        .map(|(served, object)| content(served, &object, false))
        .collect())
}

/// A definition may have gone since: what was asked of its kind is no answer only where it is served still.
async fn still_served(cluster: &Cluster, gone: Vec<(&Served, Failure)>) -> Result<(), Failure> {
    if gone.is_empty() {
        return Ok(());
    }
    let types = cluster.types(Duration::ZERO).await?;
    let is_served =
        |served: &Served| types.find(&served.group, &served.kind, None) != Lookup::NotServed;
    let mut gone = gone.into_iter();
    match gone.find(|(served, _)| is_served(served)) {
        Some((_, failure)) => Err(failure),
        None => Ok(()),
    }
}

async fn list<'s>(cluster: &Cluster, served: &'s Served, namespace: &str) -> Listed<'s> {
    (served, cluster.metadata(served, namespace).await)
}

async fn of_custom_kind(cluster: &Cluster, name: &str) -> Result<Vec<Content>, Failure> {
    let path = format!("/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}");
    let definition = match cluster.read(&path).await {
        Ok(definition) => definition,
        Err(failure) if failure.is_not_found() => return Ok(Vec::new()),
        Err(failure) => return Err(failure),
    };
    let conditions = definition["status"]["conditions"].as_array();
    let mut conditions = conditions.into_iter().flatten();
    // Its names are another's: nothing was ever made of it.
    if conditions.any(|one| one["type"] == "NamesAccepted" && one["status"] == "False") {
        return Ok(Vec::new());
    }
    let spec = &definition["spec"];
    let text = |value: &Json| value.as_str().unwrap_or_default().to_owned();
    let mut versions = spec["versions"].as_array().into_iter().flatten();
    let Some(version) = versions.find(|version| version["served"] == true) else {
        let reason = "none of its versions is served";
        return Err(Failure::user("not-served", reason));
    };
    let served = Served {
        group: text(&spec["group"]),
        version: text(&version["name"]),
        kind: text(&spec["names"]["kind"]),
        plural: text(&spec["names"]["plural"]),
        namespaced: spec["scope"] == "Namespaced",
    };
    let found = cluster.metadata(&served, "").await?.unwrap_or_default();
    let there: BTreeSet<String> = found.iter().filter_map(uid).collect();
    let lost = found
        .iter()
        .filter(|object| !is_going(object) && !is_of(object, &there));
    Ok(lost.map(|object| content(&served, object, true)).collect())
}

fn content(served: &Served, object: &Json, everywhere: bool) -> Content {
    let reference = Reference::of_live(&served.group, &served.kind, object);
    let name = match everywhere && !reference.namespace.is_empty() {
        true => format!("{}/{}", reference.namespace, reference.name),
        false => reference.name.clone(),
    };
    Content {
        kind: served.kind.clone(),
        name,
        owner: marks::owner(object, &reference),
        parents: parents(object).map(str::to_owned).collect(),
    }
}

fn uid(object: &Json) -> Option<String> {
    object["metadata"]["uid"].as_str().map(str::to_owned)
}

fn parents(object: &Json) -> impl Iterator<Item = &str> {
    let owners = object["metadata"]["ownerReferences"].as_array();
    let owners = owners.into_iter().flatten();
    owners.filter_map(|owner| owner["uid"].as_str())
}

/// Tells whether an object belongs to one of these, and is taken along or kept with that.
fn is_of(object: &Json, there: &BTreeSet<String>) -> bool {
    parents(object).any(|parent| there.contains(parent))
}

fn is_going(object: &Json) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// Tells whether nobody would miss an object of a namespace that goes: the cluster made it, a controller copied it
/// there, or it is going by itself. What another tool or a person had a hand in is missed, and so is what holds data.
fn is_beside(kind: &str, object: &Json) -> bool {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    if is_going(object) || IN_EVERY.contains(&(kind, name)) {
        return true;
    }
    let is_marked = marks::foreign::tool(object).is_some() || marks::is_labelled(object);
    if NEVER_BESIDE.contains(&kind) || is_marked {
        return false;
    }
    let entries = metadata["managedFields"].as_array().into_iter().flatten();
    let managers: Vec<&str> = entries
        .filter(|entry| entry["subresource"].is_null())
        .filter_map(|entry| entry["manager"].as_str())
        .collect();
    let is_program = |manager: &&str| {
        *manager != MANAGER && !fields::is_person(manager) && !fields::is_outsider(manager)
    };
    let is_controller =
        |manager: &&str| fields::is_caretaker(manager) || fields::is_controller(manager);
    !managers.is_empty()
        && managers.iter().all(is_program)
        && (COPIED.contains(&kind) || managers.iter().all(is_controller))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn by(manager: &str) -> Json {
        json!({ "metadata": { "name": "one", "managedFields": [{ "manager": manager }] } })
    }

    #[test]
    fn what_controllers_put_into_every_namespace_is_not_missed() {
        assert!(is_beside("ConfigMap", &by("pilot-discovery")));
        assert!(is_beside("Widget", &by("widget-controller")));
        assert!(is_beside(
            "ServiceAccount",
            &json!({ "metadata": { "name": "default" } })
        ));
    }

    #[test]
    fn what_people_tools_and_data_are_is_missed() {
        for (kind, manager) in [
            ("Secret", "kubectl-create"),
            ("Secret", "helm"),
            ("Secret", "Terraform"),
            ("Secret", "HashiCorp"),
            ("Secret", "OpenAPI-Generator"),
            ("ConfigMap", MANAGER),
            ("PersistentVolumeClaim", "kube-controller-manager"),
            ("StatefulSet", "postgres-operator"),
            ("Widget", "some-program"),
        ] {
            assert!(!is_beside(kind, &by(manager)), "{kind} by {manager}");
        }
        let unknown = json!({ "metadata": { "name": "one" } });
        assert!(!is_beside("ConfigMap", &unknown));
        let mut marked = by("pilot-discovery");
        marked["metadata"]["annotations"] = json!({ "meta.helm.sh/release-name": "web" });
        assert!(!is_beside("ConfigMap", &marked));
    }
}
