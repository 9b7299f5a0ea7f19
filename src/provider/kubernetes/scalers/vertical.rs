//! What a `VerticalPodAutoscaler` sets of which container, by its own policies. Pure.

use serde_json::Value as Json;

/// The resources that one can set at all.
pub(super) const CONTROLLED: [&str; 2] = ["cpu", "memory"];

/// Stands for every container without a policy of its own.
const EVERY: &str = "*";

/// The policies of one, by container.
#[derive(Clone, Debug)]
pub(super) struct Policies(Vec<(String, Policy)>);

/// What one policy says.
#[derive(Clone, Debug)]
struct Policy {
    sets: Sets,
    /// Which resources alone; `None` is both of [`CONTROLLED`].
    only: Option<Vec<String>>,
}

/// What is set of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sets {
    /// Requests, and limits along with them.
    Both,
    /// Requests alone.
    Requests,
    /// Nothing: it only recommends.
    Nothing,
}

impl Policies {
    /// Reads them from the object.
    pub(crate) fn read(object: &Json) -> Self {
        let policies = object.pointer("/spec/resourcePolicy/containerPolicies");
        let policies = policies.and_then(Json::as_array).into_iter().flatten();
        let read = policies.map(|policy| {
            // Source: GetContainerResourcePolicy of the autoscaler, which takes one without a name for nobody's.
            let container = policy["containerName"].as_str().unwrap_or_default();
            let sets = match (policy["mode"].as_str(), policy["controlledValues"].as_str()) {
                (Some("Off"), _) => Sets::Nothing,
                (_, Some("RequestsOnly")) => Sets::Requests,
                _ => Sets::Both,
            };
            let only = policy["controlledResources"].as_array().map(|only| {
                let names = only.iter().filter_map(Json::as_str);
                names.map(str::to_owned).collect()
            });
            (container.to_owned(), Policy { sets, only })
        });
        Self(read.collect())
    }

    /// Tells what it sets of a container's resource: by the container's own policy, else by that for all.
    pub(crate) fn of(&self, container: &str, resource: &str) -> Sets {
        let find = |name: &str| self.0.iter().find(|(of, _)| of == name);
        let found = find(container).or_else(|| find(EVERY));
        let is_let_be = |only: &Vec<String>| only.iter().all(|one| one != resource);
        match found {
            Some((_, policy)) if policy.only.as_ref().is_some_and(is_let_be) => Sets::Nothing,
            Some((_, policy)) => policy.sets,
            None => Sets::Both,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_container_s_own_policy_comes_before_that_for_all() {
        let of = |policies: Json| {
            let policy = json!({ "containerPolicies": policies });
            Policies::read(&json!({ "spec": { "resourcePolicy": policy } }))
        };
        let some = of(json!([
            { "containerName": "*", "mode": "Off" },
            { "containerName": "app", "controlledValues": "RequestsOnly" },
            { "containerName": "all", "mode": "Auto", "controlledValues": "RequestsAndLimits" },
        ]));
        let sets = ["app", "all", "sidecar"].map(|container| some.of(container, "cpu"));
        assert_eq!(sets, [Sets::Requests, Sets::Both, Sets::Nothing]);
        let off = of(json!([{ "containerName": "sidecar", "mode": "Off" }]));
        let sets = ["app", "sidecar"].map(|container| off.of(container, "cpu"));
        assert_eq!(sets, [Sets::Both, Sets::Nothing]);
        let nobody_s = of(json!([{ "mode": "Off" }]));
        assert_eq!(nobody_s.of("app", "cpu"), Sets::Both);
        assert_eq!(Policies::read(&json!({})).of("app", "cpu"), Sets::Both);
        let cpu = of(json!([{ "containerName": "*", "controlledResources": ["cpu"] }]));
        let sets = CONTROLLED.map(|resource| cpu.of("app", resource));
        assert_eq!(sets, [Sets::Both, Sets::Nothing]);
    }
}
