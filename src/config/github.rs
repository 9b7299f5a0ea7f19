//! How GitHub is reached. Without a token the results of merges are printed to the log.

use super::describe::{object, text_or};
use super::element::Reading;
use super::secret;
use crate::model::SecretSource;
use crate::yaml::Node;
use serde_json::Value;
use url::Url;

const API: &str = "https://api.github.com";

/// How GitHub is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitHub {
    /// Where the token lives.
    pub token: Option<SecretSource>,
    /// The API's address.
    pub api_url: Url,
}

impl Default for GitHub {
    fn default() -> Self {
        Self {
            token: None,
            api_url: Url::parse(API).expect("the address is a constant"),
        }
    }
}

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> GitHub {
    reading.element(node, |reading, fields| GitHub {
        token: secret::read(reading, fields.get("token")),
        api_url: reading
            .address(fields.get("apiUrl"))
            .unwrap_or_else(|| GitHub::default().api_url),
    })
}

pub(super) fn schema() -> Value {
    object(
        "How GitHub is reached. Without a token nothing is said on pull requests, since nobody can list them: the results of merges go to the log",
        &[],
        vec![
            (
                "token",
                secret::schema(
                    "A token that may read the repository and write pull requests and commit statuses",
                ),
            ),
            (
                "apiUrl",
                text_or(
                    "The API's address; an Enterprise server's ends with /api/v3",
                    API,
                ),
            ),
        ],
    )
}
