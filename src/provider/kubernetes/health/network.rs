//! Services that want an address, routes that want a gateway, API servers behind this one.

use super::custom::told;
use super::{UNSEEN, condition, number};
use crate::model::Health;
use serde_json::Value as Json;

pub(super) fn service(object: &Json) -> Health {
    let wants = object["spec"]["type"] == "LoadBalancer";
    let has = object["status"]["loadBalancer"]["ingress"]
        .as_array()
        .is_some_and(|given| !given.is_empty());
    if wants && !has {
        return Health::Progressing(
            "the load balancer has no address yet\nCheck that something in the cluster provides load balancers."
                .to_owned(),
        );
    }
    Health::Ready
}

/// Kinds of an API whose server is down cannot be told, so what comes after waits for it.
pub(super) fn api_service(object: &Json) -> Health {
    match condition(object, "Available") {
        Some(("True", ..)) => Health::Ready,
        Some((_, reason, message)) => Health::Progressing(format!(
            "{}\nCheck the service it names, and the pods behind that.",
            told("the server behind it does not answer", reason, message)
        )),
        None => Health::Progressing("the server behind it was not asked yet".to_owned()),
    }
}

/// A route has a verdict from each gateway it names. Source: Gateway API, RouteParentStatus.
pub(super) fn route(object: &Json) -> Health {
    let wanted = object["spec"]["parentRefs"].as_array().map_or(0, Vec::len);
    let parents = object["status"]["parents"].as_array();
    let parents = parents.map_or(&[][..], Vec::as_slice);
    let generation = number(object, "/metadata/generation");
    for parent in parents {
        for kind in ["Accepted", "ResolvedRefs"] {
            let mut conditions = parent["conditions"].as_array().into_iter().flatten();
            let Some(found) = conditions.find(|one| one["type"] == kind) else {
                continue;
            };
            let text = |key: &str| found[key].as_str().unwrap_or_default();
            if number(found, "/observedGeneration") < generation {
                return Health::Progressing(UNSEEN.to_owned());
            }
            if text("status") == "False" {
                let gateway = parent["parentRef"]["name"].as_str().unwrap_or_default();
                return Health::Progressing(told(
                    &format!("gateway {gateway} does not take it"),
                    text("reason"),
                    text("message"),
                ));
            }
        }
    }
    if parents.len() < wanted {
        return Health::Progressing("not every gateway it names has answered yet".to_owned());
    }
    Health::Ready
}
