//! Episodes that many environments have for one reason are told together: one message for each channel, said once
//! those of the first seconds are in it, rewritten while more come and go, and ended once. What is told of them is
//! the ledger's before it is said: after a kill it goes on where it stood.

use super::cause::Cause;
use super::chat::ChatLetter;
use super::storm::Storm;
use super::{Teller, trouble};
use crate::deliver::notify::Message;
use crate::ledger::{Episode, EpisodeId, LedgerError};
use crate::model::EnvironmentName;
use serde_json::json;
use std::time::Duration;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

/// How long the first of them waits for others: no longer than a person needs to look.
const WINDOW: Duration = Duration::from_secs(5);

/// How long what comes too late to be written into a message that cannot be rewritten waits for more of it.
const LATE: Duration = Duration::from_secs(60);

/// Under what name the ledger keeps them.
const RECORD: &str = "slack-storms";

/// What goes on of it; `None` until the ledger was asked.
#[derive(Default)]
pub(super) struct Storms(Mutex<Option<Vec<Storm>>>);

impl Teller {
    /// Says how an episode stands together with others like it; false where it is to be told by itself.
    pub(super) async fn say_together(&self, episode: &Episode) -> bool {
        match self.try_together(episode).await {
            Ok(together) => together,
            Err(error) => {
                trouble::log_untold(Err(error));
                false
            }
        }
    }

    async fn try_together(&self, episode: &Episode) -> Result<bool, LedgerError> {
        let mut guard = self.storms().await?;
        let Some(storms) = guard.as_mut() else {
            return Ok(false);
        };
        let held = storms.iter().position(|one| one.holds(episode.id));
        let place = match held {
            Some(place) => place,
            None => match self.storm_for(storms, episode).await? {
                Some(place) => place,
                None => return Ok(false),
            },
        };
        let storm = &mut storms[place];
        if storm.take(episode) {
            let now = Instant::now();
            // One that waits goes when it was to go, however many come meanwhile.
            if storm.due.is_none_or(|due| due <= now) {
                storm.due = Some(now + WINDOW);
            }
            self.said_together(storms, place, Some(episode)).await;
        }
        Ok(true)
    }

    /// Finds what an episode is part of, or begins it. `None` where it is told by itself, or was before.
    async fn storm_for(
        &self,
        storms: &mut Vec<Storm>,
        episode: &Episode,
    ) -> Result<Option<usize>, LedgerError> {
        let Some(cause) = Cause::of(episode).filter(|_| episode.ended_at.is_none()) else {
            return Ok(None);
        };
        let said = format!("slack/episode/{}", episode.id);
        if self.world.ledger.delivery(&said).await?.is_some() {
            return Ok(None);
        }
        self.forget_over(storms).await?;
        let channel = self.channels.of(&episode.environment, cause.gravity);
        let now = Instant::now();
        let today = self.world.clock.now();
        let can_be_joined = |storm: &Storm| {
            let is_open = self.notifier.edits() || storm.due.is_some_and(|due| due > now);
            is_open && storm.gathers(today)
        };
        let mut alike = storms.iter().enumerate();
        let alike = alike
            .by_ref()
            .filter(|(_, one)| one.is_of(&cause, channel.as_deref()));
        let alike: Vec<usize> = alike.map(|(place, _)| place).collect();
        let joined = alike.iter().find(|place| can_be_joined(&storms[**place]));
        if let Some(place) = joined {
            return Ok(Some(*place));
        }
        let mut storm = Storm::begin(episode, cause, channel);
        storm.due = (!alike.is_empty()).then(|| now + LATE);
        storms.push(storm);
        Ok(Some(storms.len() - 1))
    }

    /// Forgets those that are over, once the ledger has the end of each of their episodes too: until then the end may
    /// come once more, after a kill, say, and is told already.
    async fn forget_over(&self, storms: &mut Vec<Storm>) -> Result<(), LedgerError> {
        for place in (0..storms.len()).rev() {
            if storms[place].is_over() && self.has_ended(&storms[place]).await? {
                storms.remove(place);
            }
        }
        Ok(())
    }

    async fn has_ended(&self, storm: &Storm) -> Result<bool, LedgerError> {
        for id in storm.ids(false) {
            let episode = self.world.ledger.episode(id).await?;
            if episode.is_some_and(|episode| episode.ended_at.is_none()) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Hands on what there is to say of one of them. `known` is an episode that the ledger may not know like that
    /// yet. Where the ledger fails it is said all the same: whoever tells an episode by itself as well is never
    /// heard of its end.
    async fn said_together(&self, storms: &[Storm], place: usize, known: Option<&Episode>) {
        // Before it is said: what is said and not remembered would be said again.
        trouble::log_untold(self.keep_storms(storms).await);
        let storm = &storms[place];
        let message = self.message_on(storm, known).await;
        let letter = self.letter_on(storm, message);
        self.chat.put(letter).await;
        if let Some(each) = storm.each().filter(|_| !storm.is_over()) {
            let name = storm.name.replace("storm/", "storm/each/");
            let letter = ChatLetter {
                answers: Some(storm.name.clone()),
                channel: storm.channel.clone(),
                lasts: true,
                due: storm.due,
                ..ChatLetter::new(name, each)
            };
            self.chat.put(letter).await;
        }
    }

    async fn message_on(&self, storm: &Storm, known: Option<&Episode>) -> Message {
        let Some(only) = storm.only() else {
            return storm.message();
        };
        if let Some(known) = known.filter(|known| known.id == only) {
            return trouble::message(known);
        }
        let only = self.world.ledger.episode(only).await.ok().flatten();
        only.map_or_else(|| storm.message(), |only| trouble::message(&only))
    }

    fn letter_on(&self, storm: &Storm, message: Message) -> ChatLetter {
        let names: Vec<&EnvironmentName> = storm.environments().into_keys().collect();
        let is_over = storm.is_over();
        let letter = self.channels.joint_letter(&names, storm.gravity(), message);
        ChatLetter {
            name: storm.name.clone(),
            channel: storm.channel.clone(),
            since: storm.since,
            lasts: !is_over,
            threaded: is_over,
            // Its end keeps nobody waiting.
            due: storm.due.filter(|_| !is_over),
            ..letter
        }
    }

    /// Tells whether people hear of an episode together with others.
    pub(super) async fn is_told_together(&self, id: EpisodeId) -> Result<bool, LedgerError> {
        let storms = self.storms().await?;
        let mut storms = storms.iter().flatten();
        Ok(storms.any(|one| one.holds(id)))
    }

    /// Goes on with what was told together before the last end of the process.
    pub(super) async fn storms_go_on(&self) -> Result<(), LedgerError> {
        let mut guard = self.storms().await?;
        let Some(storms) = guard.as_mut() else {
            return Ok(());
        };
        for place in 0..storms.len() {
            for id in storms[place].ids(true) {
                match self.world.ledger.episode(id).await? {
                    Some(episode) => drop(storms[place].take(&episode)),
                    None => storms[place].forget(id, self.world.clock.now()),
                }
            }
            self.said_together(storms, place, None).await;
        }
        self.forget_over(storms).await?;
        self.keep_storms(storms).await
    }

    /// Returns them, as the ledger has them where it was not asked before.
    async fn storms(&self) -> Result<MutexGuard<'_, Option<Vec<Storm>>>, LedgerError> {
        let mut guard = self.storms.0.lock().await;
        if guard.is_none() {
            let kept = self.world.ledger.waiting(RECORD).await?;
            let kept = kept.and_then(|kept| serde_json::from_value(kept).ok());
            *guard = Some(kept.unwrap_or_default());
        }
        Ok(guard)
    }

    async fn keep_storms(&self, storms: &[Storm]) -> Result<(), LedgerError> {
        let ledger = &self.world.ledger;
        ledger.set_waiting(RECORD, &json!(storms)).await
    }
}
