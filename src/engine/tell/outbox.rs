//! Messages on their way to chat: one at a time, each under a name, so that saying more about the
//! same thing rewrites what was said. Slowness of the other side never holds a run up.

use crate::deliver::notify::{Message, Notifier, NotifyError, Posted};
use crate::ledger::Ledger;
use crate::model::{Class, Digest, Fault as _};
use crate::telemetry::chain;
use serde_json::json;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// How many messages may wait; beyond that the newest is dropped and logged.
const WAITING: usize = 256;
/// How long the other side is left alone after it did not answer; doubled each time, up to the second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

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
        let (sender, letters) = mpsc::channel::<Letter>(WAITING);
        let worker = tokio::spawn(carry(notifier, ledger, letters));
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

/// Delivers letters in order until there are no more. While the other side does not answer they
/// wait, the newest of each name, and are tried again; it is said once, and once that it is over.
async fn carry(notifier: Arc<dyn Notifier>, ledger: Ledger, mut letters: mpsc::Receiver<Letter>) {
    let mut waiting = VecDeque::new();
    let mut pause = FIRST_PAUSE;
    loop {
        let next = if waiting.is_empty() {
            letters.recv().await.map(Some)
        } else {
            tokio::select! {
                next = letters.recv() => next.map(Some),
                () = tokio::time::sleep(pause) => Some(None),
            }
        };
        let Some(next) = next else {
            // The last attempt: the process is about to end.
            let _too_late = deliver_all(notifier.as_ref(), &ledger, &mut waiting).await;
            return;
        };
        let down = !waiting.is_empty();
        let tried_again = next.is_none();
        if let Some(letter) = next {
            enqueue(&mut waiting, letter);
            if down {
                continue;
            }
        }
        match deliver_all(notifier.as_ref(), &ledger, &mut waiting).await {
            Ok(()) if tried_again => {
                tracing::info!("Messages can be delivered again");
                pause = FIRST_PAUSE;
            }
            Ok(()) => {}
            Err(_) if tried_again => pause = (pause * 2).min(LONGEST_PAUSE),
            Err(error) => tracing::warn!(
                error = chain(&error),
                code = error.code(),
                "Messages cannot be delivered, keeping them until they can"
            ),
        }
    }
}

/// Puts a letter at the end; an older one of the same name goes, its place in the order stays.
fn enqueue(waiting: &mut VecDeque<Letter>, letter: Letter) {
    match waiting.iter_mut().find(|one| one.name == letter.name) {
        Some(older) => *older = letter,
        None => waiting.push_back(letter),
    }
    if waiting.len() > WAITING {
        waiting.pop_front();
        tracing::warn!("Oldest message dropped, too many are waiting");
    }
}

/// Delivers what waits, in order, up to the first that the other side did not answer.
async fn deliver_all(
    notifier: &dyn Notifier,
    ledger: &Ledger,
    waiting: &mut VecDeque<Letter>,
) -> Result<(), NotifyError> {
    while let Some(letter) = waiting.front() {
        match deliver(notifier, ledger, letter).await {
            Err(error) if error.class() == Class::Transient => return Err(error),
            Err(error) => tracing::warn!(
                name = letter.name,
                error = chain(&error),
                code = error.code(),
                hint = error.hint(),
                "Message not delivered"
            ),
            Ok(()) => {}
        }
        waiting.pop_front();
    }
    Ok(())
}

/// Posts, or rewrites what was posted under the same name. What was said already is not said again.
async fn deliver(
    notifier: &dyn Notifier,
    ledger: &Ledger,
    letter: &Letter,
) -> Result<(), NotifyError> {
    let name = format!("slack/{}", letter.name);
    let digest = Digest::of(serde_json::to_vec(&letter.message).unwrap_or_default());
    let before = ledger
        .delivery(&name)
        .await
        .ok()
        .flatten()
        .unwrap_or_default();
    if before["digest"] == json!(digest) {
        return Ok(());
    }
    let posted: Option<Posted> = serde_json::from_value(before["posted"].clone()).ok();
    let posted = match posted {
        Some(posted) => {
            edit(notifier, &posted, letter).await?;
            Some(posted)
        }
        None => {
            notifier
                .post(letter.channel.as_deref(), None, &letter.message)
                .await?
        }
    };
    let record = json!({ "posted": posted, "digest": digest });
    if let Err(error) = ledger.record_delivery(&name, &record).await {
        tracing::warn!(
            name,
            error = chain(&error),
            "Delivery not recorded, it may be said twice"
        );
    }
    Ok(())
}

async fn edit(
    notifier: &dyn Notifier,
    posted: &Posted,
    letter: &Letter,
) -> Result<(), NotifyError> {
    notifier.edit(posted, &letter.message).await?;
    if letter.threaded {
        notifier
            .post(letter.channel.as_deref(), Some(posted), &letter.message)
            .await?;
    }
    Ok(())
}
