//! Who is told: where each environment is spoken of, by how bad it is, whom a failure calls, and the pages
//! that messages link to.

use super::super::{Kept, Origin, World};
use super::Teller;
use super::chat::ChatLetter;
use crate::deliver::notify::{Message, Notifier, Webhook};
use crate::deliver::render::{Links, mentioning};
use crate::model::{EnvironmentName, Gravity, Notify, Revision, Window};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The ways to people and programs, and who is told what.
pub struct Ways {
    /// Where people are told.
    pub notifier: Arc<dyn Notifier>,
    /// Where events are posted, if anywhere.
    pub webhook: Option<Webhook>,
    /// Who is told what.
    pub audience: Audience,
}

/// What the settings say of who is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// For environments that say nothing themselves.
    pub notify: Notify,
    /// When what still differs is told once more.
    pub daily: Option<Window>,
    /// Where each repository can be read on the web, by its name.
    pub pages: BTreeMap<String, String>,
}

/// Where environments are spoken of.
pub(super) struct Channels {
    settings: Notify,
    /// What each environment says, for what is said while it cannot be read.
    said: Mutex<BTreeMap<EnvironmentName, Notify>>,
}

impl Channels {
    pub(super) fn new(settings: Notify) -> Self {
        Self {
            settings,
            said: Mutex::default(),
        }
    }

    pub(super) fn remember(&self, name: &EnvironmentName, notify: &Notify) {
        self.said().insert(name.clone(), notify.clone());
    }

    /// Returns where something as bad as this is told of an environment; `None` is the settings' own channel.
    pub(super) fn of(&self, name: &EnvironmentName, gravity: Gravity) -> Option<String> {
        let notify = self.said().get(name).cloned().unwrap_or_default();
        notify.channel(gravity, &self.settings)
    }

    /// Returns every channel that environments name.
    pub(super) fn named(&self) -> std::collections::BTreeSet<String> {
        let said = self.said();
        said.values().filter_map(|one| one.slack.clone()).collect()
    }

    fn said(&self) -> MutexGuard<'_, BTreeMap<EnvironmentName, Notify>> {
        // Only ever changed whole: a panic elsewhere leaves it usable.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes a letter about an environment: to the channel for what is as bad, calling whom it should.
    pub(super) fn letter(
        &self,
        name: &EnvironmentName,
        about: String,
        message: Message,
    ) -> ChatLetter {
        let gravity = gravity(&message);
        let notify = self.said().get(name).cloned().unwrap_or_default();
        let mentions = notify.mentions(gravity, &self.settings);
        let message = mentioning(message, &mentions);
        ChatLetter {
            environment: Some(name.clone()),
            channel: notify.channel(gravity, &self.settings),
            gravity,
            calls: mentions,
            ..ChatLetter::new(about, message)
        }
    }

    /// Writes a letter about several environments, without a name yet: it calls whom one about any of them would.
    pub(super) fn joint_letter(
        &self,
        names: &[&EnvironmentName],
        gravity: Gravity,
        message: Message,
    ) -> ChatLetter {
        let mut calls = Vec::new();
        for name in names {
            let notify = self.said().get(*name).cloned().unwrap_or_default();
            let mentions = notify.mentions(gravity, &self.settings);
            calls.extend(
                mentions
                    .into_iter()
                    .filter(|one| !calls.contains(one))
                    .collect::<Vec<_>>(),
            );
        }
        let only = names.first().filter(|_| names.len() == 1);
        let message = mentioning(message, &calls);
        ChatLetter {
            environment: only.map(|name| (*name).clone()),
            gravity,
            calls,
            ..ChatLetter::new(String::new(), message)
        }
    }
}

/// Returns how bad it is what a message says: its title begins with the sign for it.
pub(super) fn gravity(message: &Message) -> Gravity {
    match message.text.chars().next() {
        Some('❌') => Gravity::Failure,
        Some('🔶') => Gravity::Warning,
        _ => Gravity::Good,
    }
}

impl Teller {
    /// Remembers where an environment wants to be spoken of.
    pub(super) async fn remember_channel(&self, kept: &Kept) {
        let name = kept.pinned.name().clone();
        self.channels.remember(&name, kept.graph.notify());
        // What waits for a channel that does not take it goes where Git says now.
        let elsewhere = |letter: &mut ChatLetter| {
            let channel = self.channels.of(&name, letter.gravity);
            let moves = letter.environment.as_ref() == Some(&name) && letter.channel != channel;
            if moves {
                letter.channel = channel;
            }
            moves
        };
        self.chat.amend(elsewhere).await;
    }

    /// Returns who made the state of an environment, and where it can be read.
    pub(super) async fn made_by(&self, kept: &Kept) -> (Option<String>, Links) {
        self.made_at(&kept.repository, kept.pinned.revision()).await
    }

    /// Returns who made a commit of a repository, and where it can be read.
    pub(super) async fn made_at(
        &self,
        repository: &str,
        revision: &Revision,
    ) -> (Option<String>, Links) {
        let page = self.pages.get(repository);
        let is_commit = revision.as_str().len() == 40;
        let mut links = Links {
            revision: page
                .filter(|_| is_commit)
                .map(|page| format!("{page}/commit/{revision}")),
            ..Links::default()
        };
        let Some(origin) = self.origins.get(repository) else {
            return (None, links);
        };
        let Some(word) = origin.word(revision).await else {
            return (None, links);
        };
        if let (Some(number), Some(page)) = (word.pull(), page) {
            let pull = format!("{page}/pull/{number}");
            links.plan = comment_on(&self.world, repository, number)
                .await
                .map(|comment| format!("{pull}#issuecomment-{comment}"));
            links.pull = Some((number, pull));
        }
        (Some(word.by), links)
    }
}

/// Returns our comment on a pull request that was reviewed.
async fn comment_on(world: &World, repository: &str, number: u64) -> Option<u64> {
    let name = format!("forge/{repository}/pull/{number}");
    let memory = world.ledger.delivery(&name).await.ok().flatten()?;
    memory["comment"].as_u64()
}

/// Where the states of each repository come from.
pub(super) type Origins = BTreeMap<String, Origin>;

/// Shared with what tells on its own time.
pub(super) type SharedChannels = Arc<Channels>;
