//! What is on its way to people: in order, each under a name, so that saying more about the same thing
//! takes the place of what was said. Kept by the ledger until it is delivered, so that neither a slow
//! other side holds a run up, nor an end of the process loses anything.

use crate::ledger::Ledger;
use crate::model::{Class, Fault};
use crate::telemetry::chain;
use async_trait::async_trait;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{MutexGuard, Notify};
use tokio::task::{AbortHandle, JoinHandle};
use tokio_util::sync::CancellationToken;

/// How many letters may wait; beyond that the oldest is dropped and logged.
const WAITING: usize = 256;
/// How long the other side is left alone after it did not answer; doubled each time, up to the second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// How long an end waits for the letter in hand: what was not delivered by then, the next start does.
const LAST_LETTER: Duration = Duration::from_secs(5);

/// Something to be delivered.
pub(super) trait Letter:
    Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// What it is about, the same for all that is said about one thing: `run/production/17`.
    fn name(&self) -> &str;
}

/// Brings letters to one place.
#[async_trait]
pub(super) trait Carrier: Send + Sync + 'static {
    /// What it can bring.
    type Letter: Letter;
    /// Why it did not arrive. A transient one is tried again, any other is logged, and that is that.
    type Error: Fault + Send + Sync + 'static;

    /// Under what name the ledger keeps what waits.
    fn kept(&self) -> String;
    /// Brings one. What was said already is not said again: after a kill it may be asked twice.
    async fn deliver(&self, letter: &Self::Letter) -> Result<(), Self::Error>;
}

/// Takes letters and delivers them in order.
pub(super) struct Outbox<L> {
    queue: Arc<Queue<L>>,
    worker: Mutex<Option<JoinHandle<()>>>,
    abort: AbortHandle,
}

impl<L: Letter> Outbox<L> {
    /// Starts the one that delivers, beginning with what waits since before the last end.
    pub(super) fn start(carrier: impl Carrier<Letter = L>, ledger: Ledger) -> Self {
        let queue = Arc::new(Queue {
            ledger,
            kept: carrier.kept(),
            waiting: tokio::sync::Mutex::default(),
            news: Notify::new(),
            closed: CancellationToken::new(),
        });
        let worker = tokio::spawn(carry(carrier, Arc::clone(&queue)));
        Self {
            queue,
            abort: worker.abort_handle(),
            worker: Mutex::new(Some(worker)),
        }
    }

    /// Takes a letter. It is the ledger's when this returns; an older one of the same name goes, its
    /// place in the order stays.
    pub(super) async fn put(&self, letter: L) {
        let mut waiting = self.queue.waiting().await;
        let waiting = waiting.get_or_insert_default();
        match waiting.iter_mut().find(|one| one.name() == letter.name()) {
            Some(older) => *older = letter,
            None => waiting.push_back(letter),
        }
        if waiting.len() > WAITING {
            waiting.pop_front();
            tracing::warn!(
                outbox = self.queue.kept,
                "Oldest message dropped, too many are waiting"
            );
        }
        self.queue.keep(waiting).await;
        self.queue.news.notify_one();
    }

    /// Delivers what is there, as far as that is quickly done, and nothing afterwards.
    pub(super) async fn drain(&self) {
        self.queue.closed.cancel();
        let worker = self
            .worker
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(mut worker) = worker
            && tokio::time::timeout(LAST_LETTER, &mut worker)
                .await
                .is_err()
        {
            self.abort.abort();
        }
    }
}

impl<L> Drop for Outbox<L> {
    /// Whoever comes next has the queue for itself.
    fn drop(&mut self) {
        self.abort.abort();
    }
}

/// Letters in their order.
struct Queue<L> {
    ledger: Ledger,
    kept: String,
    /// `None` until what the ledger keeps was read.
    waiting: tokio::sync::Mutex<Option<VecDeque<L>>>,
    news: Notify,
    closed: CancellationToken,
}

impl<L: Letter> Queue<L> {
    async fn waiting(&self) -> MutexGuard<'_, Option<VecDeque<L>>> {
        let mut waiting = self.waiting.lock().await;
        if waiting.is_none() {
            let kept = self.ledger.delivery(&self.kept).await.ok().flatten();
            let kept = serde_json::from_value(kept.unwrap_or_default());
            *waiting = Some(kept.unwrap_or_default());
        }
        waiting
    }

    async fn keep(&self, waiting: &VecDeque<L>) {
        let letters = serde_json::to_value(waiting).unwrap_or_default();
        if let Err(error) = self.ledger.record_delivery(&self.kept, &letters).await {
            tracing::warn!(
                outbox = self.kept,
                error = chain(&error),
                "Waiting messages not recorded, a restart loses them"
            );
        }
    }

    async fn first(&self) -> Option<L> {
        let waiting = self.waiting().await;
        waiting.as_ref().and_then(VecDeque::front).cloned()
    }

    /// Waits for a letter; `None` where there is none and no more will be taken.
    async fn next(&self) -> Option<L> {
        loop {
            let first = self.first().await;
            if first.is_some() || self.closed.is_cancelled() {
                return first;
            }
            tokio::select! {
                () = self.news.notified() => {}
                () = self.closed.cancelled() => {}
            }
        }
    }

    /// Takes a letter away, unless something newer took its place meanwhile.
    async fn done(&self, letter: &L) {
        let mut waiting = self.waiting().await;
        let waiting = waiting.get_or_insert_default();
        if waiting.front() == Some(letter) {
            waiting.pop_front();
            self.keep(waiting).await;
        }
    }
}

/// Delivers letters in order until there are no more. While the other side does not answer they
/// wait, the newest of each name, and are tried again; it is said once, and once that it is over.
async fn carry<C: Carrier>(carrier: C, queue: Arc<Queue<C::Letter>>) {
    let mut pause = Duration::ZERO;
    let mut late = queue.first().await.is_some();
    while let Some(letter) = queue.next().await {
        match carrier.deliver(&letter).await {
            Err(error) if error.class() == Class::Transient => {
                if pause.is_zero() {
                    tracing::warn!(
                        outbox = queue.kept,
                        error = chain(&error),
                        code = error.code(),
                        "Messages cannot be delivered, keeping them until they can"
                    );
                }
                late = true;
                pause = (pause * 2).clamp(FIRST_PAUSE, LONGEST_PAUSE);
                tokio::select! {
                    () = tokio::time::sleep(pause) => continue,
                    () = queue.closed.cancelled() => return,
                }
            }
            Err(error) => tracing::warn!(
                name = letter.name(),
                error = chain(&error),
                code = error.code(),
                hint = error.hint(),
                "Message not delivered"
            ),
            Ok(()) if late => {
                tracing::info!(outbox = queue.kept, "Messages can be delivered again");
            }
            Ok(()) => {}
        }
        (pause, late) = (Duration::ZERO, false);
        queue.done(&letter).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::notify::NotifyError;
    use serde::Deserialize;
    use tokio::sync::mpsc;

    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Words(String, u8);

    impl Letter for Words {
        fn name(&self) -> &str {
            &self.0
        }
    }

    fn words(name: &str, nth: u8) -> Words {
        Words(name.to_owned(), nth)
    }

    /// Tells what it is asked to bring, and does as it is told.
    struct Scripted {
        asked: mpsc::UnboundedSender<Words>,
        answers: tokio::sync::Mutex<mpsc::UnboundedReceiver<Result<(), NotifyError>>>,
    }

    #[async_trait]
    impl Carrier for Scripted {
        type Letter = Words;
        type Error = NotifyError;

        fn kept(&self) -> String {
            "waiting".to_owned()
        }

        async fn deliver(&self, letter: &Words) -> Result<(), NotifyError> {
            self.asked.send(letter.clone()).unwrap();
            self.answers.lock().await.recv().await.unwrap()
        }
    }

    #[tokio::test]
    async fn letters_go_in_order_the_newest_of_each_name_and_a_kill_loses_none() {
        let ledger = Ledger::in_memory().await.unwrap();
        let start = || {
            let (asked_sender, asked) = mpsc::unbounded_channel();
            let (answer, answers) = mpsc::unbounded_channel();
            let carrier = Scripted {
                asked: asked_sender,
                answers: tokio::sync::Mutex::new(answers),
            };
            (Outbox::start(carrier, ledger.clone()), asked, answer)
        };
        let (outbox, mut asked, answer) = start();
        outbox.put(words("a", 1)).await;
        assert_eq!(asked.recv().await, Some(words("a", 1)));
        // While the first is under way: more, and something newer in its own place.
        outbox.put(words("b", 1)).await;
        outbox.put(words("a", 2)).await;
        outbox.put(words("b", 2)).await;
        answer.send(Err(NotifyError::Later(503))).unwrap();
        assert_eq!(asked.recv().await, Some(words("a", 2)));
        // What is declined is not tried again. The next is under way when the process is killed.
        let declined = NotifyError::Declined("no".to_owned());
        answer.send(Err(declined)).unwrap();
        assert_eq!(asked.recv().await, Some(words("b", 2)));
        let worker = outbox.worker.lock().unwrap().take().unwrap();
        worker.abort();
        assert!(worker.await.unwrap_err().is_cancelled());

        let (outbox, mut asked, answer) = start();
        outbox.put(words("c", 1)).await;
        for expected in [words("b", 2), words("c", 1)] {
            assert_eq!(asked.recv().await, Some(expected));
            answer.send(Ok(())).unwrap();
        }
        outbox.drain().await;
        let kept = ledger.delivery("waiting").await.unwrap();
        assert_eq!(kept, Some(serde_json::json!([])));
    }
}
