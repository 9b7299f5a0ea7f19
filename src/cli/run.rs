//! `reconciled run`: the daemon.

use super::serve::{Lasting, Serving, Substitutes, changed};
use super::{Exit, Global, Output, settings};
use crate::config::Settings;
use crate::ledger::Ledger;
use crate::telemetry::log;
use crate::web;
use sd_notify::NotifyState;

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
        let ledger = Ledger::open(&settings.ledger.path).await?;
        let lasting = Lasting::new(ledger.clone(), Substitutes::default());
        tracing::info!(
            version = env!("CARGO_PKG_VERSION"),
            ledger = %settings.ledger.path.display(),
            repositories = settings.repositories.len(),
            "Daemon started"
        );
        let stopped = super::stopped();
        tokio::pin!(stopped);
        loop {
            let listener = web::listen(settings.web.listen).await?;
            tracing::info!(address = %listener.local_addr()?, "Pages are served");
            let mut serving = Serving::start(&settings, &lasting, Some(listener))?;
            tell_systemd(&[NotifyState::Ready]);
            let next = tokio::select! {
                () = &mut stopped => None,
                result = serving.broke_off() => return result.map(|()| Exit::Failed),
                next = new_settings(global, out, &settings) => Some(next),
            };
            tell_systemd(&[if next.is_some() {
                NotifyState::Reloading
            } else {
                NotifyState::Stopping
            }]);
            serving.end().await?;
            let Some(next) = next else { break };
            settings = next;
        }
        ledger.close().await;
        tracing::info!("Daemon stopped");
        Ok(Exit::Same)
    })
}

/// Waits until there are other settings that can be used. Mistakes are told, and the old ones stay.
async fn new_settings(global: &Global, out: &Output, now: &Settings) -> Settings {
    loop {
        changed(now).await;
        match settings::of_daemon(global, out) {
            Ok(next) if next == *now => {}
            Ok(next) if next.ledger.path != now.ledger.path => {
                tracing::error!(
                    "The ledger's path changed in the settings; that needs a restart, going on as before"
                );
            }
            Ok(next) => {
                tracing::info!("Settings changed, starting anew with them");
                return next;
            }
            Err(error) => tracing::error!(
                error = format!("{error:#}"),
                "Settings cannot be used, going on as before"
            ),
        }
    }
}

/// Says how far we are to systemd, where it asked.
fn tell_systemd(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(%error, "systemd not told");
    }
}
