//! What hangs on something that waits, waits too, and says for what.

use crate::model::{Action, Address, Health, Hole, Step};
use std::collections::{BTreeMap, BTreeSet};

/// Turns every writing step into a wait whose dependency waits, or whose value will not come; and every delete
/// that comes after one that is under way.
pub(super) fn spread(steps: &mut [Step]) {
    let going = steps.iter().filter(|step| step.gone_by.is_some());
    let mut going: BTreeSet<Address> = going.map(|step| step.address.clone()).collect();
    loop {
        let stand = Stand::of(steps);
        let blocker = |step: &Step| match step.action {
            Action::Delete => {
                let before = step.after.iter().find(|before| going.contains(before))?;
                Some(format!("it goes after {before}, which is not gone yet"))
            }
            _ => stand.blocker(step),
        };
        let stuck: Vec<(usize, String)> = steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.action.writes())
            .filter_map(|(nth, step)| Some((nth, blocker(step)?)))
            .collect();
        if stuck.is_empty() {
            return;
        }
        for (nth, reason) in stuck {
            if steps[nth].action == Action::Delete {
                going.insert(steps[nth].address.clone());
            }
            steps[nth].action = Action::Wait;
            steps[nth].reason = Some(reason);
        }
    }
}

fn stuck(step: &Step) -> Option<(Address, &'static str)> {
    let how = match (step.action, &step.unready) {
        (Action::Wait, _) => "waits",
        (_, Some(Health::Failing(_) | Health::Failed(_))) => "does not work",
        (_, Some(Health::Progressing(_))) => "is not ready yet",
        // Nobody waits for what somebody paused.
        (_, Some(Health::Paused(_) | Health::Ready) | None) => return None,
    };
    Some((step.address.clone(), how))
}

/// What each step does at present, as far as others hang on it.
struct Stand {
    /// What waits or is not ready, in words.
    stuck: BTreeMap<Address, &'static str>,
    /// Names of declared resources, with whether a step of theirs writes and why it is not ready.
    named: BTreeMap<String, (bool, Option<String>)>,
}

impl Stand {
    fn of(steps: &[Step]) -> Self {
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
            stuck: steps.iter().filter_map(stuck).collect(),
            named,
        }
    }

    fn blocker(&self, step: &Step) -> Option<String> {
        let holes = step.desired.iter().flat_map(|desired| desired.holes());
        let after = || {
            let mut after = step.after.iter();
            let (before, how) = after.find_map(|one| Some((one, self.stuck.get(one)?)))?;
            Some(format!("it comes after {before}, which {how}"))
        };
        holes
            .filter_map(|hole| self.dry(hole))
            .next()
            .or_else(after)
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
