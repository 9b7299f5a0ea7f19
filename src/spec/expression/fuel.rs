//! What expressions may cost: one by itself, and all of an environment together.

use super::{Stop, Wrong};
use std::cell::Cell;

/// What one expression may cost: nodes walked, and a unit for each 16 bytes moved.
pub(super) const MOST: u64 = 200_000;

/// The code of what is told where the fuel of a whole environment, or repository, ran out.
const TOO_COSTLY: &str = "environment-too-costly";

/// What all expressions of one environment may cost together, so that many of them cannot do what one
/// may not: a second or so of computing. Ten usual expressions in each of 10,000 resources cost half.
const MOST_OF_ENVIRONMENT: u64 = 5_000_000;

/// What is left of what the expressions of one pass over an environment may cost together.
#[derive(Debug)]
pub(crate) struct Fuel {
    left: Cell<u64>,
    given: u64,
    /// Whether it was said that it ran out: once is enough.
    told: Cell<bool>,
}

impl Fuel {
    /// Gives what one environment may cost.
    pub(crate) fn full() -> Self {
        Self::at_most(MOST_OF_ENVIRONMENT)
    }

    /// Gives what one environment may cost, where no less than that is left for it.
    pub(crate) fn at_most(most: u64) -> Self {
        let given = MOST_OF_ENVIRONMENT.min(most);
        Self {
            left: Cell::new(given),
            given,
            told: Cell::new(false),
        }
    }

    /// Returns what was used of it.
    pub(crate) fn used(&self) -> u64 {
        self.given - self.left.get()
    }

    /// Returns what the next expression may cost; `None` where nothing is left and that was said.
    pub(super) fn for_one(&self) -> Option<u64> {
        (!self.told.get()).then(|| MOST.min(self.left.get()))
    }

    /// Takes off what an expression cost; `stop` is why it ended without a value.
    pub(super) fn spend(&self, cost: u64, stop: Option<&Stop>) {
        self.left.set(self.left.get().saturating_sub(cost));
        if matches!(stop, Some(Stop::Wrong(wrong)) if wrong.code == TOO_COSTLY) {
            self.told.set(true);
        }
    }

    /// Says that all of it is used, where an expression that costs too much might have cost more.
    pub(super) fn ran_out(&self) -> Option<Wrong> {
        if self.left.get() >= MOST {
            return None;
        }
        let whose = if self.given < MOST_OF_ENVIRONMENT {
            "the expressions of the repository's environments"
        } else {
            "the expressions of the environment"
        };
        let message = format!("{whose} cost too much to evaluate, all together");
        let wrong = Wrong::new(TOO_COSTLY, message);
        Some(wrong.with_hint("Loop over less, or compute the values outside."))
    }
}
