//! Messages on their way to chat: one at a time, each under a name, so that saying more about the
//! same thing rewrites what was said. Slowness of the other side never holds a run up.

use crate::deliver::notify::{Message, Notifier, Posted};
use crate::ledger::Ledger;
use crate::model::Digest;
use crate::telemetry::chain;
use serde_json::json;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How many messages may wait; beyond that the newest is dropped and logged.
const WAITING: usize = 256;

/// A message under a name.
#[derive(Debug)]
pub(super) struct Letter {
    /// What it is about, the same for all that is said about one thing: `run/production/17`.
    pub name: String,
    /// The channel; `None` is that of the settings.
    pub channel: Option<String>,
    /// The message, rendered.
    pub message: Message,
    /// True where a rewritten message would be missed and a new one in its thread has to say it.
    pub threaded: bool,
}

/// Takes letters and delivers them in order.
pub(super) struct Outbox {
    sender: Mutex<Option<mpsc::Sender<Letter>>>,
    worker: Mutex<Option<JoinHandle<()>>>,
}

impl Outbox {
    /// Starts the one that delivers.
    pub(super) fn start(notifier: Arc<dyn Notifier>, ledger: Ledger) -> Self {
        let (sender, mut letters) = mpsc::channel::<Letter>(WAITING);
        let worker = tokio::spawn(async move {
            while let Some(letter) = letters.recv().await {
                deliver(notifier.as_ref(), &ledger, &letter).await;
            }
        });
        Self {
            sender: Mutex::new(Some(sender)),
            worker: Mutex::new(Some(worker)),
        }
    }

    /// Takes a letter.
    pub(super) fn put(&self, letter: Letter) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = sender.as_ref() else {
            return;
        };
        if let Err(error) = sender.try_send(letter) {
            tracing::warn!(
                error = chain(&error),
                "Message dropped, too many are waiting"
            );
        }
    }

    /// Delivers what is there and takes no more.
    pub(super) async fn drain(&self) {
        drop(
            self.sender
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
        let worker = self
            .worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(worker) = worker {
            let _panicked_or_done = worker.await;
        }
    }
}

/// Posts, or rewrites what was posted under the same name. What was said already is not said again.
async fn deliver(notifier: &dyn Notifier, ledger: &Ledger, letter: &Letter) {
    let name = format!("slack/{}", letter.name);
    let digest = Digest::of(serde_json::to_vec(&letter.message).unwrap_or_default());
    let before = ledger
        .delivery(&name)
        .await
        .ok()
        .flatten()
        .unwrap_or_default();
    if before["digest"] == json!(digest) {
        return;
    }
    let posted: Option<Posted> = serde_json::from_value(before["posted"].clone()).ok();
    let result = match &posted {
        Some(posted) => edit(notifier, posted, letter)
            .await
            .map(|()| Some(posted.clone())),
        None => {
            notifier
                .post(letter.channel.as_deref(), None, &letter.message)
                .await
        }
    };
    match result {
        Ok(posted) => {
            let record = json!({ "posted": posted, "digest": digest });
            if let Err(error) = ledger.record_delivery(&name, &record).await {
                tracing::warn!(
                    name,
                    error = chain(&error),
                    "Delivery not recorded, it may be said twice"
                );
            }
        }
        Err(error) => tracing::warn!(name, error = chain(&error), "Message not delivered"),
    }
}

async fn edit(
    notifier: &dyn Notifier,
    posted: &Posted,
    letter: &Letter,
) -> Result<(), crate::deliver::notify::NotifyError> {
    notifier.edit(posted, &letter.message).await?;
    if letter.threaded {
        notifier
            .post(letter.channel.as_deref(), Some(posted), &letter.message)
            .await?;
    }
    Ok(())
}
