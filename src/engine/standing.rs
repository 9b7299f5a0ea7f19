//! How environments stand, for whoever watches many: as gauges, and, where live state cannot be told, as
//! conditions beside the readiness. Kept by environment from its last run that came to its end.

use super::metrics::Affected;
use super::{Counts, CycleError, Fleet, Report};
use crate::deliver::render::many;
use crate::model::{EnvironmentName, Outcome};
use crate::telemetry::Readiness;
use std::collections::{BTreeMap, BTreeSet};

/// How many environments a condition names.
const NAMED: usize = 3;

/// What the last run of an environment found.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Standing {
    /// Live differs from what was last applied, and it was not put back.
    drift: bool,
    /// Something is held or waits.
    held: bool,
    /// Something fails.
    failing: bool,
    /// What cannot be told, by code, with the first reason.
    unseen: BTreeMap<&'static str, String>,
}

impl Standing {
    /// Returns how an environment stands after a run; `None` where that was cut short.
    pub(super) fn after(result: &Result<Report, CycleError>) -> Option<Self> {
        use crate::ledger::RunOutcome;
        let report = match result {
            Ok(report) if report.stopped => return None,
            Ok(report) => report,
            Err(CycleError::Stopped) => return None,
            Err(_) => {
                return Some(Self {
                    failing: true,
                    ..Self::default()
                });
            }
        };
        let outcome = report.outcome();
        let stays = |address| !report.outcomes.get(address).is_some_and(Outcome::is_good);
        let mut drifted = report.plan.steps.iter().filter(|step| step.is_drift());
        let unseen = report.unknown.values().rev();
        Some(Self {
            drift: drifted.any(|step| stays(&step.address)),
            held: outcome == RunOutcome::Held,
            failing: outcome == RunOutcome::Failed,
            unseen: unseen.map(|one| (one.code, one.reason.clone())).collect(),
        })
    }
}

/// How all environments stand.
#[derive(Default)]
pub(super) struct Standings {
    by_name: BTreeMap<EnvironmentName, Standing>,
    /// The conditions that were said and are not over.
    said: BTreeSet<String>,
}

impl Standings {
    /// Takes in how an environment stands.
    pub(super) fn note(&mut self, name: &EnvironmentName, standing: Standing) {
        self.by_name.insert(name.clone(), standing);
    }

    /// Says how all stand, those apart that are kept no more.
    pub(super) fn say(
        &mut self,
        fleet: &Fleet,
        (paused, rolled_back): (&BTreeSet<EnvironmentName>, usize),
        (counts, readiness): (&Counts, &Readiness),
    ) {
        let kept = fleet.kept();
        self.by_name.retain(|name, _| kept.contains_key(name));
        let of = |is: fn(&Standing) -> bool| self.by_name.values().filter(|one| is(one)).count();
        counts.affected(Affected::Drift, of(|one| one.drift));
        counts.affected(Affected::Held, of(|one| one.held));
        counts.affected(Affected::Failing, of(|one| one.failing));
        counts.affected(Affected::Unknown, of(|one| !one.unseen.is_empty()));
        let is_paused = |name: &EnvironmentName| {
            let by_spec = kept.get(name).map(|kept| kept.graph.reconcile());
            paused.contains(name) || by_spec.is_some_and(|reconcile| reconcile.paused.is_some())
        };
        let known = kept.keys().chain(paused).collect::<BTreeSet<_>>();
        let paused = known.into_iter().filter(|name| is_paused(name));
        counts.affected(Affected::Paused, paused.count());
        counts.affected(Affected::RolledBack, rolled_back);
        counts.affected(Affected::Broken, fleet.broken());
        counts.kept(kept.len());
        self.say_unseen(readiness);
    }

    /// Takes every condition back, for whoever comes next.
    pub(super) fn over(&mut self, readiness: &Readiness) {
        self.by_name.clear();
        self.say_unseen(readiness);
    }

    /// Says by cause what live state cannot be told: a cluster that is gone is one piece of news, however many
    /// environments are on it.
    fn say_unseen(&mut self, readiness: &Readiness) {
        let mut by_code: BTreeMap<&str, (Vec<&str>, &str)> = BTreeMap::new();
        for (name, standing) in &self.by_name {
            for (code, reason) in &standing.unseen {
                let (names, _) = by_code.entry(code).or_insert_with(|| (Vec::new(), reason));
                names.push(name.as_str());
            }
        }
        let mut now = BTreeSet::new();
        for (code, (names, reason)) in by_code {
            let more = if names.len() > NAMED { ", …" } else { "" };
            let shown = names[..names.len().min(NAMED)].join(", ");
            let said = format!(
                "{} ({shown}{more}): {reason}",
                many(names.len(), "environment")
            );
            let name = format!("live state, {code}");
            readiness.trouble(name.as_str(), said);
            now.insert(name);
        }
        for over in self.said.difference(&now) {
            readiness.trouble_over(over);
        }
        self.said = now;
    }
}
