//! How Slack is reached: by a bot's token, or by an incoming webhook. Left out, messages are
//! printed to the log.

use super::describe::{object, text, text_or};
use super::element::Reading;
use super::secret;
use crate::model::{Notify, SecretSource, Window};
use crate::yaml::{Node, notify};
use jiff::civil::Time;
use serde_json::Value;
use std::path::PathBuf;
use std::time::Duration;
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
    /// Channels by how bad it is, and whom failures call, where the environment does not say.
    pub notify: Notify,
    /// When what still differs from Git is told once more, each day.
    pub daily: Option<Window>,
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
        let notify = Notify {
            slack: None,
            channels: notify::channels(fields.get("channels"), &mut reading.reader),
            mention: notify::mention(fields.get("mention"), &mut reading.reader),
        };
        let daily = fields.get("daily").and_then(|node| daily(reading, node));
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
            notify,
            daily,
            api_url: api_url.unwrap_or_else(|| Url::parse(API).expect("the address is a constant")),
        })
    })
}

/// Reads a time of day and its zone, as a window that opens then.
fn daily(reading: &mut Reading, node: &Node) -> Option<Window> {
    let mut fields = reading.reader.fields(node, &node.place)?;
    let at = fields.require(&mut reading.reader, "at");
    let zone = fields.get("timezone");
    let timezone = zone.map_or(Some("UTC"), |node| reading.reader.name(node));
    let timezone = timezone.map(str::to_owned);
    fields.finish(&mut reading.reader);
    let at = at?;
    let text = reading.reader.name(at)?;
    let Some(time) = Time::strptime("%H:%M", text).ok() else {
        let error = at
            .place
            .error("bad-time", format!("{text:?} is no time of day"));
        reading
            .reader
            .report(error.with_hint("Write hours and minutes, as in \"09:00\"."));
        return None;
    };
    let window = Window {
        cron: format!("{} {} * * *", time.minute(), time.hour()),
        open_for: Duration::from_secs(60),
        timezone: timezone?,
    };
    if let Err(error) = window.check() {
        let place = zone.map_or(&node.place, |zone| &zone.place);
        let error = place.error("bad-timezone", format!("failed to {error}"));
        reading.reader.report(error);
        return None;
    }
    Some(window)
}

pub(super) fn schema() -> Value {
    let [channels, mention] = notify::told();
    let daily = object(
        "When what still differs from Git is told once more, each day; not where nothing does",
        &["at"],
        vec![
            ("at", text("Hours and minutes", "09:00")),
            ("timezone", text_or("The zone's IANA name", "UTC")),
        ],
    );
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
            channels,
            mention,
            ("daily", daily),
            ("apiUrl", text_or("The API's address", API)),
        ],
    )
}
