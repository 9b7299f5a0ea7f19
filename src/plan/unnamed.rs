//! What would go with its container though no plan names it: a volume that a controller claimed, what somebody
//! made by hand, another tool's. A container is not deleted while the live side tells of any such thing in it, nor
//! while it cannot tell.

use super::{Inputs, Plan};
use crate::model::{Action, Address, Content, Live, Observation, Owner, Step, and_more};
use std::collections::{BTreeMap, BTreeSet};

/// How many kinds a reason names, and how many of each.
const NAMED: usize = 3;

/// Returns what a plan deletes or replaces that holds others, so that it has to be looked into.
pub fn opened<'a>(inputs: &Inputs<'a>, plan: &'a Plan) -> Vec<(&'a Step, &'a Live)> {
    let holds = |step: &'a Step| {
        let live = live(inputs, step).filter(|_| goes(step))?;
        let kind = inputs.kinds.get(&step.kind)?;
        let inside = kind.contents.of(&live.value);
        (!inside.is_empty()).then_some((step, live))
    };
    plan.steps.iter().filter_map(holds).collect()
}

/// Has every delete and replacement of a container wait that would take along what nobody names. To be called
/// after what this plan has in there is looked at: of that it says nothing.
pub(super) fn guard(inputs: &Inputs<'_>, steps: &mut [Step]) {
    if inputs.within.is_empty() {
        return;
    }
    let going = steps.iter().filter(|step| goes(step));
    let ids: BTreeSet<String> = going
        .filter_map(|step| live(inputs, step)?.external_id.clone())
        .collect();
    let deleted = steps.iter().filter(|step| step.action == Action::Delete);
    let addresses: BTreeSet<Address> = deleted.map(|step| step.address.clone()).collect();
    let is_named = |content: &&Content| {
        let is_deleted =
            matches!(&content.owner, Some(Owner::Resource(address)) if addresses.contains(address));
        is_deleted || content.parents.iter().any(|parent| ids.contains(parent))
    };
    for step in steps.iter_mut().filter(|step| goes(step)) {
        let what = match inputs.within.get(&step.address) {
            None => continue,
            Some(Err(unknown)) => format!(
                "what is in it cannot be told, and would go with it: {}",
                unknown.reason
            ),
            Some(Ok(contents)) => {
                let left: Vec<&Content> = contents.iter().filter(|one| !is_named(one)).collect();
                match left.is_empty() {
                    true => continue,
                    false => reason(&left),
                }
            }
        };
        let why = step.reason.as_deref().unwrap_or("it is to be deleted");
        step.reason = Some(format!("{why}, but {what}"));
        step.action = Action::Wait;
    }
}

fn goes(step: &Step) -> bool {
    matches!(step.action, Action::Delete | Action::Replace)
}

fn live<'a>(inputs: &Inputs<'a>, step: &Step) -> Option<&'a Live> {
    match inputs.observed.get(&step.address)? {
        Observation::Present(live) => Some(live),
        _ => None,
    }
}

/// Counts what is left and names the first of each kind, in an order that stays.
fn reason(left: &[&Content]) -> String {
    let mut kinds: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for one in left {
        kinds.entry(&one.kind).or_default().insert(said(one));
    }
    let of_kind =
        |(kind, names): (&&str, &BTreeSet<String>)| format!("{kind} {}", and_more(names, NAMED));
    let named: Vec<String> = kinds.iter().take(NAMED).map(of_kind).collect();
    let kinds = match kinds.len().saturating_sub(NAMED) {
        0 => String::new(),
        1 => "; and another kind".to_owned(),
        others => format!("; and {others} more kinds"),
    };
    let (count, are) = match left.len() {
        1 => ("1 object".to_owned(), "is"),
        count => (format!("{count} objects"), "are"),
    };
    let them = if left.len() == 1 { "it" } else { "them" };
    format!(
        "{count} in it {are} named by no plan and would go with it ({}{kinds}). Delete {them} where nobody needs {them} any more, and it goes",
        named.join("; ")
    )
}

fn said(one: &Content) -> String {
    match &one.owner {
        None => one.name.clone(),
        Some(Owner::Resource(address)) => format!("{} of {address}", one.name),
        Some(Owner::Foreign(tool)) => format!("{} of {tool}", one.name),
    }
}
