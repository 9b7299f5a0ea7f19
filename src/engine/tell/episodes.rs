//! Episodes of single resources: opened, told and ended as a run finds them. What many have in common is told
//! once, of their environment.

use super::super::conditions::{self, Condition, Crowd, End, Found};
use super::super::{Kept, Report, drift};
use super::chat::ChatLetter;
use super::{Teller, logged, trouble};
use crate::deliver::notify::Message;
use crate::ledger::{Episode, EpisodeId, LedgerError};
use crate::model::Digest;
use serde_json::json;

/// Marks an episode that may pass by itself, until it is found again and told.
const UNTOLD: &str = "untold";

impl Teller {
    /// Keeps episodes up to date with what a run found. Returns whether a step began to fail.
    pub(super) async fn conditions(
        &self,
        kept: &Kept,
        report: &Report,
    ) -> Result<bool, LedgerError> {
        let name = &report.plan.environment;
        let open = self.world.ledger.open_episodes(name).await?;
        let mut found = conditions::found(report);
        for found in &mut found {
            self.note_declared(report, found);
        }
        self.note_links(kept, report, &mut found).await;
        let crowds = conditions::crowds(report, &found, &open);
        let mut transitions = conditions::transitions(found, &open, report);
        let alone = |found: &mut Found| {
            let crowd = crowds.iter().any(|crowd| crowd.holds(found));
            let crowd = crowd || found.details["crowd"] == true;
            if crowd {
                found.details["crowd"] = true.into();
            }
            !crowd
        };
        self.crowds(report, &crowds, &open).await?;
        logged::log_unseen(transitions.opened.iter());
        let mut new_failure = false;
        for found in transitions.opened.iter_mut().chain(&mut transitions.brief) {
            new_failure |=
                found.condition == Condition::Failing && !conditions::is_unwell(&found.details);
            if found.condition == Condition::Drift {
                self.counts.drift_found();
                tracing::warn!(address = %found.address, put_back = found.over == Some(End::Corrected), "Live state was changed outside of Git");
            }
            let alone = alone(found);
            if !found.certain {
                found.details[UNTOLD] = true.into();
            }
            let id = self.open(report, found).await?;
            if let Some(end) = found.over {
                self.found_and_over(report, id, end).await?;
            } else if found.certain && alone {
                self.say(report, self.world.ledger.episode(id).await?.as_ref())
                    .await;
            }
        }
        for (id, found) in &mut transitions.lasting {
            let (alone, now) = (alone(found), self.world.clock.now());
            let before = open.iter().find(|one| one.id == *id);
            let fails = before.filter(|_| found.condition == Condition::Failing);
            let mut note = |one: &Episode| conditions::note_causes(&one.details, now, found);
            let is_known = fails.is_some_and(&mut note);
            self.goes_on(report, found, before.filter(|_| alone && !is_known))
                .await?;
        }
        for (id, how) in &transitions.ended {
            let open = self.world.ledger.episode(*id).await?;
            self.end(report, open.as_ref(), *how).await?;
        }
        self.fights(report, &open).await?;
        Ok(new_failure)
    }

    /// Ends what was over when it was found. People read of both at its end; a program hears of each.
    async fn found_and_over(
        &self,
        report: &Report,
        id: EpisodeId,
        end: End,
    ) -> Result<(), LedgerError> {
        let opened = self.world.ledger.episode(id).await?;
        if let Some((message, _)) = opened.as_ref().and_then(message)
            && let Some(opened) = &opened
        {
            self.episode_stands(opened, &message).await;
        }
        self.end(report, opened.as_ref(), end).await
    }

    /// What many resources have in common is told once, of the environment.
    async fn crowds(
        &self,
        report: &Report,
        crowds: &[Crowd],
        open: &[Episode],
    ) -> Result<(), LedgerError> {
        let name = &report.plan.environment;
        for crowd in crowds {
            self.trouble(name, &crowd.condition, &crowd.details).await?;
            if !crowd.lasts {
                self.trouble_over(name, &crowd.condition, End::Mended)
                    .await?;
            }
        }
        let over = open.iter().filter(|one| one.address.is_none());
        for one in over.filter(|one| conditions::is_crowd(&one.condition)) {
            let mut still = crowds.iter();
            if !still.any(|crowd| crowd.condition == one.condition) {
                self.trouble_over(name, &one.condition, End::Mended).await?;
            }
        }
        Ok(())
    }

    /// Brings an episode that goes on up to date, and says how it stands where it is told by itself: then `before`
    /// is how it stood.
    async fn goes_on(
        &self,
        report: &Report,
        found: &Found,
        before: Option<&Episode>,
    ) -> Result<(), LedgerError> {
        self.open(report, found).await?;
        let Some(before) = before else {
            return Ok(());
        };
        let now = self.world.ledger.episode(before.id).await?;
        self.say(report, now.as_ref()).await;
        if let Some(now) = &now {
            self.say_progress(before, now).await;
        }
        Ok(())
    }

    /// Says in the thread of an episode what its message says otherwise now: what is done about a drift, or what is in
    /// the way of what does not work.
    async fn say_progress(&self, before: &Episode, episode: &Episode) {
        let now = self.world.clock.now();
        let of_run = self.root_of_run(episode).await;
        let progress = match episode.condition.as_str() {
            "drift" => drift::progress(before, episode, now)
                .map(|message| (message, episode.details["course"].to_string())),
            "failing" => new_cause(before, episode, of_run.is_some()),
            _ => None,
        };
        let Some((message, what)) = progress else {
            return;
        };
        let about = format!("episode/{}", episode.id);
        let name = format!("{about}/{}", Digest::of(what).short());
        let letter = ChatLetter {
            answers: Some(of_run.unwrap_or(about)),
            ..self.channels.letter(&episode.environment, name, message)
        };
        self.chat.put(letter).await;
    }

    async fn open(&self, report: &Report, found: &Found) -> Result<EpisodeId, LedgerError> {
        let name = &report.plan.environment;
        let now = self.world.clock.now();
        self.world
            .ledger
            .open_episode(
                name,
                Some(&found.address),
                found.condition.as_str(),
                &found.details,
                now,
            )
            .await
    }

    pub(super) async fn end(
        &self,
        report: &Report,
        episode: Option<&Episode>,
        how: End,
    ) -> Result<(), LedgerError> {
        let Some(episode) = episode else {
            return Ok(());
        };
        let unheard = self.is_unheard(episode).await?;
        let (how, by) = self.whose_end(report, episode, how).await?;
        let now = self.world.clock.now();
        let ledger = &self.world.ledger;
        let mut ended = Episode {
            ended_at: Some(now),
            how: Some(how.as_str().to_owned()),
            ..episode.clone()
        };
        if let (Some(by), Some(address)) = (by, &episode.address) {
            ended.details["ended_by"] = json!(by);
            let (name, condition) = (&episode.environment, &episode.condition);
            ledger
                .open_episode(name, Some(address), condition, &ended.details, now)
                .await?;
        }
        // Said first: after a kill in between it ends once more, and nobody is left with the open one.
        if !unheard {
            self.say(report, Some(&ended)).await;
        }
        ledger.end_episode(episode.id, how.as_str(), now).await
    }

    /// Tells whether people never heard of an episode: it passed by itself before it was told, or stood in
    /// the message of a crowd.
    async fn is_unheard(&self, episode: &Episode) -> Result<bool, LedgerError> {
        if episode.details[UNTOLD] == true || episode.details["crowd"] != true {
            return Ok(episode.details[UNTOLD] == true);
        }
        let said = format!("slack/episode/{}", episode.id);
        let is_said = self.world.ledger.delivery(&said).await?.is_some();
        Ok(!is_said && !self.is_told_together(episode.id).await?)
    }

    /// Says how an episode stands: to programs each, to people what no run's message says.
    pub(super) async fn say(&self, report: &Report, episode: Option<&Episode>) {
        let told = episode.and_then(|episode| Some((episode, message(episode)?)));
        let Some((episode, (message, is_for_people))) = told else {
            return;
        };
        self.episode_stands(episode, &message).await;
        let is_said = !is_for_people
            || self.say_flapping(episode).await
            || self.say_together(episode).await
            || self.say_after_run(episode, &message).await;
        if !is_said {
            let (name, about) = (&report.plan.environment, format!("episode/{}", episode.id));
            let letter = ChatLetter {
                since: episode.opened_at,
                lasts: episode.ended_at.is_none(),
                threaded: episode.ended_at.is_some(),
                ..self.channels.letter(name, about, message)
            };
            self.chat.put(letter).await;
        }
    }
}

/// Returns what is said of another cause than before, and the cause; of one that only the message of a run spoke of
/// till now, and which has no thread there, the episode's own says it.
fn new_cause(before: &Episode, episode: &Episode, of_run: bool) -> Option<(Message, String)> {
    let next = conditions::next_step(&episode.details)?;
    let is_new = conditions::next_step(&before.details) != Some(next);
    (is_new && (of_run || conditions::is_unwell(&before.details)))
        .then(|| (trouble::message(episode), next.to_owned()))
}

/// Returns the message on an episode as it stands, and whether people are to read it: failures of steps speak to them
/// through their run's message, and of those only the end of what did not work is told.
fn message(episode: &Episode) -> Option<(Message, bool)> {
    Some(match episode.condition.as_str() {
        "drift" => (drift::message(episode)?, true),
        "unknown" | "fought-over" => (trouble::message(episode), true),
        "failing" => {
            let details = &episode.details;
            let is_over = conditions::run_of(details).is_some() && episode.ended_at.is_some();
            let is_told = conditions::is_unwell(details) || is_over;
            (trouble::message(episode), is_told)
        }
        _ => return None,
    })
}
