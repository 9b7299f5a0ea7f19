//! What is being deleted already, by us or by somebody else: it is followed until it is gone, and not told to go
//! a second time.

use crate::model::{Health, Live, Step};
use jiff::{SignedDuration, Timestamp};

/// What to do about what does not go.
const NEXT: &str =
    "Find out why what it waits for does not come about; what hangs on it stays until it is gone.";

/// Has a step that would delete follow what is going already. Returns how that stands; `None` where it is not going.
///
/// Its time counts from when its deletion began, so that no restart gives it more; when that is over, it counts as
/// failing.
pub(super) fn follow(step: &mut Step, live: &Live, now: Timestamp) -> Option<String> {
    let since = live.going_since?;
    let within = SignedDuration::try_from(step.deadline).unwrap_or(SignedDuration::MAX);
    let by = since.checked_add(within).unwrap_or(Timestamp::MAX);
    let stands = live.health.why().unwrap_or("it is being deleted");
    step.gone_by = Some(by);
    if now < by {
        return Some(stands.to_owned());
    }
    let seconds = step.deadline.as_secs();
    let overdue = format!("it is not gone after {seconds}s: {stands}\n{NEXT}");
    step.unready = Some(Health::Failing(overdue.clone()));
    Some(overdue)
}
