//! Messages on their way to chat: posted once, edited afterwards, answered in their thread where an
//! edit would be missed.

use super::digest::{self, Unnamed};
use super::outbox::{Carrier, Fate, Letter};
use crate::deliver::notify::{Message, Notifier, NotifyError, Posted};
use crate::deliver::render::dropped_slack;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Class, Digest, EnvironmentName, Fault, Gravity, Mention};
use crate::telemetry::chain;
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A message under a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct ChatLetter {
    /// What it is about, the same for all that is said about one thing: `run/production/17`.
    pub name: String,
    /// Whose news it is: where that is spoken of elsewhere meanwhile, it goes there.
    pub environment: Option<EnvironmentName>,
    /// The channel; `None` is that of the settings.
    pub channel: Option<String>,
    /// The message, rendered.
    pub message: Message,
    /// The titles of the runs it tells of; empty where it is about something else.
    #[serde(default)]
    pub runs: Vec<String>,
    /// The runs it tells of beyond those.
    #[serde(default)]
    pub unnamed: Unnamed,
    /// When the first of them was told.
    #[serde(default)]
    pub since: Timestamp,
    /// How bad it is what it says: where it goes depends on it.
    #[serde(default)]
    pub gravity: Gravity,
    /// Whom it calls: a digest of it does, too.
    #[serde(default)]
    pub calls: Vec<Mention>,
    /// The name of the message in whose thread it stands; `None` for one of its own.
    #[serde(default)]
    pub answers: Option<String>,
    /// True where it is about something that goes on and was not at its end: where it cannot be rewritten it is
    /// not said again because it words itself anew.
    #[serde(default)]
    pub lasts: bool,
    /// True where it says in full how what it is about ended: a start has no more to say of that.
    #[serde(default)]
    pub ends: bool,
    /// How many messages were dropped, where it says just that.
    #[serde(default)]
    pub dropped: usize,
    /// True where a rewritten message would be missed and a new one in its thread has to say it.
    pub threaded: bool,
    /// When it may go; at once after a start.
    #[serde(skip)]
    pub due: Option<Instant>,
}

impl ChatLetter {
    /// Writes a letter to the channel of the settings, about no environment.
    pub(super) fn new(name: String, message: Message) -> Self {
        Self {
            name,
            environment: None,
            channel: None,
            message,
            runs: Vec::new(),
            unnamed: Unnamed::default(),
            since: Timestamp::default(),
            gravity: Gravity::Good,
            calls: Vec::new(),
            answers: None,
            lasts: false,
            ends: false,
            dropped: 0,
            threaded: false,
            due: None,
        }
    }
}

impl Letter for ChatLetter {
    fn name(&self) -> &str {
        &self.name
    }

    fn way(&self) -> &str {
        self.channel.as_deref().unwrap_or_default()
    }

    fn gravity(&self) -> Gravity {
        self.gravity
    }

    fn dropped(&self) -> usize {
        self.dropped
    }

    fn gone(&self, others: usize) -> Option<Self> {
        let dropped = others + 1;
        // Under the name of the first that went: a later time is another message.
        let name = match self.dropped {
            0 => format!("dropped/{}", self.name),
            _ => self.name.clone(),
        };
        Some(Self {
            environment: self.environment.clone(),
            channel: self.channel.clone(),
            gravity: self.gravity,
            dropped,
            ..Self::new(name, dropped_slack(dropped))
        })
    }

    fn gather(waiting: &mut VecDeque<Self>) {
        digest::gather(waiting);
    }

    fn due(&self) -> Option<Instant> {
        self.due
    }

    fn rest(&self) -> Duration {
        digest::rest(self)
    }
}

/// Why a message did not arrive.
#[derive(Debug, thiserror::Error)]
pub(super) enum ChatError {
    /// The other side's doing.
    #[error("tell people")]
    Notify(#[from] NotifyError),
    /// Whether it was said before cannot be told.
    #[error("read what people were told")]
    Ledger(#[from] LedgerError),
}

impl Fault for ChatError {
    fn code(&self) -> &'static str {
        match self {
            Self::Notify(error) => error.code(),
            Self::Ledger(error) => error.code(),
        }
    }

    fn hint(&self) -> Option<String> {
        match self {
            Self::Notify(error) => error.hint(),
            Self::Ledger(error) => error.hint(),
        }
    }

    fn class(&self) -> Class {
        match self {
            Self::Notify(error) => error.class(),
            Self::Ledger(_) => Class::Transient,
        }
    }
}

/// Brings messages to chat.
pub(super) struct Chat {
    notifier: Arc<dyn Notifier>,
    /// What was posted already.
    ledger: Ledger,
    /// What was posted and the ledger did not take, by name: it is not posted twice for that.
    unrecorded: Mutex<BTreeMap<String, Value>>,
}

impl Chat {
    /// Brings messages by this notifier, as far as the ledger does not know them for posted.
    pub(super) fn new(notifier: Arc<dyn Notifier>, ledger: Ledger) -> Self {
        Self {
            notifier,
            ledger,
            unrecorded: Mutex::default(),
        }
    }

    /// Returns what was posted under a name.
    async fn posted(&self, name: &str) -> Result<Value, LedgerError> {
        let unrecorded = self.unrecorded().get(name).cloned();
        match unrecorded {
            Some(posted) => Ok(posted),
            None => Ok(self.ledger.delivery(name).await?.unwrap_or_default()),
        }
    }

    /// Returns the message whose thread a letter goes to.
    async fn root(&self, name: &str) -> Result<Option<Posted>, LedgerError> {
        let root = self.posted(&format!("slack/{name}")).await?;
        Ok(serde_json::from_value(root["posted"].clone()).ok())
    }

    async fn record(&self, name: String, posted: Value) {
        match self.ledger.record_delivery(&name, &posted).await {
            Ok(()) => drop(self.unrecorded().remove(&name)),
            Err(error) => {
                tracing::warn!(
                    name,
                    error = chain(&error),
                    "Delivery not recorded, after a restart it may be said twice"
                );
                self.unrecorded().insert(name, posted);
            }
        }
    }

    fn unrecorded(&self) -> MutexGuard<'_, BTreeMap<String, Value>> {
        // Only ever changed whole: a panic elsewhere leaves it usable.
        let unrecorded = self.unrecorded.lock();
        unrecorded.unwrap_or_else(PoisonError::into_inner)
    }

    /// Rewrites what was posted, answers a root, or posts anew. Returns what to rewrite next.
    async fn say(
        &self,
        (posted, root): (Option<Posted>, Option<&Posted>),
        letter: &ChatLetter,
    ) -> Result<Option<Posted>, NotifyError> {
        match posted {
            Some(posted) => self.edit(posted, letter).await,
            None => self.post(root, letter).await,
        }
    }

    /// Rewrites what was posted, and answers it where the letter asks for that; where it cannot be
    /// rewritten any more, only answers it, and posts anew where it is gone. Returns what to rewrite next.
    async fn edit(
        &self,
        posted: Posted,
        letter: &ChatLetter,
    ) -> Result<Option<Posted>, NotifyError> {
        match self.notifier.edit(&posted, &letter.message).await {
            Ok(()) if !letter.threaded => return Ok(Some(posted)),
            Ok(()) => {}
            Err(error) if error.is_fixed() => {}
            // Its thread is found anew with the next there is to say.
            Err(error) if error.is_gone() && letter.answers.is_some() => return Ok(None),
            Err(error) if error.is_gone() => return self.post(None, letter).await,
            Err(error) => return Err(error),
        }
        match self.post(Some(&posted), letter).await {
            Ok(_) => Ok(Some(posted)),
            Err(error) if error.is_gone() => self.post(None, letter).await,
            Err(error) => Err(error),
        }
    }

    async fn post(
        &self,
        thread: Option<&Posted>,
        letter: &ChatLetter,
    ) -> Result<Option<Posted>, NotifyError> {
        let channel = letter.channel.as_deref();
        self.notifier.post(channel, thread, &letter.message).await
    }
}

#[async_trait]
impl Carrier for Chat {
    type Letter = ChatLetter;
    type Error = ChatError;

    fn place(&self) -> String {
        "slack".to_owned()
    }

    fn kept(&self) -> String {
        "slack-waiting".to_owned()
    }

    fn fate(&self, error: &ChatError) -> Fate {
        match error.class() {
            Class::Transient => Fate::Later,
            Class::User => Fate::Refused,
            Class::Refused | Class::Internal => Fate::Lost,
        }
    }

    /// Posts, or rewrites what was posted under the same name.
    async fn deliver(&self, letter: &ChatLetter) -> Result<(), ChatError> {
        let name = format!("slack/{}", letter.name);
        let digest = Digest::of(serde_json::to_vec(&letter.message).unwrap_or_default());
        let before = self.posted(&name).await?;
        if before["digest"] == json!(digest) {
            return Ok(());
        }
        let news = json!(news(&letter.message));
        let posted: Option<Posted> = serde_json::from_value(before["posted"].clone()).ok();
        let is_known = before["news"] == news || (letter.lasts && !before.is_null());
        if posted.is_none() && is_known {
            return Ok(());
        }
        let root = match (&posted, &letter.answers) {
            (None, Some(root)) => match self.root(root).await? {
                Some(root) => Some(root),
                // Nobody knows what it is about.
                None => return Ok(()),
            },
            _ => None,
        };
        let said = self.say((posted.clone(), root.as_ref()), letter).await;
        let posted = match (said, letter.message.brief()) {
            // Better than nothing, or than a root that is under way for ever.
            (Err(error), Some(message)) if error.is_unfit() => {
                tracing::warn!(
                    name,
                    error = chain(&error),
                    "Slack does not take a message, sending its title alone"
                );
                let brief = ChatLetter {
                    message,
                    ..letter.clone()
                };
                self.say((posted, root.as_ref()), &brief).await?
            }
            (said, _) => said?,
        };
        let mut record = json!({ "posted": posted, "digest": digest, "news": news });
        if letter.ends {
            record["ends"] = true.into();
            // It is rewritten when what failed works.
            if letter.gravity == Gravity::Failure {
                record["message"] = json!(letter.message);
            }
        }
        self.record(name, record).await;
        Ok(())
    }
}

/// Returns a digest of a message without its small print, which says at what revision and when: nobody
/// is told the same again for that.
fn news(message: &Message) -> Digest {
    let blocks = message.blocks.as_array().into_iter().flatten();
    let said: Vec<&Value> = blocks.filter(|block| block["type"] != "context").collect();
    Digest::of(serde_json::to_vec(&(&message.text, said)).unwrap_or_default())
}

#[cfg(test)]
mod tests;
