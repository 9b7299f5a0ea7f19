//! What holds a plan, or its deletes, as a whole: a pause, a window, the deletion budget.

use super::{Hold, Inputs};
use crate::model::{Action, Step, Window, and_more};
use jiff::Timestamp;
use std::fmt::Write as _;

/// How many deletes a hold names.
const NAMED: usize = 3;

/// Returns every hold, the widest first.
pub(super) fn holds(inputs: &Inputs<'_>, steps: &[Step]) -> Vec<Hold> {
    // Taking an environment down is said in so many words, and reviewed.
    let counted = !inputs.reconcile.destroy;
    let of_deletes = || emptied(inputs, steps).or_else(|| budget(inputs, steps));
    let of_deletes = counted.then(of_deletes).flatten();
    [paused(inputs), window(inputs), of_deletes]
        .into_iter()
        .flatten()
        .collect()
}

fn paused(inputs: &Inputs<'_>) -> Option<Hold> {
    let why = inputs.reconcile.paused.as_ref()?;
    Some(Hold {
        code: "paused",
        reason: match why.trim() {
            "" => "the environment is paused".to_owned(),
            why => format!("the environment is paused: {why}"),
        },
        deletes_only: false,
    })
}

/// Returns when changes may go on, where no window is open.
pub(super) fn next_window(inputs: &Inputs<'_>) -> Option<Timestamp> {
    next_opening(inputs)
        .filter(|_| !is_open(inputs))
        .map(|(opens, _)| opens)
}

fn next_opening<'a>(inputs: &Inputs<'a>) -> Option<(Timestamp, &'a Window)> {
    let windows = inputs.reconcile.windows.iter();
    windows
        .filter_map(|window| Some((window.opens_after(inputs.now).ok()??, window)))
        .min_by_key(|(opens, _)| *opens)
}

/// A window that cannot be read opens nothing.
fn is_open(inputs: &Inputs<'_>) -> bool {
    let windows = &inputs.reconcile.windows;
    let open = |window: &Window| window.is_open(inputs.now).unwrap_or(false);
    windows.is_empty() || windows.iter().any(open)
}

fn window(inputs: &Inputs<'_>) -> Option<Hold> {
    if is_open(inputs) {
        return None;
    }
    let next = next_opening(inputs);
    let reason = match next {
        Some((opens, window)) => format!(
            "changes wait for a window; the next one opens {}",
            on_the_wall(opens, window)
        ),
        None => "changes wait for a window, and none of them ever opens".to_owned(),
    };
    Some(Hold {
        code: "window",
        reason,
        deletes_only: false,
    })
}

fn on_the_wall(opens: Timestamp, window: &Window) -> String {
    let zone = jiff::tz::TimeZoneDatabase::bundled().get(&window.timezone);
    let zone = zone.unwrap_or(jiff::tz::TimeZone::UTC);
    let here = opens.to_zoned(zone).datetime();
    format!(
        "{} {:02}:{:02} {}",
        here.date(),
        here.hour(),
        here.minute(),
        window.timezone
    )
}

/// An environment of which nothing is left may be one whose resources went missing.
fn emptied(inputs: &Inputs<'_>, steps: &[Step]) -> Option<Hold> {
    let deletes = steps.iter().any(|step| step.action == Action::Delete);
    if !inputs.wanted.is_empty() || !deletes {
        return None;
    }
    let reason = "no resource is declared any more, and nothing is deleted for that: to take the environment down, declare `reconcile: { destroy: true }`";
    Some(Hold {
        code: "emptied",
        reason: reason.to_owned(),
        deletes_only: true,
    })
}

fn budget(inputs: &Inputs<'_>, steps: &[Step]) -> Option<Hold> {
    let deletes: Vec<&Step> = steps.iter().filter(|step| step.destroys()).collect();
    let budget = &inputs.reconcile.deletion_budget;
    let share = (inputs.owned.len() * budget.percent as usize).div_ceil(100);
    let allowed = share.min(budget.count as usize);
    // What cannot be looked at goes next time, and counts already: an outage is no way to delete in slices.
    let unseen = steps.iter().filter(|step| is_leftover_unseen(step)).count();
    let all = deletes.len() + unseen;
    if deletes.is_empty() || all <= allowed {
        return None;
    }
    let unseen = match unseen {
        0 => String::new(),
        unseen => format!(" and {unseen} that cannot be looked at now"),
    };
    let mut reason = format!(
        "{}{unseen}, more than the {allowed} that deletionBudget allows ({} at most, {} % of the {} owned): ",
        counted(&deletes),
        budget.count,
        budget.percent,
        inputs.owned.len()
    );
    let named = deletes.iter().map(|step| &step.address);
    reason.push_str(&and_more(named, NAMED));
    let count = all.max(budget.count as usize);
    let percent = (all * 100).div_ceil(inputs.owned.len().max(1));
    let percent = percent.max(budget.percent as usize).min(100);
    let _infallible = write!(
        reason,
        ". Take out fewer at once, or let these pass with `reconcile: {{ deletionBudget: {{ count: {count}, percent: {percent} }} }}`"
    );
    Some(Hold {
        code: "budget",
        reason,
        deletes_only: true,
    })
}

/// Tells whether it is declared no more and would be deleted as far as is known, which is not all.
fn is_leftover_unseen(step: &Step) -> bool {
    step.desired.is_none() && !step.protected && step.unknown.is_some()
}

/// Says how many are deleted, and how many of what holds data are deleted and made anew.
fn counted(deletes: &[&Step]) -> String {
    let replaces = deletes.iter().filter(|step| step.action == Action::Replace);
    let replaces = replaces.count();
    let many = |count: usize, what: &str| match count {
        1 => format!("1 {what}"),
        many => format!("{many} {what}s"),
    };
    match (deletes.len() - replaces, replaces) {
        (deletes, 0) => many(deletes, "delete"),
        (0, replaces) => many(replaces, "replace"),
        (deletes, replaces) => {
            format!(
                "{} and {}",
                many(deletes, "delete"),
                many(replaces, "replace")
            )
        }
    }
}
