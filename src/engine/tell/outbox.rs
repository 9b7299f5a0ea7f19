//! Messages on their way to chat: one at a time, each under a name, so that saying more about the
//! same thing rewrites what was said. Slowness of the other side never holds a run up.

use crate::deliver::notify::{Message, Notifier, NotifyError, Posted};
use crate::ledger::Ledger;
use crate::model::{Class, Digest, Fault as _};
use crate::telemetry::chain;
use serde::{Deserialize, Serialize};
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

/// Under what name the ledger keeps what waits, so that an end of the process loses nothing of it.
const KEPT: &str = "slack-waiting";

/// A message under a name.
#[derive(Debug, Serialize, Deserialize)]
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
    let mut waiting = waiting_since_before(&ledger).await;
    let mut pause = Duration::ZERO;
    // Not begun anew by a letter that comes meanwhile: where many come it would never end.
    let mut timer = Box::pin(tokio::time::sleep(pause));
    loop {
        let next = if waiting.is_empty() {
            letters.recv().await.map(Some)
        } else {
            tokio::select! {
                next = letters.recv() => next.map(Some),
                () = &mut timer => Some(None),
            }
        };
        let Some(next) = next else {
            // Nothing of what waits is lost: the next start finds it.
            return;
        };
        let (down, tried_again) = (!waiting.is_empty(), next.is_none());
        if let Some(letter) = next {
            enqueue(&mut waiting, letter);
            if down {
                keep(&ledger, &waiting).await;
                continue;
            }
        }
        match deliver_all(notifier.as_ref(), &ledger, &mut waiting).await {
            Ok(()) if tried_again => {
                tracing::info!("Messages can be delivered again");
                keep(&ledger, &waiting).await;
            }
            Ok(()) => {}
            Err(error) => {
                keep(&ledger, &waiting).await;
                if pause.is_zero() {
                    tracing::warn!(
                        error = chain(&error),
                        code = error.code(),
                        "Messages cannot be delivered, keeping them until they can"
                    );
                }
                pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                timer = Box::pin(tokio::time::sleep(pause));
                continue;
            }
        }
        pause = Duration::ZERO;
    }
}

/// Returns what could not be delivered before the process ended the last time.
async fn waiting_since_before(ledger: &Ledger) -> VecDeque<Letter> {
    let kept = ledger.delivery(KEPT).await.ok().flatten();
    serde_json::from_value(kept.unwrap_or_default()).unwrap_or_default()
}

async fn keep(ledger: &Ledger, waiting: &VecDeque<Letter>) {
    let kept = serde_json::to_value(waiting).unwrap_or_default();
    if let Err(error) = ledger.record_delivery(KEPT, &kept).await {
        tracing::warn!(
            error = chain(&error),
            "Waiting messages not recorded, a restart loses them"
        );
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
