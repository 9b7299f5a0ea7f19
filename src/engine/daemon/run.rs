//! One run of the daemon's: the cycle, watched, and what follows from how it ended.

use super::super::tell::{Ran, Teller, watched};
use super::super::unwatched::Unwatched;
use super::super::{
    Asker, Counts, CycleError, Everywhere, Fleet, Gate, Kept, Orders, Reason, Report, Subject,
    Trust, World, cycle, rollback,
};
use super::orders::log_unanswered;
use super::passed::Passed;
use crate::deliver::Authority;
use crate::ledger::{Answer, Order};
use crate::model::{Address, Depth};
use crate::telemetry::chain;
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
    /// The plan that a person asked to be carried out.
    pub order: Option<Order>,
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
                by: self.order.as_ref().map(|order| order.by.as_str()),
                seen: self.order.as_ref().map(|order| &order.plan),
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
        if let Some(order) = &self.order {
            let answer = answer(order, &result);
            log_unanswered(self.world.ledger.answer(order, answer).await);
        }
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

/// Returns what became of the plan that a person asked for.
fn answer(order: &Order, result: &Result<Report, CycleError>) -> Answer {
    let refused = |why: &str| Answer::Refused(why.to_owned());
    match result {
        Ok(report) if report.plan.hash == order.plan => match report.run {
            Some(run) => Answer::Run(run),
            None => refused("There was nothing to do any more."),
        },
        Ok(report) => refused(&format!(
            "At {}, where the daemon is, Git or live state is not as the plan showed it: one of them changed since, or it has not read a newer commit yet. Look at it again.",
            report.plan.revision.short()
        )),
        Err(CycleError::Stopped) => refused("Something newer came from Git. Look at it again."),
        Err(error) => Answer::Refused(format!("The run failed to {}.", chain(error))),
    }
}
