//! The letters that wait, in their order: in memory, and in the ledger as far as that takes them. A ledger
//! that cannot be read is not an empty one: what it keeps is added once it can be.

use super::Letter;
use crate::ledger::{Ledger, LedgerError};
use crate::telemetry::chain;
use serde_json::Value;
use std::collections::{BTreeSet, VecDeque};
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// How many letters may wait; beyond that the oldest of the mildest is dropped and logged.
const WAITING: usize = 256;

/// Letters in their order.
pub(super) struct Queue<L> {
    ledger: Ledger,
    kept: String,
    waiting: Mutex<Waiting<L>>,
    news: Notify,
    closed: CancellationToken,
}

struct Waiting<L> {
    letters: VecDeque<L>,
    /// False until what the ledger keeps is among them: it is not written before.
    is_read: bool,
}

impl<L: Letter> Waiting<L> {
    fn put(&mut self, letter: L) {
        let mut older = self.letters.iter_mut();
        match older.find(|one| one.name() == letter.name()) {
            Some(older) => *older = letter,
            None => self.letters.push_back(letter),
        }
    }

    /// Drops the oldest of the mildest where too many wait, and has that said on its way.
    fn drop_one(&mut self) -> Option<L> {
        let is_word = |letter: &L| letter.dropped() > 0;
        let words = self.letters.iter().filter(|one| is_word(one)).count();
        if self.letters.len() - words <= WAITING {
            return None;
        }
        let places = self.letters.iter().enumerate();
        let places = places.filter(|(_, letter)| !is_word(letter));
        let mildest = places.min_by_key(|(_, letter)| letter.gravity());
        let place = mildest.map(|(place, _)| place)?;
        let gone = self.letters.remove(place)?;
        let mut waiting = self.letters.iter_mut();
        let before = waiting.find(|one| is_word(one) && one.way() == gone.way());
        match before {
            Some(before) => {
                if let Some(more) = before.gone(before.dropped()) {
                    *before = more;
                }
            }
            None => self.letters.extend(gone.gone(0)),
        }
        Some(gone)
    }
}

impl<L: Letter> Queue<L> {
    /// A queue that the ledger keeps under this name; reads nothing yet.
    pub(super) fn new(ledger: Ledger, kept: String) -> Self {
        Self {
            ledger,
            kept,
            waiting: Mutex::new(Waiting {
                letters: VecDeque::new(),
                is_read: false,
            }),
            news: Notify::new(),
            closed: CancellationToken::new(),
        }
    }

    /// Returns the ledger that keeps it.
    pub(super) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Takes no more after this, and waits for none.
    pub(super) fn close(&self) {
        self.closed.cancel();
    }

    /// Ends when it is closed.
    pub(super) async fn closed(&self) {
        self.closed.cancelled().await;
    }

    /// Takes a letter in.
    pub(super) async fn put(&self, letter: L) {
        let mut waiting = self.waiting.lock().await;
        if let Err(error) = self.read(&mut waiting).await {
            self.untold(&error);
        }
        waiting.put(letter);
        L::gather(&mut waiting.letters);
        if let Some(dropped) = waiting.drop_one() {
            tracing::warn!(
                outbox = self.kept,
                name = dropped.name(),
                "Message dropped, too many are waiting"
            );
        }
        self.keep(&waiting).await;
        self.news.notify_one();
    }

    /// Changes letters; `change` tells whether it did.
    pub(super) async fn amend(&self, change: impl Fn(&mut L) -> bool) {
        let mut waiting = self.waiting.lock().await;
        if let Err(error) = self.read(&mut waiting).await {
            self.untold(&error);
        }
        let mut changed = false;
        for letter in &mut waiting.letters {
            changed |= change(letter);
        }
        if changed {
            self.keep(&waiting).await;
            self.news.notify_one();
        }
    }

    /// Returns the ways that letters wait for.
    pub(super) async fn ways(&self) -> Result<BTreeSet<String>, LedgerError> {
        let mut waiting = self.waiting.lock().await;
        self.read(&mut waiting).await?;
        let ways = waiting.letters.iter().map(|one| one.way().to_owned());
        Ok(ways.collect())
    }

    /// Returns the first letter that may go now. At the end all may: the next start may be far off.
    pub(super) async fn first(&self, goes: impl Fn(&L) -> bool) -> Result<Option<L>, LedgerError> {
        let mut waiting = self.waiting.lock().await;
        self.read(&mut waiting).await?;
        let (now, is_end) = (Instant::now(), self.closed.is_cancelled());
        let is_due = |one: &L| is_end || one.due().is_none_or(|due| due <= now);
        let mut letters = waiting.letters.iter();
        Ok(letters.find(|one| is_due(one) && goes(one)).cloned())
    }

    /// Returns the letter of a name, whether or not it may go.
    pub(super) async fn waiting(&self, name: &str) -> Result<Option<L>, LedgerError> {
        let mut waiting = self.waiting.lock().await;
        self.read(&mut waiting).await?;
        let mut letters = waiting.letters.iter();
        Ok(letters.find(|one| one.name() == name).cloned())
    }

    /// Returns when the next of those may go that might not at a moment.
    pub(super) async fn next_due(&self, at: Instant) -> Result<Option<Instant>, LedgerError> {
        let mut waiting = self.waiting.lock().await;
        self.read(&mut waiting).await?;
        let dues = waiting.letters.iter().filter_map(Letter::due);
        Ok(dues.filter(|due| *due > at).min())
    }

    /// Ends when a letter came since it was last asked, or none will come. Returns whether one may.
    pub(super) async fn is_open(&self) -> bool {
        if self.closed.is_cancelled() {
            return false;
        }
        tokio::select! {
            () = self.news.notified() => {}
            () = self.closed.cancelled() => {}
        }
        true
    }

    /// Takes a letter away, unless something newer took its place meanwhile.
    pub(super) async fn done(&self, letter: &L) {
        let mut waiting = self.waiting.lock().await;
        let before = waiting.letters.len();
        waiting.letters.retain(|one| one != letter);
        if waiting.letters.len() < before {
            self.keep(&waiting).await;
        }
    }

    /// Adds what the ledger keeps, the first time that it can be read.
    async fn read(&self, waiting: &mut Waiting<L>) -> Result<(), LedgerError> {
        if waiting.is_read {
            return Ok(());
        }
        let kept = self.ledger.waiting(&self.kept).await?.unwrap_or_default();
        let kept: Vec<Value> = serde_json::from_value(kept).unwrap_or_default();
        let newer = std::mem::take(&mut waiting.letters);
        for letter in kept {
            match serde_json::from_value(letter) {
                Ok(letter) => waiting.letters.push_back(letter),
                Err(error) => tracing::warn!(
                    outbox = self.kept,
                    error = chain(&error),
                    "Waiting message cannot be read, leaving it out"
                ),
            }
        }
        waiting.is_read = true;
        for letter in newer {
            waiting.put(letter);
        }
        Ok(())
    }

    async fn keep(&self, waiting: &Waiting<L>) {
        if !waiting.is_read {
            return;
        }
        let letters = serde_json::to_value(&waiting.letters).unwrap_or_default();
        if let Err(error) = self.ledger.set_waiting(&self.kept, &letters).await {
            self.untold(&error);
        }
    }

    fn untold(&self, error: &LedgerError) {
        tracing::warn!(
            outbox = self.kept,
            error = chain(error),
            "Waiting messages not recorded, a restart loses them"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::notify::Message;
    use crate::engine::tell::chat::ChatLetter;
    use crate::model::Gravity;

    #[tokio::test]
    async fn what_failed_is_not_pushed_out_by_what_is_milder() {
        let queue = Queue::new(Ledger::in_memory().await.unwrap(), "waiting".to_owned());
        let letter = |name: String, gravity| {
            let message = Message {
                text: name.clone(),
                blocks: Value::Null,
            };
            ChatLetter {
                gravity,
                ..ChatLetter::new(name, message)
            }
        };
        queue
            .put(letter("run/other/12".to_owned(), Gravity::Failure))
            .await;
        for nth in 0..WAITING + 10 {
            let name = format!("episode/{nth}");
            queue.put(letter(name, Gravity::Warning)).await;
        }
        let first = queue.first(|_| true).await.unwrap().unwrap();
        assert_eq!(first.name, "run/other/12");
    }

    #[tokio::test]
    async fn a_channel_is_told_once_how_many_messages_were_dropped() {
        let queue = Queue::new(Ledger::in_memory().await.unwrap(), "waiting".to_owned());
        let letter = |nth: usize, channel: &str| {
            let message = Message {
                text: nth.to_string(),
                blocks: Value::Null,
            };
            ChatLetter {
                channel: Some(channel.to_owned()),
                ..ChatLetter::new(format!("episode/{nth}"), message)
            }
        };
        for nth in 0..WAITING + 10 {
            let channel = if nth % 2 == 0 { "#shop" } else { "#infra" };
            queue.put(letter(nth, channel)).await;
        }
        let waiting = queue.waiting.lock().await;
        assert_eq!(waiting.letters.len(), WAITING + 2);
        for channel in ["#shop", "#infra"] {
            let to = waiting.letters.iter().filter(|one| one.way() == channel);
            let words: Vec<_> = to.filter(|one| one.dropped > 0).collect();
            let [word] = words.as_slice() else {
                panic!("{words:#?}");
            };
            let said = "🔶 reconciled: 5 messages to this channel were dropped";
            assert_eq!((word.dropped, word.message.text.as_str()), (5, said));
        }
    }

    #[tokio::test]
    async fn what_is_not_due_lets_others_pass_and_goes_at_the_end() {
        let queue: Queue<ChatLetter> =
            Queue::new(Ledger::in_memory().await.unwrap(), "waiting".to_owned());
        let letter = |name: &str, due| {
            let message = Message {
                text: name.to_owned(),
                blocks: Value::Null,
            };
            ChatLetter {
                due,
                ..ChatLetter::new(name.to_owned(), message)
            }
        };
        let due = Instant::now() + std::time::Duration::from_secs(3600);
        let name = async || queue.first(|_| true).await.unwrap().map(|one| one.name);
        queue.put(letter("storm", Some(due))).await;
        assert_eq!(name().await, None);
        assert_eq!(queue.next_due(Instant::now()).await.unwrap(), Some(due));
        queue.put(letter("run", None)).await;
        assert_eq!(name().await.as_deref(), Some("run"));
        queue.close();
        assert_eq!(name().await.as_deref(), Some("storm"));
    }
}
