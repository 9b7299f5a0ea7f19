//! What a person asks the daemon to carry out now: just the plan that they saw. The daemon answers in its place.

use super::{Ledger, LedgerError};
use crate::model::{Digest, EnvironmentName, RunId};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// How long an order waits for a daemon: whoever gave it is gone by then.
const LASTS: SignedDuration = SignedDuration::from_mins(5);

/// One plan that is to be carried out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Whose plan.
    pub environment: EnvironmentName,
    /// The plan's digest: another plan is not what was asked for.
    pub plan: Digest,
    /// Who asks.
    pub by: String,
    /// Since when.
    pub since: Timestamp,
    /// What became of it; `None` while it waits.
    #[serde(default)]
    pub answer: Option<Answer>,
}

/// What became of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// This run carried it out, however it ended.
    Run(RunId),
    /// It was not carried out: why, as a sentence.
    Refused(String),
}

impl Order {
    /// Tells whether nobody waits for it any more.
    pub fn is_stale(&self, now: Timestamp) -> bool {
        now.duration_since(self.since) > LASTS
    }
}

impl Ledger {
    /// Returns the last order about each environment, answered or not.
    ///
    /// # Errors
    /// Why they cannot be read.
    pub async fn orders(&self) -> Result<Vec<Order>, LedgerError> {
        let query =
            sqlx::query("SELECT posted FROM deliveries WHERE name LIKE 'apply/%' ORDER BY name");
        let all = self.read(query, |row| row.json::<Option<Order>>(0));
        Ok(all.await?.into_iter().flatten().collect())
    }

    /// Orders that a plan is carried out, over an order that was answered or is stale. Returns false where another
    /// waits.
    ///
    /// # Errors
    /// Why it could not be read or written.
    pub async fn order(&self, order: &Order) -> Result<bool, LedgerError> {
        let name = name_of(&order.environment);
        let before = self.delivery(&name).await?;
        let waits = before
            .clone()
            .and_then(|before| serde_json::from_value::<Order>(before).ok());
        if waits.is_some_and(|one| one.answer.is_none() && !one.is_stale(order.since)) {
            return Ok(false);
        }
        let after = serde_json::to_value(order).unwrap_or_default();
        self.put_over(&name, before, after).await
    }

    /// Says what became of an order, where just that waits.
    ///
    /// # Errors
    /// Why it could not be written.
    pub async fn answer(&self, order: &Order, answer: Answer) -> Result<(), LedgerError> {
        let answered = Order {
            answer: Some(answer),
            ..order.clone()
        };
        let [before, after] =
            [order, &answered].map(|one| serde_json::to_value(one).unwrap_or_default());
        let name = name_of(&order.environment);
        self.put_over(&name, Some(before), after).await.map(drop)
    }

    /// Returns what became of an order; `None` while it waits.
    ///
    /// # Errors
    /// Why it cannot be read.
    pub async fn answer_to(&self, order: &Order) -> Result<Option<Answer>, LedgerError> {
        let posted = self.delivery(&name_of(&order.environment)).await?;
        let now = posted.and_then(|posted| serde_json::from_value::<Order>(posted).ok());
        let mine = now.filter(|now| now.since == order.since && now.by == order.by);
        let gone = || Answer::Refused("Somebody else's order took its place.".to_owned());
        Ok(match mine {
            Some(mine) => mine.answer,
            None => Some(gone()),
        })
    }
}

fn name_of(environment: &EnvironmentName) -> String {
    format!("apply/{environment}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_order_waits_at_a_time_and_just_that_is_answered() {
        let ledger = Ledger::in_memory().await.unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let order = |by: &str, second| Order {
            environment: EnvironmentName::new("shop").unwrap(),
            plan: Digest::of("plan"),
            by: by.to_owned(),
            since: at(second),
            answer: None,
        };
        let (nina, otto) = (order("nina", 1), order("otto", 2));
        assert!(ledger.order(&nina).await.unwrap());
        assert!(!ledger.order(&otto).await.unwrap(), "nina's waits");
        assert_eq!(ledger.answer_to(&nina).await.unwrap(), None);
        assert!(!nina.is_stale(at(300)) && nina.is_stale(at(302)));
        let ran = Answer::Run(RunId(7));
        ledger.answer(&nina, ran.clone()).await.unwrap();
        assert_eq!(ledger.answer_to(&nina).await.unwrap(), Some(ran));
        assert!(ledger.order(&otto).await.unwrap());
        // It was answered late: somebody else's waits there now.
        ledger.answer(&nina, Answer::Run(RunId(8))).await.unwrap();
        assert_eq!(ledger.orders().await.unwrap(), [otto]);
        let lost = ledger.answer_to(&nina).await.unwrap();
        assert!(matches!(lost, Some(Answer::Refused(_))), "{lost:?}");
    }
}
