//! The open pull requests: which are to be looked at, a few at once, and what is remembered of each.

use super::desk::{Attended, Due, Ends};
use super::failing::Failing;
use super::{ReviewError, Reviewer};
use crate::deliver::forge::{ForgeError, PullRequest};
use crate::engine::Origin;
use crate::model::{EnvironmentName, Revision, Snapshot};
use crate::source::SourceError;
use crate::telemetry::chain;
use jiff::{SignedDuration, Timestamp};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::task::JoinError;
use tracing::Instrument as _;

/// A plan this old is made anew, though nothing is known to have moved: live state did, maybe.
const STALE: SignedDuration = SignedDuration::from_mins(15);

/// So many pull requests are looked at at once: most of it is waiting, and each holds what it touches in memory.
const AT_ONCE: usize = 4;

/// So many times in a row a plan is made anew at once because live state moved. Then it moves back and forth, and each
/// next one waits longer, up to [`LONGEST_REST`].
const AT_ONCE_AGAIN: u32 = 3;
const FIRST_REST: SignedDuration = SignedDuration::from_secs(10);
const LONGEST_REST: SignedDuration = SignedDuration::from_mins(5);
/// What did not move for so long is calm.
const CALM: SignedDuration = SignedDuration::from_mins(10);

/// What a pull request was planned from.
pub(super) struct Planned {
    head: Revision,
    base: Revision,
    at: Timestamp,
    /// The environments it touches, with how many of their runs had found or made something new.
    touched: BTreeMap<EnvironmentName, u64>,
    /// How many times in a row it was planned anew for live state alone.
    moves: u32,
}

impl Planned {
    /// Takes in that it was planned again after `before`.
    fn after(mut self, before: Option<&Self>) -> Self {
        let moved = before.filter(|before| {
            let same = before.head == self.head && before.base == self.base;
            same && self.at.duration_since(before.at) < CALM
        });
        self.moves = moved.map_or(0, |before| before.moves.saturating_add(1));
        self
    }

    /// Returns how long it stands as it is, though live state moved.
    fn rest(&self) -> SignedDuration {
        match self.moves.checked_sub(AT_ONCE_AGAIN) {
            None => SignedDuration::ZERO,
            Some(more) => FIRST_REST
                .saturating_mul(1 << more.min(5))
                .min(LONGEST_REST),
        }
    }

    /// Tells whether a plan would be made of the same again.
    fn is_of(&self, (head, base): (&Revision, &Revision), ends: &Ends, now: Timestamp) -> bool {
        let same = |(name, count): (&EnvironmentName, &u64)| ends.get(name).unwrap_or(&0) == count;
        self.head == *head
            && self.base == *base
            && now.duration_since(self.at) < STALE
            && (self.touched.iter().all(same) || now.duration_since(self.at) < self.rest())
    }
}

impl Reviewer {
    /// Lists the open pull requests.
    pub(super) async fn list(&mut self) -> Result<(), ForgeError> {
        if !matches!(self.desk.followed.origin, Origin::Git(_)) {
            return Ok(());
        }
        let pulls = self.desk.forge.open_pull_requests().await?;
        let open = |number: &u64| pulls.iter().any(|pull| pull.number == *number);
        self.planned.retain(|number, _| open(number));
        self.heard.retain(|number, _| open(number));
        self.failing.retain(|number, _| open(number));
        if self.anew.take() {
            self.planned.clear();
            self.unwritten = pulls.iter().map(|pull| pull.number).collect();
            self.outdated = self.busy.iter().map(|(_, pull)| pull.number).collect();
        }
        self.desk.pulls = pulls.into();
        Ok(())
    }

    /// Has all open pull requests looked at, the one that moved last first: somebody waits for it.
    pub(super) fn line_up(&mut self) {
        let Origin::Git(repository) = &self.desk.followed.origin else {
            return;
        };
        let branch = &repository.target().branch;
        let pulls = self.desk.pulls.iter();
        let pulls = pulls.filter(|pull| pull.base_branch == *branch);
        let mut pulls: Vec<PullRequest> = pulls.cloned().collect();
        pulls.sort_by_key(|pull| Reverse(pull.moved_at));
        self.queue = pulls.into();
    }

    /// Begins with those whose turn it is.
    pub(super) fn begin(&mut self, base: &Arc<Snapshot>) {
        let Origin::Git(repository) = self.desk.followed.origin.clone() else {
            return;
        };
        while self.busy.len() < AT_ONCE {
            let free = self.queue.iter().position(|pull| !self.waits(pull));
            let Some(pull) = free.and_then(|at| self.queue.remove(at)) else {
                return;
            };
            let Some(due) = self.due(pull, base) else {
                continue;
            };
            let (number, head) = (due.pull.number, due.pull.head.short());
            let span = tracing::info_span!("review", number, %head);
            let pull = due.pull.clone();
            let attended = self.desk.clone().attend(repository.clone(), due);
            let task = self.under_way.spawn(attended.instrument(span));
            self.busy.push((task.id(), pull));
        }
    }

    /// Tells whether a pull request is not begun with yet: what is said of it, or of its commit, is said in order, and
    /// forks are fetched one after the other.
    fn waits(&self, pull: &PullRequest) -> bool {
        let hinders = |busy: &PullRequest| {
            busy.number == pull.number
                || busy.head == pull.head
                || (busy.from_fork && pull.from_fork)
        };
        self.busy.iter().map(|(_, busy)| busy).any(hinders)
    }

    /// Returns why a pull request is to be looked at; `None` where it is not.
    fn due(&self, pull: PullRequest, base: &Arc<Snapshot>) -> Option<Due> {
        let now = self.desk.world.clock.now();
        let ends = self.view.borrow().ends.clone();
        let planned = self.planned.get(&pull.number);
        let fresh =
            planned.is_some_and(|planned| planned.is_of((&pull.head, &base.revision), &ends, now));
        let failing = self.failing.get(&pull.number);
        let rests = failing.is_some_and(|failing| failing.rests(&pull.head, now));
        let plans = !fresh && !rests;
        let quiet = self.is_quiet(&pull);
        (plans || !quiet).then(|| Due {
            base: Arc::clone(base),
            unwritten: self.unwritten.contains(&pull.number),
            pull,
            ends,
            now,
            plans,
            quiet,
        })
    }

    /// Remembers how a look ended. Returns whether a branch was not yet, or no longer, where the list says it is.
    pub(super) fn end(&mut self, attended: Attended) -> bool {
        let Attended {
            due,
            touched,
            recorded,
            result,
        } = attended;
        let number = due.pull.number;
        self.busy.retain(|(_, pull)| pull.number != number);
        // What was asked for meanwhile is still to be done.
        let outdated = self.outdated.remove(&number);
        if recorded && !outdated {
            self.unwritten.remove(&number);
        }
        let looked = touched.is_some();
        if let Some(touched) = touched.filter(|_| !outdated) {
            let count = |name: EnvironmentName| {
                let count = due.ends.get(&name).copied().unwrap_or_default();
                (name, count)
            };
            let planned = Planned {
                head: due.pull.head.clone(),
                base: due.base.revision.clone(),
                at: due.now,
                touched: touched.into_iter().map(count).collect(),
                moves: 0,
            };
            let planned = planned.after(self.planned.get(&number));
            self.planned.insert(number, planned);
        }
        match result {
            Ok(()) => {
                // Where nothing was looked at nothing is known to be mended.
                if looked || !self.rests(&due) {
                    self.failing.remove(&number);
                }
                if !due.quiet {
                    self.heard_all(&due.pull, due.now);
                }
                false
            }
            Err(error) => {
                self.failed(&due, &error);
                matches!(error, ReviewError::Source(SourceError::Elsewhere { .. }))
            }
        }
    }

    /// Has one whose look ended by no word of its own looked at again with the next list.
    pub(super) fn broke_off(&mut self, error: &JoinError) {
        let broken = self.busy.extract_if(.., |(id, _)| *id == error.id());
        for (_, pull) in broken {
            let (number, error) = (pull.number, chain(error));
            tracing::error!(number, error, "A review broke off, trying again later");
        }
    }

    fn rests(&self, due: &Due) -> bool {
        let failing = self.failing.get(&due.pull.number);
        failing.is_some_and(|failing| failing.rests(&due.pull.head, due.now))
    }

    /// Logs why a pull request was not reviewed, once for each reason.
    fn failed(&mut self, due: &Due, error: &ReviewError) {
        let number = due.pull.number;
        let before = self.failing.remove(&number);
        let said = chain(error);
        if before.as_ref().map(Failing::error) != Some(said.as_str()) {
            tracing::warn!(
                number,
                error = said,
                "Pull request not reviewed, trying again until it is"
            );
        }
        let lasts = matches!(error, ReviewError::Source(error) if is_dear(error));
        let failing = Failing::again(before, (said, lasts), &due.pull.head, due.now);
        self.failing.insert(number, failing);
    }
}

/// Tells whether trying again is work for others, and is not likely to end otherwise.
fn is_dear(error: &SourceError) -> bool {
    matches!(
        error,
        SourceError::TooLarge { .. }
            | SourceError::Timeout { .. }
            | SourceError::Corrupt { .. }
            | SourceError::Unrelated { .. }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_moves_back_and_forth_is_planned_less_and_less_often() {
        let at = |second: i64| Timestamp::from_second(second).unwrap();
        let shop = EnvironmentName::new("shop").unwrap();
        let runs = |second: i64| BTreeMap::from([(shop.clone(), u64::try_from(second).unwrap())]);
        let planned = |second, head: &str| Planned {
            head: Revision::new(head),
            base: Revision::new("base"),
            at: at(second),
            touched: runs(second),
            moves: 0,
        };
        let (head, base) = (Revision::new("head"), Revision::new("base"));
        let (mut now, mut last, mut times) = (0, planned(0, "head"), 0);
        // Live state moves every second for an hour.
        while now < 3600 {
            now += 1;
            if !last.is_of((&head, &base), &runs(now), at(now)) {
                last = planned(now, "head").after(Some(&last));
                times += 1;
            }
        }
        assert!((15..25).contains(&times), "{times}");
        // What is pushed, or was calm, is planned at once.
        assert_eq!(
            planned(now, "other").after(Some(&last)).rest(),
            SignedDuration::ZERO
        );
        let calm = planned(now + 700, "head").after(Some(&last));
        assert_eq!(calm.rest(), SignedDuration::ZERO);
    }
}
