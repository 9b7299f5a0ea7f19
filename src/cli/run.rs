//! `reconciled run`: the daemon.

use super::serve::{Lasting, Serving, Substitutes, changed, secrets_behind};
use super::{Exit, Global, Output, settings};
use crate::config::Settings;
use crate::ledger::Ledger;
use crate::telemetry::{Readiness, log};
use crate::web;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use sd_notify::NotifyState;
use std::time::Duration;
use tokio::net::TcpListener;

/// How many times a start is tried again before it counts as failed.
const RESTARTS: usize = 5;

/// What settings that cannot be used stand under among what is in the daemon's way.
const SETTINGS: &str = "settings";

/// How often the settings are looked at where no change was told.
const LOOK: Duration = Duration::from_secs(30);

/// Run the daemon
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled run                                  with ./reconciled.yaml or /etc/reconciled/reconciled.yaml
  reconciled run --settings /etc/reconciled/reconciled.yaml
  RECONCILED_REPOSITORIES__0__NAME=infra RECONCILED_REPOSITORIES__0__URL=https://example.com/infra.git reconciled run

The settings file is read again when it changes. SIGTERM ends the step in hand and stops.")]
pub(super) struct Args {}

pub(super) fn run(_args: &Args, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    super::block_on(async {
        let mut settings = settings::of_daemon(global, out)?;
        log::install(settings.log.format, &settings.log.filter)?;
        take_handles();
        let stopped = super::stopped();
        tokio::pin!(stopped);
        let ledger = Ledger::open(&settings.ledger.path).await?;
        let lasting = Lasting::new(ledger.clone(), Substitutes::default());
        let listener = listen(&settings).await?;
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            ledger = %settings.ledger.path.display(),
            repositories = settings.repositories.len(),
            "Daemon started"
        );
        let mut serving = serve(&settings, &lasting, listener)?;
        let mut refused = None;
        loop {
            let next = tokio::select! {
                () = &mut stopped => None,
                result = serving.broke_off() => return result.map(|()| Exit::Failed),
                next = new_settings(global, &lasting.readiness, &settings, refused.as_ref()) => Some(next),
            };
            tell_systemd(&[if next.is_some() {
                NotifyState::Reloading
            } else {
                NotifyState::Stopping
            }]);
            serving.end().await?;
            let Some(next) = next else { break };
            (serving, refused) = match start_patiently(&next, &lasting).await {
                Ok(serving) => {
                    lasting.readiness.trouble_over(SETTINGS);
                    settings = next;
                    (serving, None)
                }
                Err(error) => {
                    refuse(&format!("{error:#}"), &lasting.readiness);
                    (start_patiently(&settings, &lasting).await?, Some(next))
                }
            };
        }
        ledger.close().await;
        tracing::info!("Daemon stopped");
        Ok(Exit::Same)
    })
}

async fn start(settings: &Settings, lasting: &Lasting) -> anyhow::Result<Serving> {
    serve(settings, lasting, listen(settings).await?)
}

async fn listen(settings: &Settings) -> anyhow::Result<TcpListener> {
    Ok(web::listen(settings.web.listen).await?)
}

fn serve(settings: &Settings, lasting: &Lasting, listener: TcpListener) -> anyhow::Result<Serving> {
    tracing::info!(address = %listener.local_addr()?, "Pages are served");
    let serving = Serving::start(settings, lasting, Some(listener))?;
    tell_systemd(&[NotifyState::Ready]);
    Ok(serving)
}

/// Starts where another just ended: a fetch of its that cannot be cut short may hold the copy of a
/// repository a little longer.
async fn start_patiently(settings: &Settings, lasting: &Lasting) -> anyhow::Result<Serving> {
    for _ in 0..RESTARTS {
        if let Ok(serving) = start(settings, lasting).await {
            return Ok(serving);
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    start(settings, lasting).await
}

/// Waits until there are other settings that can be used, or other secrets behind them. Mistakes are
/// told once and stand among what is in the daemon's way, and the old ones stay.
async fn new_settings(
    global: &Global,
    readiness: &Readiness,
    now: &Settings,
    refused: Option<&Settings>,
) -> Settings {
    let secrets = secrets_behind(now);
    let mut told = String::new();
    loop {
        tokio::select! {
            () = changed(now) => {}
            // A change while nobody watched is seen at the latest now.
            () = tokio::time::sleep(LOOK) => {}
        }
        let error = match settings::again(global) {
            Ok(next) if Some(&next) == refused => continue,
            Ok(next) if next == *now && secrets_behind(&next) == secrets => {
                readiness.trouble_over(SETTINGS);
                told.clear();
                continue;
            }
            Ok(next) if next.ledger.path != now.ledger.path => {
                "the ledger's path changed; that needs a restart".to_owned()
            }
            Ok(next) => {
                tracing::info!("Settings changed, starting anew with them");
                return next;
            }
            Err(error) => error,
        };
        if told != error {
            refuse(&error, readiness);
        }
        told = error;
    }
}

/// Says that the settings as they stand are not those of this daemon, until they are.
fn refuse(error: &str, readiness: &Readiness) {
    let hint = "Put it right: the settings are read again when they change.";
    let trouble = format!("they cannot be used, those from before hold: {error}");
    readiness.trouble(SETTINGS, trouble);
    tracing::error!(error, hint, "Settings cannot be used, going on as before");
}

/// Takes as many file handles as may be had: the usual 1,024 are for programs that choose among few.
fn take_handles() {
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        ..limit
    };
    if let Err(error) = setrlimit(Resource::Nofile, most) {
        tracing::debug!(%error, "File handles stay few");
    }
}

/// Says how far we are to systemd, where it asked.
fn tell_systemd(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd not told");
    }
}
