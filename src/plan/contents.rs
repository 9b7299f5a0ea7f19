//! What goes with its container: a namespace is deleted after all we know in it, and not while
//! something in it stays, of this environment or of another.

use super::{Beside, Inputs, Plan};
use crate::model::{
    Action, Address, Connection, Identity, Inside, Live, Observation, Owned, PathPattern, Step,
    Value, and_more,
};
use std::collections::{BTreeMap, BTreeSet};

/// How many of those that stay a reason names.
const NAMED: usize = 3;

/// Tells whether a plan deletes something that may hold what other environments have, so that it has to be made
/// with that in sight.
pub fn empties(inputs: &Inputs<'_>, plan: &Plan) -> bool {
    let mut going = plan.steps.iter().filter(|step| goes(step));
    going.any(|step| Container::read(inputs, step).is_some())
}

/// Lets every delete and replacement of a container come after the deletes of what is in it, and wait
/// while anything in it stays. Returns what stays: its record is still needed, though it may not be ours
/// any more, else the next plan would not know that it is in there.
pub(super) fn guard(
    inputs: &Inputs<'_>,
    owned: &BTreeMap<&Address, &Owned>,
    steps: &mut [Step],
) -> BTreeSet<Address> {
    let containers: Vec<(usize, Vec<usize>, Vec<&Address>)> = (0..steps.len())
        .filter(|nth| goes(&steps[*nth]))
        .filter_map(|nth| Some((nth, Container::read(inputs, &steps[nth])?)))
        .map(|(nth, container)| {
            let within = (0..steps.len())
                .filter(|other| *other != nth && container.holds(inputs, owned, &steps[*other]));
            (nth, within.collect(), container.holds_beside(inputs))
        })
        .collect();
    let mut staying = BTreeSet::new();
    // A container may be in another: one that waits is one that stays.
    loop {
        let stuck = containers.iter().find_map(|(nth, within, beside)| {
            if steps[*nth].action == Action::Wait {
                return None;
            }
            let left = within.iter().map(|other| &steps[*other]);
            let left: Vec<&Step> = left
                .filter(|other| stays(inputs, &steps[*nth], other))
                .collect();
            (!left.is_empty() || !beside.is_empty()).then(|| {
                let addresses = left.iter().map(|step| step.address.clone());
                let reason = reason(&steps[*nth], &left, beside);
                (*nth, reason, addresses.collect())
            })
        });
        let Some((nth, reason, left)): Option<(usize, String, Vec<Address>)> = stuck else {
            break;
        };
        steps[nth].reason = Some(reason);
        steps[nth].action = Action::Wait;
        staying.extend(left);
    }
    for (nth, within, _) in containers {
        for other in within {
            if steps[other].action == Action::Delete {
                let (container, content) =
                    (steps[nth].address.clone(), steps[other].address.clone());
                steps[other].after.remove(&container);
                steps[nth].after.insert(content);
            }
        }
    }
    staying
}

/// One object that others are in, as far as its row and its live state tell.
struct Container<'a> {
    connection: &'a Connection,
    provider: String,
    /// What the identity of everything in it says.
    inside: Vec<(PathPattern, String)>,
}

impl<'a> Container<'a> {
    fn read(inputs: &Inputs<'a>, step: &Step) -> Option<Self> {
        let live = live(inputs, &step.address)?;
        let inside = inputs.kinds.get(&step.kind)?.contents.of(&live.value);
        let told = |inside: Inside| Some((inside.identity, text(&live.value, &inside.of)?));
        let inside: Vec<(PathPattern, String)> =
            inside.into_iter().map(told).collect::<Option<_>>()?;
        let connection = inputs.connections.get(&step.connection.name)?;
        (!inside.is_empty()).then(|| Self {
            connection,
            provider: step.kind.provider().to_owned(),
            inside,
        })
    }

    /// Tells whether the object of a step, or the one the ledger has of it, is in here. The live state
    /// also says what a declaration may leave out, e.g. the namespace.
    fn holds(&self, inputs: &Inputs<'_>, owned: &BTreeMap<&Address, &Owned>, step: &Step) -> bool {
        if step.kind.provider() != self.provider {
            return false;
        }
        let record = owned.get(&step.address);
        let kind = inputs.kinds.get(&step.kind);
        let seen = kind
            .zip(live(inputs, &step.address))
            .and_then(|(kind, live)| kind.identity_with(&live.value, Some(inputs.digest_key)));
        let here = self.is_through(&step.connection)
            && (self.says(&step.identity) || seen.is_some_and(|seen| self.says(&seen)));
        here || record.is_some_and(|record| {
            let connection = inputs.connections.get(&record.connection);
            connection.is_some_and(|connection| self.is_through(connection))
                && self.says(&record.identity)
        })
    }

    /// Returns what other environments have in here, each once.
    fn holds_beside<'b>(&self, inputs: &Inputs<'b>) -> Vec<&'b Address> {
        let here = |one: &&Beside| {
            let leads_here = match &one.connection {
                Some(connection) => connection.reaches(self.connection),
                None => self.connection.may_lead_to(one.place.as_deref()),
            };
            one.provider == self.provider && leads_here && self.says_beside(one)
        };
        let mut inside: Vec<&Address> = (inputs.beside.iter().filter(here))
            .map(|one| &one.address)
            .collect();
        inside.dedup();
        inside
    }

    /// Like [`Self::says`]. Nobody looked there: what a declaration leaves out is as its connection says.
    fn says_beside(&self, one: &Beside) -> bool {
        self.inside.iter().all(|(field, text)| {
            let said = one.identity.get(&field.to_string()).unwrap_or_default();
            let settings = one.connection.as_ref().map(|one| &one.settings);
            let by_connection = || {
                let settings = settings.zip(field.parts().last());
                settings.and_then(|(settings, name)| settings.get(name)?.as_str())
            };
            said == text || said.is_empty() && by_connection() == Some(text.as_str())
        })
    }

    fn is_through(&self, other: &Connection) -> bool {
        other.name == self.connection.name || other.reaches(self.connection)
    }

    fn says(&self, identity: &Identity) -> bool {
        self.inside
            .iter()
            .all(|(field, text)| identity.get(&field.to_string()) == Some(text.as_str()))
    }
}

fn goes(step: &Step) -> bool {
    matches!(step.action, Action::Delete | Action::Replace)
}

fn live<'a>(inputs: &Inputs<'a>, address: &Address) -> Option<&'a Live> {
    match inputs.observed.get(address)? {
        Observation::Present(live) => Some(live),
        _ => None,
    }
}

fn text(value: &Value, field: &PathPattern) -> Option<String> {
    let keys: Vec<&str> = field.parts().iter().map(String::as_str).collect();
    value.at(&keys).and_then(Value::as_str).map(str::to_owned)
}

/// Tells whether something would be there when its container goes. What is made in a container that
/// is replaced is made afterwards.
fn stays(inputs: &Inputs<'_>, container: &Step, step: &Step) -> bool {
    let is_absent = matches!(
        inputs.observed.get(&step.address),
        Some(Observation::Absent { .. })
    );
    match step.action {
        Action::Delete => false,
        Action::Create => container.action == Action::Delete,
        _ => !is_absent,
    }
}

fn reason(step: &Step, left: &[&Step], beside: &[&Address]) -> String {
    let all = left.iter().map(|step| &step.address);
    let all: Vec<&Address> = all.chain(beside.iter().copied()).collect();
    let named = and_more(&all, NAMED);
    let (is, stays) = match all.len() {
        1 => ("is", "is not deleted"),
        _ => ("are", "are not deleted"),
    };
    let why = step.reason.as_deref().unwrap_or("it is to be deleted");
    if beside.is_empty() && left.iter().all(|step| step.gone_by.is_some()) {
        return format!("{why}, but {named} {is} in it and not gone yet");
    }
    format!(
        "{why}, but {named} {is} in it and {stays} in this plan: everything in it would go with it"
    )
}
