//! `host/file`: a text file.

use super::error::HostError;
use super::known::Known;
use super::original::{self, note};
use super::placed::{DefaultMode, Form};
use super::root::Found;
use crate::model::{Kind, Map, PathPattern, Value};
use serde_json::json;

/// What a file may be used for where nothing is said: read by all.
const MODE: u32 = 0o644;
/// The same where its content holds a secret: by its owner alone.
const SECRET_MODE: u32 = 0o600;

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
            "required": ["path", "content"],
            "properties": {
                "path": super::path_schema(),
                "content": {
                    "type": "string",
                    "description": "The file's text, exactly as it is to be."
                },
                "mode": super::mode_schema("0644, and 0600 where the content holds a secret; of a file that was there before it stays as it is. The mode it was left with counts as declared then: another one is a difference"),
                "owner": super::account_schema("user"),
                "group": super::account_schema("group"),
            }
        })),
        ..Kind::plain("host/file", "A text file on a host.")
    }
}

/// The text as it stands in the declaration.
pub(super) struct Text;

impl Form for Text {
    fn bytes(&self, desired: &Map) -> Result<Vec<u8>, HostError> {
        let text = content(desired).ok_or_else(|| HostError::Spec {
            what: "the file".to_owned(),
            field: "content",
            reason: "it is missing, or no text".to_owned(),
        })?;
        Ok(text.into_bytes())
    }

    fn means(&self, live: &[u8], desired: &Map) -> bool {
        content(desired).is_some_and(|text| text.as_bytes() == live)
    }

    fn read(&self, found: &Found, known: &Known<'_>, into: &mut Map) {
        let declared = known.desired.and_then(|desired| desired.get("content"));
        let plain = known.desired.and_then(content);
        let is_equal = plain.is_some_and(|text| found.bytes.as_deref() == Some(text.as_bytes()));
        let text = found.bytes.as_ref().map(|bytes| std::str::from_utf8(bytes));
        let live = match (declared.filter(|_| is_equal), text) {
            (Some(declared), _) => declared.clone(),
            (None, Some(Ok(text))) => Value::from(text),
            (None, Some(Err(_))) => {
                note(format!("({} bytes that are no text)", found.size), declared)
            }
            (None, None) => note(
                format!("({} bytes, too many to show)", found.size),
                declared,
            ),
        };
        let last = known.applied_at(&["content"]);
        // Sealed also where it is equal: that is the answer to a guess.
        let secret = known.whose.is_private()
            || is_secret(declared)
            || match last {
                Some(last) => last.get("$secret").is_some(),
                None => known.sealed,
            };
        let live = if secret { live.sealed() } else { live };
        into.insert("content".to_owned(), live);
    }

    fn default_mode(&self, desired: &Map) -> DefaultMode {
        let secret = is_secret(desired.get("content"));
        DefaultMode {
            mode: if secret { SECRET_MODE } else { MODE },
            binding: secret,
        }
    }

    fn after(&self, desired: &Map) -> Map {
        desired.clone()
    }
}

fn content(desired: &Map) -> Option<String> {
    match desired.get("content")? {
        Value::Secret(secret) => Some(secret.expose().to_owned()),
        other => other.as_str().map(str::to_owned),
    }
}

fn is_secret(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Secret(_)) => true,
        Some(Value::Hole(hole)) => hole.sensitive,
        _ => false,
    }
}
