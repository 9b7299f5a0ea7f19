//! What is known of a container that ended: its last words, and the memory it used.
//!
//! Last words are somebody's log, and may hold what the pod was given in secret: they are passed on only
//! where everything it was given could be read, and taken out of them.

use super::explain::Asking;
use crate::model::secret::MASK;
use crate::provider::kubernetes::cluster::Cluster;
use crate::provider::kubernetes::discovery::Served;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde_json::Value as Json;
use std::collections::BTreeSet;
use zeroize::Zeroizing;

/// How many lines, and of each how many characters, are passed on.
const LINES: usize = 4;
const LONGEST: usize = 200;
/// What tells that it was cut; whoever knows more secrets takes out what is left of one before it.
const CUT: &str = "…";
/// As many bytes of a log are read at most.
const BYTES: usize = 16 * 1024;
/// A pod that is given more secrets than this has no words passed on.
const MOST_SECRETS: usize = 10;
/// Shorter secrets are not looked for: they would match by accident.
const SHORTEST: usize = 4;
/// The same for what stands inside of a secret: a file of settings holds many a short word.
const SHORTEST_PART: usize = 6;
/// Where there is more to look for than this, no words are passed on.
const MOST_TEXTS: usize = 10_000;

/// Returns the last lines a container wrote, on one line. `None` where there are none, or nobody may
/// read them.
pub(super) async fn last(
    (cluster, sealer): Asking<'_>,
    pod: &Json,
    container: &str,
    previous: bool,
) -> Option<String> {
    let (namespace, name) = place(pod)?;
    let path = format!(
        "/api/v1/namespaces/{namespace}/pods/{name}/log?container={container}&previous={previous}&tailLines=20&limitBytes={BYTES}"
    );
    let log = cluster.text(&path, BYTES).await?;
    let given = secrets(cluster, pod, namespace).await?;
    let all = given.into_iter().chain(sealer.spoken()).collect();
    let said = shown(&log, &in_order(all)?);
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
    if may_be_given_more(pod) {
        return None;
    }
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
        // One that is gone may have been there when the pod started.
        let secret = cluster.get(&served, namespace, name).await.ok()??;
        if !is_older(&secret, pod) {
            return None;
        }
        for (_, value) in secret["data"].as_object().into_iter().flatten() {
            learn(value.as_str().unwrap_or_default(), &mut texts);
        }
    }
    Some(texts)
}

/// Volumes that hold nothing secret, or what a Secret holds that is named in the pod.
const KNOWN_VOLUMES: [&str; 6] = [
    "configMap",
    "downwardAPI",
    "emptyDir",
    "persistentVolumeClaim",
    "projected",
    "secret",
];
/// What makes an injector put secrets into a pod, by the beginning of the annotation.
///
/// Source: the documentation of Vault's agent injector, of bank-vaults' webhook and of 1Password's operator.
const INJECTORS: [&str; 4] = [
    "vault.hashicorp.com/",
    "vault.security.banzaicloud.io/",
    "vault.banzaicloud.io/",
    "operator.1password.io/",
];

/// Tells whether a pod may be given secrets that no Secret of the cluster holds: by a driver of a secret
/// store, or by whoever injects them.
fn may_be_given_more(pod: &Json) -> bool {
    let volumes = pod["spec"]["volumes"].as_array().into_iter().flatten();
    let is_unknown = |volume: &Json| {
        let mut keys = volume.as_object().into_iter().flatten().map(|(key, _)| key);
        keys.any(|key| key != "name" && !KNOWN_VOLUMES.contains(&key.as_str()))
    };
    let annotations = pod["metadata"]["annotations"].as_object();
    let mut keys = annotations.into_iter().flatten().map(|(key, _)| key);
    volumes.into_iter().any(is_unknown)
        || keys.any(|key| INJECTORS.iter().any(|injector| key.starts_with(injector)))
}

/// Returns the texts as they are looked for; `None` where they are too many.
pub(super) fn in_order(mut texts: Vec<Zeroizing<String>>) -> Option<Vec<Zeroizing<String>>> {
    // A text that holds another is masked whole.
    texts.sort_by(|one, other| (other.len(), other.as_str()).cmp(&(one.len(), one.as_str())));
    texts.dedup();
    (texts.len() <= MOST_TEXTS).then_some(texts)
}

/// Tells whether nobody wrote a Secret after a pod was made: that pod may have been given another value,
/// which nobody can read any more. False where the server does not say it.
///
/// Source: a `managedFields` entry's time moves when its manager changes a value that it owns.
fn is_older(secret: &Json, pod: &Json) -> bool {
    let at = |time: &Json| time.as_str()?.parse::<Timestamp>().ok();
    let Some(made) = at(&pod["metadata"]["creationTimestamp"]) else {
        return false;
    };
    let metadata = &secret["metadata"];
    let Some(entries) = metadata["managedFields"].as_array() else {
        return false;
    };
    let mut writes = entries.iter().map(|entry| &entry["time"]);
    !entries.is_empty()
        && at(&metadata["creationTimestamp"]).is_some_and(|written| written <= made)
        && writes.all(|time| at(time).is_some_and(|written| written <= made))
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

/// Remembers a value as it stands, decoded, each line of that, as a log is read by lines, and what stands
/// inside of it: the values of a file of settings, the strings of a JSON document.
fn learn(encoded: &str, texts: &mut Vec<Zeroizing<String>>) {
    keep(encoded, SHORTEST, texts);
    let decoded = STANDARD.decode(encoded).map(Zeroizing::new);
    let bytes = decoded.unwrap_or_default();
    let text = std::str::from_utf8(&bytes).unwrap_or_default();
    text.lines().for_each(|line| keep(line, SHORTEST, texts));
    parts(text, texts);
    if let Ok(document) = serde_json::from_str(text) {
        leaves(&document, texts);
    }
}

/// Remembers what follows a `=` or `:` on a line, all of it and up to where a next value may begin.
fn parts(text: &str, texts: &mut Vec<Zeroizing<String>>) {
    for line in text.lines() {
        for sign in ['=', ':'] {
            let value = line.split_once(sign).map_or("", |(_, value)| value);
            keep(value, SHORTEST_PART, texts);
        }
        let pieces = line.split(['=', ':', '@', ';', '&', ',']).skip(1);
        pieces.for_each(|piece| keep(piece, SHORTEST_PART, texts));
    }
}

fn leaves(document: &Json, texts: &mut Vec<Zeroizing<String>>) {
    match document {
        Json::Object(fields) => fields.values().for_each(|field| leaves(field, texts)),
        Json::Array(items) => items.iter().for_each(|item| leaves(item, texts)),
        Json::String(text) => {
            text.lines()
                .for_each(|line| keep(line, SHORTEST_PART, texts));
            parts(text, texts);
        }
        _ => {}
    }
}

/// Remembers a text without the space around it and, where it stands in quotes, without those.
fn keep(text: &str, shortest: usize, texts: &mut Vec<Zeroizing<String>>) {
    let text = text.trim();
    let bare = text.trim_matches(|one: char| one.is_whitespace() || "\"'`,;{}[]".contains(one));
    for (text, shortest) in [(text, shortest), (bare, SHORTEST_PART)] {
        if text.len() >= shortest {
            texts.push(Zeroizing::new(text.to_owned()));
        }
    }
}

/// Returns the end of a log without these texts.
pub(super) fn shown(log: &str, secrets: &[Zeroizing<String>]) -> String {
    let mut lines: Vec<&str> = log.lines().filter(|line| !line.trim().is_empty()).collect();
    // Where the log was cut, its last line may end in half a secret.
    if log.len() >= BYTES {
        lines.pop();
    }
    let last = &lines[lines.len().saturating_sub(LINES)..];
    let clean = |text: String| {
        let found = secrets.iter();
        found.fold(text, |text, secret| text.replace(secret.as_str(), MASK))
    };
    let line = |line: &&str| {
        let words = clean((*line).to_owned());
        let words: Vec<&str> = words.split_whitespace().collect();
        // What is told with more or less space in it.
        let flat = clean(words.join(" "));
        let flat = flat.split(' ').map(without_password);
        let flat = flat.collect::<Vec<_>>().join(" ");
        let printed: String = flat.chars().filter(|one| !one.is_control()).collect();
        if printed.chars().count() <= LONGEST {
            return printed;
        }
        let short = printed.chars().take(LONGEST - CUT.len());
        short.chain(CUT.chars()).collect()
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
    fn a_pod_that_is_given_secrets_by_others_is_not_quoted() {
        let pod = |volume: Json| json!({ "spec": { "volumes": [{ "name": "a", "emptyDir": {} }, volume] } });
        let known =
            json!({ "name": "b", "projected": { "sources": [{ "secret": { "name": "x" } }] } });
        assert!(!may_be_given_more(&pod(known)));
        assert!(!may_be_given_more(&json!({})));
        let store = json!({ "name": "b", "csi": { "driver": "secrets-store.csi.k8s.io" } });
        assert!(may_be_given_more(&pod(store)));
        let injected = json!({ "metadata": { "annotations": { "vault.hashicorp.com/agent-inject": "true" } } });
        assert!(may_be_given_more(&injected));
    }

    fn learned(value: &str) -> Vec<Zeroizing<String>> {
        let mut texts = Vec::new();
        learn(&STANDARD.encode(value), &mut texts);
        in_order(texts).unwrap()
    }

    #[test]
    fn a_secret_written_after_the_pod_was_made_is_not_the_one_it_was_given() {
        let pod = json!({ "metadata": { "creationTimestamp": "2026-01-02T00:00:00Z" } });
        let secret = |made: &str, written: &str| {
            json!({ "metadata": { "creationTimestamp": made, "managedFields": [
                { "manager": "a", "time": made }, { "manager": "b", "time": written }] } })
        };
        let (before, same, after) = (
            "2026-01-01T00:00:00Z",
            "2026-01-02T00:00:00Z",
            "2026-01-02T00:00:01Z",
        );
        assert!(is_older(&secret(before, before), &pod));
        assert!(is_older(&secret(before, same), &pod));
        assert!(!is_older(&secret(before, after), &pod), "changed");
        assert!(!is_older(&secret(after, after), &pod), "made anew");
        assert!(!is_older(&secret(before, "?"), &pod));
        assert!(!is_older(&secret(before, before), &json!({})));
        let unsaid = json!({ "metadata": { "creationTimestamp": before } });
        assert!(!is_older(&unsaid, &pod), "nobody says who wrote it");
    }

    #[test]
    fn what_stands_inside_of_a_secret_is_masked_by_itself() {
        let env = "# settings\nexport PASSWORD=\"hunter22\"\nURL=postgres://shop:canary-url@db/shop\nMODE=on\n";
        assert_eq!(
            shown("mode on: hunter22 and canary-url failed", &learned(env)),
            "mode on: (sensitive) and (sensitive) failed"
        );
        let yaml = "db:\n  password: 'canary:two'\n";
        assert_eq!(shown("bad canary:two", &learned(yaml)), "bad (sensitive)");
        let document =
            r#"{ "a": [{ "key": "first-line\nsecond\"line" }], "on": true, "few": "abc" }"#;
        assert_eq!(
            shown("abc first-line second\"line true", &learned(document)),
            "abc (sensitive) (sensitive) true"
        );
        let many: String = (0..=MOST_TEXTS)
            .map(|nth| format!("line-{nth}\n"))
            .collect();
        let mut texts = Vec::new();
        learn(&STANDARD.encode(many), &mut texts);
        assert!(in_order(texts).is_none());
    }

    #[test]
    fn last_words_are_few_short_and_without_secrets() {
        let secrets = learned("canary-one\ncanary-two");
        let encoded = STANDARD.encode("canary-one\ncanary-two");
        let log = format!(
            "early\n\nfrom canary-one\nand canary-two\n\u{1b}[31mit is {encoded}\ncannot reach postgres://shop:canary@db/shop\n"
        );
        assert_eq!(
            shown(&log, &secrets),
            "from (sensitive) | and (sensitive) | [31mit is (sensitive) | cannot reach postgres://(sensitive)@db/shop"
        );
        assert!(shown(&"x ".repeat(BYTES), &[]).is_empty());
        let cut = shown(&"y".repeat(500), &[]);
        assert_eq!(cut.len(), LONGEST);
        assert!(cut.ends_with("y…"), "{cut}");
    }
}
