//! `reconciled plan`: what would be done, computed against live state. Changes nothing.

use super::against;
use super::chosen::{self, Access, Choice, Chosen};
use super::output::Format;
use super::{Exit, Global, Output, pauses, settings};
use crate::deliver::render::{
    Merging, Page, Screen, many, plan_json, plan_markdown, plan_terminal,
};
use crate::engine::{CycleError, Looked, Subject, Trust, look};
use crate::model::Depth;
use crate::plan::Plan;
use crate::telemetry::Clock;

/// Show what would change, against live state
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  reconciled plan environments/production.yaml       needs no daemon, no settings file and no Git
  reconciled plan environments/ --output json
  reconciled plan production                         an environment of the settings' repositories
  reconciled plan --against HEAD                     what is not committed yet, of the environments it touches
  reconciled plan --against origin/main --output markdown > comment.md
                                                     the comment a pull request of this branch would get

Exit codes: 0 live equals Git, 1 failed or live state is unknown, 2 something differs")]
pub(super) struct Args {
    #[command(flatten)]
    choice: Choice,
    /// Plan what this working folder, merged into REVISION, would change: only the environments that touches,
    /// with only the secrets and connections they use there already, as on a pull request
    #[arg(long, value_name = "REVISION")]
    against: Option<String>,
}

pub(super) fn run(args: &Args, global: &Global, out: &Output) -> anyhow::Result<Exit> {
    super::block_on(async {
        if let Some(revision) = &args.against {
            return against::run(revision, args.choice.path()?, global, out).await;
        }
        let chosen = args.choice.find(Access::Read, global, out).await?;
        let mut looked = all(&chosen, out).await?;
        pauses::hold(&chosen.stops, &mut looked);
        let plans: Vec<&Plan> = looked.iter().map(|looked| &looked.plan).collect();
        show(&plans, out)?;
        pauses::say(&chosen.stops, out);
        Ok(exit(&plans, out))
    })
}

/// Looks at every chosen environment.
pub(super) async fn all(chosen: &Chosen, out: &Output) -> anyhow::Result<Vec<Looked>> {
    let mut looked = Vec::new();
    for pinned in &chosen.pinned {
        let subject = Subject {
            pinned,
            everywhere: &chosen.everywhere,
            depth: Depth::PredictAll,
            trust: &Trust::All,
        };
        match look(&chosen.world, subject).await {
            Ok(one) => {
                if !out.is_json() {
                    settings::show(one.graph.warnings(), out)?;
                }
                looked.push(one);
            }
            Err(CycleError::Invalid(diagnostics)) => chosen::refuse(&diagnostics, out)?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(looked)
}

/// Prints plans.
pub(super) fn show(plans: &[&Plan], out: &Output) -> anyhow::Result<()> {
    let screen = Screen {
        colour: out.color,
        width: out.width,
    };
    match out.format {
        Format::Text => plans
            .iter()
            .try_for_each(|plan| out.data(&plan_terminal(plan, screen))),
        Format::Json => match plans {
            [one] => out.json(&plan_json(one)),
            several => out.json(
                &several
                    .iter()
                    .map(|plan| plan_json(plan))
                    .collect::<Vec<_>>(),
            ),
        },
        Format::Markdown => {
            let plans: Vec<Plan> = plans.iter().map(|plan| (*plan).clone()).collect();
            let Some(first) = plans.first() else {
                return Ok(());
            };
            let page = Page {
                marker: "<!-- reconciled:plan -->",
                revision: &first.revision,
                at: Clock::system().now(),
            };
            out.data(&plan_markdown(&plans, &[], &Merging::default(), &page))
        }
    }
}

/// Says how many resources could not be looked at, and tells whether there are any.
pub(super) fn unsure<'p>(plans: impl Iterator<Item = &'p Plan>, out: &Output) -> bool {
    let steps = plans.flat_map(|plan| &plan.steps);
    let unknown = steps.filter(|step| step.unknown.is_some()).count();
    if unknown > 0 {
        out.say(&format!(
            "Failed to look at everything: the live state of {} is unknown.",
            many(unknown, "resource")
        ));
    }
    unknown > 0
}

pub(super) fn exit(plans: &[&Plan], out: &Output) -> Exit {
    if unsure(plans.iter().copied(), out) {
        return Exit::Failed;
    }
    if plans.iter().all(|plan| plan.is_empty()) {
        Exit::Same
    } else {
        Exit::Differs
    }
}
