//! The message on a run that ended, or was cut off: it takes the place of what was said while it went on.

use super::super::schedule::Reason;
use super::super::{Kept, Report};
use super::Teller;
use super::chat::ChatLetter;
use crate::deliver::render::{About, Back, RunResult, notice_slack, run_slack};
use crate::ledger::{LedgerError, RunRecord};
use crate::model::Gravity;
use std::time::Duration;

/// How a run went, besides what it did.
#[derive(Clone, Copy, Debug)]
pub struct Ran {
    /// Why it ran.
    pub reason: Reason,
    /// How long it took.
    pub took: Duration,
    /// True where people know already that it began.
    pub is_told: bool,
}

impl Teller {
    pub(super) async fn say_run(
        &self,
        kept: &Kept,
        ran: Ran,
        report: &Report,
        result: &RunResult<'_>,
    ) -> Result<(), LedgerError> {
        let (by, links) = self.made_by(kept).await;
        let about = About {
            back: self.rolled_back(report, ran.reason).await?,
            by,
            took: Some(ran.took),
            links,
        };
        let name = &report.plan.environment;
        let nth = report.run.map_or(0, |run| run.0);
        let message = run_slack(result, &about);
        self.run_ended(report, result, (&about, &message)).await;
        let letter = ChatLetter {
            since: result.ended_at,
            ..self
                .channels
                .letter(name, format!("run/{name}/{nth}"), message)
        };
        let begun_in = self.channels.of(name, Gravity::Good);
        let is_elsewhere = ran.is_told && letter.channel != begun_in;
        if is_elsewhere {
            // What was begun there ends there, too.
            let here = ChatLetter {
                channel: begun_in,
                ..letter.clone()
            };
            self.chat.put(here).await;
        }
        let letter = ChatLetter {
            // One that rewrites what was begun is no part of a digest: it would stay as it was begun.
            runs: match ran.is_told {
                true => Vec::new(),
                false => vec![letter.message.text.clone()],
            },
            name: match is_elsewhere {
                true => format!("{}/{:?}", letter.name, letter.gravity).to_lowercase(),
                false => letter.name,
            },
            // A failure that only rewrites a message calls nobody.
            threaded: ran.is_told && letter.gravity == Gravity::Failure,
            ..letter
        };
        self.chat.put(letter).await;
        Ok(())
    }

    /// Returns the rollback a run carried out; `None` where it ran for another reason.
    async fn rolled_back(
        &self,
        report: &Report,
        reason: Reason,
    ) -> Result<Option<Back>, LedgerError> {
        if reason != Reason::Rollback {
            return Ok(None);
        }
        let plan = &report.plan;
        let mut rollbacks = self.world.ledger.rollbacks().await?.into_iter();
        let found =
            rollbacks.find(|one| one.environment == plan.environment && one.to == plan.revision);
        Ok(found.map(|one| Back {
            by: one.by,
            why: one.why,
        }))
    }

    /// A run was cut off by an end of the process: what was said of it while it went on is over.
    pub(crate) async fn interrupted(&self, run: &RunRecord) {
        let name = &run.environment;
        let title = format!("🔶 {name}: a run was interrupted, looking again");
        let message = notice_slack(&title, &[], run.begun_at, None);
        self.run_interrupted(run, &message).await;
        let letter = ChatLetter {
            since: run.begun_at,
            ..self
                .channels
                .letter(name, format!("run/{name}/{}", run.id), message)
        };
        let posted = self
            .world
            .ledger
            .delivery(&format!("slack/{}", letter.name))
            .await;
        if let Ok(Some(_)) = posted {
            self.chat.put(letter).await;
            return;
        }
        let unsaid = |waiting: &mut ChatLetter| {
            let is_it = waiting.name == letter.name;
            if is_it {
                *waiting = letter.clone();
            }
            is_it
        };
        self.chat.amend(unsaid).await;
    }
}
