//! `apply NAME` while a daemon runs: the daemon carries out just the plan that was shown here, since one process writes
//! a ledger; this orders it, waits, and shows how it went.

use super::{Args, agreed};
use crate::cli::chosen::Access;
use crate::cli::{Exit, Global, Output, history, pause, pauses, planned};
use crate::config::Settings;
use crate::deliver::render::{Screen, waiting_terminal};
use crate::ledger::{Answer, Holder, Ledger, Order, RunDetails, RunOutcome};
use crate::model::{EnvironmentName, Outcome, ResourceId};
use crate::plan::Plan;
use crate::telemetry::Clock;
use anyhow::{Context as _, bail};
use std::collections::BTreeMap;
use std::time::Duration;

/// How often the answer is looked for.
const LOOK: Duration = Duration::from_millis(200);

/// Plans, asks, and has the daemon carry out what is agreed to.
pub(super) async fn run(
    args: &Args,
    settings: &Settings,
    global: &Global,
    out: &Output,
) -> anyhow::Result<Exit> {
    let chosen = args.choice.find(Access::Read, global, out).await?;
    let looked = planned::all(&chosen, out).await?;
    let plans: Vec<&Plan> = looked.iter().map(|looked| &looked.plan).collect();
    if !out.is_json() {
        planned::show(&plans, out)?;
    }
    pauses::say(&chosen.stops, out);
    let writes = |plan: &&&Plan| plan.steps.iter().any(|step| step.action.writes());
    if plans.iter().any(|plan| writes(&plan)) && !chosen.stops.is_empty() {
        pauses::refuse(&chosen.stops, false, out);
        return Ok(Exit::Differs);
    }
    let (held, writing): (Vec<&&Plan>, Vec<&&Plan>) =
        plans.iter().filter(writes).partition(|plan| is_held(plan));
    for plan in &held {
        say_held(plan, global, out);
    }
    if writing.is_empty() {
        if out.is_json() {
            out.json(&Vec::<RunDetails>::new())?;
        }
        return Ok(planned::exit(&plans, out));
    }
    if !agreed(args, out)? {
        return Ok(Exit::Differs);
    }
    let path = &settings.ledger.path;
    let ledger = Ledger::open_beside(path).await?;
    let mut runs = Vec::new();
    for plan in writing {
        out.say(&format!(
            "Asked the daemon to carry this out on {} …",
            plan.environment
        ));
        let waits = (!out.is_json()).then(Waits::default);
        runs.push(ordered(&ledger, path, plan, waits).await?);
    }
    ledger.close().await;
    if out.is_json() {
        out.json(&runs)?;
    } else {
        for run in &runs {
            out.data(&format!("\n{}", history::line(&run.run).trim_start()))?;
            out.data(&history::steps(run, out)?)?;
        }
    }
    let is_rest_held = !held.is_empty();
    Ok(match planned::unsure(plans.iter().copied(), out) {
        true => Exit::Failed,
        false if is_rest_held => super::worst(&[Exit::Differs, exit(&runs)]),
        false => exit(&runs),
    })
}

/// Tells whether a pause or a closed window holds all of a plan: ordered, nothing of it would be carried out.
fn is_held(plan: &Plan) -> bool {
    plan.holds.iter().any(|hold| !hold.deletes_only)
}

fn say_held(plan: &Plan, global: &Global, out: &Output) {
    let name = &plan.environment;
    let next = match plan.holds.iter().any(|hold| hold.code == "paused") {
        true => format!(
            "`{}` ends a pause that somebody set; one that the spec declares ends with a merge",
            pause::again(global, &format!("resume {name}"))
        ),
        false => "it is carried out when nothing holds it any more".to_owned(),
    };
    out.say(&format!("Nothing was changed in {name}: {next}."));
}

/// Orders one plan and waits until the daemon carried it out.
///
/// # Errors
/// It does not, and why.
async fn ordered(
    ledger: &Ledger,
    path: &std::path::Path,
    plan: &Plan,
    mut waits: Option<Waits>,
) -> anyhow::Result<RunDetails> {
    let name = &plan.environment;
    let order = Order {
        environment: name.clone(),
        plan: plan.hash.clone(),
        by: pause::whoami(),
        since: Clock::system().now(),
        answer: None,
    };
    if !ledger.order(&order).await? {
        bail!(
            "ask the daemon to carry out {name}: somebody else just asked\nnext: `reconciled history list {name}` says how that goes"
        );
    }
    let stopped = crate::cli::stopped();
    tokio::pin!(stopped);
    let answer = loop {
        if let Some(answer) = ledger.answer_to(&order).await? {
            break answer;
        }
        if Ledger::holder(path) == Holder::Nobody {
            bail!(
                "carry out {name}: the daemon ended before it answered\nnext: `reconciled history list {name}` says what was done"
            );
        }
        if let Some(waits) = &mut waits {
            waits.say(ledger, name).await?;
        }
        tokio::select! {
            () = &mut stopped => bail!(
                "wait for {name}: the daemon goes on with it\nnext: `reconciled status {name}` says how it stands"
            ),
            () = tokio::time::sleep(LOOK) => {}
        }
    };
    match answer {
        Answer::Run(run) => {
            let details = ledger.run(run).await?;
            details.with_context(|| format!("find run {run} of {name}"))
        }
        Answer::Refused(why) => bail!("carry out {name}: the daemon did not. {why}"),
    }
}

/// What was said of what the daemon's run waits for: of each resource what to do.
#[derive(Default)]
struct Waits(BTreeMap<ResourceId, String>);

impl Waits {
    /// Says each cause once, as where the run is this process's own.
    async fn say(&mut self, ledger: &Ledger, name: &EnvironmentName) -> anyhow::Result<()> {
        let last = ledger.runs(Some(name), 1, None).await?.pop();
        let Some(run) = last.filter(|run| run.summary.is_none()) else {
            return Ok(());
        };
        let screen = Screen {
            colour: console::colors_enabled_stderr(),
            ..Screen::default()
        };
        for (resource, why) in ledger.waits_of(name, run.id).await? {
            let (cause, next) = why.split_once('\n').unwrap_or((&why, ""));
            if self.0.get(&resource).map(String::as_str) == Some(next) {
                continue;
            }
            self.0.insert(resource.clone(), next.to_owned());
            let shown = waiting_terminal(&resource.to_string(), (cause, next), screen);
            let _nobody_listens = console::Term::stderr().write_line(&shown);
        }
        Ok(())
    }
}

fn exit(runs: &[RunDetails]) -> Exit {
    let ended = |run: &RunDetails| {
        let outcome = run.run.summary.as_ref().map(|summary| summary.outcome);
        let moved = run
            .steps
            .iter()
            .any(|step| step.outcome == Some(Outcome::Moved));
        match outcome {
            Some(RunOutcome::Failed) => Exit::Failed,
            Some(RunOutcome::Done) if !moved => Exit::Same,
            _ => Exit::Differs,
        }
    };
    super::worst(&runs.iter().map(ended).collect::<Vec<_>>())
}
