//! Fights: the same one changes back, again and again, what is put right. Said once, with who that is and
//! what to do, and over when the resource was left alone for as long.

use super::super::conditions::{Condition, End};
use super::super::{Report, drift};
use super::Teller;
use crate::ledger::{Episode, LedgerError};
use crate::model::{Address, EnvironmentName, Outcome};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// So often put right within [`WITHIN`], with one who changed it each time: no accident.
const TIMES: usize = 3;
/// In seconds.
const WITHIN: i64 = 3600;

impl Teller {
    /// Opens and ends fights, as the drift of the last hour tells. `open` is what was open before this run.
    pub(super) async fn fights(
        &self,
        report: &Report,
        open: &[Episode],
    ) -> Result<(), LedgerError> {
        let corrected: BTreeSet<&Address> = corrected(report).collect();
        let fights = open.iter().filter(|one| is_fight(one));
        if corrected.is_empty() && fights.clone().next().is_none() {
            return Ok(());
        }
        let past = self.corrected_of_late(&report.plan.environment).await?;
        let mut of: BTreeMap<&Address, Vec<&Episode>> = BTreeMap::new();
        for one in &past {
            let Some(address) = &one.address else {
                continue;
            };
            of.entry(address).or_default().push(one);
        }
        for address in corrected {
            // Said already: it is the same fight until it is left alone.
            if fights
                .clone()
                .any(|fight| fight.address.as_ref() == Some(address))
            {
                continue;
            }
            let past = of.get(address).into_iter().flatten();
            if let Some(who) = who_again_and_again(past.copied()) {
                self.fought(report, address, &who).await?;
            }
        }
        for fight in fights {
            let quiet = |address: &Address| {
                report.plan.step(address).is_some() && !of.contains_key(address)
            };
            if fight.address.as_ref().is_some_and(quiet) {
                self.end(report, Some(fight), End::LeftAlone).await?;
            }
        }
        Ok(())
    }

    async fn fought(
        &self,
        report: &Report,
        address: &Address,
        who: &str,
    ) -> Result<(), LedgerError> {
        tracing::warn!(%address, who, "Somebody keeps changing back what is put right");
        let (name, condition) = (&address.environment, Condition::Fought.as_str());
        let (details, now) = (details(who), self.world.clock.now());
        let ledger = &self.world.ledger;
        let id = ledger
            .open_episode(name, Some(address), condition, &details, now)
            .await?;
        self.say(report, ledger.episode(id).await?.as_ref()).await;
        Ok(())
    }

    /// Returns the drift that was put right of late.
    async fn corrected_of_late(&self, name: &EnvironmentName) -> Result<Vec<Episode>, LedgerError> {
        let since = self.world.clock.now() - SignedDuration::from_secs(WITHIN);
        let (ledger, drift) = (&self.world.ledger, Condition::Drift.as_str());
        let mut past = ledger.ended_episodes(name, drift, since).await?;
        past.retain(|one| one.how.as_deref().and_then(End::of) == Some(End::Corrected));
        Ok(past)
    }
}

fn corrected(report: &Report) -> impl Iterator<Item = &Address> {
    let steps = report.plan.steps.iter().filter(|step| step.is_drift());
    let is_good = |address: &&Address| report.outcomes.get(*address).is_some_and(Outcome::is_good);
    steps.map(|step| &step.address).filter(is_good)
}

pub(super) fn is_fight(episode: &Episode) -> bool {
    episode.condition == Condition::Fought.as_str()
}

/// How often somebody did it, and when they did last.
#[derive(Default)]
struct Times {
    count: usize,
    last: Option<Timestamp>,
}

impl Times {
    /// Takes in that it was found done at a time. What is there still from before the last time was put right is no
    /// other time; the live side tells whole seconds.
    fn take(&mut self, at: Option<Timestamp>, put_right: Option<Timestamp>) {
        let is_old = at.zip(put_right);
        let is_old = is_old.is_some_and(|(at, before)| at.as_second() < before.as_second());
        self.count += usize::from(!(is_old && at == self.last));
        self.last = at;
    }
}

/// Returns who did enough of these; of several who did most, and of those who did last.
fn who_again_and_again<'e>(past: impl Iterator<Item = &'e Episode>) -> Option<String> {
    let mut past: Vec<&Episode> = past.collect();
    past.sort_by_key(|one| one.opened_at);
    let mut times: BTreeMap<String, Times> = BTreeMap::new();
    let mut put_right = None;
    for one in past {
        for (who, at) in drift::managers(&one.details) {
            times.entry(who).or_default().take(at, put_right);
        }
        put_right = one.ended_at;
    }
    let often = times.into_iter().filter(|(_, times)| times.count >= TIMES);
    let most = often.max_by_key(|(_, times)| (times.count, times.last));
    most.map(|(who, _)| who)
}

fn details(who: &str) -> Value {
    json!({
        "code": "fought-over", "by": who,
        "message": format!("{who} changed it back each time it was put right, at least {TIMES} times within an hour"),
        "hint": format!("Let one of the two have it. Leave the fields in question to {who} by `lifecycle: {{ ignore: […] }}`, or take the object out of this environment, or out of what {who} applies (an Argo CD application, a Flux Kustomization: out of its source, or turn self-healing off)."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::EpisodeId;

    #[test]
    fn who_is_named_each_time_is_in_a_fight_and_nobody_who_was_there_once() {
        let of = |details: Vec<Value>| {
            let one = |(nth, details): (usize, Value)| Episode {
                id: EpisodeId(1 + nth as i64),
                environment: EnvironmentName::new("shop").unwrap(),
                address: Some("shop/web".parse().unwrap()),
                condition: "drift".to_owned(),
                details,
                opened_at: Timestamp::from_second(10 * nth as i64).unwrap(),
                ended_at: Some(Timestamp::from_second(10 * nth as i64 + 5).unwrap()),
                how: None,
            };
            let past: Vec<Episode> = details.into_iter().enumerate().map(one).collect();
            who_again_and_again(past.iter())
        };
        let past = |all: &[&[&str]]| {
            let each = all.iter().map(|by| json!({ "managers": by }));
            of(each.collect())
        };
        let argo = "argocd-controller";
        assert_eq!(past(&[&[argo], &[argo]]), None);
        assert_eq!(past(&[&[argo], &["kubectl-edit"], &["k9s"], &[argo]]), None);
        let told = past(&[&[argo, "kubectl-edit"], &[argo], &["k9s"], &[argo]]);
        assert_eq!(told.as_deref(), Some(argo));
        // A change by hand that is not put back stands beside each of the controller's.
        let each = (0..4).map(|second| {
            json!({ "managers": [argo, "kubectl-edit"], "moments": {
                argo: Timestamp::from_second(second).unwrap(), "kubectl-edit": Timestamp::UNIX_EPOCH } })
        });
        assert_eq!(of(each.collect()).as_deref(), Some(argo));
        // What an older program wrote down.
        assert_eq!(past(&[&[], &[], &[]]), None);
    }
}
