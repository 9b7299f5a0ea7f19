//! Plans that a command made: looks for them, prints them, and tells how it ends by them.

use super::chosen::{self, Chosen};
use super::output::Format;
use super::{Exit, Output, settings};
use crate::deliver::render::{
    Merging, Page, Screen, many, plan_json, plan_markdown, plan_terminal,
};
use crate::engine::{CycleError, Looked, Subject, Trust, look};
use crate::model::Depth;
use crate::plan::Plan;
use crate::telemetry::Clock;

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

/// Tells how a command ends that only plans.
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
