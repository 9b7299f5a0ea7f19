//! A run's end, as a test needs one: the first step fails, what it was before is done.

use super::scene::Scene;
use reconciled::deliver::render::RunResult;
use reconciled::deliver::{Authority, Decision, Route, route};
use reconciled::model::{Address, Outcome, RunId};
use reconciled::plan::Plan;
use std::collections::BTreeMap;
use std::time::Duration;

pub(super) struct Ended {
    pub(super) plan: Plan,
    pub(super) route: Route,
    pub(super) outcomes: BTreeMap<Address, Outcome>,
}

/// Carries out nothing, but says that it did: `api` failed, `db` was skipped for it.
pub(super) fn result(scene: &Scene) -> Ended {
    let plan = scene.plan();
    let route = route(&plan, &scene.reconcile, Authority::Environment);
    let go = route
        .decisions
        .iter()
        .filter(|(_, decision)| **decision == Decision::CarryOut);
    let outcome = |address: &Address| match address.resource.name() {
        "api" => Outcome::Failed {
            code: "invalid".into(),
            message: "apply to api: <image> `api:2` @team is *not* there".into(),
            hint: Some("Look at the image's name.".into()),
        },
        "db" => Outcome::Skipped {
            reason: "prod/api did not succeed".into(),
        },
        _ => Outcome::DONE,
    };
    let outcomes = go
        .map(|(address, _)| (address.clone(), outcome(address)))
        .collect();
    Ended {
        plan,
        route,
        outcomes,
    }
}

pub(super) fn borrow<'a>(
    scene: &Scene,
    plan: &'a Plan,
    route: &'a Route,
    outcomes: &'a BTreeMap<Address, Outcome>,
) -> RunResult<'a> {
    RunResult {
        plan,
        route,
        outcomes,
        run: Some(RunId(42)),
        trigger: "revision",
        ended_at: scene.now,
        took: Some(Duration::from_secs(75)),
        apart: RunResult::NONE_APART,
        earlier: RunResult::NONE_EARLIER,
    }
}
