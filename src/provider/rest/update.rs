//! How changed fields are written.

use super::pointer::ApiPath;
use crate::model::Value;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map as JsonMap, Value as Json};

/// How changed fields are written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "style", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum UpdateStyle {
    /// One PUT of the whole object: what is declared over what is live, so that a field nobody
    /// declared stays as it is.
    Put {
        /// Where to.
        path: ApiPath,
    },
    /// A PUT of its own for these fields.
    SubCall {
        /// Where to.
        path: ApiPath,
        /// The fields it changes.
        fields: Vec<String>,
        /// Those of them that it wants every time, changed or not.
        #[serde(default)]
        always: Vec<String>,
    },
}

impl UpdateStyle {
    pub(super) fn path(&self) -> &ApiPath {
        match self {
            Self::Put { path } | Self::SubCall { path, .. } => path,
        }
    }

    /// Tells whether this is how the field is written.
    pub(super) fn writes(&self, field: &str) -> bool {
        match self {
            Self::Put { .. } => true,
            Self::SubCall { fields, .. } => fields.iter().any(|name| name == field),
        }
    }

    /// Returns the body for these changed fields; `None` where a hole is left.
    pub(super) fn body(
        &self,
        changed: &[&str],
        desired: &Value,
        live: &JsonMap<String, Json>,
    ) -> Option<Json> {
        let declared = desired.as_map()?;
        let mut body = match self {
            Self::Put { .. } => live.clone(),
            Self::SubCall { always, .. } => always
                .iter()
                .filter_map(|name| Some((name.clone(), live.get(name)?.clone())))
                .collect(),
        };
        for (name, value) in declared {
            let wanted = match self {
                Self::Put { .. } => live.contains_key(name) || changed.contains(&name.as_str()),
                Self::SubCall { fields, always, .. } => {
                    always.contains(name)
                        || (fields.contains(name) && changed.contains(&name.as_str()))
                }
            };
            if wanted {
                body.insert(name.clone(), value.exposed_json()?);
            }
        }
        Some(Json::Object(body))
    }
}
