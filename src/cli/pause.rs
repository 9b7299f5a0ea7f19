//! `reconciled pause` and `resume`: stops changes of an environment, never looking.

use super::{Exit, Global, Output, settings};
use crate::ledger::{Holder, Ledger, Pause};
use crate::model::EnvironmentName;
use crate::telemetry::Clock;
use serde_json::json;
use std::path::Path;

/// Stop changes of an environment; drift is still found and shown
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled pause production --why 'database maintenance until 14:00'")]
pub(super) struct PauseArgs {
    /// The environment
    #[arg(value_parser = super::environment)]
    environment: EnvironmentName,
    /// Why, for everybody who wonders; of a pause that stands already, its reason stays where none is given
    #[arg(long, value_name = "TEXT")]
    why: Option<String>,
    /// Also where nothing is known of such an environment yet
    #[arg(long)]
    force: bool,
}

/// Let changes of an environment go on
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled resume production")]
pub(super) struct ResumeArgs {
    /// The environment
    #[arg(value_parser = super::environment)]
    environment: EnvironmentName,
}

pub(super) fn pause(args: &PauseArgs, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    let name = &args.environment;
    super::block_on(async {
        let (ledger, has_daemon) = open(global, out).await?;
        if !args.force {
            super::known(&ledger, name).await?;
        }
        let mut pauses = ledger.pauses().await?.into_iter();
        let before = pauses.find(|pause| pause.environment == *name);
        let given = args.why.as_deref();
        let why = given.or(before.as_ref().map(|pause| pause.why.as_str()));
        let why = why.unwrap_or("no reason was given");
        ledger
            .pause(name, why, &whoami(), Clock::system().now())
            .await?;
        ledger.close().await;
        let replaced = before.as_ref().map_or_else(String::new, replaced);
        let meanwhile = match has_daemon {
            true => "The daemon still finds drift",
            false => "No daemon runs: the pause holds when one starts",
        };
        let resume = again(global, &format!("resume {name}"));
        let text = format!("{name} is paused: {why}. {replaced}{meanwhile}; `{resume}` goes on.");
        said(out, name, true, &text)
    })
}

fn replaced(before: &Pause) -> String {
    let Pause { by, since, why, .. } = before;
    let since = since.strftime("%Y-%m-%d %H:%M:%SZ");
    format!("This replaces the pause by {by} since {since}: {why}. ")
}

pub(super) fn resume(args: &ResumeArgs, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    let name = &args.environment;
    super::block_on(async {
        let (ledger, has_daemon) = open(global, out).await?;
        let was_paused = ledger.resume(name).await?;
        if !was_paused {
            super::known(&ledger, name).await?;
        }
        ledger.close().await;
        let text = match (was_paused, has_daemon) {
            (true, true) => format!("{name} goes on."),
            (true, false) => format!("{name} goes on when a daemon starts; none runs."),
            (false, _) => format!("{name} was not paused."),
        };
        said(out, name, false, &text)
    })
}

/// Opens the daemon's ledger, and tells whether a daemon runs.
async fn open(global: &Global, out: &Output) -> anyhow::Result<(Ledger, bool)> {
    let settings = settings::of_daemon(global, out)?;
    let path = &settings.ledger.path;
    let ledger = Ledger::open_beside(path).await?;
    Ok((ledger, Ledger::holder(path) != Holder::Nobody))
}

fn said(out: &Output, name: &EnvironmentName, paused: bool, text: &str) -> anyhow::Result<Exit> {
    if out.is_json() {
        out.json(&json!({ "environment": name, "paused": paused }))?;
    } else {
        out.say(text);
    }
    Ok(Exit::Same)
}

/// Returns the command that has to be typed next, with the settings that were named.
pub(super) fn again(global: &Global, command: &str) -> String {
    typed(global.settings.as_deref(), command)
}

/// Returns a command with the settings that it needs to be told of.
pub(super) fn typed(settings: Option<&Path>, command: &str) -> String {
    let settings = settings.map_or_else(String::new, |file| {
        format!(" --settings {}", file.display())
    });
    format!("reconciled{settings} {command}")
}

pub(super) fn whoami() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    user.unwrap_or_else(|| "somebody at a terminal".to_owned())
}
