//! Whether a change does not become ready that is to be taken back then: by what its run saw end or, where
//! that was cut short, by what stands. What failed before it, and was not touched since, is not its doing.

use super::super::conditions::Condition;
use super::super::{Kept, Report, World};
use crate::ledger::{Episode, LedgerError};
use crate::model::{Address, Health, Outcome, Step};
use jiff::Timestamp;
use std::collections::BTreeSet;

/// How a step ends whose resource does not become ready: the live side calls that final, or its time is over.
const UNREADY: [&str; 2] = ["not-healthy", "deadline"];

/// What is known of the time in which no version went well.
struct Since<'a> {
    /// When the version that is kept came.
    kept: Timestamp,
    /// When the last one that went well was left: others may have come between.
    unproven: Timestamp,
    /// What was written since then.
    written: &'a BTreeSet<Address>,
    /// What is open now.
    open: &'a [Episode],
}

/// Tells whether what was merged since something went well does not become ready.
///
/// # Errors
/// The ledger cannot be read.
pub(super) async fn is_by_what_is_kept(
    world: &World,
    kept: &Kept,
    report: &Report,
) -> Result<bool, LedgerError> {
    let missed = |(step, outcome): (&Step, &Outcome)| {
        !step.is_only_drift()
            && matches!(outcome, Outcome::Failed { code, .. } if UNREADY.contains(&code.as_str()))
    };
    if report.failures().any(missed) {
        return Ok(true);
    }
    let mut failing = report.plan.steps.iter().filter(|step| step.is_failing());
    if failing.clone().next().is_none() {
        return Ok(false);
    }
    let name = kept.pinned.name();
    let versions = world.ledger.versions(name).await?;
    let came = versions.since.unwrap_or(Timestamp::UNIX_EPOCH);
    let unproven = versions.unproven_since.unwrap_or(came);
    let since = Since {
        kept: came,
        unproven,
        written: &world.ledger.written_since(name, unproven).await?,
        open: &world.ledger.open_episodes(name).await?,
    };
    let now = world.clock.now();
    Ok(failing.any(|step| is_over(step, &since, now)))
}

/// Tells whether a resource fails since something was merged, and for good or for longer than it may: the
/// time counts from when it was first found so, and never from before the version that is kept came. Pure.
fn is_over(step: &Step, since: &Since<'_>, now: Timestamp) -> bool {
    let found = |one: &&Episode| {
        one.address.as_ref() == Some(&step.address) && one.condition == Condition::Failing.as_str()
    };
    let Some(failing) = since.open.iter().find(found) else {
        return false;
    };
    if failing.opened_at < since.unproven && !since.written.contains(&step.address) {
        return false;
    }
    let lasts = now.duration_since(failing.opened_at.max(since.kept));
    match step.unready {
        Some(Health::Failed(_)) => true,
        Some(Health::Failing(_)) => lasts.unsigned_abs() >= step.deadline,
        _ => false,
    }
}
