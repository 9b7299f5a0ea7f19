//! Whether a step may go on: what a provider promises before it writes, the same for every kind here.

use crate::model::{Action, Address, Mark, Step};
use crate::provider::ProviderError;

/// What is live right before a write.
pub(super) struct Standing<'a> {
    /// How errors name it.
    pub(super) what: &'a str,
    /// Its version; `None` where it is not there.
    pub(super) mark: Option<&'a Mark>,
    /// Whose it is.
    pub(super) owner: Option<&'a Address>,
    /// True where it already is as declared, and in force.
    pub(super) equal: bool,
}

/// What to do after looking.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Write.
    Go,
    /// It has already happened, by a run that was killed before it could tell.
    Done,
}

/// Judges a step against what is live.
///
/// # Errors
/// It moved since it was planned, or is not ours to change.
pub(super) fn judge(step: &Step, live: &Standing<'_>) -> Result<Verdict, ProviderError> {
    let moved = || ProviderError::Moved {
        what: live.what.to_owned(),
    };
    let ours = live.owner == Some(&step.address);
    let still = live.mark == step.mark.as_ref();
    match (step.action, live.mark) {
        (Action::Wait | Action::None, _) | (Action::Delete, None) => Ok(Verdict::Done),
        (Action::Create, None) => Ok(Verdict::Go),
        (Action::Update | Action::Replace | Action::Adopt, None) => Err(moved()),
        (Action::Create, Some(_)) if ours && live.equal => Ok(Verdict::Done),
        (Action::Create, Some(_)) => Err(moved()),
        (Action::Update | Action::Replace | Action::Delete, Some(_)) if !ours => {
            Err(not_ours(live))
        }
        (Action::Update | Action::Replace | Action::Adopt, Some(_)) if ours && live.equal => {
            Ok(Verdict::Done)
        }
        (_, Some(_)) if still => Ok(Verdict::Go),
        (_, Some(_)) => Err(moved()),
    }
}

fn not_ours(live: &Standing<'_>) -> ProviderError {
    let reason = match live.owner {
        Some(owner) => format!("it belongs to {owner}"),
        None => "it carries no mark of ours".to_owned(),
    };
    ProviderError::Refused {
        what: live.what.to_owned(),
        reason,
        code: "not-ours",
        hint: Some(
            "Declare it in one environment only, or plan again to see whether it can be adopted."
                .to_owned(),
        ),
    }
}
