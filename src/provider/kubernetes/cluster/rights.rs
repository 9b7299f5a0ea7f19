//! What the account may do that no dry-run tells: deleting, making again what is deleted to be replaced, and
//! making what can only be made once its kind or its namespace is there. Asked by the rules it has in a namespace, one
//! request for all that is to go there; what they do not show is asked by itself. Never on a quiet pass.

use super::Cluster;
use crate::model::{Asked, Live, Owner, Prediction};
use crate::provider::kubernetes::target::Target;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

const REVIEWS: &str = "/apis/authorization.k8s.io/v1";
/// How long a right is known that is there. One taken away since is told by the delete itself.
const THERE: Duration = Duration::from_secs(3600);
/// How long one is that is not. Short, since somebody told what is missing goes and gives it.
const MISSING: Duration = Duration::from_secs(60);

/// What was told lately, by what was asked.
#[derive(Debug, Default)]
pub(crate) struct Rights {
    told: Mutex<HashMap<String, (Instant, Arc<Json>)>>,
    /// One review at a time, so that a thousand objects of a namespace ask once.
    asking: tokio::sync::Mutex<()>,
}

/// Tells that an object would stay that is to go, for good or to be made again; `None` where it may, or is
/// not to.
pub(crate) async fn kept(
    cluster: &Cluster,
    target: &Target,
    asked: &Asked,
    seen: &Live,
) -> Option<Prediction> {
    let is_ours = seen.owner == Some(Owner::Resource(asked.address.clone()));
    let is_protected = asked.owned.as_ref().is_none_or(|owned| owned.protected);
    if !is_ours || is_protected {
        return None;
    }
    let replaced = match &seen.prediction {
        Some(Prediction::Refused { immutable, .. }) if !immutable.is_empty() => immutable,
        _ if asked.desired.is_some() => return None,
        _ => {
            let lack = lack_of(cluster, target, "delete").await?;
            return Some(refused(lack));
        }
    };
    let mut lack = lack_of(cluster, target, "delete").await;
    if lack.is_none() {
        // Else it would be gone, and nothing in its place.
        lack = lack_of(cluster, target, "create").await;
    }
    let fields: Vec<String> = replaced.iter().map(ToString::to_string).collect();
    let fields = fields.join(", ");
    Some(refused(format!(
        "{fields} cannot change in place, and to replace it {}",
        lack?
    )))
}

/// Tells of an object that no dry-run can make yet, as what it needs is made by the same plan, whether the
/// account may make it then. An apply that makes an object needs both verbs.
pub(crate) async fn deferred(cluster: &Cluster, target: &Target, why: String) -> Prediction {
    for verb in ["create", "patch"] {
        if let Some(lack) = lack_of(cluster, target, verb).await {
            return refused(lack);
        }
    }
    Prediction::Deferred(why)
}

/// Returns what is told of an object that is not there, with the right to make it where no dry-run asked for that.
pub(crate) async fn made(
    cluster: &Cluster,
    target: &Target,
    told: Option<Prediction>,
) -> Option<Prediction> {
    match told {
        Some(Prediction::Deferred(why)) => Some(deferred(cluster, target, why).await),
        told => told,
    }
}

fn refused(reason: String) -> Prediction {
    let immutable = Vec::new();
    Prediction::Refused { reason, immutable }
}

/// Returns why the account lacks a verb on an object; `None` where it has it, or where nobody says.
async fn lack_of(cluster: &Cluster, target: &Target, verb: &str) -> Option<String> {
    let (served, reference) = (&target.served, &target.reference);
    if served.namespaced {
        let body = json!({ "spec": { "namespace": target.namespace() } });
        let is_there = |rules: &Json| allows(rules, target, verb);
        let rules = review(cluster, "selfsubjectrulesreviews", &body, is_there).await?;
        if is_there(&rules) {
            return None;
        }
    }
    // By kind where the rules have told of names already.
    let mut place = json!({ "verb": verb, "group": served.group, "resource": served.plural });
    if served.namespaced {
        place["namespace"] = json!(target.namespace());
    } else {
        place["name"] = json!(reference.name);
    }
    let body = json!({ "spec": { "resourceAttributes": place } });
    let is_allowed = |verdict: &Json| verdict["allowed"] == true;
    let verdict = review(cluster, "selfsubjectaccessreviews", &body, is_allowed).await?;
    (verdict["allowed"] == false).then(|| {
        let dot = if served.group.is_empty() { "" } else { "." };
        let what = format!("{}{dot}{}", served.plural, served.group);
        let place = if served.namespaced {
            format!(" in namespace {}", target.namespace())
        } else {
            String::new()
        };
        format!("the connection's account lacks the verb {verb} on {what}{place}")
    })
}

/// Tells whether rules allow it; of several with names of objects, any one.
fn allows(rules: &Json, target: &Target, verb: &str) -> bool {
    let has = |rule: &Json, list: &str, text: &str| {
        let mut items = rule[list].as_array().into_iter().flatten();
        items.any(|item| item == "*" || item == text)
    };
    let mut rules = rules["resourceRules"].as_array().into_iter().flatten();
    rules.any(|rule| {
        let names = rule["resourceNames"].as_array();
        let is_named =
            names.is_none_or(Vec::is_empty) || has(rule, "resourceNames", &target.reference.name);
        is_named
            && has(rule, "verbs", verb)
            && has(rule, "apiGroups", &target.served.group)
            && has(rule, "resources", &target.served.plural)
    })
}

/// Asks for a review, where the answer to the same is not known; `None` where there is none.
async fn review(
    cluster: &Cluster,
    kind: &str,
    body: &Json,
    is_there: impl Fn(&Json) -> bool,
) -> Option<Arc<Json>> {
    let rights = &cluster.rights;
    let key = format!("{kind} {body}");
    let known = || {
        let mut told = rights.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|_, (at, _)| at.elapsed() < THERE);
        let (at, answer) = told.get(&key)?;
        (at.elapsed() < MISSING || is_there(answer)).then(|| answer.clone())
    };
    if let Some(answer) = known() {
        return Some(answer);
    }
    let _asking = rights.asking.lock().await;
    if let Some(answer) = known() {
        return Some(answer);
    }
    let mut answer = cluster.review(&format!("{REVIEWS}/{kind}"), body).await?;
    let answer = Arc::new(answer["status"].take());
    let mut told = rights.told.lock().unwrap_or_else(PoisonError::into_inner);
    told.insert(key.clone(), (Instant::now(), answer.clone()));
    Some(answer)
}
