//! Slack, by a bot token (`chat.postMessage`, `chat.update`) or by an incoming webhook, which can
//! post but neither edit nor answer in a thread.
//!
//! A message whose answer was lost on the way is posted again, so it may stand there twice: better than not at
//! all. Slack names no key for "this one again" among the arguments of `chat.postMessage` (`client_msg_id`
//! stands in its list of errors only; asked for in slackapi/slack-api-specs #10), and to look for it first in
//! `conversations.history` would take the right to read what everybody writes in the channel.
//!
//! Source of the pace: Slack's rate limits page, "one message per second per channel".

use super::{Message, Notifier, NotifyError, Posted, answer};
use crate::model::Secret;
use crate::net::http::{Method, Url};
use crate::net::{Client, Limiters, Request, Response};
use async_trait::async_trait;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long a message may take, its turn at the limiter included.
const DEADLINE: Duration = Duration::from_secs(60);

/// How Slack lets us in.
#[derive(Clone, Debug)]
pub enum SlackAccess {
    /// A bot's token.
    Token(Secret),
    /// An incoming webhook's address, a secret by itself.
    Webhook(Secret),
}

/// How to reach Slack.
#[derive(Clone, Debug)]
pub struct SlackSettings {
    /// How it lets us in.
    pub access: SlackAccess,
    /// Where messages go that name no channel.
    pub channel: Option<String>,
    /// The API's address, `https://slack.com/api`.
    pub api_url: Url,
}

/// Posts to Slack.
pub struct Slack {
    settings: SlackSettings,
    client: Client,
    limiters: Limiters,
    lanes: Lanes,
}

/// Which words are one channel: settings say its name, and Slack's answers its id. Each has one pace.
#[derive(Debug, Default)]
struct Lanes(Mutex<BTreeMap<String, String>>);

impl Lanes {
    /// Returns what the pace of a channel is called.
    fn of(&self, channel: &str) -> String {
        let lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.get(channel).cloned();
        lane.unwrap_or_else(|| channel.to_owned())
    }

    /// Takes in that what was sent to `channel` went to the one of this id.
    fn learn(&self, channel: &str, id: &str) {
        let lane = self.of(channel);
        let mut lanes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lane = lanes.entry(id.to_owned()).or_insert(lane).clone();
        lanes.insert(channel.to_owned(), lane);
    }
}

impl Slack {
    /// Makes the notifier; sends nothing.
    pub fn new(settings: SlackSettings, client: Client, limiters: Limiters) -> Self {
        Self {
            settings,
            client,
            limiters,
            lanes: Lanes::default(),
        }
    }

    async fn send(
        &self,
        channel: &str,
        url: Url,
        token: Option<&Secret>,
        body: &Value,
    ) -> Result<Response, NotifyError> {
        let limiter = self.limiters.get(
            &format!("slack {}", self.lanes.of(channel)),
            NonZeroU32::MIN,
            NonZeroU32::MIN,
        );
        let mut request = Request::new(Method::POST, url)
            .json(body)
            .deadline(DEADLINE)
            .idempotent(false)
            .limiter(&limiter);
        if let Some(token) = token {
            request = request.bearer(token);
        }
        let answer = self.client.send(request).await;
        answer.map_err(NotifyError::Unreachable)
    }

    async fn call(&self, token: &Secret, method: &str, body: &Value) -> Result<Value, NotifyError> {
        let url = Url::parse(&format!(
            "{}/{method}",
            self.settings.api_url.as_str().trim_end_matches('/')
        ))
        .map_err(|_| NotifyError::Settings("apiUrl is not an address"))?;
        let channel = body["channel"].as_str().unwrap_or_default();
        let told = self.send(channel, url, Some(token), body).await?;
        let answer = answer::of_method(told.status.as_u16(), &told.body)?;
        if let Some(id) = answer["channel"].as_str() {
            self.lanes.learn(channel, id);
        }
        Ok(answer)
    }
}

#[async_trait]
impl Notifier for Slack {
    async fn post(
        &self,
        channel: Option<&str>,
        thread: Option<&Posted>,
        message: &Message,
    ) -> Result<Option<Posted>, NotifyError> {
        let mut body = json!({
            "text": message.text, "blocks": message.blocks, "unfurl_links": false, "unfurl_media": false,
        });
        let channel = thread
            .map(|root| root.channel.as_str())
            .or(channel)
            .or(self.settings.channel.as_deref());
        match &self.settings.access {
            SlackAccess::Webhook(address) => {
                let url = Url::parse(address.expose())
                    .map_err(|_| NotifyError::Settings("the webhook is not an address"))?;
                let told = self.send("webhook", url, None, &body).await?;
                answer::of_webhook(told.status.as_u16(), &told.body).map(|()| None)
            }
            SlackAccess::Token(token) => {
                body["channel"] =
                    json!(channel.ok_or(NotifyError::Settings("no channel is named"))?);
                body["link_names"] = json!(false);
                if let Some(root) = thread {
                    body["thread_ts"] = json!(root.id);
                }
                let answer = self.call(token, "chat.postMessage", &body).await?;
                let text = |key: &str| answer[key].as_str().map(str::to_owned);
                Ok(text("channel")
                    .zip(text("ts"))
                    .map(|(channel, id)| Posted { channel, id }))
            }
        }
    }

    fn edits(&self) -> bool {
        matches!(self.settings.access, SlackAccess::Token(_))
    }

    async fn edit(&self, posted: &Posted, message: &Message) -> Result<(), NotifyError> {
        let SlackAccess::Token(token) = &self.settings.access else {
            return Ok(());
        };
        let body = json!({
            "channel": posted.channel, "ts": posted.id, "text": message.text, "blocks": message.blocks,
            // Unlike a new message, an edited one is searched for links by default.
            "parse": "none", "link_names": false,
        });
        self.call(token, "chat.update", &body).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_channel_has_one_pace_whatever_it_is_called() {
        let lanes = Lanes::default();
        assert_eq!(lanes.of("#infra"), "#infra");
        lanes.learn("#infra", "C1");
        // Another name that settings have for it, and another channel.
        lanes.learn("infra", "C1");
        lanes.learn("#shop", "C2");
        let all = ["#infra", "C1", "infra", "#shop", "C2"].map(|one| lanes.of(one));
        assert_eq!(all, ["#infra", "#infra", "#infra", "#shop", "#shop"]);
        // After a restart the first is an edit.
        let lanes = Lanes::default();
        lanes.learn("C1", "C1");
        lanes.learn("#infra", "C1");
        assert_eq!(lanes.of("#infra"), lanes.of("C1"));
    }
}
