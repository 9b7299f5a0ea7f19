//! The labels of the environment are on every resource, and are not written again on each.

use super::live::written;
use crate::graph::node::Node;
use crate::model::{Change, Labels, Segment};
use crate::spec::Environment;
use crate::spec::template::Template;
use serde_json::Value as Json;

/// Returns what is to be written without them.
///
/// # Errors
/// One of them is what was changed.
pub(super) fn without(
    environment: &Environment,
    node: &Node,
    change: &Change,
    to: Option<Json>,
) -> Result<Option<Json>, String> {
    let labels = &environment.labels;
    let theirs = || Err("it comes from the labels of the environment (metadata.labels)".to_owned());
    match (&node.kind.labels, to) {
        (Some(own @ Labels::Tags(at)), Some(Json::Array(mut tags))) if at.is(&change.path) => {
            let declared = declared(&node.spec, own).map(|own| written(own, false));
            let declared = declared.as_ref().and_then(Json::as_array);
            for (key, text) in labels {
                let tag = Json::String(format!("{key}:{text}"));
                if declared.is_some_and(|own| own.contains(&tag)) {
                    continue;
                }
                match tags.iter().position(|one| *one == tag) {
                    Some(nth) => drop(tags.remove(nth)),
                    None => return theirs(),
                }
            }
            Ok(Some(Json::Array(tags)))
        }
        (Some(own @ Labels::Map(at)), None) if at.covers(&change.path) => {
            let is_own = |key: &str| {
                let declared = declared(&node.spec, own);
                declared.is_some_and(|declared| declared.get(key).is_some())
            };
            match change.path.0.last() {
                Some(Segment::Key(key))
                    if !is_own(key) && labels.iter().any(|(one, _)| one == key) =>
                {
                    theirs()
                }
                _ => Ok(None),
            }
        }
        (_, to) => Ok(to),
    }
}

/// Returns what the resource itself declares there.
fn declared<'t>(spec: &'t Template, labels: &Labels) -> Option<&'t Template> {
    let (Labels::Map(at) | Labels::Tags(at)) = labels;
    at.parts().iter().try_fold(spec, |at, part| at.get(part))
}
