//! Whose doing the end of a drift is: a run's of ours, a merge's that took it over, or nobody's we know.

use super::super::conditions::{Condition, End, Found};
use super::super::{Kept, Report};
use super::Teller;
use crate::ledger::{Episode, LedgerError, StepRecord};
use crate::model::{Outcome, Revision, Secret, Step};
use serde_json::{Value, json};

/// How many runs are looked through for the one that wrote it.
const RUNS: u32 = 20;

impl Teller {
    /// Notes with what drifted what Git declares for it, so that the end knows whether that changed.
    pub(super) fn note_declared(&self, report: &Report, found: &mut Found) {
        if found.condition == Condition::Drift {
            let step = report.plan.step(&found.address);
            found.details["declared"] = step.map_or(Value::Null, |step| self.declared(step));
        }
    }

    /// Notes with what drifted where to read of what Git declares.
    pub(super) async fn note_links(&self, kept: &Kept, report: &Report, found: &mut [Found]) {
        let is_drift = |one: &&mut Found| one.condition == Condition::Drift;
        let mut drift = found.iter_mut().filter(is_drift).peekable();
        if drift.peek().is_none() || *kept.pinned.revision() != report.plan.revision {
            return;
        }
        let (_, links) = self.made_by(kept).await;
        drift.for_each(|one| one.details["links"] = json!(links));
    }

    /// Returns a digest of what is declared. Under our key, since secrets may be part of it.
    pub(super) fn declared(&self, step: &Step) -> Value {
        let key = self.world.ledger.digest_key();
        let declared = step.desired.as_ref();
        let form = declared.map(|declared| key.sealed_json(declared).to_string());
        json!(form.map(|form| key.digest(&Secret::new(form))))
    }

    /// Returns how an episode ended as far as its run and the ledger tell, and by the run of what revision.
    pub(super) async fn whose_end(
        &self,
        report: &Report,
        episode: &Episode,
        how: End,
    ) -> Result<(End, Option<Revision>), LedgerError> {
        match how {
            End::Overwritten => Ok((how, Some(report.plan.revision.clone()))),
            End::SameAgain => Ok(match self.written_by(episode).await? {
                Some(by) => (End::Overwritten, Some(by)),
                None if self.is_taken_over(report, episode) => (End::TakenOver, None),
                None => (how, None),
            }),
            _ => Ok((how, None)),
        }
    }

    /// Tells whether Git declares something else than when it drifted.
    fn is_taken_over(&self, report: &Report, episode: &Episode) -> bool {
        let step = episode.address.as_ref();
        let step = step.and_then(|address| report.plan.step(address));
        let before = &episode.details["declared"];
        episode.details["revision"] != json!(report.plan.revision)
            && !before.is_null()
            && step.is_some_and(|step| self.declared(step) != *before)
    }

    /// Returns the revision of the newest run that wrote the resource since the episode began.
    async fn written_by(&self, episode: &Episode) -> Result<Option<Revision>, LedgerError> {
        let ledger = &self.world.ledger;
        let runs = ledger.runs(Some(&episode.environment), RUNS, None).await?;
        let wrote = |step: &StepRecord| {
            Some(&step.intent.address) == episode.address.as_ref()
                && step.intent.action.writes()
                && step.outcome.as_ref().is_some_and(Outcome::is_done)
                && step
                    .ended_at
                    .is_some_and(|ended| ended >= episode.opened_at)
        };
        for run in runs {
            if run.ended_at.is_some_and(|ended| ended < episode.opened_at) {
                break;
            }
            let details = ledger.run(run.id).await?;
            if details.is_some_and(|details| details.steps.iter().any(wrote)) {
                return Ok(Some(run.revision));
            }
        }
        Ok(None)
    }
}
