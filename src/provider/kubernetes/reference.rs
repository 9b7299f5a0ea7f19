//! Which live object is meant: group, kind, namespace, name. The version is how it is spoken of, not
//! who it is.

use super::error::Failure;
use crate::model::{Identity, Value};
use std::fmt;

/// Which live object is meant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Reference {
    /// The API group; empty for the core group.
    pub(super) group: String,
    /// The kind, e.g. `Deployment`.
    pub(super) kind: String,
    /// The namespace as declared; empty where none is.
    pub(super) namespace: String,
    /// The name.
    pub(super) name: String,
}

impl Reference {
    /// Reads what [`crate::model::Kind::identity_of`] made of a declared object.
    pub(super) fn of(identity: &Identity) -> Result<Self, Failure> {
        let part = |pointer: &str| identity.get(pointer).unwrap_or_default().to_owned();
        let reference = Self {
            group: part("/apiVersion"),
            kind: part("/kind"),
            namespace: part("/metadata/namespace"),
            name: part("/metadata/name"),
        };
        let bad = [
            ("kind", &reference.kind, false),
            ("metadata.name", &reference.name, false),
            ("metadata.namespace", &reference.namespace, true),
            ("apiVersion", &reference.group, true),
        ]
        .into_iter()
        .find(|(_, text, may_be_empty)| {
            !(is_path_segment(text) || *may_be_empty && text.is_empty())
        });
        match bad {
            Some((field, text, _)) if text.is_empty() => {
                Err(Failure::user("identity", format!("{field} is empty")))
            }
            Some((field, text, _)) => Err(Failure::user(
                "identity",
                format!("{field} {text:?} cannot be a name in an address"),
            )),
            None => Ok(reference),
        }
    }

    /// Reads an object the server sent in a list of this group and kind.
    pub(super) fn of_live(group: &str, kind: &str, object: &serde_json::Value) -> Self {
        let part = |key: &str| {
            object["metadata"][key]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        };
        Self {
            group: group.to_owned(),
            kind: kind.to_owned(),
            namespace: part("namespace"),
            name: part("name"),
        }
    }

    /// Returns the text that our mark carries, so that a mark copied to another object is void.
    pub(super) fn mark_text(&self) -> String {
        format!(
            "{}/{}/{}/{}",
            self.group, self.kind, self.namespace, self.name
        )
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.kind)?;
        if !self.group.is_empty() {
            write!(f, ".{}", self.group)?;
        }
        if !self.namespace.is_empty() {
            write!(f, " {}", self.namespace)?;
            return write!(f, "/{}", self.name);
        }
        write!(f, " {}", self.name)
    }
}

/// Kubernetes' own rule for names that stand in an address, made stricter so that nothing needs
/// escaping. Source: `IsValidPathSegmentName` of apimachinery.
fn is_path_segment(text: &str) -> bool {
    !text.is_empty()
        && text != "."
        && text != ".."
        && text
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | ':' | '_' | '@'))
}

/// Splits `apps/v1` into group and version; the core group is the empty text.
pub(super) fn group_version(api_version: &str) -> (&str, &str) {
    api_version.rsplit_once('/').unwrap_or(("", api_version))
}

/// Returns group, version and kind as declared; `None` where they are not plain texts.
pub(super) fn declared_version(desired: &Value) -> Option<&str> {
    let api_version = desired.get("apiVersion").and_then(Value::as_str)?;
    Some(group_version(api_version).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity(name: &str) -> Identity {
        Identity(
            [
                ("/apiVersion", "apps"),
                ("/kind", "Deployment"),
                ("/metadata/namespace", "shop"),
                ("/metadata/name", name),
            ]
            .map(|(field, text)| (field.to_owned(), text.to_owned()))
            .to_vec(),
        )
    }

    #[test]
    fn no_name_leads_to_another_address() {
        for bad in ["", "..", "a/b", "a?force=true", "a%2fb", "a b", "a#"] {
            assert!(Reference::of(&identity(bad)).is_err(), "{bad}");
        }
        let good = Reference::of(&identity("system:node-1.x")).unwrap();
        assert_eq!(good.to_string(), "Deployment.apps shop/system:node-1.x");
    }

    #[test]
    fn the_core_group_has_no_name() {
        assert_eq!(group_version("v1"), ("", "v1"));
        assert_eq!(group_version("apps/v1"), ("apps", "v1"));
    }
}
