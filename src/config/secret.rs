//! Where a secret lives. The secret itself never stands in the settings file; an environment
//! variable that gives one is itself the place.

use super::describe::{object, text};
use super::element::Reading;
use super::variables;
use crate::model::SecretSource;
use crate::yaml::Node;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Reads `{ env: NAME }` or `{ file: PATH }`.
pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> Option<SecretSource> {
    let node = node?;
    if let Some(text) = Reading::scalar(node) {
        if let Some(variable) = variables::of(&node.place) {
            return Some(SecretSource::Env(variable.to_owned()));
        }
        reading.in_the_clear.push(text.to_owned());
        let error = node.place.error(
            "secret-in-settings",
            "a secret does not stand in the settings",
        );
        reading
            .reader
            .report(error.with_hint("Say where it lives: { env: NAME } or { file: /path/to/it }."));
        return None;
    }
    let place = node.place.clone();
    reading.element(Some(node), |reading, fields| {
        let (env, file) = (fields.get("env"), fields.get("file"));
        // A variable wins over the file, though it names the other way.
        let given = |node: Option<&Node>| node.is_some_and(|n| variables::of(&n.place).is_some());
        let (env, file) = match (given(env), given(file)) {
            (true, false) => (env, None),
            (false, true) => (None, file),
            _ => (env, file),
        };
        let (env, file) = (reading.text(env), reading.path(file));
        match (env, file) {
            (Some(env), None) => Some(SecretSource::Env(env)),
            (None, Some(file)) => Some(SecretSource::File(file.to_string_lossy().into_owned())),
            (None, None) => {
                let error = place.error("missing-key", "`env` or `file` is missing here");
                reading.reader.report(error);
                None
            }
            (Some(_), Some(_)) => {
                let error = place.error("conflict", "`env` and `file` stand here at once");
                reading
                    .reader
                    .report(error.with_hint("Leave one of them out."));
                None
            }
        }
    })
}

/// Returns the file a secret lives in.
pub(super) fn path(source: &SecretSource) -> Option<PathBuf> {
    match source {
        SecretSource::File(path) => Some(Path::new(path).to_owned()),
        SecretSource::Env(_) | SecretSource::Sops { .. } | SecretSource::Kubernetes(_) => None,
    }
}

/// Describes it.
pub(super) fn schema(about: &str) -> Value {
    let mut schema = object(
        about,
        &[],
        vec![
            (
                "env",
                text("The environment variable it is in", "GITHUB_TOKEN"),
            ),
            (
                "file",
                text(
                    "The file it is in; one newline at the end is not part of it",
                    "/run/secrets/github",
                ),
            ),
        ],
    );
    schema["minProperties"] = 1.into();
    schema["maxProperties"] = 1.into();
    schema
}
