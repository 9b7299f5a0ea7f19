//! The plan on a pull request: what a merge would do, against live state.

use super::paper::Paper;
use super::{Page, escape, steps};
use crate::deliver::render::merging::{Beside, Gone, Merging};
use crate::deliver::render::run::Broken;
use crate::deliver::render::words::{Counts, apart, before, drifted, held, many, verdict};
use crate::model::{Action, Step};
use crate::plan::Plan;
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// Where the rest of a plan is. A check run holds no more than a comment.
pub(super) const REST: &str = "**Not all of it fits here.** `reconciled plan --against origin/main`, in a checkout of this branch, shows all.";

/// Shows the plans of every environment a pull request touches, and those that could not be made.
///
/// # Guarantees
/// The verdict comes first; deletes and replaces stand in the open, never folded; drift that is
/// there already stands apart; at most 60,000 characters; nothing from outside is markup.
pub fn plan_markdown(
    plans: &[Plan],
    broken: &[Broken<'_>],
    merging: &Merging,
    page: &Page<'_>,
) -> String {
    let mut paper = Paper::default();
    paper.open(page.opening(&verdict_of_all(plans, broken, merging)));
    for gone in &merging.gone {
        paper.open(one_gone(gone));
    }
    for broken in broken {
        paper.open(one_broken(broken));
    }
    for plan in plans {
        if plans.len() + broken.len() > 1 {
            let name = escape::text(plan.environment.as_str());
            let verdict = verdict(plan, &merging.of(&plan.environment).already);
            paper.open(format!("#### {name} – {verdict}\n\n"));
        }
        environment(&mut paper, plan, merging.of(&plan.environment));
    }
    paper.rest(REST.to_owned());
    paper.finish(&page.planned(plans))
}

pub(super) fn verdict_of_all(plans: &[Plan], broken: &[Broken<'_>], merging: &Merging) -> String {
    let counts = apart(plans, |step| merging.is_from_before(step));
    let mut parts = Vec::new();
    if !broken.is_empty() {
        parts.push(format!("{} could not be made", many(broken.len(), "plan")));
    }
    let (renamed, lost): (Vec<_>, Vec<_>) = merging.gone.iter().partition(|one| one.is_renamed());
    for (gone, what) in [(&renamed, "renamed"), (&lost, "declared nowhere")] {
        if !gone.is_empty() {
            parts.push(format!("{} {what}", many(gone.len(), "environment")));
        }
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
    let besides = || plans.iter().map(|plan| merging.of(&plan.environment));
    parts.extend(before(besides().map(|one| one.already.len()).sum()));
    let has_settings = besides().any(|one| !one.settings.is_empty());
    parts.extend(has_settings.then(|| "settings change".to_owned()));
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
    } else if counts.sentence().is_empty() && merging.gone.is_empty() && !has_settings {
        // Green is for what is known, and whole.
        if counts.wait > 0 { "⚪" } else { "🟢" }
    } else {
        "🟡"
    };
    let place = match plans {
        [one] => format!(" in {}", escape::text(one.environment.as_str())),
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

/// Says what becomes of an environment that no file would declare any more.
fn one_gone(gone: &Gone) -> String {
    let name = escape::text(gone.name.as_str());
    let becomes = gone.becomes.iter();
    let becomes: Vec<String> = becomes.map(|one| escape::text(one.as_str())).collect();
    let becomes = becomes.join("**, **");
    let mut said = match (gone.is_renamed(), gone.owned) {
        (true, None) => format!(
            "**{name}** goes on as **{becomes}**: what it has is moved there as it is, marked anew."
        ),
        (true, Some(0)) => {
            format!("**{name}** goes on as **{becomes}**. Nothing of it is applied so far.")
        }
        (true, Some(owned)) => {
            let moves = many(owned - gone.left.len(), "resource");
            format!(
                "**{name}** goes on as **{becomes}**: {moves} of it moved there as they are, marked anew. None is deleted or made again."
            )
        }
        (false, Some(0)) => {
            return format!(
                "**{name}** would be declared nowhere. Nothing of it is applied, so nothing stays behind.\n\n"
            );
        }
        (false, _) => {
            return format!(
                "**{name}** would be declared nowhere. Nothing of it is deleted: it stays as it is, and nobody keeps it. To take it down, declare it with `reconcile: {{ destroy: true }}`.\n\n"
            );
        }
    };
    if !gone.left.is_empty() {
        let left = gone.left.iter().take(steps::NAMED);
        let mut left: Vec<String> = left.map(|one| escape::code(&one.to_string())).collect();
        if gone.left.len() > steps::NAMED {
            left.push(format!("{} more", gone.left.len() - steps::NAMED));
        }
        let _infallible = write!(
            said,
            " Declared nowhere then, not deleted, and kept by nobody: {}.",
            left.join(", ")
        );
    }
    said.push_str("\n\n");
    said
}

pub(super) fn environment(paper: &mut Paper, plan: &Plan, beside: &Beside) {
    let already = |step: &Step| beside.already.contains(&step.address);
    let item = |step: &Step| match already(step) {
        true => format!("{} (merged before)", steps::item(step)),
        false => steps::item(step),
    };
    how_it_is_kept(paper, plan, beside);
    gone(paper, plan, &item);
    let overwriting = plan.steps.iter().filter(|step| step.overwrites());
    let overwriting: Vec<String> = overwriting.map(item).collect();
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
    let (before, declared): (Vec<&Step>, Vec<&Step>) =
        plan.declared().partition(|step| already(step));
    paper.folded(
        format!("What it does: {}", counted(&declared)),
        blocks(&declared),
    );
    left_alone(paper, beside);
    let over = steps::over_hands(plan.steps.iter());
    paper.list("Changed by hand too, and overwritten by this", &over);
    not_from_this(paper, plan, &before);
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

/// Says which settings change, and what holds the plan.
fn how_it_is_kept(paper: &mut Paper, plan: &Plan, beside: &Beside) {
    let settings = beside.settings.iter().map(|one| escape::code(one));
    paper.list("Changes how it is kept", &settings.collect::<Vec<_>>());
    for hold in &plan.holds {
        let what = if hold.deletes_only {
            "Deletes held back"
        } else {
            "Held back"
        };
        paper.open(format!("**{what}:** {}\n\n", escape::text(&hold.reason)));
    }
}

/// Shows what a run would do with and without the pull request: what was merged `before`, and drift.
fn not_from_this(paper: &mut Paper, plan: &Plan, before: &[&Step]) {
    paper.folded(
        format!(
            "Not from this pull request: merged before and not applied yet: {}",
            counted(before)
        ),
        blocks(before),
    );
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
}

/// Says what is not in the plan, though somebody may look for it there.
fn left_alone(paper: &mut Paper, beside: &Beside) {
    let let_go = beside
        .let_go
        .iter()
        .map(|one| escape::code(&one.to_string()));
    paper.list(
        "No longer declared, and never ours: left alone, be it there or not",
        &let_go.collect::<Vec<_>>(),
    );
    let warnings = beside.warnings.iter().map(|one| escape::reason(one));
    paper.list("Worth a look", &warnings.collect::<Vec<_>>());
}

/// Names all that is taken away.
fn gone(paper: &mut Paper, plan: &Plan, item: &dyn Fn(&Step) -> String) {
    for (title, action) in [
        ("Deletes", Action::Delete),
        ("Replaces: deletes and makes again", Action::Replace),
    ] {
        let steps = || plan.steps.iter().filter(|step| step.action == action);
        let items = steps().map(item).collect();
        paper.whole(title, items, steps::names(steps()));
    }
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
