//! How dangerous steps are to what is there: the order in which people are shown them.

use crate::model::{Action, Step};

/// Returns a step's place in the order: what is lost first, what is new last.
fn rank(step: &Step) -> u8 {
    match step.action {
        Action::Delete => 0,
        Action::Replace => 1,
        _ if step.overwrites() => 2,
        Action::Update if step.stateful => 3,
        Action::Update => 4,
        Action::Create => 5,
        Action::Adopt => 6,
        Action::Wait | Action::None => 7,
    }
}

/// How many are named where only the most dangerous are.
pub(super) const MOST_DANGEROUS: usize = 5;

/// Returns the most dangerous steps, the most dangerous first.
pub fn most_dangerous<'s>(steps: impl Iterator<Item = &'s Step>) -> Vec<Step> {
    let mut steps: Vec<&Step> = steps.collect();
    most_first(&mut steps, |step| step);
    steps.into_iter().take(MOST_DANGEROUS).cloned().collect()
}

/// Sorts by danger; among equals what holds data comes first, then the plan's order.
pub(super) fn most_first<T>(steps: &mut [T], step: impl Fn(&T) -> &Step) {
    steps.sort_by_key(|one| (rank(step(one)), !step(one).stateful));
}
