//! What people saw of a plan, kept for telling whether another is more dangerous. Pure.

use crate::model::{Action, Address, Step, and_more};
use crate::plan::Plan;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What people saw of a plan: how dangerous each step is that does what was merged.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sight(BTreeMap<Address, Danger>);

/// How dangerous a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Danger {
    /// Git can bring back what it changes.
    None,
    /// It changes what holds data or is protected.
    Keeps,
    /// It takes over what was nobody's, and overwrites what that held.
    Overwrites,
    /// It deletes and makes anew.
    Replaces,
    /// It deletes.
    Deletes,
}

impl Danger {
    fn of(step: &Step) -> Self {
        match step.action {
            Action::Delete => Self::Deletes,
            Action::Replace => Self::Replaces,
            _ if step.overwrites() => Self::Overwrites,
            Action::Update | Action::Adopt if step.stateful || step.protected => Self::Keeps,
            _ => Self::None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::None => "changes",
            Self::Keeps => "changes, which holds data or is protected,",
            Self::Overwrites => "overwrites",
            Self::Replaces => "replaces",
            Self::Deletes => "deletes",
        }
    }
}

/// How many are named.
const NAMED: usize = 3;

impl Sight {
    /// Keeps what a plan shows of what was merged; drift is shown apart, and has rules of its own.
    pub fn of(plan: &Plan) -> Self {
        let steps = plan.declared();
        Self(
            steps
                .map(|step| (step.address.clone(), Danger::of(step)))
                .collect(),
        )
    }

    /// Sees what another sight saw, too.
    pub fn join(&mut self, other: Self) {
        for (address, danger) in other.0 {
            let seen = self.0.entry(address).or_insert(danger);
            *seen = danger.max(*seen);
        }
    }

    /// Says what a plan does that is more dangerous than what was seen; `None` where nothing is.
    pub fn surpassed_by(&self, plan: &Plan) -> Option<String> {
        let is_new = |danger: Danger, seen: Option<&Danger>| match danger {
            Danger::None => false,
            // What was to be made, and is there meanwhile, was seen.
            Danger::Keeps => seen.is_none_or(|seen| *seen == Danger::Deletes),
            worse => seen != Some(&worse),
        };
        let steps = plan.declared().map(|step| (step, Danger::of(step)));
        let new: Vec<String> = steps
            .filter(|(step, danger)| is_new(*danger, self.0.get(&step.address)))
            .map(|(step, danger)| format!("{} {}", danger.as_str(), step.address))
            .collect();
        (!new.is_empty()).then(|| and_more(&new, NAMED))
    }

    /// Tells whether a step needs people who saw it.
    pub fn needs_eyes(step: &Step) -> bool {
        Danger::of(step) != Danger::None
    }

    /// Tells whether what a step's object holds is lost by it.
    pub fn is_lossy(step: &Step) -> bool {
        Danger::of(step) > Danger::Keeps
    }

    /// Says in a sentence what a plan does that was not seen, or was seen as more dangerous, where none of it
    /// surpasses what was seen; `None` where that is nothing.
    pub fn strays(&self, plan: &Plan) -> Option<String> {
        let other = |step: &Step| match self.0.get(&step.address) {
            None => Some(format!("{} {}", does(step), step.address)),
            // What was to be made, and is there meanwhile, was seen.
            Some(Danger::None) => None,
            Some(seen) if Danger::of(step) < *seen => {
                Some(format!("only {} {}", does(step), step.address))
            }
            Some(_) => None,
        };
        if self.surpassed_by(plan).is_some() {
            return None;
        }
        let other: Vec<String> = plan.declared().filter_map(other).collect();
        let said = and_more(&other, NAMED);
        let shown = match self.0.len() {
            1 => "1 change".to_owned(),
            some => format!("{some} changes"),
        };
        (!other.is_empty()).then(|| {
            format!("Its pull request showed {shown}. Live state moved since: now it {said}, which is no more dangerous.")
        })
    }

    /// Tells whether a plan does only what was seen, or what is left of it.
    pub fn covers(&self, plan: &Plan) -> bool {
        let is_known = |step: &Step| self.0.contains_key(&step.address);
        plan.declared().all(is_known) && self.surpassed_by(plan).is_none()
    }
}

fn does(step: &Step) -> &'static str {
    match step.action {
        Action::Create => "creates",
        Action::Delete => "deletes",
        Action::Replace => "replaces",
        Action::Adopt => "adopts",
        Action::Update | Action::Wait | Action::None => "updates",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::fixtures::{plan_of, step};

    #[test]
    fn only_new_danger_surpasses_what_was_seen() {
        let stateful = |id, action| Step {
            stateful: true,
            ..step(id, action, 0, &[])
        };
        let seen = plan_of(vec![
            step("api", Action::Update, 0, &[]),
            stateful("db", Action::Create),
            step("old", Action::Delete, 0, &[]),
        ]);
        let sight = Sight::of(&seen);
        assert!(sight.covers(&seen));
        // What is left of it, what became safer, and what is new and safe.
        let later = plan_of(vec![
            stateful("db", Action::Update),
            step("old", Action::Delete, 0, &[]),
        ]);
        assert!(sight.covers(&later));
        let safe = plan_of(vec![step("new", Action::Create, 0, &[])]);
        assert_eq!(
            (sight.surpassed_by(&safe), sight.covers(&safe)),
            (None, false)
        );
        for worse in [
            step("api", Action::Replace, 0, &[]),
            step("api", Action::Delete, 0, &[]),
            stateful("cache", Action::Update),
            step("old", Action::Replace, 0, &[]),
        ] {
            let address = worse.address.to_string();
            let said = sight.surpassed_by(&plan_of(vec![worse])).unwrap();
            assert!(said.ends_with(&address), "{said}");
        }
        let many = (0..5).map(|nth| step(&format!("n{nth}"), Action::Delete, 0, &[]));
        let said = sight.surpassed_by(&plan_of(many.collect())).unwrap();
        assert!(said.ends_with("and 2 more"), "{said}");
    }

    #[test]
    fn what_is_other_than_it_was_seen_and_no_worse_is_said() {
        let one = |id, action| plan_of(vec![step(id, action, 0, &[])]);
        let sight = Sight::of(&one("db", Action::Replace));
        assert_eq!(sight.strays(&one("db", Action::Replace)), None);
        let both = vec![
            step("db", Action::Update, 0, &[]),
            step("new", Action::Create, 0, &[]),
        ];
        assert_eq!(
            sight.strays(&plan_of(both)).unwrap(),
            "Its pull request showed 1 change. Live state moved since: now it only updates test/db, creates test/new, which is no more dangerous."
        );
        // That is asked about.
        assert_eq!(sight.strays(&one("old", Action::Delete)), None);
        let made = Sight::of(&one("api", Action::Create));
        assert_eq!(made.strays(&one("api", Action::Update)), None);
    }

    #[test]
    fn two_that_were_seen_are_seen_together() {
        let one = |id, action| plan_of(vec![step(id, action, 0, &[])]);
        let mut both = Sight::of(&one("old", Action::Delete));
        both.join(Sight::of(&one("api", Action::Replace)));
        both.join(Sight::of(&one("old", Action::Update)));
        let merged = vec![
            step("api", Action::Replace, 0, &[]),
            step("old", Action::Delete, 0, &[]),
        ];
        assert!(both.covers(&plan_of(merged)));
        let said = both.surpassed_by(&one("api", Action::Delete)).unwrap();
        assert!(said.starts_with("deletes"), "{said}");
    }

    #[test]
    fn it_is_remembered_as_it_was() {
        let sight = Sight::of(&plan_of(vec![step("old", Action::Delete, 0, &[])]));
        let kept = serde_json::to_value(&sight).unwrap();
        assert_eq!(serde_json::from_value::<Sight>(kept).unwrap(), sight);
    }
}
