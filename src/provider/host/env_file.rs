//! `host/env-file`: a file of environment variables, quoted for shells, systemd and Compose alike.
//! The whole file is declared: a variable added by hand is a difference.

use super::env_text::{self, is_key};
use super::error::HostError;
use super::known::{Known, Whose};
use super::original;
use super::placed::{DefaultMode, Form};
use super::root::Found;
use crate::model::{Kind, Map, PathPattern, Value};
use serde_json::json;
use std::collections::BTreeMap;

/// What the file may be used for where nothing is said: by its owner alone, it is made for secrets.
const MODE: u32 = 0o600;

/// Stands for a variable that is not there; no variable can hold it.
const ABSENT: &str = "\0";

/// The kind's row.
pub(super) fn row() -> Kind {
    Kind {
        identity: vec![PathPattern::known("/path")],
        file: Some(PathPattern::known("/path")),
        outputs: vec![super::path_output()],
        originals: Some(original::KEPT),
        schema: Some(json!({
            "type": "object",
            "additionalProperties": false,
            "required": ["path", "values"],
            "properties": {
                "path": super::path_schema(),
                "values": {
                    "type": "object",
                    "description": "The variables, all there are to be. Secrets are fine: the file's mode is 0600 and no output shows them.",
                    "propertyNames": {
                        "pattern": "^[A-Za-z_][A-Za-z0-9_]*$",
                        "description": "A variable is named by letters, digits and underscores, a digit never first."
                    },
                    "additionalProperties": { "type": ["string", "number", "boolean", "null"] }
                },
                "mode": super::mode_schema("0600"),
                "owner": super::account_schema("user"),
                "group": super::account_schema("group"),
            }
        })),
        ..Kind::plain(
            "host/env-file",
            "A file of environment variables on a host, quoted for shells, systemd and Compose.",
        )
    }
}

/// `KEY=value` lines.
pub(super) struct Variables;

impl Form for Variables {
    fn bytes(&self, desired: &Map) -> Result<Vec<u8>, HostError> {
        let wrong = |reason: String| HostError::Spec {
            what: "the environment file".to_owned(),
            field: "values",
            reason,
        };
        let values = texts(desired);
        if let Some((key, _)) = values.iter().find(|(key, _)| !is_key(key)) {
            return Err(wrong(format!("{key:?} cannot name a variable")));
        }
        if let Some((key, _)) = values.iter().find(|(_, value)| value.contains('\0')) {
            return Err(wrong(format!("the value of {key} holds a NUL")));
        }
        let pairs = values
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()));
        Ok(env_text::written(pairs).into_bytes())
    }

    fn means(&self, live: &[u8], desired: &Map) -> bool {
        let found = std::str::from_utf8(live).map(env_text::read);
        found.is_ok_and(|found| {
            let wanted: BTreeMap<String, String> = texts(desired).into_iter().collect();
            found.strange.is_empty() && found.values == wanted
        })
    }

    fn read(&self, found: &Found, known: &Known<'_>, into: &mut Map) {
        let text = found
            .bytes
            .as_ref()
            .map(|bytes| String::from_utf8_lossy(bytes));
        let live = env_text::read(text.as_deref().unwrap_or_default());
        let empty = Map::new();
        let desired = known.desired.and_then(values).unwrap_or(&empty);
        // Declared ones first and in their order, so that order never counts as a difference. What is private
        // does not tell either which of them it holds.
        let is_private = known.whose.is_private();
        let order = desired
            .keys()
            .filter(|key| is_private || live.values.contains_key(*key));
        let mut added: Vec<_> = live.values.keys().collect();
        added.retain(|key| !desired.contains_key(key));
        let mut strange = live.strange;
        // Names may tell as much as values: of another's file that is no environment file, say.
        let others = added.len() + strange.len();
        let ours = known.whose == Whose::Ours;
        if !ours {
            added.clear();
            strange.clear();
        }
        let mut fields: Map = order
            .chain(added)
            .map(|key| {
                let text = live.values.get(key).map_or(ABSENT, String::as_str);
                (key.clone(), shown(key, text, desired.get(key), known))
            })
            .collect();
        for line in strange {
            let note = Value::from("no variable").sealed();
            fields.insert(format!("line {line}"), note);
        }
        if !ours && others > 0 {
            let note = Value::from("not ours").sealed();
            fields.insert(format!("({others} others)"), note);
        }
        if text.is_none() {
            let note = Value::from(format!("{} bytes", found.size));
            fields.insert("(too large to read)".to_owned(), note);
        }
        into.insert("values".to_owned(), Value::Map(fields));
    }

    fn default_mode(&self, _desired: &Map) -> DefaultMode {
        DefaultMode {
            mode: MODE,
            binding: true,
        }
    }

    fn after(&self, desired: &Map) -> Map {
        let mut after = desired.clone();
        if let Some(Value::Map(fields)) = after.get_mut("values") {
            fields.retain(|_, value| *value != Value::Null);
        }
        after
    }
}

/// Shows one live variable: as declared where it is equal, plain only where nothing says or hints
/// that it may be a secret.
fn shown(key: &str, text: &str, declared: Option<&Value>, known: &Known<'_>) -> Value {
    if let Some(declared) = declared.filter(|value| plain_text(value).as_deref() == Some(text)) {
        let declared = declared.clone();
        // That it is equal is the answer to a guess.
        return match known.whose.is_private() {
            true => declared.sealed(),
            false => declared,
        };
    }
    // Without a declaration nothing says what form it has: a number is no text.
    let is_open = declared.is_some() && known.is_open(key);
    let sealed = match declared {
        _ if known.whose.is_private() => true,
        Some(Value::Secret(_)) => true,
        Some(Value::Hole(hole)) if hole.sensitive => true,
        _ => known
            .applied_at(&["values", key])
            .map_or(known.whose == Whose::Ours && !is_open, |last| {
                last.get("$secret").is_some()
            }),
    };
    match known.whose {
        _ if sealed => Value::from(text).sealed(),
        Whose::Ours => Value::from(text),
        // Such files are made for secrets: what nobody answers for is not shown, whoever may read it.
        _ => original::note("(not shown)".to_owned(), declared),
    }
}

fn values(desired: &Map) -> Option<&Map> {
    desired.get("values").and_then(Value::as_map)
}

/// Returns the declared variables with their texts, in order.
fn texts(desired: &Map) -> Vec<(String, String)> {
    let declared = values(desired).into_iter().flatten();
    declared
        .filter_map(|(key, value)| Some((key.clone(), plain_text(value)?)))
        .collect()
}

/// Returns a scalar as the text that is written; `None` for null and for what is no scalar.
fn plain_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Secret(secret) => Some(secret.expose().to_owned()),
        Value::Bool(_) | Value::Number(_) => Some(value.masked_json().to_string()),
        Value::Null | Value::Hole(_) | Value::List(_) | Value::Map(_) => None,
    }
}
