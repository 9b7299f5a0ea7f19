//! The one task that writes. What waits is written in one transaction (group commit), so that a run
//! of many steps costs few synchronisations of the disk.

use super::entry::Entry;
use super::error::{LedgerError, Place};
use super::lock::Lock;
use super::open_file::OpenFile;
use super::pen::Pen;
use super::schema;
use super::verify::{HEAD, link};
use crate::model::Digest;
use jiff::Timestamp;
use sqlx::{AnyConnection, Connection as _, Row as _};
use tokio::sync::{mpsc, oneshot};

/// How many jobs one transaction takes at most: bounds what a failure makes us write again.
const GROUP: usize = 256;

/// Takes the id of the last entry written; `None` where what one of them rests on was not so any more.
pub(super) type Reply = oneshot::Sender<Result<Option<i64>, LedgerError>>;

/// What the writer is asked for.
#[derive(Debug)]
pub(super) enum Job {
    /// Write these, all or none.
    Write {
        entries: Vec<Entry>,
        at: Timestamp,
        reply: Reply,
    },
    /// Write what came before, let the lock go, answer, end.
    Close(oneshot::Sender<()>),
}

struct Waiting {
    entries: Vec<Entry>,
    at: i64,
    reply: Reply,
}

/// Starts the writer. It ends with the last handle to it, and holds the lock until then.
pub(super) fn start(
    mut pen: Pen,
    about: (Place, OpenFile),
    lock: Option<Lock>,
) -> mpsc::Sender<Job> {
    let (sender, mut queue) = mpsc::channel(GROUP);
    tokio::spawn(async move {
        let mut jobs = Vec::with_capacity(GROUP);
        let mut close = None;
        while close.is_none() && queue.recv_many(&mut jobs, GROUP).await > 0 {
            let mut waiting = Vec::with_capacity(jobs.len());
            for job in jobs.drain(..) {
                match job {
                    Job::Write { entries, at, reply } => waiting.push(Waiting {
                        entries,
                        at: at.as_microsecond(),
                        reply,
                    }),
                    // What came after it in the queue is dropped, which its sender sees.
                    Job::Close(done) => {
                        close = Some(done);
                        break;
                    }
                }
            }
            write(&mut pen, &about, waiting).await;
        }
        pen.put_away().await;
        drop(queue);
        drop(lock);
        if let Some(done) = close {
            let _nobody_waits = done.send(());
        }
    });
    sender
}

async fn write(pen: &mut Pen, about: &(Place, OpenFile), mut waiting: Vec<Waiting>) {
    let (place, file) = about;
    if let Some(lost) = file.lost() {
        let mut lost = Some(lost);
        for one in waiting {
            let error = lost.take().or_else(|| file.lost());
            let error = error.unwrap_or_else(|| LedgerError::Closed(place.clone()));
            let _nobody_waits = one.reply.send(Err(error));
        }
        return;
    }
    match write_group(pen, &mut waiting).await {
        Ok(ids) => {
            for (waiting, id) in waiting.into_iter().zip(ids) {
                let _nobody_waits = waiting.reply.send(Ok(id));
            }
        }
        Err(error) if waiting.len() <= 1 => {
            if let Some(one) = waiting.pop() {
                let error = LedgerError::from_database(place, error);
                let _nobody_waits = one.reply.send(Err(error));
            }
        }
        // One entry's failure must not be another's: each by itself.
        Err(_) => {
            for one in waiting {
                Box::pin(write(pen, about, vec![one])).await;
            }
        }
    }
}

/// Writes all or nothing. Returns the id of each, `None` where it was not to be written any more.
async fn write_group(
    pen: &mut Pen,
    waiting: &mut [Waiting],
) -> Result<Vec<Option<i64>>, sqlx::Error> {
    let mut in_hand = pen.take().await?;
    let written = write_with(in_hand.connection(), waiting).await;
    pen.give_back(in_hand, written.is_ok()).await;
    written
}

async fn write_with(
    connection: &mut AnyConnection,
    waiting: &mut [Waiting],
) -> Result<Vec<Option<i64>>, sqlx::Error> {
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let written = write_in(&mut transaction, waiting).await;
    let ended = match &written {
        Ok(_) => transaction.commit().await,
        Err(_) => transaction.rollback().await,
    };
    written.and_then(|ids| ended.map(|()| ids))
}

async fn write_in(
    transaction: &mut AnyConnection,
    waiting: &mut [Waiting],
) -> Result<Vec<Option<i64>>, sqlx::Error> {
    // Read anew each time: a command line beside the daemon may have written.
    let mut chain = head(&mut *transaction).await?;
    let before = chain.seq;
    let mut ids = Vec::with_capacity(waiting.len());
    for Waiting { entries, at, .. } in waiting {
        let stands = stand(&mut *transaction, entries).await?;
        let mut id = stands.then_some(0);
        for entry in entries.iter_mut().take_while(|_| stands) {
            entry.number(&mut *transaction).await?;
            if entry.is_kept() {
                chain = append(&mut *transaction, &chain, entry, *at).await?;
            }
            id = Some(entry.fold(&mut *transaction, *at).await?);
        }
        ids.push(id);
    }
    if chain.seq > before {
        let end = format!("{} {}", chain.seq, chain.hash);
        schema::set_fact(transaction, HEAD, end).await?;
    }
    Ok(ids)
}

/// Tells whether what the entries rest on is so.
async fn stand(connection: &mut AnyConnection, entries: &[Entry]) -> Result<bool, sqlx::Error> {
    for entry in entries {
        if !entry.stands(&mut *connection).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The last record: its number and its hash.
struct Head {
    seq: i64,
    hash: Digest,
}

async fn head(connection: &mut AnyConnection) -> Result<Head, sqlx::Error> {
    let row = sqlx::query("SELECT seq, hash FROM records ORDER BY seq DESC LIMIT 1")
        .fetch_optional(&mut *connection)
        .await?;
    if let Some(row) = row {
        return Ok(Head {
            seq: row.try_get(0)?,
            hash: Digest::from_hex(row.try_get::<String, _>(1)?),
        });
    }
    let (seq, hash) = super::verify::anchor(connection).await?;
    Ok(Head { seq, hash })
}

async fn append(
    connection: &mut AnyConnection,
    head: &Head,
    entry: &Entry,
    at: i64,
) -> Result<Head, sqlx::Error> {
    let body = serde_json::to_string(entry).map_err(|error| sqlx::Error::Encode(error.into()))?;
    let seq = head.seq + 1;
    let hash = link(&head.hash, seq, at, &body);
    sqlx::query("INSERT INTO records (seq, at, what, body, hash) VALUES ($1, $2, $3, $4, $5)")
        .bind(seq)
        .bind(at)
        .bind(entry.what())
        .bind(body)
        .bind(hash.as_str().to_owned())
        .execute(connection)
        .await?;
    Ok(Head { seq, hash })
}
