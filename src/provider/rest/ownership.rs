//! How a live object says whose it is, where it can.

use crate::model::{Address, Owner};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value as Json;

/// How a live object says whose it is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "kebab-case", deny_unknown_fields)]
pub(super) enum Ownership {
    /// By a tag `reconciled:<environment>:<id>` among its tags.
    Tag {
        /// The field that holds the tags.
        field: String,
        /// What the API calls the kind when a tag is put on it.
        resource_type: String,
    },
    /// It cannot: the ledger's record of its id is the proof.
    Record,
}

/// Begins every tag of ours. Names hold no colon, so that the parts are always told apart.
const PREFIX: &str = "reconciled:";

/// Returns the tag that marks an object as this resource's.
pub(super) fn tag_of(address: &Address) -> String {
    format!("{PREFIX}{}:{}", address.environment, address.resource)
}

/// Returns whose mark a tag is. A tag that begins like ours and names nobody belongs to another tool.
pub(super) fn owner_of(tag: &str) -> Option<Owner> {
    let rest = tag.strip_prefix(PREFIX)?;
    let address = rest
        .split_once(':')
        .and_then(|(environment, id)| format!("{environment}/{id}").parse().ok());
    Some(address.map_or_else(|| Owner::Foreign(format!("the tag {tag}")), Owner::Resource))
}

impl Ownership {
    /// Tells whether the field holds tags with marks among them.
    pub(super) fn is_tags(&self, name: &str) -> bool {
        matches!(self, Self::Tag { field, .. } if field.trim_start_matches('/') == name)
    }

    /// Returns the object's tags, marks included.
    pub(super) fn tags<'a>(&self, object: &'a Json) -> Vec<&'a str> {
        match self {
            Self::Record => Vec::new(),
            Self::Tag { field, .. } => object
                .pointer(field)
                .and_then(Json::as_array)
                .map(|tags| tags.iter().filter_map(Json::as_str).collect())
                .unwrap_or_default(),
        }
    }

    /// Returns whose mark the object carries: this resource's, where it carries several.
    pub(super) fn owner(&self, object: &Json, asking: &Address) -> Option<Owner> {
        let owners: Vec<Owner> = self.tags(object).into_iter().filter_map(owner_of).collect();
        let ours = Owner::Resource(asking.clone());
        if owners.contains(&ours) {
            Some(ours)
        } else {
            owners.into_iter().next()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_mark_survives_as_a_tag_that_the_api_allows() {
        let address: Address = "production/db".parse().unwrap();
        let tag = tag_of(&address);
        // Source: the `name` of a tag in DigitalOcean's OpenAPI, `^[a-zA-Z0-9_\-\:]+$`, at most 255.
        assert!(
            tag.len() <= 255
                && tag
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"_-:".contains(&b))
        );
        assert_eq!(owner_of(&tag), Some(Owner::Resource(address)));
        assert_eq!(owner_of("Environment:production"), None);
        assert_eq!(
            owner_of("reconciled:Nobody"),
            Some(Owner::Foreign("the tag reconciled:Nobody".to_owned()))
        );
    }

    #[test]
    fn of_two_marks_ours_counts() {
        let by_tag = Ownership::Tag {
            field: "/tags".to_owned(),
            resource_type: "database".to_owned(),
        };
        let object = json!({ "tags": ["a", "reconciled:old:db", "reconciled:production:db"] });
        let asking: Address = "production/db".parse().unwrap();
        assert_eq!(
            by_tag.owner(&object, &asking),
            Some(Owner::Resource(asking.clone()))
        );
        let other: Address = "staging/db".parse().unwrap();
        assert_eq!(
            by_tag.owner(&object, &other),
            Some(Owner::Resource("old/db".parse().unwrap()))
        );
    }
}
