//! Telling people and programs of what was done past the daemon, with its settings and in its ledger: what cannot be
//! delivered in a moment waits there for the daemon.

use crate::cli::chosen::{Chosen, Told};
use crate::engine::{Counts, CycleError, Kept, Pinned, Ran, Reason, Report, Teller};
use crate::model::EnvironmentName;
use crate::telemetry::{Metrics, Readiness};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Tells, where there is anybody to tell.
pub(super) struct Telling(Option<Parts>);

struct Parts {
    teller: Teller,
    homes: BTreeMap<EnvironmentName, String>,
    pinned: Vec<Pinned>,
}

impl Telling {
    /// Starts telling what is done to environments of a daemon's; those of a path have nobody.
    pub(super) fn start(chosen: &mut Chosen) -> Self {
        let Some(told) = chosen.told.take() else {
            return Self(None);
        };
        let Told {
            followed,
            homes,
            ways,
        } = told;
        let counts = Counts::new(&Metrics::new());
        let counted = (&Readiness::new(), &counts);
        // Pull requests are the daemon's: it sees there what its own runs find.
        let nobody = BTreeMap::new();
        let teller = Teller::start(chosen.world.clone(), ways, &nobody, &followed, counted);
        Self(Some(Parts {
            teller,
            homes,
            pinned: chosen.pinned.clone(),
        }))
    }

    /// Tells of one run.
    pub(super) async fn run(&self, result: &Result<Report, CycleError>, took: Duration) {
        let (Some(parts), Ok(report)) = (&self.0, result) else {
            return;
        };
        let name = &report.plan.environment;
        let pinned = parts.pinned.iter().find(|one| one.name() == name);
        let (Some(pinned), Some(repository)) = (pinned, parts.homes.get(name)) else {
            return;
        };
        let kept = Kept {
            repository: repository.clone(),
            pinned: pinned.clone(),
            graph: Arc::clone(&report.graph),
            every: report.graph.reconcile().comparing(),
            changed_at: pinned.revision().clone(),
            content: pinned.content(),
            approval: None,
            broken: Vec::new(),
        };
        let ran = Ran {
            reason: Reason::Cli,
            took,
            is_told: false,
        };
        parts.teller.changed(&kept).await;
        parts.teller.run(&kept, ran, result).await;
    }

    /// Delivers what is quickly delivered.
    pub(super) async fn end(self) {
        if let Some(parts) = self.0 {
            parts.teller.drain().await;
        }
    }
}
