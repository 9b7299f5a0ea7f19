//! What drifts again and again, or breaks off in a crowd: a few times it is told each time, then once that it goes on,
//! and then no more until it was left alone. Nobody reads the fortieth message.

use super::super::conditions::is_storm;
use super::chat::ChatLetter;
use super::{Teller, fights, trouble};
use crate::deliver::notify::Message;
use crate::deliver::render::notice_slack;
use crate::ledger::{Episode, EpisodeId};
use crate::model::{Address, EnvironmentName};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// So many episodes of one resource or crowd within [`WITHIN`] are each told by themselves.
const EACH: usize = 3;
const WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// The episodes of the last hour, by what they are of. A start forgets them: then a few are told once more.
#[derive(Default)]
pub(super) struct Flaps(Mutex<BTreeMap<Subject, Flap>>);

/// What comes and goes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    /// A resource that drifts.
    Resource(Address),
    /// Many resources of an environment at once, and their condition.
    Crowd(EnvironmentName, String),
}

impl Subject {
    /// Returns what an episode is of, where it is of what may come and go.
    fn of(episode: &Episode) -> Option<Self> {
        match &episode.address {
            Some(address) => {
                (episode.condition == "drift").then(|| Self::Resource(address.clone()))
            }
            None => is_storm(&episode.condition)
                .then(|| Self::Crowd(episode.environment.clone(), episode.condition.clone())),
        }
    }
}

#[derive(Default)]
struct Flap {
    /// The oldest first.
    times: VecDeque<(EpisodeId, Timestamp)>,
    /// Whose message says that it goes on.
    told_by: Option<EpisodeId>,
}

/// How an episode is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// By itself.
    Alone,
    /// As the one too many.
    Last,
    /// Not at all: it is known to go on.
    Silent,
}

impl Flaps {
    /// Notes an episode, and says how it is told. The same is told the same way at its end, but for the last.
    fn turn(&self, subject: &Subject, id: EpisodeId, now: Timestamp) -> Turn {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_late = |at: &Timestamp| now.duration_since(*at) > WITHIN;
        all.retain(|_, flap| flap.times.back().is_some_and(|(_, at)| !is_late(at)));
        let flap = all.entry(subject.clone()).or_default();
        if flap.times.iter().all(|(known, _)| *known != id) {
            while flap.times.front().is_some_and(|(_, at)| is_late(at)) {
                flap.times.pop_front();
            }
            // More say no more than these.
            if flap.times.len() > EACH {
                flap.times.pop_front();
            }
            flap.times.push_back((id, now));
            if flap.times.len() <= EACH {
                flap.told_by = None;
            }
        }
        match flap.told_by {
            Some(_) => Turn::Silent,
            None if flap.times.len() <= EACH => Turn::Alone,
            // Who began to be told by itself ends so.
            None if flap.times.back().is_some_and(|(last, _)| *last != id) => Turn::Alone,
            None => {
                flap.told_by = Some(id);
                Turn::Last
            }
        }
    }
}

impl Teller {
    /// Tells of an episode that is one of many of its resource or crowd, or is told already. Returns whether there is
    /// nothing more to be said of it.
    pub(super) async fn say_flapping(&self, episode: &Episode) -> bool {
        let Some(subject) = Subject::of(episode) else {
            return false;
        };
        match self
            .flaps
            .turn(&subject, episode.id, self.world.clock.now())
        {
            Turn::Alone => false,
            Turn::Silent => true,
            Turn::Last => {
                if !self.is_fought_over(episode).await {
                    self.say_it_flaps(episode, &subject).await;
                }
                true
            }
        }
    }

    /// Tells whether it was said who changes a resource again and again, and what to do.
    async fn is_fought_over(&self, episode: &Episode) -> bool {
        let open = self.world.ledger.open_episodes(&episode.environment).await;
        let open = open.unwrap_or_else(|error| {
            trouble::log_untold(Err(error));
            Vec::new()
        });
        let mut fights = open.iter().filter(|one| fights::is_fight(one));
        fights.any(|one| one.address == episode.address)
    }

    async fn say_it_flaps(&self, episode: &Episode, subject: &Subject) {
        let (environment, condition) = (&episode.environment, &episode.condition);
        let address = episode.address.as_ref().map(tracing::field::display);
        tracing::warn!(%environment, address, condition, "It comes and goes, and is told no more until it is left alone");
        let about = format!("episode/{}", episode.id);
        let letter = ChatLetter {
            since: episode.opened_at,
            lasts: true,
            ..self
                .channels
                .letter(environment, about, message(episode, subject))
        };
        self.chat.put(letter).await;
    }
}

fn message(episode: &Episode, subject: &Subject) -> Message {
    let (title, what, hint) = match subject {
        Subject::Resource(address) => (
            format!("🔶 {address}: drifts again and again"),
            "It was changed",
            "Let one of two have it: whoever changes it, or Git. `lifecycle: { ignore: […] }` leaves fields alone.",
        ),
        Subject::Crowd(name, condition) if condition.starts_with("drift") => (
            format!("🔶 {name}: many of its resources drift again and again"),
            "Many were changed at once",
            "Let one of two have them: whoever changes them, or Git. `lifecycle: { ignore: […] }` leaves fields alone.",
        ),
        Subject::Crowd(name, _) => (
            format!("❌ {name}: many of its resources stop working again and again"),
            "Many stopped working at once",
            "Look for what they have in common: a node, a cluster, what all of them call.",
        ),
    };
    let body = [
        format!(
            "{what} more than {EACH} times within an hour. Further times are told here when it was left alone for an hour; `reconciled status {}` says how it stands.",
            episode.environment
        ),
        hint.to_owned(),
    ];
    notice_slack(&title, &body, episode.opened_at, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(address: &str) -> Subject {
        Subject::Resource(address.parse().unwrap())
    }

    #[test]
    fn a_few_are_told_then_one_for_all_until_it_was_left_alone() {
        let (flaps, subject) = (Flaps::default(), resource("shop/page"));
        let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
        let turn = |id: i64, minute| flaps.turn(&subject, EpisodeId(id), at(minute));
        for id in 1..=3 {
            assert_eq!(turn(id, id), Turn::Alone);
            assert_eq!(turn(id, id), Turn::Alone, "its end");
        }
        assert_eq!(turn(4, 4), Turn::Last);
        assert_eq!(turn(4, 5), Turn::Silent, "its end");
        for id in 5..200 {
            assert_eq!(turn(id, 5 + id), Turn::Silent);
        }
        // Seldom enough again.
        assert_eq!(turn(200, 204 + 61), Turn::Alone);
        let other = resource("shop/other");
        assert_eq!(flaps.turn(&other, EpisodeId(9), at(204)), Turn::Alone);
    }
}
