//! Whether what is to be replaced could be made again: asked before anything is deleted, since what is deleted and
//! then refused (by a webhook, a policy, a quota, the server's own checks) is gone.
//!
//! A dry-run of the creation under the very name answers it. The server asks everybody who may refuse before it
//! finds that the name is taken, so that "already exists" means that nobody did.

use super::Work;
use crate::model::{Asked, Class, Live, Owner, Prediction};
use crate::provider::ProviderError;
use crate::provider::kubernetes::cluster::Cluster;
use crate::provider::kubernetes::error::Failure;
use crate::provider::kubernetes::seal::Sealer;
use crate::provider::kubernetes::target::Target;
use crate::provider::kubernetes::{marks, shape};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Counts of objects in a quota, which the one that goes gives back; so does each that begins with `count/`.
/// Source: "Resource Quotas", object count.
const COUNTS: [&str; 7] = [
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
];

/// The code of a quota without room.
const FULL: &str = "quota";

/// What to do about a quota without room for both. It cannot be told that there will be room once the old one is gone:
/// what that gives back is counted later, and others may be faster.
const BOTH: &str = "What is there counts until it is gone, and is not deleted while it may not come back. Give the quota room for both until it is replaced, or delete the old one yourself: it is made again as Git says.";

/// Tells that an object of ours cannot change in place and could not be made again either; `None` where it could,
/// where it does not come to that, or where nobody says.
pub(crate) async fn refused(
    cluster: &Cluster,
    target: &Target,
    asked: &Asked,
    seen: &Live,
    sealer: &Sealer<'_>,
) -> Option<Prediction> {
    let Some(Prediction::Refused { immutable, .. }) = &seen.prediction else {
        return None;
    };
    let is_ours = seen.owner == Some(Owner::Resource(asked.address.clone()));
    if immutable.is_empty() || !is_ours || seen.going_since.is_some() {
        return None;
    }
    let mut sent = shape::payload(asked.desired.as_deref()?).ok()?;
    if !sent.holes.is_empty() {
        return None;
    }
    marks::put(&mut sent.object, &asked.address, &target.reference);
    let failure = refusal(cluster, target, &sent.object).await.ok()??;
    let fields: Vec<String> = immutable.iter().map(ToString::to_string).collect();
    Some(Prediction::Refused {
        reason: format!(
            "{} cannot change in place, and made anew it would be refused: {}",
            fields.join(", "),
            said_with_next(&sealer.scrubbed(failure))
        ),
        immutable: Vec::new(),
    })
}

impl Work<'_> {
    /// Asks whether the object could be made again once it is deleted.
    ///
    /// # Errors
    /// It could not, or nobody says: then it stays as it is.
    pub(super) async fn may_be_made_anew(&self) -> Result<(), ProviderError> {
        let object = self.payload()?;
        match refusal(self.cluster, &self.target, &object).await {
            Ok(None) => Ok(()),
            Ok(Some(failure)) => {
                let reason = format!(
                    "it is kept, as made anew it would be refused: {}",
                    failure.reason
                );
                Err(match self.failed(Failure { reason, ..failure }) {
                    ProviderError::Refused {
                        what, reason, code, ..
                    } if code == FULL => ProviderError::Refused {
                        what,
                        reason,
                        code,
                        hint: Some(BOTH.to_owned()),
                    },
                    other => other,
                })
            }
            Err(failure) => Err(self.failed(failure)),
        }
    }
}

/// Returns what was seen, and of a full quota what to do next.
fn said_with_next(failure: &Failure) -> String {
    let said = failure.said();
    match failure.code {
        FULL => format!("{said}. {BOTH}"),
        _ => said,
    }
}

/// Returns why the server would not make an object whose name is free; `None` where it would.
async fn refusal(
    cluster: &Cluster,
    target: &Target,
    object: &Json,
) -> Result<Option<Failure>, Failure> {
    let asked = cluster.would_make(&target.served, target.namespace(), object);
    match asked.await {
        Ok(()) => Ok(None),
        Err(failure) if failure.class == Class::Transient => Err(failure),
        Err(failure) => {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            Ok((!is_about_the_old_one(&failure, name)).then_some(failure))
        }
    }
}

/// Tells a refusal that goes with the object that is there, or that no dry-run can tell of.
fn is_about_the_old_one(failure: &Failure, name: &str) -> bool {
    let says = |words: &str| failure.reason.contains(words);
    // A webhook may say the same of another object.
    let is_taken = failure.status == 409 && says("already exists") && !says("admission webhook");
    // Ports and addresses of a Service that keeps them.
    let mut causes = failure.causes.iter();
    let is_allocated = !failure.causes.is_empty()
        && causes.all(|cause| cause.message.contains("is already allocated"));
    let has_room = failure.code == FULL && fits_in_its_place(&failure.reason);
    // The default that goes makes room for the next.
    let is_default = says(&format!(
        "PriorityClass {name} is already marked as default"
    ));
    is_taken || is_allocated || has_room || is_default || says("does not support dry run")
}

/// Tells whether a quota that is full has room for one object once another of its kind is gone. Its words are
/// `exceeded quota: NAME, requested: A=1,B=2, used: A=5,B=8, limited: A=5,B=8`.
fn fits_in_its_place(said: &str) -> bool {
    let (requested, used, limited) = (
        amounts(said, "requested: "),
        amounts(said, "used: "),
        amounts(said, "limited: "),
    );
    let number = |of: &BTreeMap<&str, &str>, what: &str| of.get(what)?.parse::<u64>().ok();
    let fits = |(what, amount): (&&str, &&str)| {
        let is_count = what.starts_with("count/") || COUNTS.contains(what);
        let room = number(&used, what).zip(number(&limited, what));
        is_count && *amount == "1" && room.is_some_and(|(used, limited)| used <= limited)
    };
    !requested.is_empty() && requested.iter().all(fits)
}

/// Reads what stands after a word, up to the next.
fn amounts<'s>(said: &'s str, word: &str) -> BTreeMap<&'s str, &'s str> {
    let after = said.split_once(word).map_or("", |(_, after)| after);
    let list = after.split(", ").next().unwrap_or_default();
    list.split(',')
        .filter_map(|one| one.split_once('='))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_quota_that_is_full_of_the_one_that_goes_has_room_for_the_next() {
        let said = |requested: &str, used: &str, limited: &str| {
            format!(
                "configmaps \"a\" is forbidden: exceeded quota: q, requested: {requested}, used: {used}, limited: {limited}"
            )
        };
        assert!(fits_in_its_place(&said(
            "count/configmaps=1,configmaps=1",
            "count/configmaps=3,configmaps=3",
            "count/configmaps=3,configmaps=3"
        )));
        // Lowered since, or of what another of its kind may need more of.
        assert!(!fits_in_its_place(&said(
            "configmaps=1",
            "configmaps=3",
            "configmaps=2"
        )));
        assert!(!fits_in_its_place(&said("cpu=1", "cpu=3", "cpu=3")));
        assert!(!fits_in_its_place("denied"));
    }

    #[test]
    fn what_goes_with_the_old_one_is_no_refusal() {
        let is_old = |status: u16, body: Json| {
            let failure = Failure::answered(status, body.to_string().as_bytes(), None);
            is_about_the_old_one(&failure, "a")
        };
        let default = |name: &str| {
            let said = format!(
                "priorityclasses.scheduling.k8s.io \"a\" is forbidden: PriorityClass {name} is already marked as default. Only one default can exist"
            );
            json!({ "reason": "Forbidden", "message": said })
        };
        assert!(is_old(403, default("a")) && !is_old(403, default("b")));
        let taken = "configmaps \"a\" already exists";
        assert!(is_old(
            409,
            json!({ "reason": "AlreadyExists", "message": taken })
        ));
        let denied = "admission webhook \"h\" denied the request: host already exists";
        assert!(!is_old(
            409,
            json!({ "reason": "AlreadyExists", "message": denied })
        ));
        let causes = |more: &[Json]| {
            let port = json!({ "reason": "FieldValueInvalid", "field": "spec.ports[0].nodePort",
                "message": "Invalid value: 30080: provided port is already allocated" });
            let causes: Vec<Json> = more.iter().cloned().chain([port]).collect();
            json!({ "reason": "Invalid", "message": "…", "details": { "causes": causes } })
        };
        assert!(is_old(422, causes(&[])));
        let other = json!({ "reason": "FieldValueInvalid", "field": "spec.type", "message": "Unsupported value" });
        assert!(!is_old(422, causes(&[other])));
    }
}
