//! How it is told that an object works.

use super::pointer::Pointer;
use crate::model::Health;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// How it is told that an object works.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Wait {
    /// It works as soon as it is there.
    Nothing,
    /// A field says so.
    Status {
        /// The field.
        field: Pointer,
        /// What it says when the object works; anything else is on the way there.
        ready: Vec<String>,
    },
}

impl Wait {
    pub(super) fn health(&self, object: &Json) -> Health {
        match self {
            Self::Nothing => Health::Ready,
            Self::Status { field, ready } => match field.of(object).and_then(Json::as_str) {
                Some(status) if ready.iter().any(|good| good == status) => Health::Ready,
                Some(status) => Health::Progressing(format!("its {} is {status}", field.field())),
                None => Health::Progressing(format!("it says no {} yet", field.field())),
            },
        }
    }

    /// Tells whether the field is the status, which moves by itself.
    pub(super) fn is_status(&self, name: &str) -> bool {
        matches!(self, Self::Status { field, .. } if field.field() == name)
    }
}
