//! What was in the way of something, one cause after the other: what crashes runs in between, and people are told of the
//! one and the other once. Pure.

use crate::model::Digest;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How long ago what is in the way now may have been so before, to be no news: the longest that a container which
/// crashes waits for its next try is five minutes.
const LATELY: SignedDuration = SignedDuration::from_mins(10);

/// What is in the way, and what was before.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::engine) struct Causes {
    /// What is now, where anything is known.
    now: Option<Digest>,
    /// What was, and until when.
    passed: BTreeMap<Digest, Timestamp>,
    /// True where it was lately what it is now, and was not told so since.
    #[serde(default)]
    again: bool,
}

impl Causes {
    /// Takes in what is in the way at a time. Returns whether that is to be told: it was not so lately, or what came in
    /// between does not come any more.
    pub(in crate::engine) fn take(&mut self, seen: Option<Digest>, at: Timestamp) -> bool {
        let Some(seen) = seen else {
            return false;
        };
        self.passed
            .retain(|_, until| at.duration_since(*until) < LATELY);
        if self.now.as_ref() == Some(&seen) {
            let is_settled = self.again && self.passed.is_empty();
            self.again &= !is_settled;
            return is_settled;
        }
        self.again = self.passed.remove(&seen).is_some();
        let before = self.now.replace(seen);
        self.passed.extend(before.map(|before| (before, at)));
        !self.again
    }

    /// Tells whether nothing else was in the way lately: then what is now is all there is to remember.
    pub(in crate::engine) fn is_steady(&self) -> bool {
        self.passed.is_empty() && !self.again
    }

    /// Tells whether people know of what is in the way, and were told of something else last.
    pub(in crate::engine) fn is_again(&self) -> bool {
        self.again
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_and_goes_is_told_once_and_what_comes_back_after_a_while_again() {
        let mut causes = Causes::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let mut takes = |what: &str, second| causes.take(Some(Digest::of(what)), at(second));
        assert!(takes("crashes", 0) && takes("is not ready", 1));
        for round in 1..20 {
            assert!(!takes("crashes", round * 300));
            assert!(!takes("is not ready", round * 300 + 10));
        }
        // It stays as it came back: what was told last is not so any more.
        assert!(!takes("crashes", 5_800) && !takes("crashes", 5_900));
        assert!(takes("crashes", 6_500) && !takes("crashes", 6_600));
        assert!(takes("no such image", 7_000));
        assert!(takes("crashes", 8_000), "that was long ago");
        assert!(!takes("crashes", 8_001));
        assert!(!causes.take(None, at(8_002)));
    }
}
