//! What of a plan can start, and what cannot because something it hangs on is not there. Pure.

use super::super::route::Route;
use crate::model::{Action, Address, Step};
use crate::plan::Plan;
use std::collections::BTreeMap;

/// Parts what the route lets go: what can start, and what cannot because something it hangs on is not
/// there and will not be, each with the reason. What is skipped so holds what hangs on it in turn.
pub(super) fn lined_up<'p>(
    plan: &'p Plan,
    route: &Route,
) -> (Vec<&'p Step>, Vec<(&'p Step, String)>) {
    let goes = |step: &&Step| route.lets(&step.address);
    let (mut lined_up, held): (Vec<&Step>, Vec<&Step>) = plan.steps.iter().partition(goes);
    let mut stuck: BTreeMap<&Address, &Step> = held
        .into_iter()
        .filter(|step| step.action != Action::None)
        .map(|step| (&step.address, step))
        .collect();
    let mut skipped = Vec::new();
    loop {
        let known = skipped.len();
        lined_up.retain(|step| match blocker(step, &stuck) {
            Some(reason) => {
                skipped.push((*step, reason));
                false
            }
            None => true,
        });
        if skipped.len() == known {
            return (lined_up, skipped);
        }
        let more = skipped[known..].iter();
        stuck.extend(more.map(|(step, _)| (&step.address, *step)));
    }
}

/// Returns why a step cannot start, where one it hangs on is not there and will not be.
fn blocker(step: &Step, stuck: &BTreeMap<&Address, &Step>) -> Option<String> {
    // A held update leaves the dependency standing as it was; only what is missing blocks.
    let is_missing = |other: &Step| {
        let is_there = matches!(other.action, Action::Update | Action::Adopt);
        !is_there || holes_need(step, &other.address).is_some()
    };
    let before = step
        .after
        .iter()
        .find(|address| stuck.get(address).is_some_and(|other| is_missing(other)))?;
    Some(format!("{before} has to be applied first, and it waits"))
}

fn holes_need<'a>(step: &'a Step, before: &Address) -> Option<&'a str> {
    reads(step).find(|id| *id == before.resource.name())
}

/// Returns the names of the resources whose outputs its holes wait for.
fn reads(step: &Step) -> impl Iterator<Item = &str> {
    let holes = step.desired.iter().flat_map(|desired| desired.holes());
    holes.flat_map(|hole| &hole.needs).map(String::as_str)
}
