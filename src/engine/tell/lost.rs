//! The ledger is gone, or cannot be used: people are told past it, since what waits and what was said is kept there.

use super::Teller;
use super::hook::of_daemon;
use crate::deliver::notify::{EventData, Happened, Message, Notifier, NotifyError, TroubleEvent};
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

/// What the ledger did not do, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shortfall {
    /// The stable code.
    pub(crate) code: &'static str,
    /// What went wrong, in one line.
    pub(crate) reason: String,
    /// What to do.
    pub(crate) hint: Option<String>,
}

impl Shortfall {
    /// Takes what is told of an error.
    pub(crate) fn of(error: &LedgerError) -> Self {
        Self {
            code: error.code(),
            reason: format!("failed to {}", chain(error)),
            hint: error.hint(),
        }
    }

    /// Tells whether the file went, which whoever begins something sees and tells.
    pub(crate) fn is_loss(&self) -> bool {
        self.code == LOST
    }
}

/// The code of a ledger that went.
const LOST: &str = "ledger-lost";

impl Teller {
    /// The ledger was taken from under the daemon: nothing begins until it is back.
    pub(crate) fn ledger_lost(&self, lost: &Shortfall) {
        let Shortfall { code, reason, hint } = lost;
        tracing::error!(
            error = reason,
            code,
            hint,
            "Ledger is gone, changes are stopped"
        );
        let title = "❌ reconciled: its ledger is gone, changes are stopped";
        self.say_past_ledger(title, Some(lost));
    }

    /// The ledger is back where it was.
    pub(crate) fn ledger_back(&self) {
        tracing::info!("Ledger is back, changes go on");
        self.say_past_ledger("✅ reconciled: its ledger is back, changes go on", None);
    }

    /// What needs the ledger does not begin, though the file is there: damaged, full, read-only.
    pub(crate) fn ledger_fails(&self, what: &Shortfall) {
        let Shortfall { code, reason, hint } = what;
        tracing::error!(
            error = reason,
            code,
            hint,
            "Ledger cannot be used, changes are stopped"
        );
        let title = "❌ reconciled: its ledger cannot be used, changes are stopped";
        self.say_past_ledger(title, Some(what));
    }

    /// All that could not begin for want of the ledger did begin.
    pub(crate) fn ledger_works(&self) {
        tracing::info!("Ledger can be used again, changes go on");
        let title = "✅ reconciled: its ledger can be used again, changes go on";
        self.say_past_ledger(title, None);
    }

    fn say_past_ledger(&self, title: &str, what: Option<&Shortfall>) {
        let lines = what.map_or_else(Vec::new, |what| {
            let lines = [Some(what.reason.clone()), what.hint.clone()];
            lines.into_iter().flatten().collect()
        });
        let now = self.world.clock.now();
        let message = notice_slack(title, &lines, now, None);
        let happened = match what {
            Some(_) => Happened::LedgerFailed,
            None => Happened::LedgerRecovered,
        };
        let trouble = what.map(|what| TroubleEvent {
            code: what.code.to_owned(),
            reason: what.reason.clone(),
            hint: what.hint.clone(),
        });
        let data = EventData {
            trouble,
            ..of_daemon(&message)
        };
        self.emit_past_ledger((happened, now), data);
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
