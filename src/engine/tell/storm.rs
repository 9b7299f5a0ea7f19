//! What many environments have in common, as one message from its first environment to its last: a cluster that does
//! not answer, a layer that is broken. Pure; asks nothing and sends nothing.

use super::super::conditions::End;
use super::cause::Cause;
use crate::deliver::notify::Message;
use crate::deliver::render::{each_slack, many, notice_slack};
use crate::ledger::{Episode, EpisodeId};
use crate::model::{EnvironmentName, Gravity};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use tokio::time::Instant;

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
    pub(super) since: Timestamp,
    members: Vec<Member>,
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
            since: episode.opened_at,
            members: Vec::new(),
            due: None,
        }
    }

    /// Tells whether it is about this, and told there.
    pub(super) fn is_of(&self, cause: &Cause, channel: Option<&str>) -> bool {
        self.cause.key == cause.key && self.channel.as_deref() == channel
    }

    /// Tells whether an episode is part of it.
    pub(super) fn holds(&self, id: EpisodeId) -> bool {
        self.members.iter().any(|one| one.id == id)
    }

    /// Returns the episodes of it that go on.
    pub(super) fn open(&self) -> Vec<EpisodeId> {
        let open = self.members.iter().filter(|one| one.over.is_none());
        open.map(|one| one.id).collect()
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
        let now = Member {
            id: episode.id,
            environment: episode.environment.clone(),
            what,
            over: episode.ended_at,
            undeclared: how == Some(End::Undeclared),
        };
        match self.members.iter_mut().find(|one| one.id == now.id) {
            Some(before) if *before == now => false,
            Some(before) => {
                *before = now;
                true
            }
            None => {
                self.members.push(now);
                true
            }
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
        notice_slack(&title, &lines, self.since, ended)
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
mod tests {
    use super::super::trouble::BROKEN;
    use super::*;
    use crate::deliver::fixtures::address;
    use serde_json::json;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn episode(id: i64, environment: &str, code: &str) -> Episode {
        let environment = EnvironmentName::new(environment).unwrap();
        Episode {
            id: EpisodeId(id),
            address: None,
            environment,
            condition: format!("unknown/{code}"),
            details: json!({ "code": code, "what": "12 resources (a, b …)", "reason": "https://it: refused",
                "through": { "called": "cluster prod", "place": "cluster prod " } }),
            opened_at: second(60),
            ended_at: None,
            how: None,
        }
    }

    fn storm(count: i64) -> Storm {
        let first = episode(1, "e1", "unreachable");
        let mut storm = Storm::begin(&first, Cause::of(&first).unwrap(), None);
        for nth in 1..=count {
            let code = if nth % 2 == 0 {
                "timeout"
            } else {
                "unreachable"
            };
            let one = episode(nth, &format!("e{nth}"), code);
            assert!(storm.is_of(&Cause::of(&one).unwrap(), None));
            assert!(storm.take(&one) && !storm.take(&one), "{nth}");
        }
        storm
    }

    #[test]
    fn it_is_one_message_from_its_first_environment_to_its_last() {
        let mut storm = storm(70);
        assert_eq!(storm.only(), None);
        let message = storm.message();
        assert_eq!(
            message.text,
            "🔶 70 environments: cluster prod does not answer"
        );
        let said = message.blocks.to_string();
        assert!(
            said.contains("https://it: refused") && said.contains("… and 10 more"),
            "{said}"
        );
        let each = storm.each().unwrap().blocks.to_string();
        assert!(each.contains("`e70`: 12 resources"), "{each}");
        let end = |storm: &mut Storm, nth: i64| {
            let ended = Episode {
                ended_at: Some(second(60 + nth)),
                how: Some(End::Mended.as_str().to_owned()),
                ..episode(nth, &format!("e{nth}"), "unreachable")
            };
            assert!(storm.take(&ended) && !storm.take(&ended));
        };
        end(&mut storm, 7);
        let message = storm.message();
        assert_eq!(
            message.text,
            "🔶 69 of 70 environments: cluster prod does not answer"
        );
        assert!(message.blocks.to_string().contains("Over in e7"));
        for nth in (1..=70).filter(|nth| *nth != 7) {
            assert!(!storm.is_over());
            end(&mut storm, nth);
        }
        assert!(storm.is_over() && storm.gravity() == Gravity::Good);
        let message = storm.message();
        assert_eq!(
            message.text,
            "✅ 70 environments: cluster prod answers again"
        );
        let said = message.blocks.to_string();
        assert!(said.contains("after 1m"), "{said}");
    }

    #[test]
    fn what_is_wrong_with_one_alone_is_told_by_itself() {
        let only = storm(1);
        assert_eq!(only.only(), Some(EpisodeId(1)));
        let drift = Episode {
            condition: "drift".to_owned(),
            ..episode(1, "e1", "unreachable")
        };
        assert_eq!(Cause::of(&drift), None);
        // One environment, of which single resources cannot be told: still one message.
        let mut storm = storm(1);
        let more = Episode {
            condition: "unknown".to_owned(),
            address: Some(address("page")),
            ..episode(2, "e1", "unreachable")
        };
        assert!(storm.take(&more) && storm.only().is_none());
        assert_eq!(storm.message().text, "🔶 e1: cluster prod does not answer");
        assert_eq!(storm.each(), None);
        // Another server, other words, or another channel is another message.
        let other = Cause::of(&episode(3, "e3", "forbidden")).unwrap();
        assert!(!storm.is_of(&other, None));
        let same = Cause::of(&more).unwrap();
        assert!(storm.is_of(&same, None) && !storm.is_of(&same, Some("#else")));
    }

    #[test]
    fn specs_that_are_broken_by_the_same_line_are_told_together() {
        let broken = |line: &str| Episode {
            condition: BROKEN.to_owned(),
            details: json!({ "lines": [line], "hint": "The last good state stays in force." }),
            ..episode(1, "e1", "")
        };
        let (one, other) = (broken("layer.yaml:3:1: no"), broken("e2.yaml:3:1: no"));
        let cause = Cause::of(&one).unwrap();
        let mut storm = Storm::begin(&one, cause.clone(), None);
        assert!(storm.is_of(&cause, None) && !storm.is_of(&Cause::of(&other).unwrap(), None));
        storm.take(&one);
        let second = Episode {
            id: EpisodeId(2),
            environment: EnvironmentName::new("e2").unwrap(),
            ..one
        };
        storm.take(&second);
        let message = storm.message();
        assert_eq!(
            message.text,
            "❌ 2 environments: their newest specs cannot be used"
        );
        assert!(message.blocks.to_string().contains("layer.yaml"));
    }
}
