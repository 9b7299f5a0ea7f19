//! The two ways a catalogue names places: a field inside an answer, and a path of the API with gaps.

use crate::model::PathPattern;
use schemars::JsonSchema;
use serde::Deserialize;
use std::borrow::Cow;

/// A JSON pointer to a field (RFC 6901), e.g. `/connection/uri`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Pointer(String);

impl Pointer {
    pub(super) fn pattern(&self) -> PathPattern {
        PathPattern::parse(&self.0).expect("its slash was checked when it was read")
    }

    pub(super) fn of<'a>(&self, json: &'a serde_json::Value) -> Option<&'a serde_json::Value> {
        json.pointer(&self.0)
    }

    /// Returns the first part: the field of the resource that holds it.
    pub(super) fn field(&self) -> &str {
        self.0[1..].split('/').next().unwrap_or_default()
    }
}

impl TryFrom<String> for Pointer {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.strip_prefix('/') {
            Some(rest) if !rest.is_empty() => Ok(Self(text)),
            _ => Err(format!(
                "begin the pointer {text:?} with a slash and a field"
            )),
        }
    }
}

impl JsonSchema for Pointer {
    fn schema_name() -> Cow<'static, str> {
        "Pointer".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^/[^/]+(/[^/]+)*$",
            "description": "A JSON pointer to a field, e.g. /connection/uri."
        })
    }
}

/// A path of the API: `/v2/domains/{domain}/records/{id}`. A gap is a whole segment; `{id}` is the id
/// the live side made, any other name an identity field.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct ApiPath(String);

impl ApiPath {
    /// Returns the path's segments with the gaps filled. An empty filling, and one that would lead
    /// elsewhere, is an error that names the gap: an identity that is empty is never sent.
    pub(super) fn filled(
        &self,
        fill: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Vec<String>, String> {
        self.segments()
            .map(|segment| {
                let Some(gap) = gap(segment) else {
                    return Ok(segment.to_owned());
                };
                match fill(gap) {
                    Some(text) if !matches!(text.trim(), "" | "." | "..") => Ok(text),
                    _ => Err(gap.to_owned()),
                }
            })
            .collect()
    }

    /// Returns the names of the gaps.
    pub(super) fn gaps(&self) -> impl Iterator<Item = &str> {
        self.segments().filter_map(gap)
    }

    fn segments(&self) -> impl Iterator<Item = &str> {
        self.0.split('/').filter(|segment| !segment.is_empty())
    }
}

fn gap(segment: &str) -> Option<&str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

impl TryFrom<String> for ApiPath {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let whole =
            |segment: &str| gap(segment).is_some() || !segment.contains(['{', '}', '?', '#', '%']);
        if text.starts_with('/') && text.split('/').all(whole) {
            Ok(Self(text))
        } else {
            Err(format!(
                "write the path {text:?} from its first slash, each gap as a whole segment"
            ))
        }
    }
}

impl JsonSchema for ApiPath {
    fn schema_name() -> Cow<'static, str> {
        "ApiPath".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^(/([^/{}?#%]+|\\{[a-z_]+\\}))+$",
            "description": "A path of the API; {id} is the id the live side made, any other gap an identity field."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_or_climbing_gap_is_never_sent() {
        let path = ApiPath::try_from("/v2/domains/{domain}/records".to_owned()).unwrap();
        let filled = |text: &'static str| path.filled(&move |_| Some(text.to_owned()));
        assert_eq!(
            filled("example.com").unwrap(),
            ["v2", "domains", "example.com", "records"]
        );
        for bad in ["", " ", ".", ".."] {
            assert_eq!(filled(bad), Err("domain".to_owned()), "{bad:?}");
        }
        assert!(ApiPath::try_from("/v2/x-{id}".to_owned()).is_err());
        assert!(ApiPath::try_from("/v2/x?y={id}".to_owned()).is_err());
    }
}
