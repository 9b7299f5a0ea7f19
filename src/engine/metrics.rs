//! What the engine counts. Labels are closed: nothing from a repository can grow a series.

use super::{CycleError, Report};
use crate::ledger::RunOutcome;
use crate::telemetry::Metrics;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    action: &'static str,
    good: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AffectedLabels {
    by: &'static str,
}

/// What an environment can be affected by; by several at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Affected {
    /// Live differs from what was last applied, and was not put back.
    Drift,
    /// Something is held or waits.
    Held,
    /// Something fails.
    Failing,
    /// Live state cannot be told.
    Unknown,
    /// Its newest specs cannot be used.
    Broken,
    /// A person or its spec stops changes.
    Paused,
    /// It is kept at an older state.
    RolledBack,
}

impl Affected {
    /// Every one of them: a gauge that was never set is no answer.
    const ALL: [Self; 7] = [
        Self::Drift,
        Self::Held,
        Self::Failing,
        Self::Unknown,
        Self::Broken,
        Self::Paused,
        Self::RolledBack,
    ];

    fn as_str(self) -> &'static str {
        match self {
            Self::Drift => "drift",
            Self::Held => "held",
            Self::Failing => "failing",
            Self::Unknown => "unknown",
            Self::Broken => "broken",
            Self::Paused => "paused",
            Self::RolledBack => "rolled-back",
        }
    }
}

/// What the engine counts.
#[derive(Clone, Debug)]
pub struct Counts {
    runs: Family<RunLabels, Counter>,
    took: Family<RunLabels, Histogram>,
    steps: Family<StepLabels, Counter>,
    drifts: Counter,
    compared: Counter,
    environments: Gauge,
    affected: Family<AffectedLabels, Gauge>,
    unwatched: Gauge,
    /// How many repositories cannot be read now.
    pub unreachable: Gauge,
}

impl Counts {
    /// Registers everything.
    pub fn new(metrics: &Metrics) -> Self {
        let counts = Self {
            runs: metrics.counters("runs", "Runs, by how they ended"),
            took: metrics.durations(
                "run_duration_seconds",
                "How long runs took, by how they ended",
            ),
            steps: metrics.counters(
                "steps",
                "Steps carried out, by action and whether they ended well",
            ),
            drifts: metrics.counter(
                "drifts",
                "Drift that was found: live state changed outside of Git, once from found to ended",
            ),
            compared: metrics.counter(
                "resources_compared",
                "Resources that were compared with what is live, each as often as it was: all of an environment by \
                 its interval, and in between what was changed",
            ),
            affected: metrics.gauges(
                "environments_affected",
                "Environments that something is the matter with, by what: drift (found and not put back), \
                 held (something waits), failing, unknown (live state cannot be told), broken (the newest \
                 specs cannot be used), paused, rolled-back; one may count in several",
            ),
            environments: metrics.gauge("environments", "Environments that are kept"),
            unwatched: metrics.gauge(
                "kubernetes_unwatched",
                "Kinds in namespaces of clusters that are listed at each look, since they cannot be watched",
            ),
            unreachable: metrics.gauge(
                "repositories_unreachable",
                "Repositories that cannot be read now",
            ),
        };
        for by in Affected::ALL {
            counts.affected(by, 0);
        }
        counts
    }

    /// Says how many environments are kept.
    pub(super) fn kept(&self, count: usize) {
        self.environments
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Says how much is listed for want of a watch.
    pub(super) fn unwatched(&self, count: usize) {
        self.unwatched.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Says how many environments something is the matter with.
    pub(super) fn affected(&self, by: Affected, count: usize) {
        let labels = AffectedLabels { by: by.as_str() };
        let gauge = self.affected.get_or_create(&labels);
        gauge.set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// Counts drift that was not known before.
    pub(super) fn drift_found(&self) {
        self.drifts.inc();
    }

    /// Counts one run.
    pub(super) fn run(&self, result: &Result<Report, CycleError>, took: Duration) {
        let outcome = ended(result);
        self.runs.get_or_create(&RunLabels { outcome }).inc();
        self.took
            .get_or_create(&RunLabels { outcome })
            .observe(took.as_secs_f64());
        if let Ok(report) = result {
            self.compared.inc_by(report.plan.steps.len() as u64);
            self.steps_of(report);
        }
    }

    fn steps_of(&self, report: &Report) {
        for (address, outcome) in &report.outcomes {
            let step = report.plan.step(address);
            let Some(step) = step.filter(|step| step.action.writes()) else {
                continue;
            };
            let labels = StepLabels {
                action: step.action.as_str(),
                good: if outcome.is_good() { "yes" } else { "no" },
            };
            self.steps.get_or_create(&labels).inc();
        }
    }
}

/// Says how a run ended, in the words of every other output.
fn ended(result: &Result<Report, CycleError>) -> &'static str {
    match result.as_ref().map(Report::outcome) {
        Ok(RunOutcome::Done) => "done",
        Ok(RunOutcome::Held) => "held",
        Ok(RunOutcome::Failed) => "failed",
        Ok(RunOutcome::Stopped | RunOutcome::Interrupted) | Err(CycleError::Stopped) => "stopped",
        Err(_) => "not-begun",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Action;

    #[test]
    fn labels_are_the_words_of_every_other_output() {
        let metrics = Metrics::new();
        let counts = Counts::new(&metrics);
        counts.run(&Err(CycleError::Invalid(Vec::new())), Duration::ZERO);
        let labels = StepLabels {
            action: Action::Update.as_str(),
            good: "no",
        };
        counts.steps.get_or_create(&labels).inc();
        let text = metrics.render();
        for expected in [
            r#"runs_total{outcome="not-begun"} 1"#,
            r#"steps_total{action="update",good="no"} 1"#,
        ] {
            assert!(text.contains(expected), "{text}");
        }
    }
}
