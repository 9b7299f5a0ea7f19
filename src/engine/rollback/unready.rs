//! Whether a change does not become ready that is to be taken back then: by what its run saw end or, where
//! that was cut short, by what stands. What failed before it, and was not touched since, is not its doing.

use super::super::before::Before;
use super::super::conditions::UNREADY;
use super::super::{Kept, Report, World};
use crate::ledger::LedgerError;
use crate::model::{Health, Outcome, Step};
use jiff::Timestamp;

/// What is known of the time in which no version went well.
struct Since {
    /// When the version that is kept came.
    kept: Timestamp,
    /// What failed when the last one that went well was left: others may have come between.
    unproven: Before,
}

impl Since {
    async fn of(world: &World, kept: &Kept) -> Result<Self, LedgerError> {
        let name = kept.pinned.name();
        let versions = world.ledger.versions(name).await?;
        let came = versions.since.unwrap_or(Timestamp::UNIX_EPOCH);
        let unproven = versions.unproven_since.unwrap_or(came);
        Ok(Self {
            kept: came,
            unproven: Before::of(world, name, unproven).await?,
        })
    }
}

/// Tells whether all that was merged is carried out and works; what was changed by hand counts apart.
///
/// # Errors
/// The ledger cannot be read.
pub(super) async fn is_whole(
    world: &World,
    kept: &Kept,
    report: &Report,
) -> Result<bool, LedgerError> {
    let steps = report.plan.steps.iter();
    let unready: Vec<&Step> = steps.filter(|step| step.unready.is_some()).collect();
    if !report.is_carried_out() || unready.is_empty() {
        return Ok(report.is_carried_out());
    }
    let since = Since::of(world, kept).await?;
    let mut unready = unready.into_iter();
    Ok(unready.all(|step| since.unproven.was_failing(step)))
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
    // What does not go away would not by going back either.
    let fails = |step: &&Step| step.is_failing() && step.gone_by.is_none();
    let mut failing = report.plan.steps.iter().filter(fails);
    if failing.clone().next().is_none() {
        return Ok(false);
    }
    let since = Since::of(world, kept).await?;
    let now = world.clock.now();
    Ok(failing.any(|step| is_over(step, &since, now)))
}

/// Tells whether a resource fails since something was merged, and for good or for longer than it may: the
/// time counts from when it was first found so, and never from before the version that is kept came. Pure.
fn is_over(step: &Step, since: &Since, now: Timestamp) -> bool {
    let Some(found) = since.unproven.failing_since(step) else {
        return false;
    };
    if since.unproven.was_failing(step) {
        return false;
    }
    let lasts = now.duration_since(found.max(since.kept));
    match step.unready {
        Some(Health::Failed(_)) => true,
        Some(Health::Failing(_)) => lasts.unsigned_abs() >= step.deadline,
        _ => false,
    }
}
