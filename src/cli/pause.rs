//! `reconciled pause` and `resume`: stops changes of an environment, never looking.

use super::{Exit, Global, Output, settings};
use crate::ledger::Ledger;
use crate::model::EnvironmentName;
use crate::telemetry::Clock;
use serde_json::json;

/// Stop changes of an environment; drift is still found and shown
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled pause production --why 'database maintenance until 14:00'")]
pub(super) struct PauseArgs {
    /// The environment
    #[arg(value_parser = super::environment)]
    environment: EnvironmentName,
    /// Why, for everybody who wonders
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
    let why = args
        .why
        .clone()
        .unwrap_or_else(|| "no reason was given".to_owned());
    let name = &args.environment;
    super::block_on(async {
        let ledger = open(global, out).await?;
        if !args.force {
            super::known(&ledger, name).await?;
        }
        ledger
            .pause(name, &why, &whoami(), Clock::system().now())
            .await?;
        ledger.close().await;
        said(
            out,
            name,
            true,
            &format!(
                "{name} is paused: {why}. The daemon still finds drift; `{}` goes on.",
                again(global, &format!("resume {name}"))
            ),
        )
    })
}

pub(super) fn resume(args: &ResumeArgs, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    let name = &args.environment;
    super::block_on(async {
        let ledger = open(global, out).await?;
        let was_paused = ledger.resume(name).await?;
        if !was_paused {
            super::known(&ledger, name).await?;
        }
        ledger.close().await;
        let text = if was_paused {
            format!("{name} goes on.")
        } else {
            format!("{name} was not paused.")
        };
        said(out, name, false, &text)
    })
}

async fn open(global: &Global, out: &Output) -> anyhow::Result<Ledger> {
    let settings = settings::of_daemon(global, out)?;
    Ok(Ledger::open_beside(&settings.ledger.path).await?)
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
fn again(global: &Global, command: &str) -> String {
    let settings = global.settings.as_ref();
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
