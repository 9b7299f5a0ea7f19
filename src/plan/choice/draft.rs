//! A step before its action is chosen, and the words of those that wait.

use super::Choice;
use crate::model::{Action, Basis, Hole, Identity, Step, Wanted};
use std::collections::BTreeSet;

/// Chooses what moves nothing and records nothing.
pub(super) fn plain(step: Step) -> Choice {
    Choice {
        step,
        from: None,
        record: None,
    }
}

/// Makes it wait because its live state could not be told.
pub(super) fn unknown(step: Step, reason: &str) -> Step {
    let step = Step {
        unknown: Some(reason.to_owned()),
        ..step
    };
    waiting(step, format!("its live state is unknown: {reason}"))
}

/// Returns a step that does nothing yet.
pub(super) fn blank(wanted: &Wanted) -> Step {
    let stateful = wanted.kind.stateful.of(&wanted.desired);
    Step {
        address: wanted.address.clone(),
        kind: wanted.kind.name.clone(),
        connection: wanted.connection.clone(),
        identity: wanted.identity.clone().unwrap_or(Identity(Vec::new())),
        action: Action::None,
        reason: None,
        desired: Some(wanted.desired.clone()),
        changes: Vec::new(),
        mark: None,
        external_id: None,
        payload: None,
        ignore: wanted.lifecycle.ignore.clone(),
        yielded: Vec::new(),
        touched_by: Vec::new(),
        after: wanted.after.clone(),
        wave: wanted.kind.wave.of(&wanted.desired),
        unready: None,
        gone_by: None,
        unknown: None,
        refused: false,
        unmarked: false,
        stateful,
        passing: wanted.kind.is_passing(&wanted.desired),
        protected: wanted.lifecycle.protect.unwrap_or(stateful),
        is_read: wanted.is_read,
        deadline: wanted.lifecycle.deadline.unwrap_or(wanted.kind.deadline),
        health: wanted.lifecycle.health.clone(),
    }
}

pub(super) fn waiting(step: Step, reason: String) -> Step {
    Step {
        action: Action::Wait,
        reason: Some(reason),
        ..step
    }
}

/// Tells when what these holes stand for is known. One that needs nothing is a secret's, which a pull
/// request names and no merged environment uses yet.
pub(super) fn known(holes: &[&Hole]) -> String {
    let needs = holes.iter().flat_map(|hole| &hole.needs);
    let needs: BTreeSet<&str> = needs.map(|need| need.as_str()).collect();
    if needs.is_empty() {
        return "known only after the merge: it comes from a secret that is new in this pull request"
            .to_owned();
    }
    let needs: Vec<&str> = needs.into_iter().collect();
    format!("known only after {} is applied", needs.join(", "))
}

/// Has a step wait because the live side would refuse what is wanted.
pub(super) fn refuse(step: &mut Step, wanted: &Wanted, reason: &str) {
    step.action = Action::Wait;
    step.reason = Some(format!("the live side would refuse it: {reason}"));
    step.refused = match &wanted.basis {
        Basis::Merged => true,
        // What is merged already is refused with and without the branch.
        Basis::Branch { said, merged, .. } => merged.as_ref() != Some(said),
    };
}

pub(super) fn deferred(what: &str) -> String {
    format!("it can be checked only when it is applied: {what}")
}
