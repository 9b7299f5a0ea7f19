//! What drifts again and again: a few times it is told each time, then once that it goes on, and then no more until it
//! was left alone. Nobody reads the fortieth message.

use super::chat::ChatLetter;
use super::{Teller, fights, trouble};
use crate::deliver::notify::Message;
use crate::deliver::render::notice_slack;
use crate::ledger::{Episode, EpisodeId};
use crate::model::Address;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// So many drifts of one resource within [`WITHIN`] are each told by themselves.
const EACH: usize = 3;
const WITHIN: SignedDuration = SignedDuration::from_hours(1);

/// The drifts of the last hour, by resource. A start forgets them: then a few are told once more.
#[derive(Default)]
pub(super) struct Flaps(Mutex<BTreeMap<Address, Flap>>);

#[derive(Default)]
struct Flap {
    /// The oldest first.
    drifts: VecDeque<(EpisodeId, Timestamp)>,
    /// Whose message says that it goes on.
    told_by: Option<EpisodeId>,
}

/// How a drift is told.
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
    /// Notes a drift, and says how it is told. The same is told the same way at its end, but for the last.
    fn turn(&self, address: &Address, id: EpisodeId, now: Timestamp) -> Turn {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_late = |at: &Timestamp| now.duration_since(*at) > WITHIN;
        all.retain(|_, flap| flap.drifts.back().is_some_and(|(_, at)| !is_late(at)));
        let flap = all.entry(address.clone()).or_default();
        if flap.drifts.iter().all(|(known, _)| *known != id) {
            while flap.drifts.front().is_some_and(|(_, at)| is_late(at)) {
                flap.drifts.pop_front();
            }
            // More say no more than these.
            if flap.drifts.len() > EACH {
                flap.drifts.pop_front();
            }
            flap.drifts.push_back((id, now));
            if flap.drifts.len() <= EACH {
                flap.told_by = None;
            }
        }
        match flap.told_by {
            Some(_) => Turn::Silent,
            None if flap.drifts.len() <= EACH => Turn::Alone,
            // Who began to be told by itself ends so.
            None if flap.drifts.back().is_some_and(|(last, _)| *last != id) => Turn::Alone,
            None => {
                flap.told_by = Some(id);
                Turn::Last
            }
        }
    }
}

impl Teller {
    /// Tells of a drift that is one of many of its resource, or is told already. Returns whether there is nothing
    /// more to be said of it.
    pub(super) async fn say_flapping(&self, episode: &Episode) -> bool {
        let Some(address) = episode
            .address
            .as_ref()
            .filter(|_| episode.condition == "drift")
        else {
            return false;
        };
        match self.flaps.turn(address, episode.id, self.world.clock.now()) {
            Turn::Alone => false,
            Turn::Silent => true,
            Turn::Last => {
                let open = self.world.ledger.open_episodes(&episode.environment).await;
                let open = open.unwrap_or_else(|error| {
                    trouble::log_untold(Err(error));
                    Vec::new()
                });
                let mut fights = open.iter().filter(|one| fights::is_fight(one));
                // Who it is and what to do was said.
                if !fights.any(|one| one.address.as_ref() == Some(address)) {
                    tracing::warn!(%address, "It drifts again and again, and is told no more until it is left alone");
                    let about = format!("episode/{}", episode.id);
                    let letter = ChatLetter {
                        since: episode.opened_at,
                        lasts: true,
                        ..self.channels.letter(
                            &episode.environment,
                            about,
                            message(episode, address),
                        )
                    };
                    self.chat.put(letter).await;
                }
                true
            }
        }
    }
}

fn message(episode: &Episode, address: &Address) -> Message {
    let body = [
        format!("It was changed more than {EACH} times within an hour. Further times are told here when it was left alone for an hour; `reconciled status {}` says how it stands.", episode.environment),
        "Let one of two have it: whoever changes it, or Git. `lifecycle: { ignore: […] }` leaves fields alone.".to_owned(),
    ];
    notice_slack(
        &format!("🔶 {address}: drifts again and again"),
        &body,
        episode.opened_at,
        None,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_are_told_then_one_for_all_until_it_was_left_alone() {
        let (flaps, address) = (Flaps::default(), "shop/page".parse().unwrap());
        let at = |minute: i64| Timestamp::from_second(60 * minute).unwrap();
        let turn = |id: i64, minute| flaps.turn(&address, EpisodeId(id), at(minute));
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
        let other = "shop/other".parse().unwrap();
        assert_eq!(flaps.turn(&other, EpisodeId(9), at(204)), Turn::Alone);
    }
}
