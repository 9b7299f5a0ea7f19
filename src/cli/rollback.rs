//! `reconciled rollback`: puts an environment back to an older revision, until Git says something new.

mod answer;
mod check;
mod shown;

use super::{Exit, Global, Output, ask, settings, status};
use crate::config::Settings;
use crate::engine::Pinned;
use crate::ledger::{Episode, Holder, Ledger, Rollback, RunRecord, Version, Versions, taken_along};
use crate::model::{EnvironmentName, Revision};
use crate::telemetry::Clock;
use anyhow::bail;
use serde_json::json;

/// How many runs are looked through for a revision.
const RUNS: u32 = 1000;

/// Put an environment back to an older revision until Git says something new
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled rollback production                     to what last went well before
  reconciled rollback production --to 3f2c1d4e --why 'checkout is down'
  reconciled rollback production --end               follow Git again, also to what was left

Without --yes it shows what it would change, and asks. The daemon applies the older revision and does not apply the one it left again, whatever else is merged; a \
commit that changes the environment ends the rollback. Windows, pauses and the deletion budget hold it like \
any change. Data that resources hold is not put back. The rollback stands in the ledger alone: where that is \
lost, what Git says is applied again, so revert the commit in Git, too.")]
pub(super) struct Args {
    /// The environment
    #[arg(value_parser = super::environment)]
    environment: EnvironmentName,
    /// A commit, or the start of one that a run worked from
    #[arg(long, value_name = "REVISION", conflicts_with = "end")]
    to: Option<String>,
    /// Why, for everybody who wonders
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Ends the rollback instead
    #[arg(long)]
    end: bool,
    /// Does not ask
    #[arg(long, short)]
    yes: bool,
}

pub(super) fn run(args: &Args, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    let name = &args.environment;
    super::block_on(async {
        let settings = settings::of_daemon(global, out)?;
        let ledger = Ledger::open_beside(&settings.ledger.path).await?;
        super::known(&ledger, name).await?;
        let done = if args.end {
            end(&ledger, name, out).await
        } else {
            begin(&ledger, &settings, (args, global), out).await
        };
        ledger.close().await;
        if !has_daemon(&settings) && matches!(done, Ok(Exit::Same)) {
            out.say("No daemon runs: it takes effect when one starts.");
        }
        done
    })
}

async fn end(ledger: &Ledger, name: &EnvironmentName, out: &Output) -> anyhow::Result<Exit> {
    let text = if ledger.end_rollback(name).await? {
        format!("{name} follows Git again.")
    } else {
        format!("{name} was not rolled back.")
    };
    if out.is_json() {
        out.json(&json!({ "environment": name, "rollback": null }))?;
    } else {
        out.say(&text);
    }
    Ok(Exit::Same)
}

fn has_daemon(settings: &Settings) -> bool {
    Ledger::holder(&settings.ledger.path) != Holder::Nobody
}

async fn begin(
    ledger: &Ledger,
    settings: &Settings,
    (args, global): (&Args, &Global),
    out: &Output,
) -> anyhow::Result<Exit> {
    let name = &args.environment;
    let versions = ledger.versions(name).await?;
    let mut standing = ledger.rollbacks().await?.into_iter();
    let standing = standing.find(|one| one.environment == *name);
    let refused = standing.as_ref().and_then(|one| one.refused.clone());
    let to = match &args.to {
        Some(text) => named(&ledger.runs(Some(name), RUNS, None).await?, text)?,
        None => last_good(&versions, refused.as_ref(), name)?,
    };
    let along = along(&versions, refused.as_ref(), &to);
    let kept = versions.kept;
    if kept.as_ref().is_some_and(|kept| kept.revision == to) {
        bail!(
            "roll back {name} to {}: that is the revision it is at",
            to.short()
        );
    }
    let past = check::check(ledger, settings, (name, &to), out).await?;
    if let Err(why) = &past {
        out.say(&format!(
            "What {name} was there could not be checked here: failed to {why}."
        ));
    }
    out.say(&said((name, &to), kept.as_ref(), &along));
    if !args.yes && !agreed(name, past.as_ref().ok(), global, out).await? {
        out.say("Nothing was changed.");
        return Ok(Exit::Differs);
    }
    let rollback = Rollback {
        environment: name.clone(),
        to,
        why: args.why.clone().unwrap_or_default(),
        by: super::pause::whoami(),
        since: Clock::system().now(),
        refused: refused.or(kept),
        along,
    };
    let before = answer::trouble(ledger, name).await?;
    order(ledger, &rollback, standing.as_ref()).await?;
    if past.is_err() && has_daemon(settings) {
        refused_by_daemon(ledger, &rollback, before.as_ref(), out).await?;
    }
    if out.is_json() {
        out.json(&json!({ "environment": name, "rollback": rollback }))?;
    } else {
        out.say(&format!(
            "Ordered. `reconciled status {name}` says how it goes; a commit that changes {name} ends it."
        ));
    }
    Ok(Exit::Same)
}

/// Shows what it would change, as far as that is known here, and asks.
async fn agreed(
    name: &EnvironmentName,
    past: Option<&Pinned>,
    global: &Global,
    out: &Output,
) -> anyhow::Result<bool> {
    if let Some(past) = past.filter(|_| !out.is_json())
        && let Err(error) = shown::show(past, global, out).await
    {
        out.say(&format!(
            "What it would change could not be shown: failed to {error:#}."
        ));
    }
    ask::yes(&format!("Roll back {name}?"))
}

/// Returns what goes back with what is kept, where that goes back to what last went well.
fn along(versions: &Versions, refused: Option<&Version>, to: &Revision) -> Vec<Revision> {
    match versions.target(refused) {
        Some(last) if last.revision == *to => versions.along(),
        _ => Vec::new(),
    }
}

fn said(
    (name, to): (&EnvironmentName, &Revision),
    kept: Option<&Version>,
    along: &[Revision],
) -> String {
    let from = kept.map_or_else(String::new, |kept| {
        format!(" from {}", kept.revision.short())
    });
    let along = taken_along(along).map_or_else(String::new, |along| format!("; {along}"));
    format!("{name} goes back{from} to {}{along}.", to.short())
}

/// Writes the order, unless somebody changed meanwhile what it was decided on.
async fn order(
    ledger: &Ledger,
    rollback: &Rollback,
    standing: Option<&Rollback>,
) -> anyhow::Result<()> {
    if ledger.order_rollback(rollback, standing).await? {
        return Ok(());
    }
    let name = &rollback.environment;
    bail!(
        "roll back {name}: somebody ordered something else meanwhile. `reconciled status {name}` says what"
    )
}

/// Waits for what the daemon says.
///
/// # Errors
/// It cannot carry the rollback out; why is printed.
async fn refused_by_daemon(
    ledger: &Ledger,
    rollback: &Rollback,
    before: Option<&Episode>,
    out: &Output,
) -> anyhow::Result<()> {
    let (name, to) = (&rollback.environment, &rollback.to);
    let Some(refused) = answer::refusal(ledger, (name, to), before).await? else {
        return Ok(());
    };
    let why = status::of_trouble(&refused, Clock::system().now());
    out.say(why.trim_end());
    bail!(
        "roll back {name} to {}: the daemon cannot\nnext: `reconciled rollback {name} --end` takes the order back, or name another revision with --to",
        to.short()
    )
}

/// Finds a revision by the start of its name.
fn named(runs: &[RunRecord], text: &str) -> anyhow::Result<Revision> {
    let is_whole = text.len() == 40 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let known = runs.iter().map(|run| &run.revision);
    let mut found: Vec<&Revision> = known.filter(|one| one.as_str().starts_with(text)).collect();
    found.dedup();
    match found.as_slice() {
        [one] => Ok((*one).clone()),
        [] if is_whole => Ok(Revision::new(text)),
        [] => bail!("find the revision {text}: no run worked from it. Name the whole commit"),
        _ => bail!("find the revision {text}: several begin so. Write more of it"),
    }
}

/// Returns what last went well before what is kept.
fn last_good(
    versions: &Versions,
    refused: Option<&Version>,
    name: &EnvironmentName,
) -> anyhow::Result<Revision> {
    match versions.target(refused) {
        Some(version) => Ok(version.revision.clone()),
        None => bail!(
            "find a revision to roll {name} back to: nothing else of it went well. Name one with --to; `reconciled history list` shows them"
        ),
    }
}
