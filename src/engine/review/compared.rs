//! What a pull request's plan does not tell by itself: it is made against live state, and what is merged may be
//! another thing. Reads the ledger; nothing live.

use super::super::{Fleet, Kept, Looked, Pinned, World};
use crate::deliver::render::{Beside, Gone, changed_settings};
use crate::graph::Graph;
use crate::ledger::LedgerError;
use crate::model::{Address, Basis, Diagnostic, EnvironmentName, Severity, Step, Wanted};
use crate::plan::Plan;
use std::collections::{BTreeMap, BTreeSet};

/// Holds the plan of an environment beside what is merged of it.
pub(super) fn beside(pinned: &Pinned, looked: &Looked, merged: Option<&Kept>) -> Beside {
    let warnings = worth_a_look(looked, merged);
    let Some(merged) = merged else {
        return Beside {
            warnings,
            ..Beside::default()
        };
    };
    let (before, after) = (merged.graph.reconcile(), looked.graph.reconcile());
    let had = Merged::of(pinned, looked, merged);
    let steps = looked.plan.declared().filter(|step| had.asks_for(step));
    let is_untold = |address: &&Address| looked.plan.step(address).is_none();
    let let_go = merged.graph.dropped_by(&looked.graph);
    Beside {
        already: steps.map(|step| step.address.clone()).collect(),
        let_go: let_go.into_iter().filter(is_untold).cloned().collect(),
        settings: changed_settings(before, after),
        warnings,
    }
}

/// What is merged of an environment, to hold a branch's plan against.
struct Merged<'a> {
    pinned: &'a Pinned,
    looked: &'a Looked,
    merged: &'a Kept,
    wanted: BTreeMap<&'a Address, &'a Wanted>,
}

impl<'a> Merged<'a> {
    fn of(pinned: &'a Pinned, looked: &'a Looked, merged: &'a Kept) -> Self {
        let wanted = looked.seen.wanted.iter();
        Self {
            pinned,
            looked,
            merged,
            wanted: wanted.map(|one| (&one.address, one)).collect(),
        }
    }

    /// Tells whether a step does nothing but what is merged: with and without the branch.
    fn asks_for(&self, step: &Step) -> bool {
        let (before, after) = (self.merged.graph.reconcile(), self.looked.graph.reconcile());
        let is_declared = self.merged.graph.has(&step.address);
        if before.destroy != after.destroy {
            return false;
        }
        match self.wanted.get(&step.address) {
            Some(wanted) => is_declared && self.is_same(wanted) && self.lives_alike(&step.address),
            None => !is_declared && before.prune == after.prune && before.protect == after.protect,
        }
    }

    /// Tells whether both say the same of a resource, with the same secrets.
    fn is_same(&self, wanted: &Wanted) -> bool {
        let Basis::Branch {
            said,
            merged: Some(merged),
            ..
        } = &wanted.basis
        else {
            return false;
        };
        let uses_secrets = said.holes().into_iter().any(|hole| hole.sensitive);
        let secrets = |one: &'a Pinned| &one.environment.secrets;
        said == merged && (!uses_secrets || secrets(self.pinned) == secrets(&self.merged.pinned))
    }

    /// Tells whether it is reached, and kept, alike.
    fn lives_alike(&self, address: &Address) -> bool {
        let of = |one: &'a Pinned| {
            let mut declared = one.environment.resources.iter();
            let declared = declared.find(|one| one.id.name() == address.resource.name())?;
            Some((&declared.connection, &declared.lifecycle))
        };
        let (there, here) = (of(&self.merged.pinned), of(self.pinned));
        let Some((connection, _)) = here else {
            return false;
        };
        let settings = |graph: &'a Graph| Some(&graph.connections().get(connection)?.settings);
        there == here && settings(&self.merged.graph) == settings(&self.looked.graph)
    }
}

/// Returns what is worth a look, and was not in what is merged.
fn worth_a_look(looked: &Looked, merged: Option<&Kept>) -> Vec<String> {
    let known: BTreeSet<&str> = merged
        .iter()
        .flat_map(|merged| merged.graph.warnings())
        .map(|one| one.message.as_str())
        .collect();
    let is_new = |one: &&Diagnostic| {
        one.severity == Severity::Warning && !known.contains(one.message.as_str())
    };
    let warnings = looked.graph.warnings().iter().filter(is_new);
    warnings
        .map(|one| format!("{}: {}", one.location, one.message))
        .collect()
}

/// Finds what becomes of what environments have that no file would declare any more; `anew` are those of the branch.
/// Where nothing is known of what they have, that stays open.
///
/// # Errors
/// The ledger cannot be read.
pub(super) async fn gone(
    world: &World,
    (names, plans): (&[EnvironmentName], &[Plan]),
    (fleet, anew): (&Fleet, &[Pinned]),
    knows_ours: bool,
) -> Result<Vec<Gone>, LedgerError> {
    let mut all = Vec::new();
    for name in names {
        let owned = world.ledger.owned(name).await?;
        let mut left: BTreeSet<Address> = owned.iter().map(|one| one.address.clone()).collect();
        let mut becomes = BTreeSet::new();
        for plan in plans {
            for one in &plan.released {
                if left.remove(&one.address) {
                    becomes.insert(plan.environment.clone());
                }
            }
        }
        if owned.is_empty()
            && let Some(before) = fleet.kept().get(name)
        {
            let is_new = |one: &&Pinned| !fleet.kept().contains_key(one.name());
            let anew = anew.iter().filter(is_new);
            let anew = anew.filter(|one| goes_on_as(&before.pinned, one));
            becomes.extend(anew.map(|one| one.name().clone()));
        }
        all.push(Gone {
            name: name.clone(),
            becomes,
            owned: knows_ours.then_some(owned.len()),
            left,
        });
    }
    Ok(all)
}

/// Tells whether an environment of which nothing is applied has another name now: in the file it had stood in, or with
/// all that it declared.
fn goes_on_as(before: &Pinned, after: &Pinned) -> bool {
    let declares = |of: &Pinned| -> BTreeSet<(String, String)> {
        let all = of.environment.resources.iter();
        all.map(|one| (one.id.to_string(), one.kind.name.to_string()))
            .collect()
    };
    let had = declares(before);
    let has_all = !had.is_empty() && had.is_subset(&declares(after));
    before.path == after.path || has_all
}
