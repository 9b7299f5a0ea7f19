//! The ledger as the journal of one run.

use crate::deliver::{Journal, JournalError};
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Action, Address, Outcome, Owned, RunId, Step};
use crate::plan::Plan;
use async_trait::async_trait;

/// Writes one run's results to the ledger.
pub(super) struct RunJournal<'a> {
    ledger: &'a Ledger,
    run: RunId,
    plan: &'a Plan,
}

impl<'a> RunJournal<'a> {
    pub(super) fn new(ledger: &'a Ledger, run: RunId, plan: &'a Plan) -> Self {
        Self { ledger, run, plan }
    }

    /// Returns what is to be known of what a step takes away from here on: cut off before it is made again, or declared
    /// again before it is gone, it is missed by nobody. What only puts back what somebody changed goes on as drift.
    async fn leaving(&self, step: &Step) -> Result<Option<Owned>, LedgerError> {
        let takes_away = matches!(step.action, Action::Delete | Action::Replace);
        if !takes_away || step.is_only_drift() {
            return Ok(None);
        }
        let owned = self.ledger.owned_at(&step.address).await?;
        Ok(owned.map(|owned| Owned {
            leaving: true,
            ..owned
        }))
    }

    /// Forgets the old name of what has a new one. That comes before the new one's record: killed
    /// in between, what is live and declared is found by its mark; the old name would stay for ever.
    async fn release_old_names(&self, address: &Address) -> Result<(), LedgerError> {
        for released in self
            .plan
            .released
            .iter()
            .filter(|released| released.to.as_ref() == Some(address))
        {
            self.ledger.release(&released.address).await?;
        }
        Ok(())
    }
}

fn said(what: &str) -> impl FnOnce(LedgerError) -> JournalError + '_ {
    move |error| JournalError {
        what: what.to_owned(),
        reason: crate::telemetry::chain(&error),
    }
}

#[async_trait]
impl Journal for RunJournal<'_> {
    async fn begun(&self, step: &Step) -> Result<(), JournalError> {
        let begun = async {
            let leaving = self.leaving(step).await?;
            self.ledger
                .step_begun(self.run, &step.address, leaving.as_ref())
                .await
        };
        begun.await.map_err(said("that a step begins"))
    }

    async fn applied(&self, step: &Step, owned: Option<&Owned>) -> Result<(), JournalError> {
        self.release_old_names(&step.address)
            .await
            .map_err(said("that a resource has a new name"))?;
        self.ledger
            .step_applied(self.run, &step.address, owned)
            .await
            .map_err(said("that a step was applied"))
    }

    async fn ended(&self, address: &Address, outcome: &Outcome) -> Result<(), JournalError> {
        self.ledger
            .step_ended(self.run, address, outcome)
            .await
            .map_err(said("how a step ended"))
    }
}
