//! Which live object a step is about, in words. An id in Git is its author's choice: whoever lets a delete go is to
//! see what is deleted.

use crate::model::{Identity, Step};

/// Returns a step's kind and its object: `host/file /etc/motd`. The object is left out where the id says as much.
pub(super) fn kind_and_object(step: &Step) -> String {
    of_resource(
        step.kind.as_str(),
        &step.address.resource.to_string(),
        &step.identity,
    )
}

/// Returns a kind and the object that a resource stands for.
pub(super) fn of_resource(kind: &str, resource: &str, identity: &Identity) -> String {
    match object(resource, identity) {
        Some(object) => format!("{kind} {object}"),
        None => kind.to_owned(),
    }
}

/// Returns which live object a step is about, where no kind stands beside it; `None` where the id says as much.
pub(super) fn alone(step: &Step) -> Option<String> {
    let object = object(&step.address.resource.to_string(), &step.identity)?;
    Some(match is_of_a_cluster(&step.identity) {
        true => object,
        false => format!("{} {object}", step.kind),
    })
}

/// An object of a cluster is named as its provider's errors and its members have it: `Deployment.apps shop/api`.
fn object(resource: &str, identity: &Identity) -> Option<String> {
    let field = |pointer| identity.get(pointer).filter(|text| !text.is_empty());
    let object = match (field("/kind"), field("/metadata/name")) {
        (Some(kind), Some(name)) => {
            let group = field("/apiVersion").map_or_else(String::new, |group| format!(".{group}"));
            let space = field(Identity::NAMESPACE);
            let space = space.map_or_else(String::new, |space| format!("{space}/"));
            format!("{kind}{group} {space}{name}")
        }
        _ => identity.to_string(),
    };
    let is_member = || resource.ends_with(&format!("[{}]", object.replacen(' ', "/", 1)));
    (!object.is_empty() && object != resource && !is_member()).then_some(object)
}

fn is_of_a_cluster(identity: &Identity) -> bool {
    identity.get("/kind").is_some()
}
