//! Objects of a real Kubernetes API server: made again they would have another uid, written again another version.

use super::super::World;
use super::{Counterpart, Files, NAME, Object, converges};
use crate::peers::kubernetes::{Cluster, cluster};
use std::collections::BTreeMap;

struct Namespace {
    cluster: &'static Cluster,
    name: String,
}

impl Namespace {
    fn fresh(world: &World) -> Self {
        let cluster = cluster();
        world.settings(|settings| {
            settings["providers"]["kubernetes"]["kubeconfig"] =
                cluster.kubeconfig().to_str().into();
        });
        Self {
            cluster,
            name: cluster.namespace("crash"),
        }
    }

    fn environment(&self, maps: &[(&str, &str)]) -> Files {
        let namespace = &self.name;
        let resource = |(name, text): &(&str, &str)| {
            format!(
                "    {name}: {{ kind: kubernetes/object, spec: {{ apiVersion: v1, kind: ConfigMap, metadata: {{ name: {name}, namespace: {namespace} }}, data: {{ text: \"{text}\" }} }} }}\n"
            )
        };
        let resources: String = maps.iter().map(resource).collect();
        let text = format!(
            "apiVersion: reconciled.dev/v1alpha1
kind: Environment
metadata: {{ name: {NAME} }}
spec:
  connections: {{ cluster: {{ provider: kubernetes, context: peers }} }}
  reconcile: {{ interval: 1s, deletionBudget: {{ count: 9, percent: 100 }} }}
  resources:
{resources}"
        );
        vec![("shop.yaml", text)]
    }
}

impl Counterpart for Namespace {
    fn commits(&self) -> Vec<Files> {
        vec![
            self.environment(&[("changed", "before"), ("removed", "x")]),
            self.environment(&[("changed", "after"), ("made", "y")]),
        ]
    }

    fn objects(&self, _world: &World) -> BTreeMap<String, Object> {
        let path = format!("/api/v1/namespaces/{}/configmaps", self.name);
        let list = self.cluster.get(&path).unwrap();
        let ours = list["items"].as_array().unwrap().iter();
        let ours = ours.filter(|one| one["metadata"]["name"] != "kube-root-ca.crt");
        let object = |one: &serde_json::Value| Object {
            state: one["data"].to_string(),
            identity: format!(
                "{} {}",
                one["metadata"]["uid"], one["metadata"]["resourceVersion"]
            ),
        };
        ours.map(|one| (one["metadata"]["name"].to_string(), object(one)))
            .collect()
    }
}

#[test]
fn killed_at_any_point_of_a_creation_a_change_and_a_removal_it_does_each_once() {
    converges(Namespace::fresh);
}
