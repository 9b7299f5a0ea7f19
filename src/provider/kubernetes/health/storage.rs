//! Services that want an address, and claims that want a volume.

use crate::model::Health;
use serde_json::Value as Json;

pub(super) fn service(object: &Json) -> Health {
    let wants = object["spec"]["type"] == "LoadBalancer";
    let has = object["status"]["loadBalancer"]["ingress"]
        .as_array()
        .is_some_and(|given| !given.is_empty());
    if wants && !has {
        return Health::Progressing("the load balancer has no address yet".to_owned());
    }
    Health::Ready
}

/// A claim whose class binds at the first pod stays pending until then, and that is as it should be;
/// the claim itself does not say which, so only a lost volume is a failure.
pub(super) fn claim(object: &Json) -> Health {
    match object["status"]["phase"].as_str() {
        Some("Lost") => Health::Failed(
            "its volume is gone\nRestore the volume from a backup, or delete the claim and make it new.".to_owned(),
        ),
        _ => Health::Ready,
    }
}
