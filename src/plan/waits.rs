//! What hangs on something that waits, waits too, and says for what.

use crate::model::{Action, Address, Hole, Step};
use std::collections::{BTreeMap, BTreeSet};

/// Turns every writing step into a wait whose dependency waits, or whose value will not come.
pub(super) fn spread(steps: &mut [Step]) {
    loop {
        let stand = Stand::of(steps);
        let stuck: Vec<(usize, String)> = steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.action.writes() && step.action != Action::Delete)
            .filter_map(|(nth, step)| Some((nth, stand.blocker(step)?)))
            .collect();
        if stuck.is_empty() {
            return;
        }
        for (nth, reason) in stuck {
            steps[nth].action = Action::Wait;
            steps[nth].reason = Some(reason);
        }
    }
}

/// What each step does at present, as far as others hang on it.
struct Stand {
    waiting: BTreeSet<Address>,
    /// Names of declared resources, with whether a step of theirs writes and why it is not ready.
    named: BTreeMap<String, (bool, Option<String>)>,
}

impl Stand {
    fn of(steps: &[Step]) -> Self {
        let waits = steps.iter().filter(|step| step.action == Action::Wait);
        let mut named: BTreeMap<String, (bool, Option<String>)> = BTreeMap::new();
        for step in steps.iter().filter(|step| step.desired.is_some()) {
            let name = step.address.resource.name().to_owned();
            let entry = named.entry(name).or_default();
            entry.0 |= step.action.writes();
            if entry.1.is_none() {
                entry.1.clone_from(&step.reason);
            }
        }
        Self {
            waiting: waits.map(|step| step.address.clone()).collect(),
            named,
        }
    }

    fn blocker(&self, step: &Step) -> Option<String> {
        let before = step
            .after
            .iter()
            .find(|before| self.waiting.contains(before));
        if let Some(before) = before {
            return Some(format!("it comes after {before}, which waits"));
        }
        let desired = step.desired.as_ref()?;
        desired.holes().into_iter().find_map(|hole| self.dry(hole))
    }

    /// Tells why a hole will not be filled: what it reads is not applied in this plan.
    fn dry(&self, hole: &Hole) -> Option<String> {
        hole.needs
            .iter()
            .find_map(|need| match self.named.get(need) {
                Some((true, _)) => None,
                Some((false, Some(why))) => Some(format!("it needs an output of {need}: {why}")),
                Some((false, None)) => {
                    Some(format!("it needs an output of {need} that is not there"))
                }
                None => Some(format!(
                    "it needs an output of {need}, of which nothing is known yet"
                )),
            })
    }
}
