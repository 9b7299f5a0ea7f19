//! One run of the daemon's: the cycle, watched, and what follows from how it ended.

use super::super::tell::{Ran, Teller, watched};
use super::super::unwatched::Unwatched;
use super::super::{
    Asker, Counts, Everywhere, Fleet, Gate, Kept, Orders, Reason, Subject, Trust, World, cycle,
    rollback,
};
use super::passed::Passed;
use crate::deliver::Authority;
use crate::model::{Address, Depth};
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// A run that is due, with what it needs.
pub(super) struct OneRun {
    pub world: World,
    pub teller: Arc<Teller>,
    /// Asks for approvals.
    pub asker: Arc<Asker>,
    pub counts: Counts,
    pub everywhere: Arc<Everywhere>,
    /// All environments.
    pub fleet: Arc<Fleet>,
    /// What failed a moment ago and is not tried again in this run.
    pub resting: BTreeSet<Address>,
    /// What alone it is about, where live state changed there and nothing else is due.
    pub nudged: Option<BTreeSet<Address>>,
    /// Says what could not be watched.
    pub unwatched: Arc<Unwatched>,
    /// Hears where it orders a rollback.
    pub ordered: Arc<Notify>,
    pub kept: Kept,
    pub reason: Reason,
    pub cancel: CancellationToken,
}

impl OneRun {
    /// Runs it, tells of it, and returns what the schedule has to know.
    pub(super) async fn carried_out(self) -> Passed {
        let (kept, reason) = (&self.kept, self.reason);
        let begun = std::time::Instant::now();
        let (progress, watching) = watched();
        let cycle = async {
            // Dropped at its end, which ends the watching.
            let progress = progress;
            let subject = Subject {
                pinned: &kept.pinned,
                everywhere: &self.everywhere,
                depth: Depth::Predict,
                trust: &Trust::All,
            };
            let orders = Orders {
                authority: Authority::Environment,
                trigger: reason.as_str(),
                wait: true,
                resting: &self.resting,
                nudged: self.nudged.as_ref(),
                gate: Some(Gate::of(kept, &self.asker, &self.fleet)),
                cancel: self.cancel.clone(),
                progress: &progress,
            };
            let result = cycle(&self.world, subject, &orders).await;
            (result, begun.elapsed())
        };
        let watch = self.teller.watch(kept, reason, watching);
        let ((result, took), is_told) = futures::join!(cycle, watch);
        self.counts.run(&result, took);
        self.unwatched.say(&self.world, &self.counts).await;
        let ran = Ran {
            reason,
            took,
            is_told,
        };
        self.teller.run(kept, ran, &result).await;
        if let Ok(report) = &result
            && rollback::after(&self.world, kept, report).await
        {
            self.ordered.notify_one();
        }
        Passed::of(&result)
    }
}
