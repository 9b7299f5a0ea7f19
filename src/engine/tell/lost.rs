//! The ledger is gone: people are told past it, since what waits and what was said is kept there.

use super::Teller;
use crate::deliver::notify::{Message, Notifier, NotifyError};
use crate::deliver::render::notice_slack;
use crate::ledger::LedgerError;
use crate::model::{Class, Fault as _};
use crate::telemetry::chain;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;

/// How long a notifier that does not answer is left alone; doubled each time, up to the second.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

impl Teller {
    /// The ledger was taken from under the daemon: nothing begins until it is back.
    pub(crate) fn ledger_lost(&self, error: &LedgerError) {
        let hint = error.hint().unwrap_or_default();
        tracing::error!(
            error = chain(error),
            code = error.code(),
            hint,
            "Ledger is gone, changes are stopped"
        );
        let lines = [format!("failed to {}", chain(error)), hint];
        let title = "❌ reconciled: its ledger is gone, changes are stopped";
        self.say_past_ledger(title, &lines);
    }

    /// The ledger is back where it was.
    pub(crate) fn ledger_back(&self) {
        tracing::info!("Ledger is back, changes go on");
        self.say_past_ledger("✅ reconciled: its ledger is back, changes go on", &[]);
    }

    fn say_past_ledger(&self, title: &str, lines: &[String]) {
        let message = notice_slack(title, lines, self.world.clock.now(), None);
        let channels = self.channels.named();
        let saying = tokio::spawn(say(Arc::clone(&self.notifier), channels, message));
        self.urgent.replace(saying.abort_handle());
    }
}

/// Says it where everything is said, or else wherever environments are spoken of; again until it arrives.
async fn say(notifier: Arc<dyn Notifier>, channels: BTreeSet<String>, message: Message) {
    let mut pause = FIRST_PAUSE;
    let mut places: Vec<Option<String>> = vec![None];
    while let Some(place) = places.last() {
        match notifier.post(place.as_deref(), None, &message).await {
            Err(error) if error.class() == Class::Transient => {
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(LONGEST_PAUSE);
                continue;
            }
            Err(NotifyError::Settings(_)) if place.is_none() => {
                places = channels.iter().cloned().map(Some).collect();
                continue;
            }
            Err(error) => tracing::warn!(error = chain(&error), "People not told of everything"),
            Ok(_) => {}
        }
        places.pop();
    }
}

/// The newest thing that is said past the ledger: what it says takes the place of what came before.
#[derive(Default)]
pub(super) struct Urgent(std::sync::Mutex<Option<AbortHandle>>);

impl Urgent {
    fn replace(&self, saying: AbortHandle) {
        let mut newest = self
            .0
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        // One that arrived already is not stopped by this.
        if let Some(older) = newest.replace(saying) {
            older.abort();
        }
    }
}
