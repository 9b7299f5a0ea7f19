//! What a cluster serves: kinds by group, and groups whose own server is down.
//!
//! Pure: reads the answers of aggregated discovery. One broken group costs only its own kinds.

use super::error::Failure;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// One kind in one version, as it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Served {
    /// The API group; empty for the core group.
    pub(super) group: String,
    /// The version.
    pub(super) version: String,
    /// The kind.
    pub(super) kind: String,
    /// Its word in addresses, e.g. `deployments`.
    pub(super) plural: String,
    /// Whether its objects live in namespaces.
    pub(super) namespaced: bool,
}

impl Served {
    /// Returns the address of its group version.
    fn group_path(&self) -> String {
        if self.group.is_empty() {
            format!("/api/{}", self.version)
        } else {
            format!("/apis/{}/{}", self.group, self.version)
        }
    }

    /// Returns the address of the collection, or of one object in it.
    pub(super) fn path(&self, namespace: &str, name: Option<&str>) -> String {
        let mut path = self.group_path();
        let place = if self.namespaced { namespace } else { "" };
        let namespace = (!place.is_empty()).then_some(["namespaces", place]);
        let parts = namespace
            .into_iter()
            .flatten()
            .chain([self.plural.as_str()])
            .chain(name);
        for part in parts {
            path.push('/');
            path.push_str(part);
        }
        path
    }
}

/// What is known about a kind.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lookup<'a> {
    /// It is served like this.
    Served(&'a Served),
    /// The group is there, but its server is not: nothing can be said.
    Down,
    /// The cluster says that it does not serve it.
    NotServed,
}

/// What a cluster serves.
#[derive(Clone, Debug, Default)]
pub(super) struct Types {
    /// By group and kind, preferred version first.
    served: BTreeMap<(String, String), Vec<Served>>,
    /// Group and version whose server is down.
    down: BTreeSet<(String, String)>,
    /// The digest of each group version's schema, by its path.
    schemas: BTreeMap<String, String>,
}

impl Types {
    /// Reads the answers of `/api` and `/apis`.
    ///
    /// # Errors
    /// An answer that is no aggregated discovery: a server older than 1.27.
    pub(super) fn read(answers: &[Json]) -> Result<Self, Failure> {
        let mut types = Self::default();
        for answer in answers {
            if answer["kind"].as_str() != Some("APIGroupDiscoveryList") {
                let reason =
                    "the server has no aggregated discovery; Kubernetes 1.27 or later is needed";
                return Err(Failure::user("too-old", reason));
            }
            for group in answer["items"].as_array().into_iter().flatten() {
                let name = group["metadata"]["name"].as_str().unwrap_or_default();
                for version in group["versions"].as_array().into_iter().flatten() {
                    types.add(name, version);
                }
            }
        }
        Ok(types)
    }

    fn add(&mut self, group: &str, version: &Json) {
        let name = version["version"].as_str().unwrap_or_default();
        if version["freshness"].as_str() == Some("Stale") {
            self.down.insert((group.to_owned(), name.to_owned()));
            return;
        }
        for resource in version["resources"].as_array().into_iter().flatten() {
            let text = |pointer: &str| resource.pointer(pointer).and_then(Json::as_str);
            let (Some(plural), Some(kind)) = (text("/resource"), text("/responseKind/kind")) else {
                continue;
            };
            // What cannot be patched cannot be declared: reviews, bindings.
            let verbs = resource["verbs"].as_array();
            if !verbs.is_some_and(|verbs| verbs.iter().any(|verb| verb == "patch")) {
                continue;
            }
            self.served
                .entry((group.to_owned(), kind.to_owned()))
                .or_default()
                .push(Served {
                    group: group.to_owned(),
                    version: name.to_owned(),
                    kind: kind.to_owned(),
                    plural: plural.to_owned(),
                    namespaced: text("/scope") == Some("Namespaced"),
                });
        }
    }

    /// Takes in the answer of `/openapi/v3`: the digest of each schema, for caching. Source: KEP-2896.
    #[must_use]
    pub(super) fn with_schemas(mut self, answer: &Json) -> Self {
        for (path, found) in answer["paths"].as_object().into_iter().flatten() {
            let url = found["serverRelativeURL"].as_str().unwrap_or_default();
            if let Some((_, digest)) = url.split_once("?hash=") {
                self.schemas.insert(path.clone(), digest.to_owned());
            }
        }
        self
    }

    /// Keeps the digests of schemas that were told before.
    #[must_use]
    pub(super) fn with_schemas_of(mut self, before: &Self) -> Self {
        self.schemas.clone_from(&before.schemas);
        self
    }

    /// Returns what moves with the schema of a kind; empty where the server does not tell.
    pub(super) fn schema(&self, served: &Served) -> &str {
        let path = served.group_path();
        self.schemas
            .get(path.trim_start_matches('/'))
            .map_or("", String::as_str)
    }

    /// Finds a kind, in the version named or in the preferred one.
    pub(super) fn find(&self, group: &str, kind: &str, version: Option<&str>) -> Lookup<'_> {
        let key = (group.to_owned(), kind.to_owned());
        let versions = self.served.get(&key).map(Vec::as_slice).unwrap_or_default();
        let found = match version {
            Some(version) => versions.iter().find(|served| served.version == version),
            None => versions.first(),
        };
        match found {
            Some(served) => Lookup::Served(served),
            None if self.is_down(group, version) => Lookup::Down,
            None => Lookup::NotServed,
        }
    }

    /// Returns every kind whose objects live in namespaces, in its preferred version.
    pub(super) fn namespaced(&self) -> impl Iterator<Item = &Served> {
        let preferred = self.served.values().filter_map(|versions| versions.first());
        preferred.filter(|served| served.namespaced)
    }

    fn is_down(&self, group: &str, version: Option<&str>) -> bool {
        let mut down = self.down.iter().filter(|(name, _)| name == group);
        match version {
            Some(version) => down.any(|(_, name)| name == version),
            None => down.next().is_some(),
        }
    }

    /// Returns the groups out of sight.
    pub(super) fn down(&self) -> impl Iterator<Item = &str> {
        self.down.iter().map(|(group, _)| group.as_str())
    }

    /// Tells whether any version of a group is out of sight because its server is down.
    pub(super) fn knows_down(&self, group: &str) -> bool {
        self.is_down(group, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn types() -> Types {
        let resource = |plural: &str, kind: &str, scope: &str, verb: &str| json!({ "resource": plural, "responseKind": { "kind": kind }, "scope": scope, "verbs": ["get", verb] });
        let answer = json!({ "kind": "APIGroupDiscoveryList", "items": [
            { "metadata": {}, "versions": [{ "version": "v1", "freshness": "Current", "resources": [
                resource("namespaces", "Namespace", "Cluster", "patch"),
                resource("bindings", "Binding", "Namespaced", "create"),
            ] }] },
            { "metadata": { "name": "autoscaling" }, "versions": [
                { "version": "v2", "resources": [resource("hpas", "HPA", "Namespaced", "patch")] },
                { "version": "v1", "resources": [resource("hpas", "HPA", "Namespaced", "patch")] },
            ] },
            { "metadata": { "name": "metrics.k8s.io" }, "versions": [{ "version": "v1beta1", "freshness": "Stale" }] },
        ] });
        Types::read(&[answer]).unwrap()
    }

    #[test]
    fn one_broken_group_costs_only_its_own_kinds() {
        let types = types();
        assert_eq!(
            types.find("metrics.k8s.io", "PodMetrics", None),
            Lookup::Down
        );
        assert_eq!(types.find("nowhere.io", "Thing", None), Lookup::NotServed);
        assert!(matches!(
            types.find("", "Namespace", Some("v1")),
            Lookup::Served(_)
        ));
        assert!(types.knows_down("metrics.k8s.io"));
    }

    #[test]
    fn a_version_is_found_by_name_or_as_preferred() {
        let types = types();
        let path = |version| match types.find("autoscaling", "HPA", version) {
            Lookup::Served(served) => served.path("shop", Some("api")),
            other => panic!("{other:?}"),
        };
        assert_eq!(path(None), "/apis/autoscaling/v2/namespaces/shop/hpas/api");
        assert_eq!(
            path(Some("v1")),
            "/apis/autoscaling/v1/namespaces/shop/hpas/api"
        );
        assert_eq!(
            types.find("autoscaling", "HPA", Some("v3")),
            Lookup::NotServed
        );
    }

    #[test]
    fn what_cannot_be_patched_cannot_be_declared() {
        assert_eq!(types().find("", "Binding", None), Lookup::NotServed);
    }

    #[test]
    fn an_answer_of_another_shape_is_no_empty_cluster() {
        assert!(Types::read(&[json!({ "kind": "APIGroupList", "groups": [] })]).is_err());
    }
}
