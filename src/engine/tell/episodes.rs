//! Episodes of single resources: opened, told and ended as a run finds them. What many have in common is told
//! once, of their environment.

use super::super::conditions::{self, Condition, End, Found};
use super::super::{Report, drift};
use super::chat::ChatLetter;
use super::{Teller, trouble};
use crate::ledger::{Episode, EpisodeId, LedgerError};
use crate::model::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Marks an episode that may pass by itself, until it is found again and told.
const UNTOLD: &str = "untold";

impl Teller {
    /// Keeps episodes up to date with what a run found. Returns whether a step began to fail.
    pub(super) async fn conditions(&self, report: &Report) -> Result<bool, LedgerError> {
        let name = &report.plan.environment;
        let open = self.world.ledger.open_episodes(name).await?;
        let mut found = conditions::found(report);
        for found in &mut found {
            self.note_declared(report, found);
        }
        let mut transitions = conditions::transitions(found, &open, report);
        let crowds = conditions::crowds(report, &open);
        let alone = |found: &mut Found| {
            let code = found.details["code"].as_str().unwrap_or_default();
            let crowd = found.condition == Condition::Unknown && crowds.contains_key(code);
            if crowd {
                found.details["crowd"] = true.into();
            }
            !crowd
        };
        self.crowds(report, &crowds, &open).await?;
        let mut new_failure = false;
        for found in transitions.opened.iter_mut().chain(&mut transitions.brief) {
            new_failure |= found.condition == Condition::Failing
                && found.details["code"] != conditions::UNHEALTHY;
            if found.condition == Condition::Drift {
                self.counts.drift_found();
                tracing::warn!(address = %found.address, put_back = found.over, "Live state was changed outside of Git");
            }
            if found.condition == Condition::Unknown {
                let said = |key: &str| found.details[key].as_str().unwrap_or_default().to_owned();
                tracing::warn!(address = %found.address, code = said("code"), reason = said("message"), "Live state cannot be told, leaving it alone");
            }
            let alone = alone(found);
            if !found.certain {
                found.details[UNTOLD] = true.into();
            }
            let id = self.open(report, found).await?;
            if found.over {
                let opened = self.world.ledger.episode(id).await?;
                self.end(report, opened.as_ref(), End::Corrected).await?;
            } else if found.certain && alone {
                self.say(report, self.world.ledger.episode(id).await?.as_ref())
                    .await;
            }
        }
        for (id, found) in &mut transitions.lasting {
            let alone = alone(found);
            let before = open.iter().find(|one| one.id == *id);
            self.goes_on(report, found, before.filter(|_| alone))
                .await?;
        }
        for (id, how) in &transitions.ended {
            let open = self.world.ledger.episode(*id).await?;
            self.end(report, open.as_ref(), *how).await?;
        }
        self.fights(report, &open).await?;
        Ok(new_failure)
    }

    /// What many resources have in common is told once, of the environment.
    async fn crowds(
        &self,
        report: &Report,
        crowds: &BTreeMap<String, Value>,
        open: &[Episode],
    ) -> Result<(), LedgerError> {
        let name = &report.plan.environment;
        for (code, details) in crowds {
            self.trouble(name, &conditions::crowded(code), details)
                .await?;
        }
        let over = open.iter().filter(|one| one.address.is_none());
        for one in over.filter(|one| conditions::is_crowd(&one.condition)) {
            let still = crowds
                .keys()
                .any(|code| conditions::crowded(code) == one.condition);
            if !still {
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

    /// Says in the thread of a drift what is done about it from now on, where that was something else before.
    async fn say_progress(&self, before: &Episode, episode: &Episode) {
        let is_drift = episode.condition == Condition::Drift.as_str();
        let now = self.world.clock.now();
        let progress = drift::progress(before, episode, now).filter(|_| is_drift);
        let Some(message) = progress else {
            return;
        };
        let root = format!("episode/{}", episode.id);
        let course = Digest::of(episode.details["course"].to_string());
        let name = format!("{root}/{}", course.short());
        let letter = ChatLetter {
            answers: Some(root),
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
        if let (Some(by), Some(address)) = (by, &episode.address) {
            let mut details = episode.details.clone();
            details["ended_by"] = json!(by);
            let (name, condition) = (&episode.environment, &episode.condition);
            ledger
                .open_episode(name, Some(address), condition, &details, now)
                .await?;
        }
        ledger.end_episode(episode.id, how.as_str(), now).await?;
        if unheard {
            return Ok(());
        }
        let ended = self.world.ledger.episode(episode.id).await?;
        self.say(report, ended.as_ref()).await;
        Ok(())
    }

    /// Tells whether people never heard of an episode: it passed by itself before it was told, or stood in
    /// the message of a crowd.
    async fn is_unheard(&self, episode: &Episode) -> Result<bool, LedgerError> {
        if episode.details[UNTOLD] == true || episode.details["crowd"] != true {
            return Ok(episode.details[UNTOLD] == true);
        }
        let said = format!("slack/episode/{}", episode.id);
        Ok(self.world.ledger.delivery(&said).await?.is_none())
    }

    /// Says how an episode stands. Failures speak through their run's message.
    pub(super) async fn say(&self, report: &Report, episode: Option<&Episode>) {
        let Some(episode) = episode else { return };
        let message = match episode.condition.as_str() {
            "drift" => drift::message(episode),
            "unknown" | "fought-over" => Some(trouble::message(episode)),
            "failing" if episode.details["code"] == conditions::UNHEALTHY => {
                Some(trouble::message(episode))
            }
            _ => None,
        };
        if let Some(message) = message {
            self.episode_stands(episode, &message).await;
            let (name, about) = (&report.plan.environment, format!("episode/{}", episode.id));
            let letter = ChatLetter {
                since: episode.opened_at,
                threaded: episode.ended_at.is_some(),
                ..self.channels.letter(name, about, message)
            };
            self.chat.put(letter).await;
        }
    }
}
