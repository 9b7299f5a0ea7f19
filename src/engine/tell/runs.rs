//! The message on a run that ended, or was cut off: it takes the place of what was said while it went on.

use super::super::schedule::Reason;
use super::super::{Kept, Report};
use super::chat::ChatLetter;
use super::{Teller, trouble};
use crate::deliver::notify::{Happened, Message};
use crate::deliver::render::{About, Back, RunResult, notice_slack, run_slack};
use crate::ledger::{LedgerError, RunDetails, RunOutcome, RunRecord, RunSummary};
use crate::model::{Gravity, Outcome, RunId};
use std::time::Duration;

/// How many runs before one are looked through for the rollback it may belong to.
const LATEST: u32 = 50;

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
    /// Returns the message on a run that ended, and what it says besides what was done.
    pub(super) async fn on_run(
        &self,
        kept: &Kept,
        ran: Ran,
        report: &Report,
        result: &RunResult<'_>,
    ) -> Result<(About, Message), LedgerError> {
        let (by, links) = self.made_by(kept).await;
        let about = About {
            back: self.rolled_back(report, result.run, ran.reason).await?,
            by,
            ordered_by: report.by.clone(),
            took: Some(ran.took),
            links,
        };
        let message = run_slack(result, &about);
        Ok((about, message))
    }

    /// Tells people of a run that ended.
    pub(super) async fn say_run(&self, ran: Ran, result: &RunResult<'_>, message: Message) {
        let name = &result.plan.environment;
        let letter = ChatLetter {
            since: result.ended_at,
            ends: true,
            ..self
                .channels
                .letter(name, self.about(result).await, message)
        };
        let begun_in = self.channels.of(name, Gravity::Good);
        let is_elsewhere = ran.is_told && letter.channel != begun_in;
        // What was begun there ends there, too.
        let here = is_elsewhere.then(|| ChatLetter {
            channel: begun_in,
            ..letter.clone()
        });
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
        // At last: what stands under the run's own name is all there was to say.
        if let Some(here) = here {
            self.chat.put(here).await;
        }
    }

    /// Returns the name of the message on a run. One that left no record found what the last one found, and speaks
    /// in the message of that.
    pub(super) async fn about(&self, result: &RunResult<'_>) -> String {
        let name = &result.plan.environment;
        let run = match result.run {
            Some(run) => Ok(run.0),
            None => {
                let last = self.world.ledger.runs(Some(name), 1, None).await;
                last.map(|last| last.first().map_or(0, |last| last.id.0))
            }
        };
        let nth = run.unwrap_or_else(|error| {
            trouble::log_untold(Err(error));
            0
        });
        format!("run/{name}/{nth}")
    }

    /// Tells whether people were told in full how a run ended, or are about to be.
    async fn is_said(&self, about: &str) -> Result<bool, LedgerError> {
        if let Some(waits) = self.chat.waiting(about).await? {
            return Ok(waits.ends);
        }
        let name = format!("slack/{about}");
        let said = self.world.ledger.delivery(&name);
        Ok(said.await?.is_some_and(|said| said["ends"] == true))
    }

    /// Returns the rollback a run carried out: it ran for that, or all that did could do nothing.
    async fn rolled_back(
        &self,
        report: &Report,
        run: Option<RunId>,
        reason: Reason,
    ) -> Result<Option<Back>, LedgerError> {
        let (plan, ledger) = (&report.plan, &self.world.ledger);
        let mut rollbacks = ledger.rollbacks().await?.into_iter();
        let found =
            rollbacks.find(|one| one.environment == plan.environment && one.to == plan.revision);
        let Some(found) = found else {
            return Ok(None);
        };
        if reason != Reason::Rollback {
            let before = ledger.runs(Some(&plan.environment), LATEST, run).await?;
            let mut since = before.iter().filter(|one| one.begun_at >= found.since);
            let did = |one: &RunRecord| {
                let summary = one.summary.as_ref();
                summary.is_some_and(|summary| summary.counts.contains_key(Outcome::DONE.as_str()))
            };
            if since.any(did) {
                return Ok(None);
            }
        }
        Ok(Some(Back {
            why: found.told(),
            by: found.by,
        }))
    }

    /// Runs were cut off, of which this start knows by itself, or ended, and the process did before it said so; what is
    /// told of many together goes on.
    pub(crate) async fn untold(&self, cut_off: &[RunRecord]) -> Result<(), LedgerError> {
        for run in cut_off {
            self.interrupted(run).await;
        }
        self.storms_go_on().await?;
        let ledger = &self.world.ledger;
        for run in ledger.untold_runs().await? {
            let is_said = cut_off.iter().any(|one| one.id == run.id);
            match run.summary.as_ref().filter(|_| !is_said) {
                // The start that found it so was killed, too.
                Some(one) if one.outcome == RunOutcome::Interrupted => self.interrupted(&run).await,
                Some(summary) => self.say_untold(&run, summary).await?,
                None => {}
            }
            ledger.told(&run.environment, run.id).await?;
        }
        Ok(())
    }

    /// Says what the record of a run still tells of it, where its own words were lost.
    async fn say_untold(&self, run: &RunRecord, summary: &RunSummary) -> Result<(), LedgerError> {
        let name = &run.environment;
        let count = |word: &str| summary.counts.get(word).copied().unwrap_or_default();
        let counts = [(count("failed"), "failed"), (count("done"), "done")];
        let some = counts.iter().filter(|(count, _)| *count > 0);
        let some: Vec<String> = some
            .map(|(count, word)| format!("{count} {word}"))
            .collect();
        if some.is_empty() {
            return Ok(());
        }
        let sign = match summary.outcome {
            RunOutcome::Done => "✅",
            RunOutcome::Failed => "❌",
            RunOutcome::Held | RunOutcome::Stopped | RunOutcome::Interrupted => "🔶",
        };
        let title = format!("{sign} {name}: {}", some.join(", "));
        let all = "It ended when the daemon did. All of it: reconciled history show";
        let mut lines = Vec::from_iter(summary.note.clone());
        lines.push(format!("{all} {}", run.id));
        let message = notice_slack(&title, &lines, run.begun_at, run.ended_at);
        self.run_recorded(run, Happened::RunEnded, &message).await;
        let about = format!("run/{name}/{}", run.id);
        if self.is_said(&about).await? {
            return Ok(());
        }
        let letter = ChatLetter {
            since: run.begun_at,
            ..self.channels.letter(name, about, message)
        };
        self.chat.put(letter).await;
        Ok(())
    }

    /// A run was cut off by an end of the process: what was said of it while it went on is over.
    async fn interrupted(&self, run: &RunRecord) {
        let name = &run.environment;
        let title = format!("🔶 {name}: a run was interrupted, looking again");
        let message = notice_slack(&title, &[], run.begun_at, None);
        let what = Happened::RunInterrupted;
        self.run_recorded(run, what, &message).await;
        let letter = ChatLetter {
            since: run.begun_at,
            ..self
                .channels
                .letter(name, format!("run/{name}/{}", run.id), message)
        };
        let ledger = &self.world.ledger;
        let posted = ledger.delivery(&format!("slack/{}", letter.name)).await;
        let details = ledger.run(run.id).await;
        let wrote = |run: RunDetails| run.steps.iter().any(|step| step.begun_at.is_some());
        // What it wrote is there, so that no run after it has anything to say of it.
        if matches!(posted, Ok(Some(_))) || details.is_ok_and(|run| run.is_some_and(wrote)) {
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
