//! The notifier of a daemon without credentials: logs what it would post, unless programs are told and speak for it.

use super::{Message, Notifier, NotifyError, Posted};
use crate::deliver::render::as_written;
use async_trait::async_trait;

/// Logs what would go to Slack.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoggedNotifier {
    /// Something else carries what is said: the log is no place for it.
    pub is_carried: bool,
}

impl LoggedNotifier {
    fn log(self, channel: Option<&str>, message: &Message) {
        if self.is_carried {
            return;
        }
        let body = body(message);
        tracing::info!(
            channel,
            text = as_written(&message.text),
            body,
            "Message that goes nowhere"
        );
    }
}

#[async_trait]
impl Notifier for LoggedNotifier {
    async fn post(
        &self,
        channel: Option<&str>,
        _thread: Option<&Posted>,
        message: &Message,
    ) -> Result<Option<Posted>, NotifyError> {
        self.log(channel, message);
        Ok(None)
    }

    fn edits(&self) -> bool {
        false
    }

    async fn edit(&self, posted: &Posted, message: &Message) -> Result<(), NotifyError> {
        self.log(Some(&posted.channel), message);
        Ok(())
    }
}

/// How much of a message's body is logged.
const LONGEST_BODY: usize = 4_000;

/// Returns what a message says below its title, as it was before it was made harmless for Slack.
fn body(message: &Message) -> String {
    let blocks = message.blocks.as_array().into_iter().flatten();
    let texts = blocks.flat_map(|block| {
        let small = block["elements"].as_array().into_iter().flatten();
        let section = (block["type"] == "section").then(|| &block["text"]);
        section.into_iter().chain(small)
    });
    let texts: Vec<&str> = texts.filter_map(|text| text["text"].as_str()).collect();
    let body = as_written(&texts.join("\n"));
    match body.char_indices().nth(LONGEST_BODY) {
        Some((end, _)) => format!("{}…", &body[..end]),
        None => body,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_log_has_what_the_message_says_below_its_title() {
        let said = |lines: &str| {
            let text = |text: &str| json!({ "type": "mrkdwn", "text": text });
            body(&Message {
                text: "✅ shop: 1 changed".to_owned(),
                blocks: json!([
                    { "type": "header", "text": text("✅ shop: 1 changed") },
                    { "type": "section", "text": text(lines) },
                    { "type": "context", "elements": [text("run 7")] },
                ]),
            })
        };
        assert_eq!(said("`~` `page`: a &lt; b"), "`~` `page`: a < b\nrun 7");
        let (shown, typed) = ("run ˋsudo rm /a/∗ˋ as ˍmeˍ", "run `sudo rm /a/*` as _me_");
        assert_eq!(said(shown), format!("{typed}\nrun 7"));
        assert_eq!(said(&"ä".repeat(9_000)).chars().count(), LONGEST_BODY + 1);
    }
}
