//! Environments that were rolled back: each is kept at the older revision for as long as Git says of it
//! just what was refused. Anything new in Git ends the rollback.

mod unready;

use super::past::{self, PastError};
use super::{Followed, Kept, Pinned, Report, World};
use crate::ledger::{LedgerError, Rollback, Version, Versions};
use crate::model::{Diagnostic, EnvironmentName, OnFailure, Revision, Severity, Snapshot};
use crate::spec::{EnvironmentReading, Reading};
use crate::telemetry::chain;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What is kept instead of what the newest state says.
pub type Instead = BTreeMap<EnvironmentName, (EnvironmentReading, Arc<Snapshot>)>;

/// Finds what is kept instead of what this state says. An older state that cannot be read is a mistake of
/// the environment: what is kept stays.
///
/// # Errors
/// The ledger cannot be read or written: then the state is not to be taken.
pub(super) async fn instead(
    world: &World,
    followed: &Followed,
    (newest, snapshot): (&mut Reading, &Arc<Snapshot>),
) -> Result<Instead, LedgerError> {
    let mut instead = Instead::new();
    let rollbacks = world.ledger.rollbacks().await?;
    if rollbacks.is_empty() {
        return Ok(instead);
    }
    let homes = world.ledger.homes().await?;
    for rollback in rollbacks {
        let name = &rollback.environment;
        // What another repository says of it is refused anyhow.
        if homes
            .get(name)
            .is_some_and(|home| home != followed.origin.name())
        {
            continue;
        }
        let of_it = |read: &&mut EnvironmentReading| read.name == *name;
        let Some(read) = newest.environments.iter_mut().find(of_it) else {
            continue;
        };
        // What is broken leaves in force what is kept.
        let Ok(pinned) = Pinned::new(read.clone(), snapshot, &followed.outside) else {
            continue;
        };
        if !is_refused(world, &rollback, &pinned).await? {
            // One that was ordered meanwhile stands, and is looked at when this state was taken.
            if world.ledger.rollback_over(&rollback).await? {
                tracing::info!(environment = %name, "Git says something new, the rollback is over");
            }
            continue;
        }
        match past::environment(followed, name, &rollback.to, world.registry.kinds()).await {
            Ok(old) => drop(instead.insert(name.clone(), old)),
            Err(error) => read.environment = Err(unreadable(&rollback, &pinned, error)),
        }
    }
    Ok(instead)
}

/// Returns the rollback that keeps an environment where it is.
///
/// # Errors
/// The ledger cannot be read.
pub(super) async fn keeping(
    world: &World,
    pinned: &Pinned,
) -> Result<Option<Rollback>, LedgerError> {
    let (name, at) = (pinned.name(), pinned.revision());
    let mut all = world.ledger.rollbacks().await?.into_iter();
    Ok(all.find(|one| one.environment == *name && one.to == *at))
}

/// Remembers what went well; and orders a rollback where a version never did, does not become ready, and
/// the environment wants that. What is rolled back already stays where it is. Returns whether one was
/// ordered.
pub(super) async fn after(world: &World, kept: &Kept, report: &Report) -> bool {
    let name = kept.pinned.name();
    let done = match unready::is_whole(world, kept, report).await {
        Err(error) => Err(error),
        Ok(true) => {
            let well = world.ledger.went_well(name, kept.version()).await;
            well.map(|()| None)
        }
        Ok(false) if kept.graph.reconcile().on_failure != OnFailure::Rollback => Ok(None),
        Ok(false) => match unready::is_by_what_is_kept(world, kept, report).await {
            Ok(true) => order(world, kept, report).await,
            done => done.map(|_| None),
        },
    };
    match done {
        Ok(Some(to)) => {
            tracing::warn!(environment = %name, to = %to.short(), "Not ready in time, rolling back");
            true
        }
        Ok(None) => false,
        Err(error) => {
            tracing::error!(environment = %name, error = chain(&error), "Versions not recorded");
            false
        }
    }
}

async fn order(
    world: &World,
    kept: &Kept,
    report: &Report,
) -> Result<Option<Revision>, LedgerError> {
    let (name, ledger) = (kept.pinned.name(), &world.ledger);
    let standing = ledger.rollbacks().await?;
    let versions: Versions = ledger.versions(name).await?;
    let stands = standing.iter().any(|one| one.environment == *name);
    // What went well once fails for another reason than what was merged.
    if stands || versions.went_well(&kept.content) {
        return Ok(None);
    }
    let refused = kept.version();
    let Some(to) = versions.target(Some(&refused)) else {
        tracing::warn!(environment = %name, "Not ready in time, and nothing to roll back to");
        return Ok(None);
    };
    let rollback = Rollback {
        environment: name.clone(),
        to: to.revision.clone(),
        why: report.note().unwrap_or_default(),
        by: "reconciled".to_owned(),
        since: world.clock.now(),
        refused: Some(refused),
        along: versions.along(),
    };
    // Where a person was quicker, theirs counts.
    let ordered = ledger.order_rollback(&rollback, None).await?;
    Ok(ordered.then_some(rollback.to))
}

/// Tells whether this is the version that was refused. Where none was known at the order, the first one
/// seen is, and is remembered.
async fn is_refused(
    world: &World,
    rollback: &Rollback,
    newest: &Pinned,
) -> Result<bool, LedgerError> {
    let content = newest.content();
    if let Some(refused) = &rollback.refused {
        return Ok(refused.content == content);
    }
    let revision = newest.revision().clone();
    let seen = Rollback {
        refused: Some(Version { revision, content }),
        ..rollback.clone()
    };
    // Where something else was ordered or it was ended meanwhile, that is looked at in a moment.
    world.ledger.order_rollback(&seen, Some(rollback)).await?;
    Ok(true)
}

/// Returns what is told of an older state that cannot be had. Mistakes in it have places in its own files.
fn unreadable(rollback: &Rollback, newest: &Pinned, error: PastError) -> Vec<Diagnostic> {
    let why = match &error {
        PastError::Broken { .. } => "whose specs cannot be used".to_owned(),
        other => format!("which cannot be had: failed to {}", chain(other)),
    };
    let refused = Diagnostic {
        location: newest.environment.location.clone(),
        severity: Severity::Error,
        code: "rolled-back",
        message: format!(
            "{} rolled this back to {}, {why}",
            rollback.by,
            rollback.to.short()
        ),
        hint: Some(format!(
            "Name another state with `reconciled rollback {} --to REVISION`, or end it with `--end`.",
            rollback.environment
        )),
        source_line: String::new(),
        related: None,
    };
    let mistakes = match error {
        PastError::Broken { mistakes, .. } => mistakes,
        _ => Vec::new(),
    };
    [vec![refused], mistakes].concat()
}
