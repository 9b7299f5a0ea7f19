//! What `reconciled pause` and `reconciled rollback` ordered, for commands that change something beside the
//! daemon. A command on a path has a ledger of its own, and the order stands in the daemon's.

use super::{Global, Output, settings};
use crate::config::Settings;
use crate::engine::Pinned;
use crate::ledger::{Ledger, LedgerError, Pause, Rollback};
use crate::model::EnvironmentName;
use anyhow::Context as _;
use std::path::Path;

/// An order that an environment is left as it is.
pub(super) struct Stop {
    /// What was ordered, by whom and why.
    told: String,
    /// The command that ends it.
    end: String,
}

/// Returns the orders about environments that the daemon keeps whose settings are named, or stand at the
/// path's root, in the working folder or in /etc. No settings and no ledger are no order.
///
/// # Errors
/// There is a ledger and it cannot be read: what was ordered is not known.
pub(super) async fn over(
    pinned: &[Pinned],
    root: &Path,
    global: &Global,
) -> anyhow::Result<Vec<Stop>> {
    let beside = root.join("reconciled.yaml");
    let file = match &global.settings {
        Some(named) => Some(named.clone()),
        None if beside.is_file() => Some(beside),
        None => settings::file(global),
    };
    // What is wrong with a daemon's settings is told by the commands that need them.
    let Some(Ok(settings)) = file.map(|file| Settings::load(Some(&file), &settings::variables()))
    else {
        return Ok(Vec::new());
    };
    let path = &settings.ledger.path;
    let ledger = match Ledger::open_for_reading(path).await {
        Err(LedgerError::NotFound(_)) => return Ok(Vec::new()),
        other => other.with_context(|| format!("learn from {} what is paused", path.display()))?,
    };
    let mut stops = Vec::new();
    for pause in ledger.pauses().await? {
        if is_among(pinned, &pause.environment) {
            stops.push(of_pause(&pause));
        }
    }
    stops.extend(rollbacks(&ledger, pinned).await?);
    Ok(stops)
}

/// Returns the rollbacks of environments, from the daemon's own ledger.
///
/// # Errors
/// They cannot be read.
pub(super) async fn rollbacks(ledger: &Ledger, pinned: &[Pinned]) -> anyhow::Result<Vec<Stop>> {
    let mut rollbacks = ledger.rollbacks().await?;
    rollbacks.retain(|rollback| is_among(pinned, &rollback.environment));
    Ok(rollbacks.iter().map(of_rollback).collect())
}

fn is_among(pinned: &[Pinned], name: &EnvironmentName) -> bool {
    pinned.iter().any(|one| one.name() == name)
}

fn of_pause(pause: &Pause) -> Stop {
    let Pause {
        environment,
        by,
        since,
        why,
    } = pause;
    let since = since.strftime("%Y-%m-%d %H:%M:%SZ");
    Stop {
        told: format!("{environment} is paused by {by} since {since}: {why}"),
        end: format!("reconciled resume {environment}"),
    }
}

fn of_rollback(rollback: &Rollback) -> Stop {
    let Rollback {
        environment,
        by,
        why,
        ..
    } = rollback;
    let (to, since) = (
        rollback.to.short(),
        rollback.since.strftime("%Y-%m-%d %H:%M:%SZ"),
    );
    let colon = if why.is_empty() { "" } else { ": " };
    Stop {
        told: format!("{environment} is rolled back to {to} by {by} since {since}{colon}{why}"),
        end: format!("reconciled rollback {environment} --end"),
    }
}

/// Says what was ordered.
pub(super) fn say(stops: &[Stop], out: &Output) {
    for stop in stops {
        out.say(&stop.told);
    }
}

/// Refuses to change anything: it is told how to go on.
pub(super) fn refuse(stops: &[Stop], out: &Output) {
    for stop in stops {
        out.say(&format!(
            "Nothing was changed. `{}` ends that; --despite-pause goes on in spite of it.",
            stop.end
        ));
    }
}
