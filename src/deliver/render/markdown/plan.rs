//! The plan on a pull request: what a merge would do, against live state.

use super::paper::Paper;
use super::{Page, escape, steps};
use crate::deliver::render::run::Broken;
use crate::deliver::render::words::{Counts, apart, drifted, held, many, verdict};
use crate::model::{Action, EnvironmentName, Step};
use crate::plan::Plan;
use std::collections::BTreeSet;

/// Shows the plans of every environment a pull request touches, and those that could not be made.
///
/// # Guarantees
/// The verdict comes first; deletes and replaces stand in the open, never folded; drift that is
/// there already stands apart; at most 60,000 characters; nothing from outside is markup.
pub fn plan_markdown(
    plans: &[Plan],
    broken: &[Broken<'_>],
    gone: &[EnvironmentName],
    page: &Page<'_>,
) -> String {
    let mut paper = Paper::default();
    paper.open(page.opening(&verdict_of_all(plans, broken, gone)));
    for name in gone {
        let name = escape::text(name.as_str());
        paper.open(format!(
            "**{name}** would be declared nowhere. Nothing of it is deleted: it stays as it is, and nobody keeps it. To take it down, declare it with `reconcile: {{ destroy: true }}`.\n\n"
        ));
    }
    for broken in broken {
        paper.open(one_broken(broken));
    }
    for plan in plans {
        if plans.len() + broken.len() > 1 {
            let name = escape::text(plan.environment.as_str());
            paper.open(format!("#### {name} – {}\n\n", verdict(plan)));
        }
        environment(&mut paper, plan);
    }
    paper.finish(&page.planned(plans))
}

pub(super) fn verdict_of_all(
    plans: &[Plan],
    broken: &[Broken<'_>],
    gone: &[EnvironmentName],
) -> String {
    let counts = apart(plans);
    let mut parts = Vec::new();
    if !broken.is_empty() {
        parts.push(format!("{} could not be made", many(broken.len(), "plan")));
    }
    if !gone.is_empty() {
        parts.push(format!(
            "{} declared nowhere",
            many(gone.len(), "environment")
        ));
    }
    match counts.sentence() {
        writes if !writes.is_empty() => parts.push(writes),
        _ if plans.is_empty() && parts.is_empty() => {
            parts.push("touches no environment".to_owned());
        }
        _ if plans.is_empty() => {}
        _ if counts.refused > 0 => {}
        _ if counts.unknown > 0 => parts.push("nothing known to change".to_owned()),
        _ => parts.push("no changes".to_owned()),
    }
    parts.extend(drifted(plans));
    let held: BTreeSet<&str> = plans.iter().filter_map(held).collect();
    parts.extend(held.into_iter().map(str::to_owned));
    if counts.refused > 0 {
        parts.push(format!("{} refused", counts.refused));
    }
    if counts.otherwise_waiting() > 0 {
        parts.push(format!("{} waiting", counts.otherwise_waiting()));
    }
    if counts.unknown > 0 {
        parts.push(format!("{} could not be looked at", counts.unknown));
    }
    let sign = if !broken.is_empty() || counts.loses() || counts.refused > 0 {
        "🔴"
    } else if counts.sentence().is_empty() && gone.is_empty() {
        // Green is for what is known, and whole.
        if counts.wait > 0 { "⚪" } else { "🟢" }
    } else {
        "🟡"
    };
    let names: Vec<String> = plans
        .iter()
        .map(|plan| escape::text(plan.environment.as_str()))
        .collect();
    let place = match names.as_slice() {
        [one] => format!(" in {one}"),
        _ => String::new(),
    };
    format!("{sign} Plan: {}{place}", parts.join(", "))
}

fn one_broken(broken: &Broken<'_>) -> String {
    let hint = broken
        .hint
        .map_or_else(String::new, |hint| format!(" {}", escape::text(hint)));
    format!(
        "**{}**: failed to {}.{hint}\n\n",
        escape::text(broken.environment),
        escape::text(broken.message)
    )
}

pub(super) fn environment(paper: &mut Paper, plan: &Plan) {
    let with = |action: Action| {
        let steps = plan.steps.iter().filter(move |step| step.action == action);
        steps.map(steps::item).collect::<Vec<_>>()
    };
    for hold in &plan.holds {
        let what = if hold.deletes_only {
            "Deletes held back"
        } else {
            "Held back"
        };
        paper.open(format!("**{what}:** {}\n\n", escape::text(&hold.reason)));
    }
    paper.list("Deletes", &with(Action::Delete));
    paper.list("Replaces: deletes and makes again", &with(Action::Replace));
    let overwriting = plan.steps.iter().filter(|step| step.overwrites());
    let overwriting: Vec<String> = overwriting.map(steps::item).collect();
    paper.list("Adopts and overwrites", &overwriting);
    let waiting = plan.steps.iter().filter(|step| step.action == Action::Wait);
    let waiting = waiting.map(|step| (step, step.reason.as_deref().unwrap_or_default()));
    let (refused, waiting): (Vec<_>, Vec<_>) = waiting.partition(|(step, _)| step.refused);
    paper.list("Refused", &steps::by_reason(refused.into_iter()));
    paper.list("Waiting", &steps::by_reason(waiting.into_iter()));
    let stuck = plan.steps.iter().filter(|step| is_stuck(step));
    let stuck: Vec<&Step> = stuck.collect();
    paper.folded(
        format!("What waits would change: {}", many(stuck.len(), "resource")),
        blocks(&stuck),
    );
    let declared: Vec<&Step> = plan.declared().collect();
    paper.folded(
        format!("What it does: {}", counted(&declared)),
        blocks(&declared),
    );
    let over = steps::over_hands(plan.steps.iter());
    paper.list("Changed by hand too, and overwritten by this", &over);
    let drift: Vec<&Step> = plan.drift().collect();
    if !drift.is_empty() {
        let one = if drift.len() == 1 {
            "differs"
        } else {
            "differ"
        };
        let summary = format!(
            "Not from this pull request: {} {one} from Git already",
            many(drift.len(), "resource")
        );
        paper.folded(summary, blocks(&drift));
    }
    let noted: Vec<&Step> = plan
        .steps
        .iter()
        .filter(|step| step.action == Action::None)
        .filter(|step| step.reason.is_some() || !step.yielded.is_empty())
        .collect();
    paper.folded(
        format!("Left as it is: {}", many(noted.len(), "resource")),
        blocks(&noted),
    );
}

/// Tells whether it waits though it is there and is not as declared.
fn is_stuck(step: &Step) -> bool {
    step.action == Action::Wait && step.loses()
}

fn counted(steps: &[&Step]) -> String {
    Counts::of(steps.iter().copied()).sentence()
}

fn blocks(steps: &[&Step]) -> Vec<Vec<String>> {
    steps.iter().map(|step| steps::block(step)).collect()
}
