//! What `reconciled pause` stopped, for a command on a path: such a command has a ledger of its own, and
//! the pause stands in the daemon's.

use super::{Global, Output, settings};
use crate::config::Settings;
use crate::engine::Pinned;
use crate::ledger::{Ledger, LedgerError, Pause, Rollback};
use anyhow::Context as _;
use std::path::Path;

/// Returns the pauses of environments that the daemon keeps whose settings are named, or stand at the
/// path's root, in the working folder or in /etc. No settings and no ledger are no pause.
///
/// # Errors
/// There is a ledger and it cannot be read: what is paused is not known.
pub(super) async fn over(
    pinned: &[Pinned],
    root: &Path,
    global: &Global,
) -> anyhow::Result<Vec<Pause>> {
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
    let mut pauses = ledger.pauses().await?;
    pauses.extend(ledger.rollbacks().await?.into_iter().map(as_pause));
    pauses.retain(|pause| pinned.iter().any(|one| *one.name() == pause.environment));
    Ok(pauses)
}

/// What is rolled back is to stay as it is.
fn as_pause(rollback: Rollback) -> Pause {
    let (to, environment) = (rollback.to.short(), &rollback.environment);
    Pause {
        why: format!(
            "rolled back to {to}, which `reconciled rollback {environment} --end` ends; {}",
            rollback.why
        ),
        environment: rollback.environment,
        by: rollback.by,
        since: rollback.since,
    }
}

/// Says who paused what, and why.
pub(super) fn say(pauses: &[Pause], out: &Output) {
    for pause in pauses {
        out.say(&format!(
            "{} is paused by {} since {}: {}",
            pause.environment,
            pause.by,
            pause.since.strftime("%Y-%m-%d %H:%M:%SZ"),
            pause.why
        ));
    }
}

/// Refuses to change what is paused: it is told who paused it, and how to go on.
pub(super) fn refuse(pauses: &[Pause], out: &Output) {
    for pause in pauses {
        out.say(&format!(
            "Nothing was changed. `reconciled resume {}` ends the pause; --despite-pause goes on in spite of it.",
            pause.environment
        ));
    }
}
