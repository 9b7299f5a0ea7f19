//! Where people are told: posts a message, edits it, answers in its thread.
//!
//! Says nothing of its own and decides nothing: messages come rendered, when is the engine's.

mod logged;
mod slack;

pub use logged::LoggedNotifier;
pub use slack::{Slack, SlackAccess, SlackSettings};

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
    /// The other side declined it.
    #[error("post to Slack: it answered {0}")]
    Declined(String),
    /// It is there, but not now: the HTTP status.
    #[error("post to Slack: it answered {0}")]
    Later(u16),
    /// No answer.
    #[error("post to Slack")]
    Unreachable(#[source] crate::net::HttpError),
    /// The settings cannot be used.
    #[error("use the Slack settings: {0}")]
    Settings(&'static str),
}

impl Fault for NotifyError {
    fn code(&self) -> &'static str {
        match self {
            Self::Declined(_) => "slack-declined",
            Self::Later(_) | Self::Unreachable(_) => "slack-unreachable",
            Self::Settings(_) => "slack-settings",
        }
    }

    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Declined(_) => {
                "Check the token's scopes (chat:write) and that the app is in the channel."
                    .to_owned()
            }
            Self::Later(_) | Self::Unreachable(_) => {
                "It is sent again by itself; nothing waits for it.".to_owned()
            }
            Self::Settings(_) => "Look at `slack` in the settings file.".to_owned(),
        })
    }

    fn class(&self) -> Class {
        match self {
            Self::Declined(_) | Self::Settings(_) => Class::User,
            Self::Later(_) | Self::Unreachable(_) => Class::Transient,
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
    /// Rewrites a message that was posted.
    async fn edit(&self, posted: &Posted, message: &Message) -> Result<(), NotifyError>;
}
