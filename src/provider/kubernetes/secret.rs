//! Reads values of Secrets that a spec names. Asks for each Secret by its name, so that an account needs
//! no more than the right to get it; with the right to watch it, a new value is heard of at once.

use super::Kubernetes;
use super::cluster::Cluster;
use super::error::Failure;
use crate::model::{Class, ClusterSecret, Connection, EnvironmentName, Secret, Unknown};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::future::join_all;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};

/// The code of a Secret that is not there.
const MISSING: &str = "secret-missing";

/// The most keys of a Secret that are named where the one that is asked for is not there.
const MOST_KEYS: usize = 10;

/// Which Secret: its namespace and its name.
type Place<'a> = (&'a str, &'a str);

impl Kubernetes {
    /// Reads values of Secrets for an environment through one connection, each Secret once. Answers in the
    /// order of the questions. When one changes later, the environment is nudged.
    pub async fn secrets(
        &self,
        environment: &EnvironmentName,
        connection: &Connection,
        asked: &[&ClusterSecret],
    ) -> Vec<Result<Secret, Unknown>> {
        let cluster = match self.look_up(connection).await {
            Ok(cluster) => cluster,
            Err(failure) => {
                let unread = unread(failure);
                return asked.iter().map(|_| Err(unread.clone())).collect();
            }
        };
        let place = |one: &&'_ ClusterSecret| -> (String, String) {
            let namespace = one.namespace.as_ref().unwrap_or(&cluster.namespace);
            (namespace.clone(), one.name.clone())
        };
        let places: BTreeSet<(String, String)> = asked.iter().map(place).collect();
        let reads = places.into_iter().map(|(namespace, name)| {
            let cluster = &cluster;
            async move {
                let place = (namespace.as_str(), name.as_str());
                let found = fetch(cluster, place).await;
                match &found {
                    Ok(object) => cluster.secrets.read(place, environment, Some(object)),
                    Err(unread) if unread.code == MISSING => {
                        cluster.secrets.read(place, environment, None);
                    }
                    Err(_) => {}
                }
                ((namespace, name), found)
            }
        });
        let found: BTreeMap<_, _> = join_all(reads).await.into_iter().collect();
        let one = |one: &&ClusterSecret| {
            let (namespace, name) = place(one);
            match &found[&(namespace.clone(), name.clone())] {
                Ok(object) => value(object, (&namespace, &name), &one.key),
                Err(unread) => Err(unread.clone()),
            }
        };
        asked.iter().map(one).collect()
    }
}

async fn fetch(cluster: &Cluster, (namespace, name): Place<'_>) -> Result<Json, Unknown> {
    let path = format!("/api/v1/namespaces/{namespace}/secrets/{name}");
    match cluster.read(&path).await {
        Ok(object) => Ok(object),
        Err(failure) if failure.is_not_found() => Err(user(
            MISSING,
            format!("the cluster has no Secret {namespace}/{name}"),
        )),
        Err(failure) => Err(unread(failure)),
    }
}

fn value(object: &Json, (namespace, name): Place<'_>, key: &str) -> Result<Secret, Unknown> {
    let data = object["data"].as_object();
    let Some(text) = data.and_then(|data| data.get(key)?.as_str()) else {
        let keys: Vec<&str> = data
            .into_iter()
            .flat_map(|data| data.keys().map(String::as_str))
            .take(MOST_KEYS)
            .collect();
        let has = match keys.as_slice() {
            [] => "it is empty".to_owned(),
            keys => format!("it has {}", keys.join(", ")),
        };
        let reason = format!("the Secret {namespace}/{name} has no key {key}; {has}");
        return Err(user("key-missing", reason));
    };
    let why = match STANDARD.decode(text).map(String::from_utf8) {
        Ok(Ok(text)) if !text.is_empty() => return Ok(Secret::new(text)),
        Ok(Ok(_)) => "is empty",
        Ok(Err(_)) => "is not UTF-8 text",
        Err(_) => "is not base64",
    };
    let reason = format!("{key} of the Secret {namespace}/{name} {why}");
    Err(user("secret-unusable", reason))
}

fn user(code: &'static str, reason: String) -> Unknown {
    Unknown {
        reason,
        code,
        class: Class::User,
    }
}

pub(super) fn unread(failure: Failure) -> Unknown {
    Unknown {
        reason: failure.said(),
        code: failure.code,
        class: failure.class,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_value_is_taken_whole_and_what_is_no_text_is_told_without_it() {
        let object = json!({ "data": {
            "text": STANDARD.encode("a b\n"), "bytes": STANDARD.encode(b"canary\xff"), "none": "",
            "raw": "canary!",
        } });
        let read = |key: &str| match value(&object, ("shop", "db"), key) {
            Ok(secret) => secret.expose().to_owned(),
            Err(unread) => format!("{}: {}", unread.code, unread.reason),
        };
        assert_eq!(read("text"), "a b\n");
        insta::assert_snapshot!(["bytes", "none", "raw", "gone"].map(read).join("\n"), @r"
        secret-unusable: bytes of the Secret shop/db is not UTF-8 text
        secret-unusable: none of the Secret shop/db is empty
        secret-unusable: raw of the Secret shop/db is not base64
        key-missing: the Secret shop/db has no key gone; it has text, bytes, none, raw
        ");
        let empty = value(&json!({}), ("shop", "db"), "a").unwrap_err();
        assert_eq!(empty.reason, "the Secret shop/db has no key a; it is empty");
    }
}
