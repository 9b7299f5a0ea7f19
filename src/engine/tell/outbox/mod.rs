//! What is on its way to people: in order, each under a name, so that saying more about the same thing
//! takes the place of what was said. Kept by the ledger until it is delivered, so that neither a slow
//! other side holds a run up, nor an end of the process loses anything.
//!
//! ```text
//! put -> Queue (ledger) -> carry -> Carrier -> arrived | later: all wait | refused: its way waits | lost
//! ```

#[cfg(test)]
pub(super) mod broken;
mod carry;
mod queue;
mod refusals;

use crate::ledger::{Ledger, LedgerError};
use crate::model::{Fault, Gravity};
use crate::telemetry::Readiness;
use async_trait::async_trait;
use queue::Queue;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

/// How long an end waits for the letter in hand: what was not delivered by then, the next start does.
const LAST_LETTER: Duration = Duration::from_secs(5);

/// Something to be delivered.
pub(super) trait Letter:
    Clone + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static
{
    /// What it is about, the same for all that is said about one thing: `run/production/17`.
    fn name(&self) -> &str;
    /// Where it goes, a channel say: what is refused there holds up nothing that goes elsewhere.
    fn way(&self) -> &str;
    /// How bad it is what it says: where too many wait the mildest goes first.
    fn gravity(&self) -> Gravity {
        Gravity::default()
    }
    /// Makes one of many that wait, where it can; the first on each way may be under way.
    fn gather(_waiting: &mut VecDeque<Self>) {}
    /// When it may go; `None` is at once.
    fn due(&self) -> Option<Instant> {
        None
    }
    /// How many letters that had to go it tells of: such a one has to stay.
    fn dropped(&self) -> usize {
        0
    }
    /// Says that this one and so many others on its way had to go, where that can be said.
    fn gone(&self, _others: usize) -> Option<Self> {
        None
    }
    /// How long its way rests when it arrived.
    fn rest(&self) -> Duration {
        Duration::ZERO
    }
}

/// What becomes of a letter that did not arrive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is tried again soon, and what is behind it waits as long.
    Later,
    /// It is tried again after that long, and nothing is wrong: the other side answered.
    NotYet(Duration),
    /// It is kept and tried again slowly; what goes another way goes on. People see that it is so.
    Refused,
    /// It is logged, and that is that.
    Lost,
}

/// How long the other side is left alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    /// After it did not answer; doubled each time.
    pub first: Duration,
    /// At the most, and after it refused.
    pub longest: Duration,
}

/// Brings letters to one place.
#[async_trait]
pub(super) trait Carrier: Send + Sync + 'static {
    /// What it can bring.
    type Letter: Letter;
    /// Why it did not arrive.
    type Error: Fault + Send + Sync + 'static;

    /// What the place is called: `slack`.
    fn place(&self) -> String;
    /// Under what name the ledger keeps what waits.
    fn kept(&self) -> String;
    /// Tells what becomes of a letter after this.
    fn fate(&self, error: &Self::Error) -> Fate;
    /// Brings one. What was said already is not said again: after a kill it may be asked twice.
    async fn deliver(&self, letter: &Self::Letter) -> Result<(), Self::Error>;
    /// How long the other side is left alone.
    fn pauses(&self) -> Pauses {
        Pauses {
            first: Duration::from_secs(1),
            longest: Duration::from_secs(300),
        }
    }
}

/// Takes letters and delivers them in order.
pub(super) struct Outbox<L> {
    queue: Arc<Queue<L>>,
    worker: Mutex<Option<JoinHandle<()>>>,
    abort: AbortHandle,
}

impl<L: Letter> Outbox<L> {
    /// Starts the one that delivers, beginning with what waits since before the last end. What is
    /// refused shows in `readiness` and in the ledger as a condition.
    pub(super) fn start(
        carrier: impl Carrier<Letter = L>,
        ledger: Ledger,
        readiness: Readiness,
    ) -> Self {
        let queue = Arc::new(Queue::new(ledger, carrier.kept()));
        let worker = tokio::spawn(carry::carry(carrier, Arc::clone(&queue), readiness));
        Self {
            queue,
            abort: worker.abort_handle(),
            worker: Mutex::new(Some(worker)),
        }
    }

    /// Takes a letter. It is the ledger's when this returns; an older one of the same name goes, its
    /// place in the order stays.
    pub(super) async fn put(&self, letter: L) {
        self.queue.put(letter).await;
    }

    /// Returns the letter of this name, where it waits.
    pub(super) async fn waiting(&self, name: &str) -> Result<Option<L>, LedgerError> {
        self.queue.waiting(name).await
    }

    /// Changes letters that wait; `change` tells whether it did.
    pub(super) async fn amend(&self, change: impl Fn(&mut L) -> bool + Send) {
        self.queue.amend(change).await;
    }

    /// Delivers what is there, as far as that is quickly done, and nothing afterwards.
    pub(super) async fn drain(&self) {
        self.queue.close();
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

#[cfg(test)]
mod tests;
