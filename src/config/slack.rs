//! How Slack is reached: by a bot's token, or by an incoming webhook. Left out, messages are
//! printed to the log.

use super::describe::{object, text, text_or};
use super::element::Reading;
use super::secret;
use crate::model::SecretSource;
use crate::yaml::Node;
use serde_json::Value;
use std::path::PathBuf;
use url::Url;

const API: &str = "https://slack.com/api";

/// How Slack lets us in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SlackAccess {
    /// A bot's token: messages can be edited and answered in threads.
    Token(SecretSource),
    /// An incoming webhook's address, which is a secret: messages are only posted.
    Webhook(SecretSource),
}

/// How Slack is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slack {
    /// How it lets us in.
    pub access: SlackAccess,
    /// Where messages go whose environment names no channel.
    pub channel: Option<String>,
    /// The API's address.
    pub api_url: Url,
}

impl Slack {
    /// Returns the file its secret lives in.
    pub(super) fn path(&self) -> Option<PathBuf> {
        match &self.access {
            SlackAccess::Token(source) | SlackAccess::Webhook(source) => secret::path(source),
        }
    }
}

pub(super) fn read(reading: &mut Reading, node: Option<&Node>) -> Option<Slack> {
    let place = node.map(|node| node.place.clone());
    reading.element(node, |reading, fields| {
        let (token, webhook) = (fields.get("token"), fields.get("webhook"));
        let given = token.or(webhook).is_some();
        let token = secret::read(reading, token);
        let webhook = secret::read(reading, webhook);
        let channel = reading.text(fields.get("channel"));
        let api_url = reading.address(fields.get("apiUrl"));
        let access = match (token, webhook) {
            (Some(token), None) => Some(SlackAccess::Token(token)),
            (None, Some(webhook)) => Some(SlackAccess::Webhook(webhook)),
            (None, None) if given => None,
            (both, _) => {
                let (code, message) = match both {
                    Some(_) => ("conflict", "`token` and `webhook` stand here at once"),
                    None => ("missing-key", "`token` or `webhook` is missing here"),
                };
                let place = place.as_ref()?;
                reading.reader.report(place.error(code, message));
                None
            }
        };
        Some(Slack {
            access: access?,
            channel,
            api_url: api_url.unwrap_or_else(|| Url::parse(API).expect("the address is a constant")),
        })
    })
}

pub(super) fn schema() -> Value {
    object(
        "How Slack is reached: by `token` or by `webhook`. Left out, messages go to the log",
        &[],
        vec![
            (
                "token",
                secret::schema("A bot's token with chat:write: messages are edited and threaded"),
            ),
            (
                "webhook",
                secret::schema("The address of an incoming webhook: messages are posted only"),
            ),
            (
                "channel",
                text(
                    "Where messages go whose environment names no channel",
                    "#infra",
                ),
            ),
            ("apiUrl", text_or("The API's address", API)),
        ],
    )
}
