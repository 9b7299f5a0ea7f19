//! The metrics of one process. Rooms register what they count; nobody else names it.
//!
//! Names are `<noun>_<unit>`; the registry puts `reconciled_` before and, on counters, `_total`
//! behind. Labels are closed enums, so that nothing from outside can grow a series.

use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Metric, Registry};
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

/// The content type of [`Metrics::render`]. Source: the OpenMetrics 1.0 specification.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What a label set must be: a struct of closed enums that derives `EncodeLabelSet`.
pub trait Labels: EncodeLabelSet + Clone + Hash + Eq + Debug + Send + Sync + 'static {}
impl<T: EncodeLabelSet + Clone + Hash + Eq + Debug + Send + Sync + 'static> Labels for T {}

/// Where metrics are registered and read from; clones share one registry.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Mutex<Registry>>);

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// Makes a registry that holds only what this binary is.
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix("reconciled");
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        registry.register("build", "What this binary is", version);
        Self(Arc::new(Mutex::new(registry)))
    }

    /// Registers a counter; its name ends up with `_total`.
    pub fn counter(&self, name: &str, help: &str) -> Counter {
        self.register(name, help, Counter::default())
    }

    /// Registers a counter with labels.
    pub fn counters<L: Labels>(&self, name: &str, help: &str) -> Family<L, Counter> {
        self.register(name, help, Family::default())
    }

    /// Registers a value that goes up and down.
    pub fn gauge(&self, name: &str, help: &str) -> Gauge {
        self.register(name, help, Gauge::default())
    }

    /// Registers values with labels that go up and down.
    pub fn gauges<L: Labels>(&self, name: &str, help: &str) -> Family<L, Gauge> {
        self.register(name, help, Family::default())
    }

    /// Registers durations in seconds, from 5 ms to 20 min; its name should end with `_seconds`.
    pub fn durations<L: Labels>(&self, name: &str, help: &str) -> Family<L, Histogram> {
        let steps: fn() -> Histogram = || {
            Histogram::new([
                0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1200.0,
            ])
        };
        self.register(name, help, Family::new_with_constructor(steps))
    }

    /// Returns everything as OpenMetrics text.
    pub fn render(&self) -> String {
        let mut page = String::new();
        text::encode(
            &mut page,
            &self.0.lock().unwrap_or_else(PoisonError::into_inner),
        )
        .expect("writing to a string cannot fail");
        page
    }

    fn register<M: Metric + Clone>(&self, name: &str, help: &str, metric: M) -> M {
        let mut registry = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        registry.register(name, help, metric.clone());
        metric
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::EncodeLabelValue;

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelValue)]
    enum Outcome {
        Done,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
    struct Ended {
        outcome: Outcome,
    }

    #[test]
    fn what_is_registered_is_rendered() {
        let metrics = Metrics::new();
        let runs = metrics.counters("runs", "Runs ended");
        runs.get_or_create(&Ended {
            outcome: Outcome::Done,
        })
        .inc();
        let waits = metrics.durations::<Ended>("run_seconds", "How long runs took");
        waits
            .get_or_create(&Ended {
                outcome: Outcome::Done,
            })
            .observe(0.3);
        metrics.gauge("environments", "Environments known").set(3);
        let page = metrics.clone().render();
        for line in [
            "reconciled_runs_total{outcome=\"Done\"} 1",
            "reconciled_run_seconds_bucket{le=\"0.5\",outcome=\"Done\"} 1",
            "reconciled_environments 3",
            "# EOF",
        ] {
            assert!(page.contains(line), "{line} in {page}");
        }
    }
}
