//! What is known of a container that ended: its last words, and the memory it used.
//!
//! Last words are somebody's log, and may hold what the pod was given in secret: they are passed on only
//! where everything it was given could be read, and taken out of them.

use crate::model::secret::MASK;
use crate::provider::kubernetes::cluster::Cluster;
use crate::provider::kubernetes::discovery::Served;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// How many lines, and of each how many characters, are passed on.
const LINES: usize = 4;
const LONGEST: usize = 200;
/// As many bytes of a log are read at most.
const BYTES: usize = 16 * 1024;
/// A pod that is given more secrets than this has no words passed on.
const MOST_SECRETS: usize = 10;
/// Shorter secrets are not looked for: they would match by accident.
const SHORTEST: usize = 4;

/// Returns the last lines a container wrote, on one line. `None` where there are none, or nobody may
/// read them.
pub(super) async fn last(
    cluster: &Cluster,
    pod: &Json,
    container: &str,
    previous: bool,
) -> Option<String> {
    let (namespace, name) = place(pod)?;
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods/{name}/log?container={container}&previous={previous}&tailLines=20&limitBytes={BYTES}"
    );
    let log = cluster.text(&path, BYTES).await?;
    let secrets = secrets(cluster, pod, namespace).await?;
    let said = shown(&log, &secrets);
    (!said.is_empty()).then_some(said)
}

/// Returns the memory a container used when it was measured last, as the cluster's metrics say it.
pub(super) async fn memory(cluster: &Cluster, pod: &Json, container: &str) -> Option<String> {
    let (namespace, name) = place(pod)?;
    let path = format!("/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods/{name}");
    let measured = cluster.read(&path).await.ok()?;
    let mut all = measured["containers"].as_array()?.iter();
    let one = all.find(|one| one["name"] == container)?;
    one["usage"]["memory"].as_str().map(str::to_owned)
}

fn place(pod: &Json) -> Option<(&str, &str)> {
    let metadata = &pod["metadata"];
    Some((metadata["namespace"].as_str()?, metadata["name"].as_str()?))
}

/// Returns what a pod was given in secret; `None` where not all of it can be told.
async fn secrets(cluster: &Cluster, pod: &Json, namespace: &str) -> Option<Vec<Zeroizing<String>>> {
    let mut names = BTreeSet::new();
    named(&pod["spec"], &mut names);
    if names.len() > MOST_SECRETS {
        return None;
    }
    let served = Served {
        group: String::new(),
        version: "v1".to_owned(),
        kind: "Secret".to_owned(),
        plural: "secrets".to_owned(),
        namespaced: true,
    };
    let mut texts = Vec::new();
    for name in names {
        let Some(secret) = cluster.get(&served, namespace, name).await.ok()? else {
            continue;
        };
        for (_, value) in secret["data"].as_object().into_iter().flatten() {
            learn(value.as_str().unwrap_or_default(), &mut texts);
        }
    }
    // A text that holds another is masked whole.
    texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
    Some(texts)
}

/// Finds the Secrets that a pod's spec names: variables, volumes, projections.
fn named<'p>(spec: &'p Json, names: &mut BTreeSet<&'p str>) {
    match spec {
        Json::Object(fields) => {
            for (key, field) in fields {
                let name = match key.as_str() {
                    "secretKeyRef" | "secretRef" => field["name"].as_str(),
                    "secret" => field["secretName"].as_str().or(field["name"].as_str()),
                    _ => None,
                };
                names.extend(name);
                named(field, names);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| named(item, names)),
        _ => {}
    }
}

/// Remembers a value as it stands, decoded, and each line of that: a log is read by lines.
fn learn(encoded: &str, texts: &mut Vec<Zeroizing<String>>) {
    let decoded = STANDARD.decode(encoded).map(Zeroizing::new);
    let decoded = decoded.ok().and_then(|bytes| {
        let text = std::str::from_utf8(&bytes).ok()?;
        Some(Zeroizing::new(text.to_owned()))
    });
    let lines = decoded.as_deref().map_or("", String::as_str).lines();
    for text in lines.chain([encoded]).map(str::trim) {
        if text.len() >= SHORTEST {
            texts.push(Zeroizing::new(text.to_owned()));
        }
    }
}

fn shown(log: &str, secrets: &[Zeroizing<String>]) -> String {
    let mut lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    // Where the log was cut, its last line may end in half a secret.
    if log.len() >= BYTES {
        lines.pop();
    }
    let last = &lines[lines.len().saturating_sub(LINES)..];
    let line = |line: &&str| {
        let clean = secrets.iter().fold((*line).to_owned(), |line, secret| {
            line.replace(secret.as_str(), MASK)
        });
        let flat = clean.split_whitespace().map(without_password);
        let flat = flat.collect::<Vec<_>>().join(" ");
        let printed = flat.chars().filter(|one| !one.is_control());
        printed.take(LONGEST).collect::<String>()
    };
    last.iter().map(line).collect::<Vec<_>>().join(" | ")
}

/// Masks the credentials in an address, whoever made them up.
fn without_password(word: &str) -> String {
    let masked = word.split_once("://").and_then(|(scheme, rest)| {
        let (user, host) = rest.rsplit_once('@')?;
        user.contains(':')
            .then(|| format!("{scheme}://{MASK}@{host}"))
    });
    masked.unwrap_or_else(|| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pod_s_secrets_are_found_wherever_it_is_given_them() {
        let spec = json!({
            "containers": [{ "env": [{ "valueFrom": { "secretKeyRef": { "name": "a", "key": "x" } } }],
                "envFrom": [{ "secretRef": { "name": "b" } }] }],
            "volumes": [{ "secret": { "secretName": "c" } }, { "projected": { "sources": [{ "secret": { "name": "d" } }] } }],
        });
        let mut names = BTreeSet::new();
        named(&spec, &mut names);
        assert_eq!(names.into_iter().collect::<String>(), "abcd");
    }

    #[test]
    fn last_words_are_few_short_and_without_secrets() {
        let mut secrets = Vec::new();
        learn(&STANDARD.encode("canary-one\ncanary-two"), &mut secrets);
        let encoded = STANDARD.encode("canary-one\ncanary-two");
        let log = format!(
            "early\n\nfrom canary-one\nand canary-two\n\u{1b}[31mit is {encoded}\ncannot reach postgres://shop:canary@db/shop\n"
        );
        assert_eq!(
            shown(&log, &secrets),
            "from (sensitive) | and (sensitive) | [31mit is (sensitive) | cannot reach postgres://(sensitive)@db/shop"
        );
        assert!(shown(&"x ".repeat(BYTES), &[]).is_empty());
        assert_eq!(shown(&"y".repeat(500), &[]).len(), LONGEST);
    }
}
