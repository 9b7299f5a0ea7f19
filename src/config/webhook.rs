//! Where events are posted as signed JSON, for whatever is not Slack.

use super::describe::{object, text};
use super::element::Reading;
use super::secret;
use crate::model::SecretSource;
use crate::yaml::Node;
use serde_json::Value;
use std::path::PathBuf;
use url::Url;

/// Where events are posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook {
    /// The address.
    pub url: Url,
    /// What each POST is signed with.
    pub secret: SecretSource,
}

impl Webhook {
    /// Returns the file its secret lives in.
    pub(super) fn path(&self) -> Option<PathBuf> {
        secret::path(&self.secret)
    }
}

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> Option<Webhook> {
    reading.element(node, |reading, fields| {
        let url = fields.require(&mut reading.reader, "url");
        let source = fields.require(&mut reading.reader, "secret");
        let url = reading.address(url);
        let secret = secret::read(reading, source);
        Some(Webhook {
            url: url?,
            secret: secret?,
        })
    })
}

pub(super) fn schema() -> Value {
    let secret = secret::schema(
        "What each POST is signed with: whsec_ and 24 to 64 bytes in Base64, as Standard Webhooks has it",
    );
    object(
        "Where what happens is posted as signed JSON, one POST for each event that Slack hears of",
        &["url", "secret"],
        vec![
            ("url", text("The address", "https://example.com/reconciled")),
            ("secret", secret),
        ],
    )
}
