//! What the engine counts. Labels are closed: nothing from a repository can grow a series.

use super::{CycleError, Report};
use crate::ledger::RunOutcome;
use crate::model::Action;
use crate::telemetry::Metrics;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use std::time::Duration;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Ended {
    Done,
    Held,
    Failed,
    Stopped,
    NotBegun,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RunLabels {
    outcome: Ended,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Did {
    Create,
    Update,
    Replace,
    Delete,
    Adopt,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StepLabels {
    action: Did,
    good: Good,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
enum Good {
    Yes,
    No,
}

/// What the engine counts.
#[derive(Clone, Debug)]
pub struct Counts {
    runs: Family<RunLabels, Counter>,
    took: Family<RunLabels, Histogram>,
    steps: Family<StepLabels, Counter>,
    drifts: Counter,
    /// How many environments are kept.
    pub environments: Gauge,
    /// How many repositories cannot be read now.
    pub unreachable: Gauge,
}

impl Counts {
    /// Registers everything.
    pub fn new(metrics: &Metrics) -> Self {
        Self {
            runs: metrics.counters("runs", "Runs, by how they ended"),
            took: metrics.durations(
                "run_duration_seconds",
                "How long runs took, by how they ended",
            ),
            steps: metrics.counters(
                "steps",
                "Steps carried out, by action and whether they ended well",
            ),
            drifts: metrics.counter("drifts", "Resources that were found changed by hand"),
            environments: metrics.gauge("environments", "Environments that are kept"),
            unreachable: metrics.gauge(
                "repositories_unreachable",
                "Repositories that cannot be read now",
            ),
        }
    }

    /// Counts one run.
    pub(super) fn run(&self, result: &Result<Report, CycleError>, took: Duration) {
        let outcome = match result.as_ref().map(Report::outcome) {
            Ok(RunOutcome::Done) => Ended::Done,
            Ok(RunOutcome::Held) => Ended::Held,
            Ok(RunOutcome::Failed) => Ended::Failed,
            Ok(RunOutcome::Stopped | RunOutcome::Interrupted) => Ended::Stopped,
            Err(CycleError::Stopped) => Ended::Stopped,
            Err(_) => Ended::NotBegun,
        };
        self.runs.get_or_create(&RunLabels { outcome }).inc();
        self.took
            .get_or_create(&RunLabels { outcome })
            .observe(took.as_secs_f64());
        if let Ok(report) = result {
            self.steps_of(report);
        }
    }

    fn steps_of(&self, report: &Report) {
        for step in report.plan.steps.iter().filter(|step| step.is_drift()) {
            tracing::debug!(address = %step.address, "Drift");
            self.drifts.inc();
        }
        for (address, outcome) in &report.outcomes {
            let action = match report.plan.step(address).map(|step| step.action) {
                Some(Action::Create) => Did::Create,
                Some(Action::Update) => Did::Update,
                Some(Action::Replace) => Did::Replace,
                Some(Action::Delete) => Did::Delete,
                Some(Action::Adopt) => Did::Adopt,
                Some(Action::Wait | Action::None) | None => continue,
            };
            let good = if outcome.is_good() {
                Good::Yes
            } else {
                Good::No
            };
            self.steps.get_or_create(&StepLabels { action, good }).inc();
        }
    }
}
