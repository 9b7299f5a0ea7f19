//! What pull requests showed of environments before they were merged: by what the files say, so that no forge has
//! to be asked when that is merged, and by their numbers, for what several of them say together. What was shown under a
//! number is what was shown of one head: whoever pushes more shows more, and until that is shown nobody saw it.
//!
//! Each is remembered for itself: however many pull requests are open, none is forgotten for another.

use crate::deliver::Sight;
use crate::ledger::{Ledger, LedgerError};
use crate::model::{Digest, EnvironmentName, Revision};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What was shown.
#[derive(Serialize, Deserialize)]
struct Shown {
    sight: Sight,
    /// The head of the pull request that it was shown of; `None` in records of older versions, which tell of none.
    #[serde(default)]
    head: Option<Revision>,
    /// The day on which it was shown last, counted from 1970: what is shown still does not grow old.
    day: i64,
    /// Whether it is only about to be shown.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    coming: bool,
}

impl Shown {
    fn on(now: Timestamp, head: &Revision, sight: Sight, coming: bool) -> serde_json::Value {
        let shown = Self {
            sight,
            head: Some(head.clone()),
            day: now.as_second() / (24 * 60 * 60),
            coming,
        };
        serde_json::to_value(shown).unwrap_or_default()
    }

    fn is_of(&self, head: &Revision) -> bool {
        self.head.as_ref() == Some(head)
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
    ((number, head), content, sight): ((u64, &Revision), Digest, Sight),
    now: Timestamp,
) -> Result<(), LedgerError> {
    let shown = Shown::on(now, head, sight, false);
    ledger
        .record_delivery(&of_content(name, &content), &shown)
        .await?;
    ledger
        .record_delivery(&of_number(name, number), &shown)
        .await
}

/// Remembers that a pull request is about to show something of a state of an environment, where nothing is known of
/// it yet: who merges it before that is done has seen nothing. What it showed of another head counts no more.
///
/// # Errors
/// The ledger cannot be read or written.
pub(in crate::engine) async fn expect(
    ledger: &Ledger,
    name: &EnvironmentName,
    ((number, head), content): ((u64, &Revision), Digest),
    now: Timestamp,
) -> Result<(), LedgerError> {
    let nothing = Shown::on(now, head, Sight::default(), true);
    let record = of_content(name, &content);
    if find(ledger, &record).await?.is_none() {
        ledger.record_delivery(&record, &nothing).await?;
    }
    let record = of_number(name, number);
    let known = find(ledger, &record).await?;
    if !known.is_some_and(|shown| shown.is_of(head)) {
        ledger.record_delivery(&record, &nothing).await?;
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

/// Returns what a pull request showed of an environment with this head.
pub(super) async fn of_pull(
    ledger: &Ledger,
    name: &EnvironmentName,
    (number, head): (u64, &Revision),
) -> Result<Showed, LedgerError> {
    let known = find(ledger, &of_number(name, number)).await?;
    Ok(match known.filter(|shown| shown.is_of(head)) {
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
        let head = Revision::new("one");
        let pull = async |number| of_pull(&ledger, &shop, (number, &head)).await.unwrap();
        expect(&ledger, &shop, ((7, &head), first.clone()), now)
            .await
            .unwrap();
        assert_eq!(known(&first).await, Some(Sight::default()));
        assert_eq!(pull(7).await, Showed::Coming);
        assert_eq!(pull(8).await, Showed::Nothing);
        let shown = ((7, &head), first.clone(), seen.clone());
        remember(&ledger, &shop, shown, now).await.unwrap();
        for content in [&first, &second] {
            expect(&ledger, &shop, ((7, &head), content.clone()), now)
                .await
                .unwrap();
        }
        assert_eq!(known(&first).await, Some(seen.clone()));
        assert_eq!(known(&second).await, Some(Sight::default()));
        assert_eq!(pull(7).await, Showed::Sight(seen));
    }

    #[tokio::test]
    async fn what_was_shown_of_one_head_says_nothing_of_another() {
        let ledger = Ledger::in_memory().await.unwrap();
        let (shop, now) = (EnvironmentName::new("shop").unwrap(), Timestamp::UNIX_EPOCH);
        let seen: Sight = serde_json::from_value(json!({ "shop/page": "deletes" })).unwrap();
        let [old, new] = ["old", "new"].map(Revision::new);
        let of = async |head| of_pull(&ledger, &shop, (7, head)).await.unwrap();
        let shown = ((7, &old), Digest::of("first"), seen.clone());
        remember(&ledger, &shop, shown, now).await.unwrap();
        assert_eq!(of(&new).await, Showed::Nothing);
        assert_eq!(of(&old).await, Showed::Sight(seen.clone()));
        let coming = ((7, &new), Digest::of("second"));
        expect(&ledger, &shop, coming, now).await.unwrap();
        assert_eq!(of(&new).await, Showed::Coming);
        assert_eq!(of(&old).await, Showed::Nothing);
        // Shown anew as it was, it is seen at once.
        let shown = ((7, &new), Digest::of("second"), seen.clone());
        remember(&ledger, &shop, shown, now).await.unwrap();
        assert_eq!(of(&new).await, Showed::Sight(seen));
    }

    #[tokio::test]
    async fn none_is_forgotten_for_another() {
        let ledger = Ledger::in_memory().await.unwrap();
        let (shop, head) = (EnvironmentName::new("shop").unwrap(), Revision::new("one"));
        let sight = || serde_json::from_value::<Sight>(json!({})).unwrap();
        let content = |number: u64| Digest::of(format!("state {number}"));
        for number in 0..120 {
            let shown = ((number, &head), content(number), sight());
            remember(&ledger, &shop, shown, Timestamp::UNIX_EPOCH)
                .await
                .unwrap();
        }
        for number in 0..120 {
            let by_number = of_pull(&ledger, &shop, (number, &head)).await.unwrap();
            let by_content = of(&ledger, &shop, &content(number)).await.unwrap();
            assert_eq!(by_number, Showed::Sight(sight()));
            assert_eq!(by_content, Some(sight()));
        }
        let none = of_pull(&ledger, &shop, (120, &head)).await.unwrap();
        assert_eq!(none, Showed::Nothing);
    }
}
