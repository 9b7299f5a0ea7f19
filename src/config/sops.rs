//! How secrets are opened that SOPS encrypted in repositories.

use super::describe::{object, text_or};
use super::element::Reading;
use super::secret;
use crate::model::SecretSource;
use crate::yaml::Node;
use serde_json::Value;
use std::path::PathBuf;

/// How files of SOPS are opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sops {
    /// The program: a name on the PATH, or an absolute path.
    pub program: String,
    /// The age key; without one nothing is opened.
    pub age_key: Option<SecretSource>,
}

impl Default for Sops {
    fn default() -> Self {
        Self {
            program: "sops".to_owned(),
            age_key: None,
        }
    }
}

impl Sops {
    /// Returns the file the key is in.
    pub(super) fn path(&self) -> Option<PathBuf> {
        self.age_key.as_ref().and_then(secret::path)
    }
}

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> Sops {
    reading.element(node, |reading, fields| {
        let program = reading.text(fields.get("program"));
        Sops {
            program: program.unwrap_or_else(|| Sops::default().program),
            age_key: secret::read(reading, fields.get("ageKey")),
        }
    })
}

pub(super) fn schema() -> Value {
    object(
        "How secrets are opened that SOPS encrypted in repositories",
        &[],
        vec![
            (
                "program",
                text_or("The program, by name or by path", "sops"),
            ),
            (
                "ageKey",
                secret::schema("The daemon's own age key: encrypt files for it, too"),
            ),
        ],
    )
}
