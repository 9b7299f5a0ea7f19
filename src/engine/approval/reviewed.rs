//! What pull requests showed of environments before they were merged: by what the files say, so that no forge has
//! to be asked when that is merged, and by their numbers, for what several of them say together.
//!
//! Each is remembered for itself: however many pull requests are open, none is forgotten for another.

use crate::deliver::Sight;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Digest, EnvironmentName};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What was shown.
#[derive(Serialize, Deserialize)]
struct Shown {
    sight: Sight,
    /// The day on which it was shown last, counted from 1970: what is shown still does not grow old.
    day: i64,
    /// Whether it is only about to be shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    coming: bool,
}

impl Shown {
    fn on(now: Timestamp, sight: Sight, coming: bool) -> serde_json::Value {
        let day = now.as_second() / (24 * 60 * 60);
        serde_json::to_value(Self { sight, day, coming }).unwrap_or_default()
    }
}

/// What a pull request showed of an environment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Showed {
    /// Nothing: nobody made a plan of it before it was merged.
    Nothing,
    /// Nothing yet, and it is about to.
    Coming,
    /// This.
    Sight(Sight),
}

/// Remembers what a pull request showed of a state of an environment.
///
/// # Errors
/// The ledger cannot be read or written.
pub(in crate::engine) async fn remember(
    ledger: &Ledger,
    name: &EnvironmentName,
    (number, content, sight): (u64, Digest, Sight),
    now: Timestamp,
) -> Result<(), LedgerError> {
    let shown = Shown::on(now, sight, false);
    ledger
        .record_delivery(&of_content(name, &content), &shown)
        .await?;
    ledger
        .record_delivery(&of_number(name, number), &shown)
        .await
}

/// Remembers that a pull request is about to show something of a state of an environment, where nothing is known of
/// it yet: who merges it before that is done has seen nothing.
///
/// # Errors
/// The ledger cannot be read or written.
pub(in crate::engine) async fn expect(
    ledger: &Ledger,
    name: &EnvironmentName,
    (number, content): (u64, Digest),
    now: Timestamp,
) -> Result<(), LedgerError> {
    let nothing = Shown::on(now, Sight::default(), true);
    for record in [of_content(name, &content), of_number(name, number)] {
        if find(ledger, &record).await?.is_none() {
            ledger.record_delivery(&record, &nothing).await?;
        }
    }
    Ok(())
}

/// Returns what was shown of a state; `None` where no pull request was.
pub(super) async fn of(
    ledger: &Ledger,
    name: &EnvironmentName,
    content: &Digest,
) -> Result<Option<Sight>, LedgerError> {
    let known = find(ledger, &of_content(name, content)).await?;
    Ok(known.map(|shown| shown.sight))
}

/// Returns what a pull request showed last of an environment.
pub(super) async fn of_pull(
    ledger: &Ledger,
    name: &EnvironmentName,
    number: u64,
) -> Result<Showed, LedgerError> {
    let known = find(ledger, &of_number(name, number)).await?;
    Ok(match known {
        None => Showed::Nothing,
        Some(Shown { coming: true, .. }) => Showed::Coming,
        Some(Shown { sight, .. }) => Showed::Sight(sight),
    })
}

async fn find(ledger: &Ledger, record: &str) -> Result<Option<Shown>, LedgerError> {
    let known = ledger.delivery(record).await?;
    Ok(known.and_then(|known| serde_json::from_value(known).ok()))
}

/// Under what name the ledger remembers it.
fn of_content(name: &EnvironmentName, content: &Digest) -> String {
    format!("reviewed/{name}/state/{content}")
}

fn of_number(name: &EnvironmentName, number: u64) -> String {
    format!("reviewed/{name}/pull/{number}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[tokio::test]
    async fn what_is_about_to_be_shown_was_seen_by_nobody_yet_and_takes_nothing_away() {
        let ledger = Ledger::in_memory().await.unwrap();
        let (shop, now) = (EnvironmentName::new("shop").unwrap(), Timestamp::UNIX_EPOCH);
        let seen: Sight = serde_json::from_value(json!({ "shop/page": "deletes" })).unwrap();
        let (first, second) = (Digest::of("first"), Digest::of("second"));
        let known = async |content: &Digest| of(&ledger, &shop, content).await.unwrap();
        expect(&ledger, &shop, (7, first.clone()), now)
            .await
            .unwrap();
        assert_eq!(known(&first).await, Some(Sight::default()));
        assert_eq!(of_pull(&ledger, &shop, 7).await.unwrap(), Showed::Coming);
        assert_eq!(of_pull(&ledger, &shop, 8).await.unwrap(), Showed::Nothing);
        let shown = (7, first.clone(), seen.clone());
        remember(&ledger, &shop, shown, now).await.unwrap();
        for content in [&first, &second] {
            expect(&ledger, &shop, (7, content.clone()), now)
                .await
                .unwrap();
        }
        assert_eq!(known(&first).await, Some(seen.clone()));
        assert_eq!(known(&second).await, Some(Sight::default()));
        let pull = of_pull(&ledger, &shop, 7).await.unwrap();
        assert_eq!(pull, Showed::Sight(seen));
    }

    #[tokio::test]
    async fn none_is_forgotten_for_another() {
        let ledger = Ledger::in_memory().await.unwrap();
        let shop = EnvironmentName::new("shop").unwrap();
        let sight = || serde_json::from_value::<Sight>(json!({})).unwrap();
        let content = |number: u64| Digest::of(format!("state {number}"));
        for number in 0..120 {
            let shown = (number, content(number), sight());
            remember(&ledger, &shop, shown, Timestamp::UNIX_EPOCH)
                .await
                .unwrap();
        }
        for number in 0..120 {
            let by_number = of_pull(&ledger, &shop, number).await.unwrap();
            let by_content = of(&ledger, &shop, &content(number)).await.unwrap();
            assert_eq!(by_number, Showed::Sight(sight()));
            assert_eq!(by_content, Some(sight()));
        }
        assert_eq!(of_pull(&ledger, &shop, 120).await.unwrap(), Showed::Nothing);
    }
}
