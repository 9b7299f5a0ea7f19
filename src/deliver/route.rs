//! Which steps of a plan are carried out now, and why the others are not. Pure.

use super::sight::Sight;
use crate::model::{Address, OnDrift, OnMerge, Reconcile, Step};
use crate::plan::Plan;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Why what was merged waits for an approval.
const UNAPPROVED: &str = "approval";

/// Why what failed a moment ago is left alone.
const RESTING: &str = "backoff";

/// Why drift waits for people.
const PROPOSED: &str = "propose";

/// Who lets the steps of this run go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Authority {
    /// The environment's own `onMerge` and `onDrift`.
    Environment,
    /// The environment's own `onDrift`, and, for what was merged, whoever merged the approval of this plan.
    Approved,
    /// A person at a terminal who saw this plan and said yes.
    Person,
    /// Nobody: the plan is only shown.
    Nobody,
}

/// What happens to one step that would write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "decision")]
pub enum Decision {
    /// It is carried out.
    CarryOut,
    /// It is not carried out now.
    Hold {
        /// Stable: `observe`, `report`, `budget`, `window`, `paused` …
        code: &'static str,
        /// Why, for people.
        reason: String,
    },
}

impl Decision {
    /// Tells whether it is only left alone for a moment, since it failed: people know that.
    pub fn rests(&self) -> bool {
        matches!(self, Self::Hold { code: RESTING, .. })
    }
}

/// A pull request of ours that a run has to do with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Asked {
    /// What it asks for.
    pub about: About,
    /// Its number.
    pub number: u64,
    /// Its page.
    pub url: String,
}

/// What a pull request of ours asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum About {
    /// That a plan may be carried out.
    Approval,
    /// That a change is taken back in Git, too.
    Revert,
    /// What becomes of what was changed by hand.
    Drift,
}

/// What happens to every step that would write.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Route {
    /// By address; steps that write nothing are not here.
    pub decisions: BTreeMap<Address, Decision>,
    /// The pull requests that ask people about it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Asked>,
    /// Why no pull request takes back in Git what was put back, as a clause, where one should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unasked: Option<String>,
    /// What is done otherwise than the pull request showed that brought it, and no more dangerous: a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strays: Option<String>,
    /// When to ask again who has to let it go, where that cannot be told yet.
    #[serde(skip)]
    pub ask_again: Option<Timestamp>,
}

impl Route {
    /// Tells whether a step is carried out.
    pub fn lets(&self, address: &Address) -> bool {
        self.decisions.get(address) == Some(&Decision::CarryOut)
    }

    /// Holds what was merged until it is approved; what another hold binds stays held by that.
    #[must_use]
    pub fn unapproved(self, plan: &Plan, why: &str) -> Self {
        self.awaiting(plan.declared(), why)
    }

    /// Holds of what was merged what needs people who saw it, while nobody can tell whether they did; the rest of
    /// it goes on.
    #[must_use]
    pub fn unseen(self, plan: &Plan, why: &str) -> Self {
        self.awaiting(plan.declared().filter(|step| Sight::needs_eyes(step)), why)
    }

    fn awaiting<'p>(mut self, steps: impl Iterator<Item = &'p Step>, why: &str) -> Self {
        for step in steps {
            let decision = self.decisions.get_mut(&step.address);
            if let Some(
                decision @ (Decision::CarryOut
                | Decision::Hold {
                    code: UNAPPROVED, ..
                }),
            ) = decision
            {
                *decision = Decision::Hold {
                    code: UNAPPROVED,
                    reason: why.to_owned(),
                };
            }
        }
        self
    }

    /// Lets go what people want put back of drift, and holds the rest of it until they have decided. What
    /// another hold binds that is to be put back stays held by that.
    #[must_use]
    pub fn proposed(mut self, plan: &Plan, put_back: &BTreeSet<Address>, why: &str) -> Self {
        for step in plan.drift() {
            let Some(decision) = self.decisions.get_mut(&step.address) else {
                continue;
            };
            if !put_back.contains(&step.address) {
                *decision = Decision::Hold {
                    code: PROPOSED,
                    reason: why.to_owned(),
                };
            } else if matches!(decision, Decision::Hold { code: PROPOSED, .. }) {
                *decision = Decision::CarryOut;
            }
        }
        self
    }

    /// Returns the pull request that asks for something, where there is one.
    pub fn asked_about(&self, about: About) -> Option<&Asked> {
        self.asked.iter().find(|asked| asked.about == about)
    }

    /// Lets what failed a moment ago rest.
    #[must_use]
    pub fn without(mut self, resting: &BTreeSet<Address>) -> Self {
        for (address, decision) in &mut self.decisions {
            if *decision == Decision::CarryOut && resting.contains(address) {
                *decision = Decision::Hold {
                    code: RESTING,
                    reason: "it failed a moment ago and is tried again later".to_owned(),
                };
            }
        }
        self
    }
}

/// Decides for every step of the plan that would write.
///
/// # Guarantees
/// A hold of the plan (budget, window, pause) binds every authority. A step that only puts back
/// drift obeys `onDrift`; one that also carries a declared change obeys `onMerge`.
pub fn route(plan: &Plan, reconcile: &Reconcile, authority: Authority) -> Route {
    let decisions = plan
        .steps
        .iter()
        .filter(|step| step.action.writes())
        .map(|step| {
            (
                step.address.clone(),
                decide(plan, step, reconcile, authority),
            )
        })
        .collect();
    Route {
        decisions,
        ..Route::default()
    }
}

fn decide(plan: &Plan, step: &Step, reconcile: &Reconcile, authority: Authority) -> Decision {
    let held = plan
        .holds
        .iter()
        .find(|hold| !hold.deletes_only || step.destroys());
    if let Some(hold) = held {
        return Decision::Hold {
            code: hold.code,
            reason: hold.reason.clone(),
        };
    }
    let hold = |code, reason: &str| Decision::Hold {
        code,
        reason: reason.to_owned(),
    };
    match authority {
        Authority::Person => Decision::CarryOut,
        Authority::Nobody => hold("shown", "this run only shows the plan"),
        Authority::Environment | Authority::Approved if step.is_only_drift() => {
            match reconcile.on_drift {
                OnDrift::Correct => Decision::CarryOut,
                OnDrift::Propose => {
                    hold(PROPOSED, "onDrift: propose asks about it by a pull request")
                }
                OnDrift::Report => hold("report", "onDrift: report only tells"),
            }
        }
        Authority::Approved => Decision::CarryOut,
        Authority::Environment => match reconcile.on_merge {
            OnMerge::Apply => Decision::CarryOut,
            OnMerge::Propose => hold(UNAPPROVED, "onMerge: propose waits for an approval"),
            OnMerge::Observe => hold("observe", "onMerge: observe only tells"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deliver::fixtures::{plan_of, step};
    use crate::model::{Action, Change, FieldPath, Origin};
    use crate::plan::Hold;

    fn plan(origins: &[Origin], holds: Vec<Hold>) -> Plan {
        let mut update = step("api", Action::Update, 0, &[]);
        update.changes = origins
            .iter()
            .map(|origin| Change {
                path: FieldPath::default(),
                before: None,
                after: None,
                origin: *origin,
                was: None,
                forces_replace: false,
            })
            .collect();
        Plan {
            holds,
            ..plan_of(vec![update, step("old", Action::Delete, 0, &[])])
        }
    }

    fn codes(plan: &Plan, reconcile: &Reconcile, authority: Authority) -> Vec<&'static str> {
        route(plan, reconcile, authority)
            .decisions
            .into_values()
            .map(|decision| match decision {
                Decision::CarryOut => "carry-out",
                Decision::Hold { code, .. } => code,
            })
            .collect()
    }

    #[test]
    fn drift_obeys_on_drift_and_a_declared_change_on_merge() {
        let report = Reconcile::default();
        let drift = plan(&[Origin::Drift], Vec::new());
        let mixed = plan(&[Origin::Drift, Origin::Declared], Vec::new());
        assert_eq!(
            codes(&drift, &report, Authority::Environment),
            ["report", "carry-out"]
        );
        assert_eq!(
            codes(&mixed, &report, Authority::Environment),
            ["carry-out", "carry-out"]
        );
        let observe = Reconcile {
            on_merge: OnMerge::Observe,
            on_drift: OnDrift::Correct,
            ..report
        };
        assert_eq!(
            codes(&mixed, &observe, Authority::Environment),
            ["observe", "observe"]
        );
        assert_eq!(
            codes(&drift, &observe, Authority::Environment),
            ["carry-out", "observe"]
        );
    }

    #[test]
    fn what_was_merged_waits_for_an_approval_that_no_other_hold_gives_way_to() {
        let propose = Reconcile {
            on_merge: OnMerge::Propose,
            on_drift: OnDrift::Correct,
            ..Reconcile::default()
        };
        let mixed = plan(&[Origin::Drift, Origin::Declared], Vec::new());
        assert_eq!(
            codes(&mixed, &propose, Authority::Environment),
            ["approval", "approval"]
        );
        assert_eq!(
            codes(&mixed, &propose, Authority::Approved),
            ["carry-out", "carry-out"]
        );
        let drift = plan(&[Origin::Drift], Vec::new());
        assert_eq!(
            codes(&drift, &propose, Authority::Environment),
            ["carry-out", "approval"]
        );
        let window = Hold {
            code: "window",
            reason: "later".into(),
            deletes_only: false,
        };
        let held = plan(&[Origin::Declared], vec![window]);
        assert_eq!(
            codes(&held, &propose, Authority::Approved),
            ["window", "window"]
        );
        let apply = Reconcile::default();
        let asked =
            route(&mixed, &apply, Authority::Environment).unapproved(&mixed, "it deletes more");
        assert!(!mixed.steps.iter().any(|step| asked.lets(&step.address)));
        // What nobody need have seen goes on where it cannot be told whether they did.
        let unseen = route(&mixed, &apply, Authority::Environment).unseen(&mixed, "later");
        let lets: Vec<bool> = mixed
            .steps
            .iter()
            .map(|step| unseen.lets(&step.address))
            .collect();
        assert_eq!(lets, [true, false]);
    }

    #[test]
    fn drift_that_people_are_asked_about_is_put_back_only_where_they_say_so() {
        let propose = Reconcile {
            on_drift: OnDrift::Propose,
            ..Reconcile::default()
        };
        let decided = |holds, put_back: &BTreeSet<Address>| {
            let plan = plan(&[Origin::Drift], holds);
            let route = route(&plan, &propose, Authority::Environment);
            let route = route.proposed(&plan, put_back, "asked");
            let drift = plan.drift().next().expect("it drifted").address.clone();
            (route.decisions[&drift].clone(), drift)
        };
        let (decision, drift) = decided(Vec::new(), &BTreeSet::new());
        let reason = "asked".to_owned();
        assert_eq!(
            decision,
            Decision::Hold {
                code: "propose",
                reason
            }
        );
        let put_back = BTreeSet::from([drift]);
        assert_eq!(decided(Vec::new(), &put_back).0, Decision::CarryOut);
        let window = Hold {
            code: "window",
            reason: "later".into(),
            deletes_only: false,
        };
        let held = decided(vec![window], &put_back).0;
        assert!(
            matches!(held, Decision::Hold { code: "window", .. }),
            "{held:?}"
        );
    }

    #[test]
    fn a_hold_binds_a_person_too() {
        let hold = |deletes_only| Hold {
            code: "budget",
            reason: "too many".into(),
            deletes_only,
        };
        let reconcile = Reconcile::default();
        let deletes = plan(&[Origin::Declared], vec![hold(true)]);
        assert_eq!(
            codes(&deletes, &reconcile, Authority::Person),
            ["carry-out", "budget"]
        );
        let all = plan(&[Origin::Declared], vec![hold(false)]);
        assert_eq!(
            codes(&all, &reconcile, Authority::Person),
            ["budget", "budget"]
        );
    }
}
