//! Messages on their way to chat: posted once, edited afterwards, answered in their thread where an
//! edit would be missed.

use super::digest::{self, Unnamed};
use super::outbox::{Carrier, Fate, Letter};
use crate::deliver::notify::{Message, Notifier, NotifyError, Posted};
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Class, Digest, EnvironmentName, Fault};
use crate::telemetry::chain;
use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

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
    /// True where a rewritten message would be missed and a new one in its thread has to say it.
    pub threaded: bool,
}

impl Letter for ChatLetter {
    fn name(&self) -> &str {
        &self.name
    }

    fn way(&self) -> &str {
        self.channel.as_deref().unwrap_or_default()
    }

    fn gather(waiting: &mut VecDeque<Self>) {
        digest::gather(waiting);
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
        self.record(name, record).await;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::outbox::broken::Broken;
    use super::*;

    /// Notes what it is asked for, and answers as it is told; `Ok` where nothing is left to say.
    #[derive(Default)]
    struct Scripted {
        asked: Mutex<Vec<String>>,
        answers: Mutex<VecDeque<NotifyError>>,
    }

    impl Scripted {
        fn answer(&self, asked: String) -> Result<(), NotifyError> {
            self.asked.lock().unwrap().push(asked);
            self.answers.lock().unwrap().pop_front().map_or(Ok(()), Err)
        }

        fn asked(&self) -> Vec<String> {
            std::mem::take(&mut self.asked.lock().unwrap())
        }
    }

    #[async_trait]
    impl Notifier for Scripted {
        async fn post(
            &self,
            _channel: Option<&str>,
            thread: Option<&Posted>,
            message: &Message,
        ) -> Result<Option<Posted>, NotifyError> {
            let what = if thread.is_some() { "answer" } else { "post" };
            self.answer(format!("{what} {}", message.text))?;
            let (channel, id) = ("C1".to_owned(), "1".to_owned());
            Ok(Some(Posted { channel, id }))
        }

        async fn edit(&self, _posted: &Posted, message: &Message) -> Result<(), NotifyError> {
            self.answer(format!("edit {}", message.text))
        }
    }

    fn letter(text: &str) -> ChatLetter {
        let message = Message {
            text: text.to_owned(),
            blocks: json!([]),
        };
        ChatLetter {
            name: "run/shop/1".to_owned(),
            environment: None,
            channel: None,
            message,
            runs: Vec::new(),
            unnamed: Unnamed::default(),
            since: Timestamp::UNIX_EPOCH,
            threaded: false,
        }
    }

    #[tokio::test]
    async fn what_cannot_be_told_from_the_ledger_is_not_said_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        let ledger = Ledger::open(&path).await.unwrap();
        let notifier = Arc::new(Scripted::default());
        let chat = Chat::new(Arc::clone(&notifier) as Arc<dyn Notifier>, ledger);
        chat.deliver(&letter("begun")).await.unwrap();
        assert_eq!(notifier.asked(), ["post begun"]);

        let file = Broken::of(&path).await;
        file.take_away().await;
        let told = chat.deliver(&letter("done")).await.unwrap_err();
        assert_eq!(chat.fate(&told), Fate::Later, "{told:?}");
        assert!(notifier.asked().is_empty());
        file.bring_back().await;
        chat.deliver(&letter("done")).await.unwrap();
        chat.deliver(&letter("done")).await.unwrap();
        assert_eq!(notifier.asked(), ["edit done"]);
    }

    #[tokio::test]
    async fn what_the_ledger_does_not_take_is_not_said_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ledger.db");
        drop(Ledger::open(&path).await.unwrap());
        let ledger = Ledger::open_for_reading(&path).await.unwrap();
        let notifier = Arc::new(Scripted::default());
        let chat = Chat::new(Arc::clone(&notifier) as Arc<dyn Notifier>, ledger);
        chat.deliver(&letter("begun")).await.unwrap();
        chat.deliver(&letter("begun")).await.unwrap();
        chat.deliver(&letter("done")).await.unwrap();
        assert_eq!(notifier.asked(), ["post begun", "edit done"]);
    }
}
