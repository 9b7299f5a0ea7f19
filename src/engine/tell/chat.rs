//! Messages on their way to chat: posted once, edited afterwards, answered in their thread where an
//! edit would be missed.

use super::outbox::{Carrier, Letter};
use crate::deliver::notify::{Message, Notifier, NotifyError, Posted};
use crate::ledger::Ledger;
use crate::model::Digest;
use crate::telemetry::chain;
use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// A message under a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ChatLetter {
    /// What it is about, the same for all that is said about one thing: `run/production/17`.
    pub name: String,
    /// The channel; `None` is that of the settings.
    pub channel: Option<String>,
    /// The message, rendered.
    pub message: Message,
    /// True where a rewritten message would be missed and a new one in its thread has to say it.
    pub threaded: bool,
}

impl Letter for ChatLetter {
    fn name(&self) -> &str {
        &self.name
    }
}

/// Brings messages to chat.
pub(super) struct Chat {
    /// Where people are told.
    pub notifier: Arc<dyn Notifier>,
    /// What was posted already.
    pub ledger: Ledger,
}

#[async_trait]
impl Carrier for Chat {
    type Letter = ChatLetter;
    type Error = NotifyError;

    fn kept(&self) -> String {
        "slack-waiting".to_owned()
    }

    /// Posts, or rewrites what was posted under the same name.
    async fn deliver(&self, letter: &ChatLetter) -> Result<(), NotifyError> {
        let name = format!("slack/{}", letter.name);
        let digest = Digest::of(serde_json::to_vec(&letter.message).unwrap_or_default());
        let before = self.ledger.delivery(&name).await.ok().flatten();
        let before = before.unwrap_or_default();
        if before["digest"] == json!(digest) {
            return Ok(());
        }
        let posted: Option<Posted> = serde_json::from_value(before["posted"].clone()).ok();
        let posted = match posted {
            Some(posted) => {
                self.edit(&posted, letter).await?;
                Some(posted)
            }
            None => {
                let channel = letter.channel.as_deref();
                self.notifier.post(channel, None, &letter.message).await?
            }
        };
        let record = json!({ "posted": posted, "digest": digest });
        if let Err(error) = self.ledger.record_delivery(&name, &record).await {
            tracing::warn!(
                name,
                error = chain(&error),
                "Delivery not recorded, it may be said twice"
            );
        }
        Ok(())
    }
}

impl Chat {
    async fn edit(&self, posted: &Posted, letter: &ChatLetter) -> Result<(), NotifyError> {
        self.notifier.edit(posted, &letter.message).await?;
        if letter.threaded {
            let channel = letter.channel.as_deref();
            self.notifier
                .post(channel, Some(posted), &letter.message)
                .await?;
        }
        Ok(())
    }
}
