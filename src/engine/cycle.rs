//! One run of one environment, as a sentence: look, plan, route, write the intent, carry out, close.
//!
//! Every choice is `plan`'s and `route`'s; every write to the outside is `deliver`'s.

use super::approval::Clearance;
use super::journal::RunJournal;
use super::look::look_at;
use super::{CycleError, Gate, Looked, Report, Subject, World, look, report};
use crate::deliver::{self, Authority, CarryOut, Progress, Route};
use crate::ledger::{RunIntent, RunOutcome, RunRecord, RunSummary};
use crate::model::{Action, Address, Digest, Outcome, RunId};
use crate::plan::Plan;
use futures::stream::{self, TryStreamExt as _};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use tokio_util::sync::CancellationToken;

/// How many records are handed to the ledger at once.
const RECORDS_AT_ONCE: usize = 64;

/// Who lets a run act, why it runs, and how it is watched.
#[derive(Clone)]
pub struct Orders<'a> {
    /// Who lets its steps go.
    pub authority: Authority,
    /// Why it runs, as one word of the ledger.
    pub trigger: &'a str,
    /// Who has it carried out, where a person does.
    pub by: Option<&'a str>,
    /// The plan that this person saw: another one is carried out as if nobody had asked. `None`: whatever is found.
    pub seen: Option<&'a Digest>,
    /// Whether it waits until resources are ready.
    pub wait: bool,
    /// What failed a moment ago and is not tried again in this run.
    pub resting: &'a BTreeSet<Address>,
    /// What may have changed, where all the rest was found as declared and nothing says otherwise since: then a
    /// look at these is enough, as far as it finds nothing that hangs on the rest. `None`: all is looked at.
    pub nudged: Option<&'a BTreeSet<Address>>,
    /// Judges what was merged, where that may need an approval; a person at a terminal needs none.
    pub gate: Option<Gate<'a>>,
    /// Ends it early: nothing further starts, waiting ends.
    pub cancel: CancellationToken,
    /// Who watches.
    pub progress: &'a dyn Progress,
}

impl Orders<'_> {
    /// Tells whether a plan is what the person who asks saw.
    pub(super) fn has_seen(&self, plan: &Plan) -> bool {
        self.seen.is_none_or(|seen| *seen == plan.hash)
    }
}

/// Runs one environment once.
///
/// # Errors
/// As [`look`]; and the intent could not be written, then nothing was changed.
pub async fn cycle(
    world: &World,
    subject: Subject<'_>,
    orders: &Orders<'_>,
) -> Result<Report, CycleError> {
    // Looking writes nothing, so it can be left at any point: a silent server holds nobody up.
    let looked = tokio::select! {
        looked = as_far_as_needed(world, subject, orders) => looked?,
        () = orders.cancel.cancelled() => return Err(CycleError::Stopped),
    };
    carry_out(world, looked, orders).await
}

async fn as_far_as_needed(
    world: &World,
    subject: Subject<'_>,
    orders: &Orders<'_>,
) -> Result<Looked, CycleError> {
    if let Some(nudged) = orders.nudged
        && let Some(looked) = look_at(world, subject, nudged).await?
    {
        return Ok(looked);
    }
    look(world, subject).await
}

/// Carries out what was planned, as far as the authority goes.
///
/// # Guarantees
/// The intent is in the ledger before anything moves, each result before what comes after it.
///
/// # Errors
/// The intent could not be written: nothing was changed.
pub async fn carry_out(
    world: &World,
    looked: Looked,
    orders: &Orders<'_>,
) -> Result<Report, CycleError> {
    let by = orders.by.filter(|_| orders.has_seen(&looked.plan));
    let clearance = match &orders.gate {
        // At a terminal, or asking the daemon from there: nobody else is needed.
        _ if by.is_some() => Clearance::by(Authority::Person),
        Some(gate) => tokio::select! {
            judged = gate.judge(world, &looked) => judged?,
            () = orders.cancel.cancelled() => return Err(CycleError::Stopped),
        },
        None => Clearance::by(orders.authority),
    };
    let route = clearance.route(&looked).without(orders.resting);
    remember(world, &looked).await?;
    compared(world, &looked).await?;
    let Some(run) = open(world, &looked, &route, (orders.trigger, by)).await? else {
        return Ok(Report::quiet(looked, route));
    };
    orders.progress.begun(run, &looked.plan, &route);
    let journal = RunJournal::new(&world.ledger, run, &looked.plan);
    let needs = CarryOut {
        registry: &world.registry,
        journal: &journal,
        fill: &|step, outputs| looked.graph.fill(&step.address, outputs),
        outputs: looked.seen.outputs.clone(),
        digest_key: &world.digest_key,
        concurrency: world.limits.concurrency,
        wait: orders.wait,
        cancel: orders.cancel.clone(),
        progress: orders.progress,
    };
    let outcomes = deliver::carry_out(&looked.plan, &route, needs).await;
    let report = Report::new(looked, route, outcomes, run, orders.cancel.is_cancelled());
    let report = Report {
        by: by.map(str::to_owned),
        ..report
    };
    close(world, run, &report).await?;
    Ok(report)
}

/// Writes down what is ours already, or is no longer, without any step.
async fn remember(world: &World, looked: &Looked) -> Result<(), CycleError> {
    // Side by side, so that many are written in one go.
    let records = looked.plan.records.iter();
    stream::iter(records.map(Ok))
        .try_for_each_concurrent(RECORDS_AT_ONCE, |owned| world.ledger.own(owned))
        .await?;
    // What moved to another address in a run that was killed needs no step any more.
    let moved = |to| {
        looked
            .plan
            .step(to)
            .is_some_and(|step| step.action == Action::None)
    };
    for released in looked
        .plan
        .released
        .iter()
        .filter(|released| released.to.as_ref().is_none_or(moved))
    {
        world.ledger.release(&released.address).await?;
    }
    for old in moved_before_a_kill(world, looked).await? {
        world.ledger.release(&old).await?;
    }
    Ok(())
}

/// Old addresses, also of other environments, whose objects the last run moved here before it was
/// killed: live state carries the new address, so nothing of this plan tells of the old one.
async fn moved_before_a_kill(world: &World, looked: &Looked) -> Result<Vec<Address>, CycleError> {
    let last = world
        .ledger
        .runs(Some(&looked.plan.environment), 1, None)
        .await?
        .pop()
        .filter(|run| {
            let summary = run.summary.as_ref();
            summary.is_some_and(|summary| summary.outcome == RunOutcome::Interrupted)
        });
    let Some(last) = last else {
        return Ok(Vec::new());
    };
    let plan = world.ledger.run(last.id).await?.map(|details| details.plan);
    let moves = plan.as_ref().and_then(|plan| plan["released"].as_array());
    let old = |moved: &serde_json::Value| {
        let to: Address = moved["to"].as_str()?.parse().ok()?;
        let there = looked.plan.step(&to)?.action == Action::None;
        there.then(|| moved["address"].as_str()?.parse().ok())?
    };
    Ok(moves.into_iter().flatten().filter_map(old).collect())
}

/// Writes down when the environment was last compared, for `status`.
async fn compared(world: &World, looked: &Looked) -> Result<(), CycleError> {
    let (plan, now) = (&looked.plan, world.clock.now());
    // What was said of all of it stands.
    if plan.beside > 0 && plan.is_empty() {
        return Ok(());
    }
    let due = looked.reconcile.comparing().after(now);
    let unknown = plan.steps.iter().filter(|step| step.unknown.is_some());
    let seen = json!({
        "at": now, "due": due, "revision": plan.revision, "same": plan.is_empty(),
        "unknown": unknown.count(), "differs": plan.differs(),
    });
    Ok(world.ledger.compared(&plan.environment, &seen).await?)
}

/// Opens the run's record where it has something to say: steps to carry out, or another plan than
/// the last time. A pass that finds what the last one found leaves no trace but its time.
async fn open(
    world: &World,
    looked: &Looked,
    route: &Route,
    why: (&str, Option<&str>),
) -> Result<Option<RunId>, CycleError> {
    let acting: Vec<_> = looked
        .plan
        .steps
        .iter()
        .filter(|step| route.lets(&step.address))
        .collect();
    let last = world
        .ledger
        .runs(Some(&looked.plan.environment), 1, None)
        .await?
        .pop();
    let same = last.is_some_and(|run| {
        let stands = !was_held(&run) || is_held(looked, route);
        run.plan_hash == looked.plan.hash && run.revision == looked.plan.revision && stands
    });
    let is_nothing = looked.plan.beside > 0 && looked.plan.is_empty();
    if acting.is_empty() && (same || is_nothing) {
        return Ok(None);
    }
    let intent = RunIntent::of(&looked.plan, why, acting, world.clock.now());
    Ok(Some(world.ledger.open_run(&intent).await?))
}

/// Tells whether the last record says that something was held: it may have become ready since by itself.
fn was_held(run: &RunRecord) -> bool {
    let summary = run.summary.as_ref();
    summary.is_some_and(|summary| summary.outcome == RunOutcome::Held)
}

/// Tells whether something is held still. A look at a part tells nothing of the rest.
fn is_held(looked: &Looked, route: &Route) -> bool {
    let outcome = report::ended(&looked.plan, route, &Outcomes::new());
    looked.plan.beside > 0 || outcome != RunOutcome::Done
}

async fn close(world: &World, run: RunId, report: &Report) -> Result<(), CycleError> {
    let mut counts = BTreeMap::new();
    for outcome in report.outcomes.values() {
        *counts.entry(outcome.as_str().to_owned()).or_insert(0) += 1;
    }
    let summary = RunSummary {
        outcome: report.outcome(),
        counts,
        note: report.note(),
    };
    world.ledger.close_run(run, &summary).await?;
    Ok(())
}

/// What a run did, by address.
pub(super) type Outcomes = BTreeMap<Address, Outcome>;
