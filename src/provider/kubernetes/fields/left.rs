//! Fields that we do not write now: those that `lifecycle.ignore` names, that something scales, that
//! another controller keeps. Told from the object as it was just read, for a prediction and for a write
//! alike: what the plan saw may be minutes old. Pure.

use super::{ignored, place};
use crate::model::PathPattern;
use crate::provider::kubernetes::dry_run::instruction::Instruction;
use crate::provider::kubernetes::fields;
use crate::provider::kubernetes::scalers::Claim;
use serde_json::Value as Json;

/// Returns what is sent of a declared object now: with what is ignored or scaled as it is live, and
/// without what was found to be kept by other controllers.
pub(crate) fn as_sent(
    declared: &Json,
    live: &Json,
    ignore: &[PathPattern],
    instruction: &Instruction,
) -> Json {
    let object = ignored::as_live(declared, live, ignore);
    // An ignored field that is not live is left out already.
    let mut without = instruction.without.clone();
    without.retain(|(field, _)| place::find(&object, field).is_some());
    let object = fields::without(&object, &without).unwrap_or_else(|_| object.clone());
    kept(&object, live, &instruction.kept)
}

/// Returns the object with these fields as they are live, or without those that are not there. A field
/// that is not declared any more is put in: ours and not sent, the server would take it away.
pub(crate) fn kept(object: &Json, live: &Json, claims: &[Claim]) -> Json {
    let mut object = object.clone();
    for (field, _) in claims {
        let live = place::find(live, field).and_then(|at| Some((place::get(live, &at)?, at)));
        match (live, place::find(&object, field)) {
            (Some((value, place)), _) => place::put(&mut object, &place, value.clone()),
            (None, Some(place)) => place::cut(&mut object, &place),
            (None, None) => {}
        }
    }
    object
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_scales_keeps_its_fields_whether_they_are_declared_or_not() {
        let requests = r#".spec.containers[name="api"].resources.requests"#;
        let claims = [".spec.replicas", requests].map(|field| (field.to_owned(), "x".to_owned()));
        let live = json!({ "spec": { "replicas": 5, "containers": [{ "name": "side" },
            { "name": "api", "resources": { "requests": { "cpu": "1" } } }] } });
        let [declared, bare] = [json!({ "requests": { "cpu": "2" } }), json!({})].map(|resources| {
            json!({ "spec": { "containers": [{ "name": "api", "resources": resources }] } })
        });
        let expected = json!({ "spec": { "replicas": 5,
            "containers": [{ "name": "api", "resources": { "requests": { "cpu": "1" } } }] } });
        assert_eq!(kept(&declared, &live, &claims), expected);
        assert_eq!(kept(&bare, &live, &claims), expected);
        assert_eq!(
            kept(&declared, &json!({}), &claims),
            json!({ "spec": { "containers": [{ "name": "api" }] } })
        );
    }

    #[test]
    fn what_was_planned_is_sent_with_what_is_live_now() {
        let instruction = Instruction {
            without: vec![(".spec.paused".to_owned(), "rollouts".to_owned())],
            ..Instruction::default()
        };
        let ignore = [PathPattern::parse("/spec/replicas").unwrap()];
        let declared = json!({ "spec": { "replicas": 3, "paused": true, "image": "b" } });
        let live = json!({ "spec": { "replicas": 7, "paused": false, "image": "a" } });
        assert_eq!(
            as_sent(&declared, &live, &ignore, &instruction),
            json!({ "spec": { "replicas": 7, "image": "b" } })
        );
    }
}
