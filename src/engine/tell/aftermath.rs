//! What becomes of a rollout that a run failed: one thing that happened is one message. While it lasts the run's own says
//! what there is, and its thread what is in the way otherwise than before; its end is told there, and by the message
//! itself when all of it works.

use super::chat::ChatLetter;
use super::{Teller, trouble};
use crate::deliver::notify::Message;
use crate::deliver::render::over_slack;
use crate::engine::conditions;
use crate::ledger::{Episode, LedgerError};
use crate::model::Gravity;
use jiff::Timestamp;
use std::collections::BTreeMap;

/// What was said, or is about to be, under each name of a run's message; the text as far as it is known still.
type Roots = BTreeMap<String, Option<Message>>;

impl Teller {
    /// Returns the name of the message of the run that failed it, where people have one on just that run.
    pub(super) async fn root_of_run(&self, episode: &Episode) -> Option<String> {
        match self.roots(episode).await {
            Ok(roots) => roots.into_keys().next_back(),
            Err(error) => {
                trouble::log_untold(Err(error));
                None
            }
        }
    }

    /// Says how a failure stands where the message of the run that failed it is; false where it is to be told by
    /// itself.
    pub(super) async fn say_after_run(&self, episode: &Episode, message: &Message) -> bool {
        if conditions::run_of(&episode.details).is_none() {
            return false;
        }
        match self.try_after_run(episode, message).await {
            Ok(told) => told,
            Err(error) => {
                trouble::log_untold(Err(error));
                false
            }
        }
    }

    async fn try_after_run(
        &self,
        episode: &Episode,
        message: &Message,
    ) -> Result<bool, LedgerError> {
        let roots = self.roots(episode).await?;
        let Some(root) = roots.keys().next_back() else {
            // The run was one of many in a digest. What people never heard of by itself has no end, either.
            return Ok(!conditions::is_unwell(&episode.details));
        };
        let Some(ended_at) = episode.ended_at else {
            return Ok(true);
        };
        let name = &episode.environment;
        let channel = self.channels.of(name, Gravity::Failure);
        let about = format!("episode/{}", episode.id);
        self.chat
            .put(ChatLetter {
                answers: Some(root.clone()),
                channel: channel.clone(),
                ..self.channels.letter(name, about, message.clone())
            })
            .await;
        let open = self.world.ledger.open_episodes(name).await?;
        let run = conditions::run_of(&episode.details);
        let still = |one: &Episode| one.id != episode.id && conditions::run_of(&one.details) == run;
        if open.iter().any(still) {
            return Ok(true);
        }
        self.all_works(roots, (episode, ended_at)).await;
        Ok(true)
    }

    /// Rewrites the messages on a run once nothing that it failed fails any more.
    async fn all_works(&self, roots: Roots, (episode, ended_at): (&Episode, Timestamp)) {
        let name = &episode.environment;
        for (root, said) in roots {
            let over = said.and_then(|said| over_slack(&said, episode.opened_at, ended_at));
            let Some(over) = over else { continue };
            self.chat
                .put(ChatLetter {
                    environment: Some(name.clone()),
                    channel: self.channels.of(name, Gravity::Failure),
                    since: episode.opened_at,
                    ends: true,
                    ..ChatLetter::new(root, over)
                })
                .await;
        }
    }

    /// Returns the messages on the run that failed it; the last one is where failures are told.
    async fn roots(&self, episode: &Episode) -> Result<Roots, LedgerError> {
        let Some(run) = conditions::run_of(&episode.details) else {
            return Ok(Roots::new());
        };
        let root = format!("run/{}/{run}", episode.environment);
        let mut roots = Roots::new();
        for name in [format!("{root}/failure"), root] {
            if let Some(waits) = self.chat.waiting(&name).await? {
                roots.insert(name, waits.ends.then_some(waits.message));
                continue;
            }
            let said = self.world.ledger.delivery(&format!("slack/{name}")).await?;
            if let Some(said) = said {
                let message = serde_json::from_value(said["message"].clone());
                roots.insert(name, message.ok());
            }
        }
        Ok(roots)
    }
}
