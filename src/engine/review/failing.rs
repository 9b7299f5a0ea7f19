//! A pull request that could not be reviewed: when it is tried again.

use crate::model::Revision;
use jiff::{SignedDuration, Timestamp};

/// What is dear to try is tried again after so long, and each time after twice as long.
const FIRST: SignedDuration = SignedDuration::from_mins(2);

/// How often that grows: to about an hour.
const MOST: u32 = 5;

/// What is remembered of it.
pub(super) struct Failing {
    error: String,
    head: Revision,
    /// How often in a row trying it was dear.
    times: u32,
    until: Timestamp,
}

impl Failing {
    /// Takes what failed now, `lasts` where that is dear and a matter of this very commit.
    pub(super) fn again(
        before: Option<Self>,
        (error, lasts): (String, bool),
        head: &Revision,
        now: Timestamp,
    ) -> Self {
        let times = before.filter(|one| one.head == *head);
        let times = times.map_or(0, |one| one.times);
        let rest = if lasts {
            FIRST * 2_i32.pow(times.min(MOST))
        } else {
            SignedDuration::ZERO
        };
        Self {
            error,
            head: head.clone(),
            times: if lasts { times + 1 } else { times },
            until: now.saturating_add(rest).unwrap_or(now),
        }
    }

    /// Returns what was said of it.
    pub(super) fn error(&self) -> &str {
        &self.error
    }

    /// Tells whether it is left alone: its branch did not move, and it is too early.
    pub(super) fn rests(&self, head: &Revision, now: Timestamp) -> bool {
        self.head == *head && now < self.until
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::UNIX_EPOCH + SignedDuration::from_mins(minutes)
    }

    #[test]
    fn what_is_dear_is_tried_less_and_less_until_the_branch_moves() {
        let (head, other) = (Revision::new("a"), Revision::new("b"));
        let dear = |before, head: &Revision, now| {
            Failing::again(before, ("too large".to_owned(), true), head, at(now))
        };
        let mut failing = dear(None, &head, 0);
        for (began, ends) in [
            (0, 2),
            (2, 6),
            (6, 14),
            (14, 30),
            (30, 62),
            (62, 126),
            (126, 190),
        ] {
            assert!(failing.rests(&head, at(began)) && failing.rests(&head, at(ends - 1)));
            assert!(!failing.rests(&head, at(ends)), "{ends}");
            assert!(!failing.rests(&other, at(began)), "its branch moved");
            failing = dear(Some(failing), &head, ends);
        }
        let moved = dear(Some(failing), &other, 200);
        assert!(!moved.rests(&other, at(202)), "another begins anew");
    }

    #[test]
    fn what_costs_nobody_anything_is_tried_each_time() {
        let head = Revision::new("a");
        let failing = Failing::again(None, ("no answer".to_owned(), false), &head, at(0));
        assert!(!failing.rests(&head, at(0)));
    }
}
