//! What was intended and what happened: runs, steps, inventory, drift episodes, deliveries, pauses.
//!
//! Every change is one entry, appended to a hash-chained record and folded into the tables that are
//! read, in one transaction. Nothing here decides, and nothing secret comes in: plans are masked,
//! applied fields are sealed by the digest key.
//!
//! ```text
//! open_run -> Entry -> [ one writer, group commit: records (chain) + views ] -> durable -> Ok
//! ```
//!
//! # Guarantees
//! - When a call that writes returns `Ok`, what it wrote survives a kill and a power cut.
//! - When it returns `Err`, nothing of it is there, and everything before it is.
//! - What was deleted or replaced under the one that has it open is neither read nor written any more.
//! - One daemon per file; a command line beside it may read, and write small things.

mod entry;
mod episodes;
mod error;
mod history;
mod inventory;
mod keeping;
mod lock;
mod open;
mod open_file;
mod orders;
mod pen;
mod reading;
mod records;
mod rollbacks;
mod runs;
mod schema;
mod secrets;
mod standing;
mod thin;
mod verify;
mod waiting;
mod writer;

pub use error::LedgerError;
pub use keeping::Keeping;
pub use lock::Holder;
pub use orders::{Answer, Order};
pub use records::{
    Episode, EpisodeId, Pause, RunDetails, RunIntent, RunOutcome, RunRecord, RunSummary,
    StepIntent, StepRecord,
};
pub use rollbacks::{Rollback, Version, Versions, taken_along};
pub use verify::Verified;

use crate::model::DigestKey;
use crate::telemetry::{Clock, crash_point};
use entry::Entry;
use error::Place;
use jiff::Timestamp;
use open_file::OpenFile;
use secrets::Secrets;
use sqlx::AnyPool;
use tokio::sync::{mpsc, oneshot};
use writer::Job;

/// A ledger; cheap to clone.
#[derive(Clone, Debug)]
pub struct Ledger {
    pool: AnyPool,
    /// `None` where it was opened for reading.
    writer: Option<mpsc::Sender<Job>>,
    key: DigestKey,
    clock: Clock,
    place: Place,
    file: OpenFile,
    secrets: Secrets,
}

impl Ledger {
    /// Returns the key for digests of secrets: made at first start, the same ever after.
    pub fn digest_key(&self) -> DigestKey {
        self.key.clone()
    }

    /// Takes the time of entries from this clock, where the caller names none.
    #[must_use]
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Tells whether the next write would succeed, by making one.
    ///
    /// # Errors
    /// Why it would not: a full disk, a lost file.
    pub async fn writable(&self) -> Result<(), LedgerError> {
        self.note(Entry::Probe).await
    }

    /// Checks that its file is still the one in its place, which costs next to nothing.
    ///
    /// # Errors
    /// `Lost`, with what happened to it.
    pub fn in_place(&self) -> Result<(), LedgerError> {
        self.file.check()
    }

    /// Writes what is under way, then gives the file and its lock free. What is written afterwards
    /// through any clone is refused.
    pub async fn close(&self) {
        if let Some(writer) = &self.writer {
            let (done, ended) = oneshot::channel();
            if writer.send(Job::Close(done)).await.is_ok() {
                let _gone_means_closed = ended.await;
            }
        }
        self.pool.close().await;
    }

    /// Writes an entry that has no id, at this moment.
    async fn note(&self, entry: Entry) -> Result<(), LedgerError> {
        self.append(entry, self.clock.now()).await.map(drop)
    }

    /// Hands an entry to the writer and waits until it is durable. Returns the id it was given.
    async fn append(&self, entry: Entry, at: Timestamp) -> Result<i64, LedgerError> {
        let id = self.append_all(vec![entry], at).await?;
        Ok(id.unwrap_or_default())
    }

    /// Hands entries to the writer, to be written all or none, and waits until they are durable.
    /// Returns the id of the last; `None` where what one of them rests on was not so any more.
    async fn append_all(
        &self,
        entries: Vec<Entry>,
        at: Timestamp,
    ) -> Result<Option<i64>, LedgerError> {
        let Some(writer) = &self.writer else {
            return Err(LedgerError::ReadOnly(self.place.clone()));
        };
        let Some(what) = entries.first().map(Entry::what) else {
            return Ok(Some(0));
        };
        crash_point(&format!("ledger: before {what}"));
        let (reply, answer) = oneshot::channel();
        let job = Job::Write { entries, at, reply };
        let closed = || LedgerError::Closed(self.place.clone());
        writer.send(job).await.map_err(|_gone| closed())?;
        let id = answer.await.map_err(|_gone| closed())??;
        crash_point(&format!("ledger: after {what}"));
        Ok(id)
    }
}

#[cfg(test)]
mod tests;
