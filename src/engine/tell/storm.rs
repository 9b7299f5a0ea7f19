//! What many environments have in common, as one message from its first environment to its last: a cluster that does
//! not answer, a layer that is broken. Pure; asks nothing and sends nothing.

use super::super::conditions::End;
use super::cause::Cause;
use crate::deliver::notify::Message;
use crate::deliver::render::{brought_slack, each_slack, many};
use crate::ledger::{Episode, EpisodeId};
use crate::model::{EnvironmentName, Gravity};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

/// How long after the newest of them another one is part of the same: what comes later is news, which no change of an old
/// message would be to anybody.
const GATHERS: SignedDuration = SignedDuration::from_hours(1);

/// How many environments are named, and how many of them in a line.
const NAMED: usize = 60;
const IN_A_LINE: usize = 10;

/// One episode of those.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Member {
    id: EpisodeId,
    environment: EnvironmentName,
    /// What of it.
    what: String,
    /// What is the matter with it: the key of its cause. Empty in records of older versions.
    #[serde(default)]
    cause: String,
    /// When it ended.
    over: Option<Timestamp>,
    /// True where it ended since nobody declares it any more.
    #[serde(default)]
    undeclared: bool,
}

/// What goes on of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Storm {
    /// The name of its message: that of the episode it began with is part of it, and both are forgotten together.
    pub(super) name: String,
    /// Where it is told.
    pub(super) channel: Option<String>,
    cause: Cause,
    /// The newest other cause that one of them goes on with.
    #[serde(default)]
    next: Option<Cause>,
    pub(super) since: Timestamp,
    members: Vec<Member>,
    /// When the newest of them came.
    #[serde(default)]
    joined: Option<Timestamp>,
    /// When it is to be said; `None` where nothing new is, and since the last start.
    #[serde(skip)]
    pub(super) due: Option<Instant>,
}

impl Storm {
    /// Begins with an episode, which is to be taken in yet.
    pub(super) fn begin(episode: &Episode, cause: Cause, channel: Option<String>) -> Self {
        Self {
            name: format!("storm/episode/{}", episode.id),
            channel,
            cause,
            next: None,
            since: episode.opened_at,
            members: Vec::new(),
            joined: None,
            due: None,
        }
    }

    /// Tells whether what comes now is still part of it: it goes on, and others came not long ago.
    pub(super) fn gathers(&self, now: Timestamp) -> bool {
        let quiet = self.joined.map(|joined| now.duration_since(joined));
        !self.is_over() && quiet.is_none_or(|quiet| quiet < GATHERS)
    }

    /// Tells whether it is about this, and told there.
    pub(super) fn is_of(&self, cause: &Cause, channel: Option<&str>) -> bool {
        self.cause.key == cause.key && self.channel.as_deref() == channel
    }

    /// Tells whether an episode is part of it.
    pub(super) fn holds(&self, id: EpisodeId) -> bool {
        self.members.iter().any(|one| one.id == id)
    }

    /// Returns the episodes of it, those that go on or all.
    pub(super) fn ids(&self, open: bool) -> Vec<EpisodeId> {
        let those = self.members.iter();
        let those = those.filter(|one| !open || one.over.is_none());
        those.map(|one| one.id).collect()
    }

    /// Returns the one episode it is about, where it is no more than that.
    pub(super) fn only(&self) -> Option<EpisodeId> {
        match self.members.as_slice() {
            [only] => Some(only.id),
            _ => None,
        }
    }

    /// Returns the environments of it, each with whether it goes on there.
    pub(super) fn environments(&self) -> BTreeMap<&EnvironmentName, bool> {
        let mut all = BTreeMap::new();
        for one in &self.members {
            *all.entry(&one.environment).or_default() |= one.over.is_none();
        }
        all
    }

    /// Tells whether all of it ended.
    pub(super) fn is_over(&self) -> bool {
        self.members.iter().all(|one| one.over.is_some())
    }

    /// Takes in how an episode stands. Returns whether that is something else than before.
    pub(super) fn take(&mut self, episode: &Episode) -> bool {
        let what = match (&episode.address, &episode.details["what"]) {
            (Some(address), _) => address.resource.to_string(),
            (None, Value::String(what)) => what.clone(),
            (None, _) => String::new(),
        };
        let how = episode.how.as_deref().and_then(End::of);
        let cause = Cause::of(episode);
        let now = Member {
            id: episode.id,
            environment: episode.environment.clone(),
            what,
            cause: cause
                .as_ref()
                .map_or_else(String::new, |one| one.key.clone()),
            over: episode.ended_at,
            undeclared: how == Some(End::Undeclared),
        };
        match self.members.iter_mut().find(|one| one.id == now.id) {
            // One that ended before ends no second time.
            Some(before) if *before == now || before.over.is_some() => return false,
            Some(before) => *before = now,
            None => {
                // What came and went before is one with what comes again.
                self.members.retain(|one| {
                    one.over.is_none()
                        || (&one.environment, &one.what) != (&now.environment, &now.what)
                });
                self.members.push(now);
                self.joined = Some(episode.opened_at);
            }
        }
        if let Some(cause) = cause.filter(|_| episode.ended_at.is_none()) {
            self.next = Some(cause);
        }
        self.turn();
        true
    }

    /// Is about another cause once nothing of it has the one it began with: the second mistake, of a spec that was
    /// mended in vain.
    fn turn(&mut self) {
        let mut open = self.members.iter().filter(|one| one.over.is_none());
        if let Some(next) = &self.next
            && open.clone().any(|one| one.cause == next.key)
            && open.all(|one| !one.cause.is_empty() && one.cause != self.cause.key)
        {
            self.cause = next.clone();
        }
    }

    /// Ends what the ledger has forgotten.
    pub(super) fn forget(&mut self, id: EpisodeId, at: Timestamp) {
        let members = self.members.iter_mut().filter(|one| one.id == id);
        members.for_each(|one| one.over = Some(at));
    }

    /// Returns how bad it is.
    pub(super) fn gravity(&self) -> Gravity {
        match self.is_over() {
            true => Gravity::Good,
            false => self.cause.gravity,
        }
    }

    /// Returns when the last of it ended.
    fn ended_at(&self) -> Option<Timestamp> {
        let ends = self.members.iter().map(|one| one.over);
        ends.collect::<Option<Vec<_>>>()?.into_iter().max()
    }

    /// Returns the message on it, as it stands.
    pub(super) fn message(&self) -> Message {
        let environments = self.environments();
        let named = |open: bool| {
            let those = environments
                .iter()
                .filter(move |(_, is_open)| **is_open == open);
            those.map(|(name, _)| name.as_str()).collect::<Vec<_>>()
        };
        let (open, over) = (named(true), named(false));
        let all = match environments.keys().next() {
            Some(only) if environments.len() == 1 => only.to_string(),
            _ => many(environments.len(), "environment"),
        };
        let ended = self.ended_at();
        let title = match ended {
            Some(_) if self.members.iter().all(|one| one.undeclared) => {
                format!("✅ {all}: no longer declared")
            }
            Some(_) => format!("✅ {all}: {}", self.cause.over),
            None => {
                let sign = match self.cause.gravity {
                    Gravity::Failure => "❌",
                    Gravity::Warning | Gravity::Good => "🔶",
                };
                let some = match over.len() {
                    0 => all,
                    _ => format!("{} of {all}", open.len()),
                };
                format!("{sign} {some}: {}", self.cause.now)
            }
        };
        let mut lines = Vec::new();
        if ended.is_none() {
            lines.extend(self.cause.lines.iter().cloned());
            if environments.len() > 1 {
                lines.extend(shortened("", &open));
            }
            lines.extend(shortened("Over in ", &over));
        } else if environments.len() > 1 {
            lines.extend(shortened("", &over));
        }
        lines.retain(|line| !line.is_empty());
        let brought = self.cause.brought.as_ref().filter(|_| ended.is_none());
        brought_slack(&title, &lines, (self.since, ended), brought)
    }

    /// Returns what of each environment it is about, for the thread; `None` where there is but one, or where that is
    /// all of each.
    pub(super) fn each(&self) -> Option<Message> {
        let mut by_name: BTreeMap<&EnvironmentName, BTreeSet<&str>> = BTreeMap::new();
        for one in self.members.iter().filter(|one| !one.what.is_empty()) {
            by_name
                .entry(&one.environment)
                .or_default()
                .insert(&one.what);
        }
        if by_name.len() < 2 {
            return None;
        }
        let line = |(name, what): (&EnvironmentName, BTreeSet<&str>)| {
            let what: Vec<&str> = what.into_iter().collect();
            (name.to_string(), what.join(", "))
        };
        let lines: Vec<_> = by_name.into_iter().map(line).collect();
        Some(each_slack("Of each of them", &lines, self.since))
    }
}

/// Returns the first of these names, some in a line, and how many more there are.
fn shortened(before: &str, names: &[&str]) -> Vec<String> {
    let more = names.len().saturating_sub(NAMED);
    let lines = names[..names.len() - more].chunks(IN_A_LINE);
    let mut lines: Vec<String> = lines.map(|line| line.join(", ")).collect();
    if let Some(first) = lines.first_mut() {
        first.insert_str(0, before);
    }
    lines.extend((more > 0).then(|| format!("… and {more} more")));
    lines
}

#[cfg(test)]
mod tests;
