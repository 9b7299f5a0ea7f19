//! Where people are told: posts a message, edits it, answers in its thread. And programs: posts an event.
//!
//! Says nothing of its own and decides nothing: messages come rendered, when is the engine's.

mod answer;
mod event;
mod logged;
mod slack;
mod webhook;

pub use event::{EpisodeEvent, Event, EventData, Happened, RunEvent, StepEvent, TroubleEvent};
pub use logged::LoggedNotifier;
pub use slack::{Slack, SlackAccess, SlackSettings};
pub use webhook::{Webhook, WebhookError};

use crate::model::{Class, Fault};
use async_trait::async_trait;
use serde::{Deserialize, Serialize};

/// One message, rendered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// What a notification shows; never empty.
    pub text: String,
    /// Block Kit blocks.
    pub blocks: serde_json::Value,
}

impl Message {
    /// Returns its title and its small print alone; `None` where there is no more of it.
    pub fn brief(&self) -> Option<Self> {
        let blocks = self.blocks.as_array().filter(|blocks| blocks.len() > 2)?;
        Some(Self {
            text: self.text.clone(),
            blocks: [blocks.first()?, blocks.last()?]
                .into_iter()
                .cloned()
                .collect(),
        })
    }
}

/// A message that was sent and can be edited or answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posted {
    /// The channel's own id, which an edit needs.
    pub channel: String,
    /// The message's id there.
    pub id: String,
}

/// Why a message did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum NotifyError {
    /// Slack lets us not in, or not there: the word it says. Settings put that right, and every message
    /// meets the same.
    #[error("post to Slack: it refused with {0}")]
    Refused(String),
    /// The same of an incoming webhook.
    #[error("post to Slack: its webhook refused with {0}")]
    Unhooked(String),
    /// Slack does not take this one message, whenever it comes: the word it says.
    #[error("post to Slack: it does not take this message ({0})")]
    Unfit(String),
    /// It is there, but not now: the HTTP status.
    #[error("post to Slack: it answered {0}")]
    Later(u16),
    /// Somebody else answered, a proxy say: the HTTP status.
    #[error("post to Slack: what came back, with status {0}, is no answer of Slack's")]
    Foreign(u16),
    /// No answer.
    #[error("post to Slack")]
    Unreachable(#[source] crate::net::HttpError),
    /// The settings cannot be used.
    #[error("use the Slack settings: {0}")]
    Settings(&'static str),
}

impl NotifyError {
    /// Tells whether the message that was to be rewritten or answered is not there any more.
    pub fn is_gone(&self) -> bool {
        matches!(self, Self::Unfit(word) if word == answer::GONE)
    }

    /// Tells whether it is the message itself that Slack does not take.
    pub fn is_unfit(&self) -> bool {
        matches!(self, Self::Unfit(_)) && !self.is_gone() && !self.is_fixed()
    }

    /// Tells whether the message that was to be rewritten can be no more, whatever is to stand there.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Unfit(word) if answer::FIXED.contains(&word.as_str()))
    }
}

impl Fault for NotifyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Refused(_) | Self::Unhooked(_) => "slack-refused",
            Self::Unfit(_) => "slack-unfit",
            Self::Foreign(_) => "slack-foreign",
            Self::Later(_) | Self::Unreachable(_) => "slack-unreachable",
            Self::Settings(_) => "slack-settings",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Refused(_) => {
                "Check the channel's name, that the app is in it, and the token with its scope chat:write. \
                 Messages are kept and sent when that is right."
                    .to_owned()
            }
            Self::Unhooked(_) => {
                "Check that the webhook's address is whole and that Slack still has it, with its channel: where not, make another \
                 and give the settings its address. Messages are kept and sent when that is right."
                    .to_owned()
            }
            Self::Unfit(_) => "This is a mistake of reconciled's; other messages go on.".to_owned(),
            Self::Foreign(_) => {
                "Look for a proxy between here and Slack. Messages are kept and sent again.".to_owned()
            }
            Self::Later(_) | Self::Unreachable(_) => {
                "It is sent again by itself; nothing waits for it.".to_owned()
            }
            Self::Settings(_) => "Look at `slack` in the settings file.".to_owned(),
        })
    }

    fn class(&self) -> Class {
        match self {
            Self::Refused(_) | Self::Unhooked(_) | Self::Settings(_) => Class::User,
            Self::Unfit(_) => Class::Internal,
            Self::Later(_) | Self::Foreign(_) | Self::Unreachable(_) => Class::Transient,
        }
    }
}

/// Where people are told.
#[async_trait]
pub trait Notifier: Send + Sync {
    /// Posts a message to a channel (`None`: the one of the settings), or into a thread. Returns
    /// what is needed to edit it, where the way it was sent allows that.
    async fn post(
        &self,
        channel: Option<&str>,
        thread: Option<&Posted>,
        message: &Message,
    ) -> Result<Option<Posted>, NotifyError>;
    /// Tells whether what was posted can be rewritten and answered: else only what is over is worth a message.
    fn edits(&self) -> bool {
        true
    }
    /// Rewrites a message that was posted.
    async fn edit(&self, posted: &Posted, message: &Message) -> Result<(), NotifyError>;
}
