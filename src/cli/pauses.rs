//! What `reconciled pause` and `reconciled rollback` ordered, for commands that change something beside the
//! daemon. A command on a path has a ledger of its own, and the order stands in the daemon's.

use super::pause::typed;
use super::{Global, Output, settings};
use crate::config::Settings;
use crate::deliver::render::{harmless, many};
use crate::engine::{Looked, Pinned};
use crate::ledger::{Ledger, LedgerError, Pause, Rollback};
use crate::model::{Diagnostic, EnvironmentName};
use crate::plan::Hold;
use anyhow::Context as _;
use std::collections::BTreeSet;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// An order that an environment is left as it is.
pub(super) struct Stop {
    environment: EnvironmentName,
    /// Stable, as of a hold: `paused`, `rolled-back`.
    code: &'static str,
    /// What was ordered, by whom and why.
    told: String,
    /// The command that ends it.
    end: String,
}

/// Returns the orders about environments, by every daemon whose settings are named; else stand in a folder
/// above the path, in the working folder or in /etc. No settings and no ledger are no order; settings that
/// do not load are told as a warning, for what they order is not known.
///
/// # Errors
/// There is a ledger and it cannot be read: what was ordered is not known.
pub(super) async fn over(
    pinned: &[Pinned],
    path: &Path,
    global: &Global,
    out: &Output,
) -> anyhow::Result<Vec<Stop>> {
    let mut stops = Vec::new();
    let mut seen = BTreeSet::new();
    for file in files(path, global) {
        match Settings::load(Some(&file), &settings::variables()) {
            // Two files of one daemon order the same.
            Ok(settings) if seen.insert(settings.ledger.path.clone()) => {
                let told = settings::told(&file, global);
                stops.extend(ordered(&settings.ledger.path, pinned, told).await?);
            }
            Ok(_) => {}
            Err(wrong) => out.say(&unread(&file, &wrong)),
        }
    }
    Ok(stops)
}

/// The mode of a folder in which everybody keeps files, as `/tmp`: sticky, and everybody may write.
const SHARED: u32 = 0o1002;

/// Returns the settings files that are asked: the one that is named, else those in folders above the path and
/// the one a daemon started here would read. Whoever can write to `/tmp` orders nobody.
fn files(path: &Path, global: &Global) -> Vec<PathBuf> {
    if let Some(named) = &global.settings {
        return vec![named.clone()];
    }
    let full = path.canonicalize().unwrap_or_default();
    let shared = |folder: &Path| {
        let about = folder.metadata();
        about.is_ok_and(|about| about.permissions().mode() & SHARED == SHARED)
    };
    let above = full.ancestors().skip(usize::from(!full.is_dir()));
    let above = above.take_while(|folder| !shared(folder));
    let above = above.map(|folder| folder.join(settings::FILE));
    let mut files: Vec<PathBuf> = above.filter(|file| file.is_file()).collect();
    let here = settings::file(global).and_then(|file| file.canonicalize().ok());
    let here = here.filter(|here| !files.contains(here));
    files.extend(here);
    files
}

fn unread(file: &Path, wrong: &[Diagnostic]) -> String {
    let why = wrong.first().map_or_else(String::new, |one| {
        format!(": {}: {}", one.location, one.message)
    });
    let more = match wrong.len().saturating_sub(1) {
        0 => String::new(),
        more => format!(", and {}", many(more, "more mistake")),
    };
    let why = harmless(&why).into_owned();
    format!(
        "warning: whether an environment is paused there is not known: {} does not load{why}{more}",
        file.display()
    )
}

/// Returns the orders in a daemon's ledger.
async fn ordered(
    path: &Path,
    pinned: &[Pinned],
    settings: Option<&Path>,
) -> anyhow::Result<Vec<Stop>> {
    let ledger = match Ledger::open_for_reading(path).await {
        Err(LedgerError::NotFound(_)) => return Ok(Vec::new()),
        other => other.with_context(|| format!("learn from {} what is paused", path.display()))?,
    };
    let pauses = ledger.pauses().await?.into_iter();
    let pauses = pauses.filter(|pause| is_among(pinned, &pause.environment));
    let mut stops: Vec<Stop> = pauses.map(|pause| of_pause(&pause, settings)).collect();
    stops.extend(rollbacks(&ledger, pinned, settings).await?);
    Ok(stops)
}

/// Returns the rollbacks of environments, from the daemon's own ledger.
///
/// # Errors
/// They cannot be read.
pub(super) async fn rollbacks(
    ledger: &Ledger,
    pinned: &[Pinned],
    settings: Option<&Path>,
) -> anyhow::Result<Vec<Stop>> {
    let mut rollbacks = ledger.rollbacks().await?;
    rollbacks.retain(|rollback| is_among(pinned, &rollback.environment));
    let rollbacks = rollbacks.iter();
    Ok(rollbacks.map(|one| of_rollback(one, settings)).collect())
}

fn is_among(pinned: &[Pinned], name: &EnvironmentName) -> bool {
    pinned.iter().any(|one| one.name() == name)
}

fn of_pause(pause: &Pause, settings: Option<&Path>) -> Stop {
    let Pause {
        environment,
        by,
        since,
        why,
    } = pause;
    let since = since.strftime("%Y-%m-%d %H:%M:%SZ");
    Stop {
        environment: environment.clone(),
        code: "paused",
        told: format!("{environment} is paused by {by} since {since}: {why}"),
        end: typed(settings, &format!("resume {environment}")),
    }
}

fn of_rollback(rollback: &Rollback, settings: Option<&Path>) -> Stop {
    let Rollback {
        environment, by, ..
    } = rollback;
    let why = rollback.told();
    let (to, since) = (
        rollback.to.short(),
        rollback.since.strftime("%Y-%m-%d %H:%M:%SZ"),
    );
    let colon = if why.is_empty() { "" } else { ": " };
    Stop {
        environment: environment.clone(),
        code: "rolled-back",
        told: format!("{environment} is rolled back to {to} by {by} since {since}{colon}{why}"),
        end: typed(settings, &format!("rollback {environment} --end")),
    }
}

/// Writes into plans that are only shown what holds them.
pub(super) fn hold(stops: &[Stop], looked: &mut [Looked]) {
    for stop in stops {
        let plans = looked.iter_mut().map(|looked| &mut looked.plan);
        for plan in plans.filter(|plan| plan.environment == stop.environment) {
            plan.holds.push(Hold {
                code: stop.code,
                reason: format!("{}; `{}` ends that", stop.told, stop.end),
                deletes_only: false,
            });
        }
    }
}

/// Says what was ordered.
pub(super) fn say(stops: &[Stop], out: &Output) {
    for stop in stops {
        out.say(&stop.told);
    }
}

/// Refuses to change anything: it is told how to go on, which may be in spite of it.
pub(super) fn refuse(stops: &[Stop], despite: bool, out: &Output) {
    let despite = if despite {
        "; --despite-pause goes on in spite of it"
    } else {
        ""
    };
    for stop in stops {
        out.say(&format!(
            "Nothing was changed. `{}` ends that{despite}.",
            stop.end
        ));
    }
}
