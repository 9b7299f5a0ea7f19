//! The notifier of a daemon without credentials: logs what it would post.

use super::{Message, Notifier, NotifyError, Posted};
use async_trait::async_trait;

/// Logs what would go to Slack.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoggedNotifier;

#[async_trait]
impl Notifier for LoggedNotifier {
    async fn post(
        &self,
        channel: Option<&str>,
        _thread: Option<&Posted>,
        message: &Message,
    ) -> Result<Option<Posted>, NotifyError> {
        tracing::info!(
            channel,
            text = message.text,
            "Message not sent, no Slack credentials"
        );
        Ok(None)
    }

    async fn edit(&self, posted: &Posted, message: &Message) -> Result<(), NotifyError> {
        tracing::info!(
            channel = posted.channel,
            text = message.text,
            "Edit not sent, no Slack credentials"
        );
        Ok(())
    }
}
