//! Delivers letters in order until there are no more. While the other side does not answer they wait, the
//! newest of each name, and are tried again; it is said once, and once that it is over.

use super::queue::Queue;
use super::refusals::Refusals;
use super::{Carrier, Fate, Letter as _, Pauses};
use crate::ledger::LedgerError;
use crate::model::Fault;
use crate::telemetry::{Readiness, chain};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How the way to the other side stands.
struct Way {
    pauses: Pauses,
    /// How long the last pause was; zero while letters arrive.
    pause: Duration,
    /// What arrives next was kept back before.
    late: bool,
}

impl Way {
    /// Takes in that nothing goes for now, says so the first time, and waits.
    async fn blocked(&mut self, outbox: &str, error: &impl Fault, refusals: &mut Refusals) {
        if self.pause.is_zero() {
            tracing::warn!(
                outbox,
                error = chain(error),
                code = error.code(),
                hint = error.hint(),
                "Messages cannot be delivered, keeping them until they can"
            );
        }
        // A single answer that is lost is nothing anybody has to look at.
        if !self.pause.is_zero() {
            refusals.blocked(error).await;
        }
        self.late = true;
        self.pause = (self.pause * 2).clamp(self.pauses.first, self.pauses.longest);
        tokio::time::sleep(self.pause).await;
    }
}

/// Delivers until the queue is closed and nothing is left that may go.
pub(super) async fn carry<C: Carrier>(
    carrier: C,
    queue: Arc<Queue<C::Letter>>,
    readiness: Readiness,
) {
    let outbox = carrier.kept();
    let mut way = Way {
        pauses: carrier.pauses(),
        pause: Duration::ZERO,
        late: !matches!(queue.first(|_| true).await, Ok(None)),
    };
    let mut refusals = Refusals::none(carrier.place(), queue.ledger().clone(), readiness).await;
    loop {
        let letter = match next(&queue, &mut refusals).await {
            Ok(Some(letter)) => letter,
            Ok(None) => return,
            Err(error) => {
                tokio::select! {
                    () = way.blocked(&outbox, &error, &mut refusals) => continue,
                    () = queue.closed() => return,
                }
            }
        };
        let Err(error) = carrier.deliver(&letter).await else {
            way.late |= refusals.arrived(letter.way()).await;
            refusals.rest(letter.way(), letter.rest());
            queue.done(&letter).await;
            if std::mem::take(&mut way.late) {
                tracing::info!(outbox, "Messages can be delivered again");
            }
            way.pause = Duration::ZERO;
            continue;
        };
        match carrier.fate(&error) {
            Fate::Later => tokio::select! {
                () = way.blocked(&outbox, &error, &mut refusals) => {}
                () = queue.closed() => return,
            },
            Fate::NotYet(rest) => {
                refusals.unblocked().await;
                refusals.rest(letter.way(), rest);
                way.pause = Duration::ZERO;
            }
            Fate::Refused => {
                let rest = way.pauses.longest;
                refusals.refused(letter.way(), &error, rest).await;
                way.pause = Duration::ZERO;
            }
            Fate::Lost => {
                refusals.unblocked().await;
                log_lost(letter.name(), &error);
                queue.done(&letter).await;
                (way.pause, way.late) = (Duration::ZERO, false);
            }
        }
    }
}

fn log_lost(name: &str, error: &impl Fault) {
    let (code, hint) = (error.code(), error.hint());
    let error = chain(error);
    tracing::warn!(name, error, code, hint, "Message not delivered");
}

/// Waits for a letter that may go; `None` where there is none and no more will be taken.
async fn next<L: super::Letter>(
    queue: &Queue<L>,
    refusals: &mut Refusals,
) -> Result<Option<L>, LedgerError> {
    loop {
        refusals.retain(&queue.ways().await?).await;
        let looked = Instant::now();
        let first = queue.first(|letter| !refusals.rests(letter.way())).await?;
        if first.is_some() {
            return Ok(first);
        }
        let due = queue.next_due(looked).await?;
        tokio::select! {
            open = queue.is_open() => if !open { return Ok(None) },
            () = refusals.rested() => {}
            () = until(due) => {}
        }
    }
}

/// Ends then; never where that is no time.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}
