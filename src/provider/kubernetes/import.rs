//! Reads what is in a namespace and gives it as one would declare it. Writes nothing, to the cluster or
//! anywhere.

pub(super) mod defaults;
pub(super) mod published;

use super::cluster::Cluster;
use super::discovery::{Served, Types};
use super::error::Failure;
use super::fields::fieldset;
use super::fields::patch;
use super::marks::foreign;
use super::reference::Reference;
use super::{Kubernetes, fields, marks};
use crate::model::{Connection, Owner};
use crate::provider::ProviderError;
use futures::stream::{self, StreamExt as _};
use published::Published;
use serde_json::{Map, Value as Json};
use std::collections::BTreeSet;
use std::time::Duration;

/// How many collections are read at once.
const AT_ONCE: usize = 8;

/// Kinds that the cluster keeps for itself.
pub(super) const KEPT_BY_CLUSTER: [&str; 7] = [
    "CSIStorageCapacity",
    "ControllerRevision",
    "EndpointSlice",
    "Endpoints",
    "Event",
    "Lease",
    "PodMetrics",
];

/// What is to be read.
#[derive(Clone, Debug)]
pub struct Search {
    /// The namespace.
    pub namespace: String,
    /// A label selector, as `kubectl --selector` takes it.
    pub selector: Option<String>,
    /// Kinds (`Deployment`); all that the cluster serves where none is named.
    pub kinds: Vec<String>,
    /// Takes also what another tool manages.
    pub adopt: bool,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Import {
    /// The context of the kubeconfig it was read with, named or not.
    pub context: Option<String>,
    /// Objects as one would declare them, by kind and name; true where another tool manages it.
    pub objects: Vec<(Json, bool)>,
    /// Objects that are left out, `Kind/name`, each with the reason.
    pub left: Vec<(String, String)>,
    /// What of an object is not declared though nothing else says it: `Kind/name` and what that is.
    pub undeclared: Vec<(String, String)>,
    /// Kinds that could not be read, each with the reason.
    pub unseen: Vec<(String, String)>,
}

impl Kubernetes {
    /// Reads what is in a namespace and gives it as one would declare it: without what the server, its
    /// controllers and other tools write. The values of Secrets are never given.
    ///
    /// # Errors
    /// The cluster cannot be reached, or the connection cannot be used; a kind that is not served. A kind
    /// that may not be listed is no error: it is among the `unseen`.
    pub async fn import(
        &self,
        connection: &Connection,
        search: &Search,
    ) -> Result<Import, ProviderError> {
        let what = format!("the namespace {}", search.namespace);
        let failed = |failure: Failure| failure.of_step(&what);
        let cluster = self.look_up(connection).await.map_err(failed)?;
        let types = cluster.types(Duration::ZERO).await.map_err(failed)?;
        let kinds = kinds(&types, &search.kinds).map_err(failed)?;
        there(&cluster, &types, &search.namespace)
            .await
            .map_err(failed)?;
        let selector = search.selector.as_deref();
        let lists = kinds.into_iter().map(|served| {
            let cluster = &cluster;
            async move {
                let found = cluster.list(served, &search.namespace, selector).await;
                (served, found)
            }
        });
        let answers: Vec<_> = stream::iter(lists).buffered(AT_ONCE).collect().await;
        let mut import = Import {
            context: super::connection::context(connection, &self.settings),
            ..Import::default()
        };
        let mut seen = BTreeSet::new();
        let mut published = Published::default();
        for (served, found) in answers {
            match found {
                Ok(objects) => {
                    let objects = objects.unwrap_or_default();
                    let schema = match objects.is_empty() {
                        true => None,
                        false => published.schema(&cluster, served).await,
                    };
                    for object in objects {
                        // Some objects are served by two groups.
                        let uid = object["metadata"]["uid"].as_str().map(str::to_owned);
                        if uid.is_none_or(|uid| seen.insert(uid)) {
                            import.sort_in((served, schema), &object, search.adopt);
                        }
                    }
                }
                // Served in discovery, though nothing can be listed there.
                Err(failure) if failure.status == 405 => {}
                Err(failure) => import.unseen.push((served.kind.clone(), failure.said())),
            }
        }
        Ok(import)
    }
}

/// Returns the kinds that are meant, each in its preferred version.
fn kinds<'t>(types: &'t Types, named: &[String]) -> Result<Vec<&'t Served>, Failure> {
    let all: Vec<&Served> = types.namespaced().collect();
    let is = |served: &Served, name: &str| {
        served.kind.eq_ignore_ascii_case(name) || served.plural.eq_ignore_ascii_case(name)
    };
    let known = |name: &&String| !all.iter().any(|served| is(served, name));
    if let Some(unknown) = named.iter().find(known) {
        return Err(Failure::user(
            "not-served",
            format!("the cluster serves no kind {unknown} in namespaces"),
        ));
    }
    let is_meant = |served: &&Served| match named {
        [] => !KEPT_BY_CLUSTER.contains(&served.kind.as_str()),
        named => named.iter().any(|name| is(served, name)),
    };
    Ok(all.into_iter().filter(is_meant).collect())
}

/// A namespace that is not there lists as empty: a slip of the finger must not look like an answer.
async fn there(cluster: &Cluster, types: &Types, namespace: &str) -> Result<(), Failure> {
    let super::discovery::Lookup::Served(served) = types.find("", "Namespace", None) else {
        return Ok(());
    };
    match cluster.get(served, "", namespace).await {
        Ok(None) => Err(Failure::user(
            "not-found",
            "the cluster has none of that name",
        )),
        // Few may read namespaces; what is inside is another right.
        Ok(Some(_)) => Ok(()),
        Err(failure) if failure.code == "forbidden" => Ok(()),
        Err(failure) => Err(failure),
    }
}

impl Import {
    fn sort_in(&mut self, (served, schema): (&Served, Option<&Json>), object: &Json, adopt: bool) {
        let mut object = object.clone();
        // Items of a list do not say what they are.
        let group = &served.group;
        let slash = if group.is_empty() { "" } else { "/" };
        object["apiVersion"] = Json::String(format!("{group}{slash}{}", served.version));
        object["kind"] = Json::String(served.kind.clone());
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let name = format!("{}/{name}", served.kind);
        let reference = Reference::of_live(&served.group, &served.kind, &object);
        let owner = marks::owner(&object, &reference);
        match why_left(&object, owner.as_ref(), adopt) {
            Some(reason) => self.left.push((name, reason)),
            None => {
                let is_kept = matches!(owner, Some(Owner::Foreign(_)));
                let undeclared = undeclared(&object["metadata"]);
                self.undeclared
                    .extend(undeclared.into_iter().map(|what| (name.clone(), what)));
                let mut object = declared(&object);
                if let Some(schema) = schema {
                    published::take_off(&mut object, schema);
                }
                self.objects.push((object, is_kept));
            }
        }
    }
}

/// Tells why an object is nothing to declare, where it is not.
fn why_left(object: &Json, owner: Option<&Owner>, adopt: bool) -> Option<String> {
    let metadata = &object["metadata"];
    let name = metadata["name"].as_str().unwrap_or_default();
    let mut owners = metadata["ownerReferences"].as_array().into_iter().flatten();
    if let Some(owner) = owners.find(|owner| owner["controller"] == true) {
        let text = |key: &str| owner[key].as_str().unwrap_or_default();
        return Some(format!("{} {} makes it", text("kind"), text("name")));
    }
    if metadata.get("deletionTimestamp").is_some() {
        return Some("it is being deleted".to_owned());
    }
    match (object["kind"].as_str().unwrap_or_default(), name) {
        ("ConfigMap", "kube-root-ca.crt") | ("ServiceAccount", "default") => {
            return Some("the cluster makes it".to_owned());
        }
        ("Secret", _) => {
            return Some(
                "values of Secrets do not belong into Git: declare it with `secrets`, or leave it to who makes it"
                    .to_owned(),
            );
        }
        ("Job", _) => return Some("it runs once: nothing to keep equal".to_owned()),
        _ => {}
    }
    match owner {
        Some(Owner::Resource(address)) => Some(format!("{address} declares it already")),
        Some(Owner::Foreign(other)) if !adopt => Some(format!("{other} manages it")),
        _ => None,
    }
}

/// Tells what of the metadata is left to who put it there. Finalizers of the cluster itself come again by
/// themselves.
fn undeclared(metadata: &Json) -> Vec<String> {
    let list = |key: &str| metadata[key].as_array().into_iter().flatten();
    let is_own = |finalizer: &&str| match finalizer.split_once('/') {
        Some((domain, _)) => domain != "kubernetes.io" && !domain.ends_with(".kubernetes.io"),
        None => false,
    };
    let finalizers: Vec<&str> = list("finalizers")
        .filter_map(Json::as_str)
        .filter(is_own)
        .collect();
    let owners: Vec<String> = list("ownerReferences")
        .map(|owner| {
            let text = |key: &str| owner[key].as_str().unwrap_or_default();
            format!("{}/{}", text("kind"), text("name"))
        })
        .collect();
    let mut told = Vec::new();
    if !finalizers.is_empty() {
        told.push(format!("finalizers ({})", finalizers.join(", ")));
    }
    if !owners.is_empty() {
        told.push(format!("ownerReferences ({})", owners.join(", ")));
    }
    told
}

/// Gives a live object as one would declare it.
fn declared(live: &Json) -> Json {
    let mut object = live.clone();
    cut_caretakers(&mut object, live);
    marks::strip(&mut object);
    if let Some(fields) = object.as_object_mut() {
        fields.shift_remove("status");
        if let Some(metadata) = fields.get_mut("metadata").and_then(Json::as_object_mut) {
            metadata.retain(|key, _| {
                matches!(
                    key.as_str(),
                    "name" | "namespace" | "labels" | "annotations"
                )
            });
            without_others_marks(metadata);
        }
        // What it is and is called first, as people write it.
        let mut ordered = Map::new();
        for key in ["apiVersion", "kind", "metadata"] {
            ordered.extend(fields.shift_remove_entry(key));
        }
        ordered.append(fields);
        *fields = ordered;
    }
    defaults::take_off(&mut object);
    object
}

/// Takes off what controllers of the cluster itself wrote and nobody else did: replicas that an autoscaler
/// sets, a revision.
fn cut_caretakers(object: &mut Json, live: &Json) {
    let entries = live["metadata"]["managedFields"].as_array();
    let entries = entries.into_iter().flatten();
    let (caretakers, others): (Vec<&Json>, Vec<&Json>) =
        entries.partition(|entry| entry["manager"].as_str().is_some_and(fields::is_caretaker));
    let sets = |entries: Vec<&Json>| {
        let sets: Vec<Json> = entries.iter().map(|one| one["fieldsV1"].clone()).collect();
        fieldset::joined(sets.iter())
    };
    if let Some(theirs) = sets(caretakers) {
        patch::cut(object, &theirs, sets(others).as_ref());
    }
}

/// Marks by which other tools know their own would hand the object back to them.
fn without_others_marks(metadata: &mut Map<String, Json>) {
    for field in ["labels", "annotations"] {
        let Some(entries) = metadata.get_mut(field).and_then(Json::as_object_mut) else {
            continue;
        };
        entries.retain(|key, _| !marks::is_restless(key) && !foreign::is_mark(key));
        if entries.is_empty() {
            metadata.shift_remove(field);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_the_cluster_writes_is_nothing_to_declare() {
        let live = json!({ "status": { "replicas": 2 }, "spec": { "replicas": 2, "paused": true }, "kind": "Deployment",
            "apiVersion": "apps/v1", "metadata": { "name": "api", "uid": "u", "finalizers": ["x"],
            "annotations": { "deployment.kubernetes.io/revision": "3" },
            "managedFields": [
                { "manager": "kube-controller-manager", "subresource": "scale", "fieldsV1": { "f:spec": { "f:replicas": {} } } },
                { "manager": "kubectl", "fieldsV1": { "f:spec": { "f:paused": {} } } },
            ] } });
        let expected = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "metadata": { "name": "api" }, "spec": { "paused": true } });
        assert_eq!(declared(&live).to_string(), expected.to_string());
    }

    #[test]
    fn what_is_not_declared_of_an_object_is_told() {
        let metadata = json!({ "finalizers": ["example.com/hold", "kubernetes.io/pvc-protection", "foregroundDeletion",
            "service.kubernetes.io/load-balancer-cleanup", "other.example.com/keep"],
            "ownerReferences": [{ "kind": "ConfigMap", "name": "settings" }] });
        let expected = [
            "finalizers (example.com/hold, other.example.com/keep)",
            "ownerReferences (ConfigMap/settings)",
        ];
        assert_eq!(undeclared(&metadata), expected);
        let own = json!({ "finalizers": ["kubernetes.io/pvc-protection"] });
        assert!(undeclared(&own).is_empty());
    }

    #[test]
    fn what_others_make_and_secrets_are_left_out() {
        let why = |object: &Json| why_left(object, None, false).unwrap_or_default();
        let owned = json!({ "kind": "Pod", "metadata": { "ownerReferences": [{ "controller": true, "kind": "ReplicaSet", "name": "api-1" }] } });
        assert_eq!(why(&owned), "ReplicaSet api-1 makes it");
        assert!(why(&json!({ "kind": "Secret", "metadata": { "name": "x" } })).contains("Secrets"));
        assert_eq!(
            why(&json!({ "kind": "ConfigMap", "metadata": { "name": "x" } })),
            ""
        );
        let helm = Owner::Foreign("Helm release shop/api".to_owned());
        let map = json!({ "kind": "ConfigMap", "metadata": { "name": "x" } });
        assert!(why_left(&map, Some(&helm), false).is_some());
        assert_eq!(why_left(&map, Some(&helm), true), None);
    }
}
