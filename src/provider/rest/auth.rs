//! How a request says who asks.

use super::failure::Failure;
use crate::model::{Connection, Secret, Value};
use crate::net::Request;
use schemars::JsonSchema;
use serde::Deserialize;

/// How a request says who asks.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Auth {
    /// `Authorization: Bearer …`, the token from this setting of the connection.
    Bearer {
        /// The connection's setting.
        setting: String,
    },
}

impl Auth {
    /// Returns the credential of a connection.
    pub(super) fn credential(&self, connection: &Connection) -> Result<Secret, Failure> {
        let Self::Bearer { setting } = self;
        match connection.settings.get(setting) {
            Some(Value::Secret(secret)) if !secret.expose().trim().is_empty() => Ok(secret.clone()),
            Some(Value::String(text)) if !text.trim().is_empty() => Ok(Secret::new(text.clone())),
            _ => Err(Failure::no_credential(connection, setting)),
        }
    }

    /// Returns the JSON Schema of a connection's settings.
    pub(super) fn settings_schema(&self, title: &str) -> serde_json::Value {
        let Self::Bearer { setting } = self;
        let token = serde_json::json!({
            "type": "string",
            "minLength": 1,
            "x-secret": true,
            "description": format!("The token that {title} knows the account by. Read it from secrets."),
            "examples": ["${secrets.token}"],
        });
        serde_json::json!({
            "type": "object",
            "additionalProperties": false,
            "required": [setting],
            "properties": { setting.as_str(): token },
        })
    }

    pub(super) fn sign(&self, request: Request, credential: &Secret) -> Request {
        let Self::Bearer { .. } = self;
        request.bearer(credential)
    }
}
