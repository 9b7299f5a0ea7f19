//! What the account may do that no dry-run tells: deleting. Asked by the rules it has in a namespace, one
//! request for all that is to go there; what they do not show is asked by itself. Never on a quiet pass.

use super::cluster::Cluster;
use super::target::Target;
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
pub(super) struct Rights {
    told: Mutex<HashMap<String, (Instant, Arc<Json>)>>,
    /// One review at a time, so that a thousand objects of a namespace ask once.
    asking: tokio::sync::Mutex<()>,
}

/// Returns why the account may not delete an object; `None` where it may, or where nobody says.
pub(super) async fn lack_of_delete(cluster: &Cluster, target: &Target) -> Option<String> {
    let (served, reference) = (&target.served, &target.reference);
    if served.namespaced {
        let body = json!({ "spec": { "namespace": target.namespace() } });
        let is_there = |rules: &Json| allows(rules, target);
        let rules = review(cluster, "selfsubjectrulesreviews", &body, is_there).await?;
        if is_there(&rules) {
            return None;
        }
    }
    // By kind where the rules have told of names already.
    let mut place = json!({ "verb": "delete", "group": served.group, "resource": served.plural });
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
        format!("the connection's account lacks the verb delete on {what}{place}")
    })
}

/// Tells whether rules allow to delete it; of several with names of objects, any one.
fn allows(rules: &Json, target: &Target) -> bool {
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
            && has(rule, "verbs", "delete")
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
