//! Environments that a person rolled back: each is kept at the older state for as long as Git says of it
//! just what was refused. Anything new in Git ends the rollback.

use super::{Followed, Kept, Pinned, Report, World, beside};
use crate::ledger::{LedgerError, Refused, Rollback};
use crate::model::{
    Diagnostic, EnvironmentName, OnFailure, Outcome, Revision, Severity, Snapshot, Step,
};
use crate::spec::{EnvironmentReading, Reading};
use crate::telemetry::chain;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How a step ends whose resource does not become ready: it says that it never will, or its time is over.
const UNREADY: [&str; 2] = ["not-healthy", "deadline"];

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
    for rollback in world.ledger.rollbacks().await? {
        let name = &rollback.environment;
        let of_it = |read: &&mut EnvironmentReading| read.name == *name;
        let Some(read) = newest.environments.iter_mut().find(of_it) else {
            continue;
        };
        // What is broken leaves in force what is kept.
        let Ok(pinned) = Pinned::new(read.clone(), snapshot, &followed.outside) else {
            continue;
        };
        if !is_refused(world, &rollback, &pinned).await? {
            tracing::info!(environment = %name, "Git says something new, the rollback is over");
            world.ledger.end_rollback(name).await?;
            continue;
        }
        match older(world, followed, &rollback).await {
            Ok(old) => drop(instead.insert(name.clone(), old)),
            Err(reason) => read.environment = Err(vec![unreadable(&rollback, &pinned, &reason)]),
        }
    }
    Ok(instead)
}

/// Orders a rollback where a merged change did not become ready and the environment wants that. What is
/// rolled back already stays where it is. Returns whether one was ordered.
pub(super) async fn after(world: &World, kept: &Kept, report: &Report) -> bool {
    let wants = kept.graph.reconcile().on_failure == OnFailure::Rollback;
    let missed = |(step, outcome): (&Step, &Outcome)| {
        !step.is_only_drift()
            && matches!(outcome, Outcome::Failed { code, .. } if UNREADY.contains(&code.as_str()))
    };
    if !wants || !report.failures().any(missed) {
        return false;
    }
    let name = kept.pinned.name();
    match order(world, kept, report).await {
        Ok(Some(to)) => {
            tracing::warn!(environment = %name, to = %to.short(), "Not ready in time, rolling back");
            true
        }
        Ok(None) => {
            tracing::warn!(environment = %name, "Not ready in time, and nothing to roll back to");
            false
        }
        Err(error) => {
            tracing::error!(environment = %name, error = chain(&error), "Rollback not ordered");
            false
        }
    }
}

async fn order(
    world: &World,
    kept: &Kept,
    report: &Report,
) -> Result<Option<Revision>, LedgerError> {
    let name = kept.pinned.name();
    let standing = world.ledger.rollbacks().await?;
    if standing.iter().any(|one| one.environment == *name) {
        return Ok(None);
    }
    let runs = world.ledger.runs(Some(name), Rollback::RUNS, None).await?;
    let Some(to) = Rollback::target(&runs) else {
        return Ok(None);
    };
    let rollback = Rollback {
        environment: name.clone(),
        to: to.clone(),
        why: report.note().unwrap_or_default(),
        by: "reconciled".to_owned(),
        since: world.clock.now(),
        refused: Some(Refused {
            revision: kept.pinned.revision().clone(),
            content: kept.content.clone(),
        }),
    };
    world.ledger.set_rollback(&rollback).await?;
    Ok(Some(to.clone()))
}

/// Tells whether this is the state that was refused. The first one seen after the order is.
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
        refused: Some(Refused { revision, content }),
        ..rollback.clone()
    };
    world.ledger.set_rollback(&seen).await?;
    Ok(true)
}

async fn older(
    world: &World,
    followed: &Followed,
    rollback: &Rollback,
) -> Result<(EnvironmentReading, Arc<Snapshot>), String> {
    let at = followed.origin.at(&rollback.to).await;
    let snapshot = at
        .map_err(|error| chain(&error))?
        .ok_or("a working folder has no past")?;
    let kinds = world.registry.kinds();
    let reading = beside::environments(followed, &snapshot, kinds).await;
    let read = reading.environments.into_iter();
    let mut of_it = read.filter(|read| read.name == rollback.environment);
    let read = of_it.next().ok_or("it was not declared there")?;
    Ok((read, snapshot))
}

fn unreadable(rollback: &Rollback, newest: &Pinned, reason: &str) -> Diagnostic {
    Diagnostic {
        location: newest.environment.location.clone(),
        severity: Severity::Error,
        code: "rolled-back",
        message: format!(
            "{} rolled this back to {}, which cannot be had: {reason}",
            rollback.by,
            rollback.to.short()
        ),
        hint: Some(format!(
            "Name another state with `reconciled rollback {} --to REVISION`, or end it with `--end`.",
            rollback.environment
        )),
        source_line: String::new(),
        related: None,
    }
}
