//! What the daemon keeps of a run that ended.

use super::super::schedule::Ended;
use super::super::standing::Standing;
use super::super::tell::Shortfall;
use super::super::{CycleError, Report};

/// A run that ended.
pub(super) struct Passed {
    /// What the schedule makes of it.
    pub(super) ended: Ended,
    /// How the environment stands; `None` where that cannot be told.
    pub(super) standing: Option<Standing>,
    /// True where it has a record: it changed something, or found something new.
    pub(super) is_news: bool,
    /// What it needed of the ledger and did not get, if anything; `None` where it was cut short before that.
    pub(super) ledger: Option<Option<Shortfall>>,
}

impl Passed {
    /// Takes a run by its result.
    pub(super) fn of(result: &Result<Report, CycleError>) -> Self {
        let ended = result.as_ref();
        Self {
            ended: ended.map_or_else(CycleError::ended, Report::ended),
            standing: Standing::after(result),
            is_news: ended.is_ok_and(|report| report.run.is_some()),
            ledger: match result {
                Ok(_) => Some(None),
                Err(CycleError::Ledger(error)) => Some(Some(Shortfall::of(error))),
                Err(CycleError::Invalid(_) | CycleError::Stopped) => None,
            },
        }
    }

    /// A run that said nothing at its end.
    pub(super) fn broken_off() -> Self {
        let ended = Ended {
            failed: true,
            ..Ended::default()
        };
        Self {
            ended,
            standing: None,
            is_news: false,
            ledger: None,
        }
    }
}
