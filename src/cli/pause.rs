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
        ledger
            .pause(name, &why, &whoami(), Clock::system().now())
            .await?;
        ledger.close().await;
        said(
            out,
            name,
            true,
            &format!(
                "{name} is paused: {why}. Drift is still found; `reconciled resume {name}` goes on."
            ),
        )
    })
}

pub(super) fn resume(args: &ResumeArgs, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    let name = &args.environment;
    super::block_on(async {
        let ledger = open(global, out).await?;
        let was_paused = ledger.resume(name).await?;
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

fn whoami() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    user.unwrap_or_else(|| "somebody at a terminal".to_owned())
}
