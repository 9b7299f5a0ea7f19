//! The fields of a workload that something may scale, as the server writes them. Pure.

use super::vertical::CONTROLLED;
use serde_json::Value as Json;

/// The replicas, as the server writes the field.
pub(super) const REPLICAS: &str = ".spec.replicas";

/// What a scaler may set; of resources, of which container and which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What<'a> {
    Replicas,
    Request(&'a str, &'a str),
    Limit(&'a str, &'a str),
}

impl<'a> What<'a> {
    /// Tells what a field is, by its end and the container in it.
    pub(crate) fn of(field: &'a str) -> Self {
        let Some((rest, resource)) = field.rsplit_once('.').filter(|_| field != REPLICAS) else {
            return Self::Replicas;
        };
        // No name of a container has a quote in it.
        let container = field.split('"').nth(1).unwrap_or_default();
        if rest.ends_with(".limits") {
            Self::Limit(container, resource)
        } else {
            Self::Request(container, resource)
        }
    }
}

/// Returns the fields that may be a scaler's and differ.
pub(crate) fn moved(live: &Json, told: &Json) -> Vec<String> {
    let mut moved = Vec::new();
    if live.pointer("/spec/replicas") != told.pointer("/spec/replicas") {
        moved.push(REPLICAS.to_owned());
    }
    let containers = |object: &Json| {
        let list = object.pointer("/spec/template/spec/containers");
        list.and_then(Json::as_array).cloned().unwrap_or_default()
    };
    let known = containers(live);
    for container in containers(told) {
        let name = &container["name"];
        let Some(live) = known.iter().find(|live| live["name"] == *name) else {
            continue;
        };
        for (field, resource) in ["requests", "limits"]
            .map(|of| CONTROLLED.map(|one| (of, one)))
            .concat()
        {
            let of = |container: &Json| container["resources"][field].get(resource).cloned();
            if of(live) != of(&container) {
                moved.push(format!(
                    ".spec.template.spec.containers[name={name}].resources.{field}.{resource}"
                ));
            }
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn workload(replicas: u32, cpu: &str) -> Json {
        json!({ "spec": { "replicas": replicas, "template": { "spec": { "containers": [
            { "name": "api", "resources": { "requests": { "cpu": cpu } } }] } } } })
    }

    #[test]
    fn only_what_differs_is_looked_after() {
        let (live, told) = (workload(5, "1"), workload(2, "2"));
        assert!(moved(&live, &live).is_empty());
        let requests = ".spec.template.spec.containers[name=\"api\"].resources.requests.cpu";
        assert_eq!(moved(&live, &told), [REPLICAS, requests]);
        let expected = [What::Replicas, What::Request("api", "cpu")];
        assert_eq!([REPLICAS, requests].map(What::of), expected);
    }
}
