//! What still differs from Git is told once a day: at its time, or at the next start where the daemon was away
//! then; not where nothing does, and not twice over a restart.

use super::audience::SharedChannels;
use super::chat::ChatLetter;
use super::outbox::Outbox;
use super::trouble::log_untold;
use crate::deliver::render::daily_slack;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Address, Gravity, Window};
use crate::telemetry::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Under what name the ledger remembers when it was told last.
const TOLD: &str = "daily";

/// How often the clock is looked at: one that is set, or slept through, is noticed.
const LOOK: Duration = Duration::from_secs(20);

/// Tells it, each day.
pub(super) struct Daily {
    pub window: Window,
    pub ledger: Ledger,
    pub clock: Clock,
    pub channels: SharedChannels,
    pub chat: Arc<Outbox<ChatLetter>>,
}

impl Daily {
    /// Tells it until the task is aborted.
    pub(super) async fn run(self) {
        loop {
            log_untold(self.look().await);
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Tells it where its time has come since it was last told. The first start tells nothing of days before.
    async fn look(&self) -> Result<(), LedgerError> {
        let now = self.clock.now();
        let told = self.ledger.delivery(TOLD).await?;
        let told = told.and_then(|told| serde_json::from_value::<Timestamp>(told).ok());
        let Some(told) = told else {
            return self.ledger.record_delivery(TOLD, &json!(now)).await;
        };
        if !is_due(&self.window, told, now) {
            return Ok(());
        }
        self.say(now).await?;
        // What was put is the ledger's: from here on nothing says it again.
        self.ledger.record_delivery(TOLD, &json!(now)).await
    }

    async fn say(&self, now: Timestamp) -> Result<(), LedgerError> {
        let mut by_channel: BTreeMap<Option<String>, Vec<(Address, Timestamp)>> = BTreeMap::new();
        for episode in self.ledger.open_episodes_of("drift").await? {
            let channel = self.channels.of(&episode.environment, Gravity::Warning);
            if let Some(address) = episode.address {
                let standing = by_channel.entry(channel).or_default();
                standing.push((address, episode.opened_at));
            }
        }
        for (channel, standing) in by_channel {
            let day = now.strftime("%Y-%m-%d");
            let name = format!("daily/{day}/{}", channel.as_deref().unwrap_or_default());
            self.chat
                .put(ChatLetter {
                    channel,
                    since: now,
                    gravity: Gravity::Warning,
                    ..ChatLetter::new(name, daily_slack(&standing, now))
                })
                .await;
        }
        Ok(())
    }
}

/// Tells whether its time came after it was told and not after now; what is a day late is left out.
fn is_due(window: &Window, told: Timestamp, now: Timestamp) -> bool {
    let day = SignedDuration::from_hours(24);
    let from = told.max(now.saturating_sub(day).unwrap_or(told));
    let next = window.opens_after(from).ok().flatten();
    next.is_some_and(|next| next <= now)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_time_comes_once_a_day_in_its_zone() {
        let window = Window {
            cron: "0 9 * * *".to_owned(),
            open_for: Duration::from_secs(60),
            timezone: "Europe/Berlin".to_owned(),
        };
        let at = |text: &str| text.parse::<Timestamp>().unwrap();
        let is_due = |told: &str, now: &str| is_due(&window, at(told), at(now));
        // 08:00 UTC in winter, 07:00 in summer.
        assert!(!is_due("2026-11-21T08:00:05Z", "2026-11-22T07:59:59Z"));
        assert!(is_due("2026-11-21T08:00:05Z", "2026-11-22T08:00:00Z"));
        assert!(is_due("2026-07-01T07:00:05Z", "2026-07-02T07:00:00Z"));
        // A daemon that was away tells it late, and one that starts again does not tell it again.
        assert!(is_due("2026-11-21T08:00:05Z", "2026-11-22T15:00:00Z"));
        assert!(!is_due("2026-11-22T15:00:00Z", "2026-11-22T15:10:00Z"));
        assert!(is_due("2026-01-01T00:00:00Z", "2026-11-22T15:10:00Z"));
    }
}
