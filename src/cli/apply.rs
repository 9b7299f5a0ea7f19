//! `reconciled apply`: shows the plan, asks, and carries out exactly that plan.

mod beside;
mod tell;

use super::chosen::{Access, Choice, Chosen};
use super::progress::Steps;
use super::{Exit, Global, Output, ask, pause, pauses, planned, settings};
use crate::deliver::render::{RunResult, Screen, run_json, run_rest_terminal, run_terminal};
use crate::deliver::{Authority, Progress};
use crate::engine::{self, Looked, Orders, Report, World};
use crate::ledger::{Holder, Ledger, RunOutcome};
use crate::model::Outcome;
use crate::plan::Plan;
use std::collections::BTreeSet;
use tokio_util::sync::CancellationToken;

/// Apply what Git says, after asking
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled apply environments/staging.yaml
  reconciled apply environments/ --yes --no-wait
  reconciled apply staging --output json --yes

While a daemon runs with these settings, it carries out just the plan of a named environment that is shown here, \
and this waits for it: so drift that is only reported is put back now. What changed meanwhile is refused.

A pause in the ledger of the daemon whose settings are named by --settings, or stand in a folder above the path, \
in the working folder or in /etc/reconciled, is told and obeyed. Settings that do not load are a warning.

Exit codes: 0 all is as Git says, 1 failed or live state is unknown, 2 something is held back or was declined")]
pub(super) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Go on without asking
    #[arg(long, short)]
    yes: bool,
    /// Do not wait until resources are ready
    #[arg(long)]
    no_wait: bool,
    /// Go on although the environment is rolled back or, with a path, paused. A paused one that is named has to be
    /// resumed first: `reconciled resume ENV`
    #[arg(long)]
    despite_pause: bool,
}

pub(super) fn run(args: &Args, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    super::block_on(async {
        if args.choice.is_of_names() {
            let settings = settings::of_daemon(global, out)?;
            if Ledger::holder(&settings.ledger.path) != Holder::Nobody {
                return beside::run(args, &settings, global, out).await;
            }
        }
        let mut chosen = args.choice.find(Access::Write, global, out).await?;
        let looked = planned::all(&chosen, out).await?;
        let plans: Vec<&Plan> = looked.iter().map(|looked| &looked.plan).collect();
        if !out.is_json() {
            planned::show(&plans, out)?;
        }
        let anything = plans
            .iter()
            .any(|plan| plan.steps.iter().any(|step| step.action.writes()));
        pauses::say(&chosen.stops, out);
        if anything && !args.despite_pause && !chosen.stops.is_empty() {
            pauses::refuse(&chosen.stops, true, out);
            return Ok(Exit::Differs);
        }
        if anything && !agreed(args, out)? {
            return Ok(Exit::Differs);
        }
        let reports = carried_out(args, &mut chosen, looked, out).await?;
        let unsure = planned::unsure(reports.iter().map(|report| &report.plan), out);
        Ok(match unsure {
            true => Exit::Failed,
            false => exit(&reports),
        })
    })
}

/// Carries out what was agreed to, shows and tells it.
///
/// # Errors
/// The ledger could not be written in between: what was applied by then is shown and told.
async fn carried_out(
    args: &Args,
    chosen: &mut Chosen,
    looked: Vec<Looked>,
    out: &Output,
) -> anyhow::Result<Vec<Report>> {
    let by = pause::whoami();
    let progress: &dyn Progress = if out.is_json() { &() } else { &Steps::new() };
    let orders = Orders {
        resting: &BTreeSet::new(),
        nudged: None,
        authority: Authority::Person,
        gate: None,
        trigger: TRIGGER,
        by: Some(&by),
        seen: None,
        wait: !args.no_wait,
        cancel: stop_on_signal(),
        progress,
    };
    let mut reports = Vec::new();
    let mut broke_off = Ok(());
    let telling = tell::Telling::start(chosen);
    for one in looked {
        let begun = std::time::Instant::now();
        let result = engine::carry_out(&chosen.world, one, &orders).await;
        telling.run(&result, begun.elapsed()).await;
        match result {
            Ok(report) => reports.push(report),
            Err(error) => {
                broke_off = Err(error);
                break;
            }
        }
    }
    // What was applied is told whatever came after it.
    if broke_off.is_ok() || !reports.is_empty() {
        show(&reports, &chosen.world, out)?;
    }
    telling.end().await;
    chosen.world.ledger.close().await;
    broke_off?;
    Ok(reports)
}

/// The word of the ledger for a run of the command line.
const TRIGGER: &str = "cli";

/// Asks whether what was shown is to be done.
fn agreed(args: &Args, out: &Output) -> anyhow::Result<bool> {
    let agreed = args.yes || ask::yes("Apply this?")?;
    if !agreed {
        out.say("Nothing was changed.");
    }
    Ok(agreed)
}

/// Ctrl-C and SIGTERM end the step in hand and start nothing further.
fn stop_on_signal() -> CancellationToken {
    let cancel = CancellationToken::new();
    let told = cancel.clone();
    tokio::spawn(async move {
        super::stopped().await;
        told.cancel();
    });
    cancel
}

fn show(reports: &[Report], world: &World, out: &Output) -> anyhow::Result<()> {
    let results: Vec<RunResult<'_>> = reports
        .iter()
        .map(|report| RunResult {
            plan: &report.plan,
            route: &report.route,
            outcomes: &report.outcomes,
            run: report.run,
            trigger: TRIGGER,
            ended_at: world.clock.now(),
            took: None,
            apart: RunResult::NONE_APART,
            earlier: RunResult::NONE_EARLIER,
        })
        .collect();
    if out.is_json() {
        return match results.as_slice() {
            [one] => out.json(&run_json(one)),
            several => out.json(&several.iter().map(run_json).collect::<Vec<_>>()),
        };
    }
    let screen = Screen {
        colour: out.color,
        width: out.width,
    };
    results
        .iter()
        .filter(|result| result.run.is_some() || result.unready().next().is_some())
        .try_for_each(|result| {
            // On a terminal each step was seen to end.
            let seen = console::user_attended() && console::user_attended_stderr();
            let shown = if seen {
                run_rest_terminal
            } else {
                run_terminal
            };
            out.data(&shown(result, screen))
        })
}

fn exit(reports: &[Report]) -> Exit {
    let end = |outcome: RunOutcome| match outcome {
        RunOutcome::Failed => Exit::Failed,
        RunOutcome::Done => Exit::Same,
        RunOutcome::Held | RunOutcome::Stopped | RunOutcome::Interrupted => Exit::Differs,
    };
    let moved = |report: &Report| {
        let mut outcomes = report.outcomes.values();
        outcomes.any(|outcome| *outcome == Outcome::Moved)
    };
    let ends: Vec<Exit> = reports
        .iter()
        .map(|report| match end(report.outcome()) {
            Exit::Same if moved(report) => Exit::Differs,
            exit => exit,
        })
        .collect();
    worst(&ends)
}

fn worst(ends: &[Exit]) -> Exit {
    [Exit::Failed, Exit::Differs]
        .into_iter()
        .find(|exit| ends.contains(exit))
        .unwrap_or(Exit::Same)
}
