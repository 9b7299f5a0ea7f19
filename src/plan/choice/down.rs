//! What is done about a declared resource of an environment that is taken down.

use super::draft::{blank, unknown};
use super::{Choice, Facts, record};
use crate::model::{Action, Observation, Owned, Owner, Wanted};
use crate::plan::going;

/// Chooses for one wanted resource of an environment that is taken down.
pub(in crate::plan) fn take_down(
    wanted: &Wanted,
    observation: Option<&Observation>,
    owned: Option<&Owned>,
    facts: &Facts<'_>,
) -> Choice {
    let mut choice = Choice {
        step: blank(wanted),
        from: None,
        record: None,
    };
    if let Some(Observation::Unknown { reason, .. }) = observation {
        choice.step = unknown(choice.step, reason);
        return choice;
    }
    let step = &mut choice.step;
    let (action, reason) = match observation {
        None | Some(Observation::Unknown { .. }) => {
            (Action::Wait, "it was not looked at in this run".to_owned())
        }
        Some(Observation::Absent { .. }) => absent(wanted, owned),
        Some(Observation::Present(live)) => {
            step.mark = Some(live.mark.clone());
            step.external_id.clone_from(&live.external_id);
            let is_ours = live.owner == Some(Owner::Resource(wanted.address.clone()));
            match owned {
                _ if !is_ours => (Action::None, "the environment is taken down, but it does not carry our mark: it is left alone".to_owned()),
                _ if step.protected => (Action::Wait, "the environment is taken down, but it is protected; `lifecycle: { protect: false }` lets it go".to_owned()),
                Some(_) => match going::follow(step, live, facts.now) {
                    Some(why) => (Action::Wait, format!("the environment is taken down; {why}")),
                    None => (Action::Delete, "the environment is taken down".to_owned()),
                },
                None => {
                    choice.record = Some(record(step, None, None, facts.key));
                    (Action::Wait, "it carries our mark, but the ledger did not know it: it is recorded now and deleted by the next run".to_owned())
                }
            }
        }
    };
    step.action = action;
    step.reason = Some(reason);
    if action == Action::Delete || step.gone_by.is_some() {
        step.desired = None;
    }
    choice
}

fn absent(wanted: &Wanted, owned: Option<&Owned>) -> (Action, String) {
    match owned.and_then(|owned| owned.left_behind_by(&wanted.connection)) {
        Some(place) => (
            Action::Wait,
            format!(
                "the environment is taken down, but it was applied at {place}, where its connection {} does not lead any more: let it lead there again to have it deleted",
                wanted.connection.name
            ),
        ),
        None => (
            Action::None,
            "the environment is taken down, and it is not there".to_owned(),
        ),
    }
}
